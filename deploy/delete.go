package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// InUseError is a stack that cannot be deleted because others import what it exports.
type InUseError struct {
	Stack   string
	Exports []ExportState
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("stack %s is in use: %s imports from it", e.Stack, strings.Join(e.Stacks(), ", "))
}

// Stacks are the names of all importers, sorted.
func (e *InUseError) Stacks() []string {
	var names []string
	for _, e := range e.Exports {
		names = append(names, e.Importers...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ProtectedError is a stack that somebody has protected from being deleted.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html
type ProtectedError struct{ Stack string }

func (e *ProtectedError) Error() string {
	return fmt.Sprintf("stack %s has termination protection: it cannot be deleted", e.Stack)
}

// Delete deletes stacks, importers before what they import from, and returns when all are gone; one that
// is not there is gone already. If a stack that is not among them imports from one of them, nothing is
// deleted and the error is an *InUseError: CloudFormation itself would take the call and then leave the
// stack as it is, with a reason that only its description tells, and whoever waits for the deletion waits
// forever. Nothing is deleted either if one of them has termination protection, which is a *ProtectedError.
// What is under way in one of them is waited for before the first is deleted, but for a creation, which
// the deletion ends.
func (d *Deployer) Delete(ctx context.Context, names ...string) error {
	for _, name := range names {
		if _, err := d.atRest(ctx, name, hindersDeletion); err != nil {
			return err
		}
	}
	if err := d.Deletable(ctx, names...); err != nil {
		return err
	}
	for _, name := range names {
		if err := d.deleteOne(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// hindersDeletion: CloudFormation refuses to delete a stack that is being updated, and takes the call for one that is being
// deleted without doing anything more.
func hindersDeletion(s types.StackStatus) bool {
	return underWay(s) && s != types.StackStatusCreateInProgress
}

// Deletable looks whether Delete would refuse these stacks, with that error.
func (d *Deployer) Deletable(ctx context.Context, names ...string) error {
	for _, name := range names {
		if _, err := d.deletable(ctx, name, names); err != nil {
			return err
		}
	}
	return nil
}

func (d *Deployer) deleteOne(ctx context.Context, name string) error {
	start := time.Now()
	id, err := d.deletable(ctx, name, nil) // somebody may have begun to import since
	if err != nil || id == "" {
		return err
	}
	t, err := d.tail(ctx, name, id)
	if err != nil {
		return err
	}
	d.events(StackStarted{Stack: name, Action: ActionDelete})
	err = begin(ctx, name, ActionDelete, func(ctx context.Context) error {
		_, err := d.cloudformation.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &name})
		return err
	})
	if err != nil {
		return fmt.Errorf("deleting stack %s: %w", name, err)
	}
	if err := d.settle(ctx, t); err != nil {
		return interrupted(ctx, err, name, ActionDelete)
	}
	d.events(StackDone{Stack: name, Took: time.Since(start)})
	return nil
}

// deletable is the ID of a stack, empty if it is not there. That others than except import from it is
// an *InUseError, termination protection a *ProtectedError.
func (d *Deployer) deletable(ctx context.Context, name string, except []string) (id string, err error) {
	stack, err := d.describe(ctx, name)
	if err != nil || stack == nil {
		return "", err
	}
	if aws.ToBool(stack.EnableTerminationProtection) {
		return "", &ProtectedError{Stack: name}
	}
	exports, err := d.exportsOf(ctx, aws.ToString(stack.StackId))
	if err != nil {
		return "", err
	}
	inUse := false
	for i, e := range exports {
		exports[i].Importers = slices.DeleteFunc(e.Importers, func(name string) bool { return slices.Contains(except, name) })
		inUse = inUse || len(exports[i].Importers) > 0
	}
	if inUse {
		return "", &InUseError{Stack: name, Exports: exports}
	}
	return aws.ToString(stack.StackId), nil
}

// exportsOf are the exports of the stack with this ID and who imports them.
func (d *Deployer) exportsOf(ctx context.Context, stackID string) ([]ExportState, error) {
	all, err := d.exports(ctx)
	if err != nil {
		return nil, err
	}
	var exports []ExportState
	for _, e := range all {
		if aws.ToString(e.ExportingStackId) != stackID {
			continue
		}
		importers, err := d.importers(ctx, aws.ToString(e.Name))
		if err != nil {
			return nil, err
		}
		exports = append(exports, ExportState{Name: aws.ToString(e.Name), Value: aws.ToString(e.Value), Importers: importers})
	}
	return exports, nil
}

// exports are all of the account's in the region.
func (d *Deployer) exports(ctx context.Context) ([]types.Export, error) {
	var all []types.Export
	pages := cloudformation.NewListExportsPaginator(d.cloudformation, &cloudformation.ListExportsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing exports: %w", err)
		}
		all = append(all, page.Exports...)
	}
	return all, nil
}

// importers are the names of the stacks that import an export.
func (d *Deployer) importers(ctx context.Context, export string) ([]string, error) {
	var stacks []string
	pages := cloudformation.NewListImportsPaginator(d.cloudformation, &cloudformation.ListImportsInput{ExportName: &export})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if notImported(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("asking who imports %s: %w", export, err)
		}
		stacks = append(stacks, page.Imports...)
	}
	return stacks, nil
}

// notImported: CloudFormation answers a ValidationError where the list would be empty.
func notImported(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationError" && strings.Contains(api.ErrorMessage(), "is not imported by any stack")
}
