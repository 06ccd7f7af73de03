package deploy

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// Drift is how a stack's resources differ from what its template says, because somebody has changed or
// deleted them past CloudFormation. Only properties that the template names are compared, of types that
// CloudFormation can compare.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
type Drift struct {
	// Status is IN_SYNC, DRIFTED, UNKNOWN or NOT_CHECKED.
	Status string `json:"status"`
	// Reason says why not all was compared, if so.
	Reason    string            `json:"reason,omitempty"`
	Resources []DriftedResource `json:"resources,omitempty"`
}

// DriftedResource is a resource that is not as the template says, or could not be compared.
type DriftedResource struct {
	LogicalID string `json:"logicalId"`
	Type      string `json:"type"`
	ID        string `json:"id"`
	// Status is MODIFIED, DELETED or UNKNOWN.
	Status      string       `json:"status"`
	Reason      string       `json:"reason,omitempty"`
	Differences []Difference `json:"differences,omitempty"`
}

// Difference is a property that is not as the template says.
type Difference struct {
	Path     string `json:"path"` // such as /Environment/Variables/LEVEL
	Kind     string `json:"kind"` // ADD, REMOVE or NOT_EQUAL
	Expected string `json:"expected"`
	Actual   string `json:"actual"`
}

// Drift has CloudFormation compare a stack with its template, which takes up to some minutes, and returns
// what it found. A stack in a state that cannot be compared is one with the status NOT_CHECKED.
func (d *Deployer) Drift(ctx context.Context, stack string) (*Drift, error) {
	begun, err := d.cloudformation.DetectStackDrift(ctx, &cloudformation.DetectStackDriftInput{StackName: &stack})
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "ValidationError" { // which says why
		return &Drift{Status: string(types.StackDriftStatusNotChecked), Reason: api.ErrorMessage()}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("comparing stack %s with its template: %w", stack, err)
	}
	var is *cloudformation.DescribeStackDriftDetectionStatusOutput
	err = wait(ctx, func() (done, news bool, err error) {
		is, err = d.cloudformation.DescribeStackDriftDetectionStatus(ctx, &cloudformation.DescribeStackDriftDetectionStatusInput{StackDriftDetectionId: begun.StackDriftDetectionId})
		return err == nil && is.DetectionStatus != types.StackDriftDetectionStatusDetectionInProgress, false, err
	})
	if err != nil {
		return nil, fmt.Errorf("comparing stack %s with its template: %w", stack, err)
	}
	drift := &Drift{Status: string(is.StackDriftStatus), Reason: aws.ToString(is.DetectionStatusReason)}
	drift.Resources, err = d.drifted(ctx, stack)
	return drift, err
}

// drifted are the resources that the last comparison found to differ.
func (d *Deployer) drifted(ctx context.Context, stack string) ([]DriftedResource, error) {
	var all []DriftedResource
	pages := cloudformation.NewDescribeStackResourceDriftsPaginator(d.cloudformation, &cloudformation.DescribeStackResourceDriftsInput{StackName: &stack,
		StackResourceDriftStatusFilters: []types.StackResourceDriftStatus{
			types.StackResourceDriftStatusModified, types.StackResourceDriftStatusDeleted, types.StackResourceDriftStatusUnknown}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading how stack %s differs from its template: %w", stack, err)
		}
		for _, r := range page.StackResourceDrifts {
			drifted := DriftedResource{LogicalID: aws.ToString(r.LogicalResourceId), Type: aws.ToString(r.ResourceType),
				ID: aws.ToString(r.PhysicalResourceId), Status: string(r.StackResourceDriftStatus), Reason: aws.ToString(r.DriftStatusReason)}
			for _, p := range r.PropertyDifferences {
				drifted.Differences = append(drifted.Differences, Difference{Path: aws.ToString(p.PropertyPath), Kind: string(p.DifferenceType),
					Expected: aws.ToString(p.ExpectedValue), Actual: aws.ToString(p.ActualValue)})
			}
			all = append(all, drifted)
		}
	}
	return all, nil
}
