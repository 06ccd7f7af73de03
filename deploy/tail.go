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
)

// tail follows the events of one stack, from the moment it is made.
type tail struct {
	d     *Deployer
	name  string
	stack string // the name or, once it is being deleted, the ID: a name no longer finds it then
	last  string // the ID of the newest event that was read
	began map[string]time.Time
	// failed is the first resource that failed of itself; what fails after it is the cascade.
	failed *types.StackEvent
	seen   []physical // what the events were about, each once
	status types.StackStatus
	// reason is why the stack itself failed or was rolled back: the first that was told, as its last
	// event has none.
	reason string
}

// tail passes over all that has happened so far. stack is the name or the ID.
func (d *Deployer) tail(ctx context.Context, name, stack string) (*tail, error) {
	t := &tail{d: d, name: name, stack: stack, began: map[string]time.Time{}}
	page, err := d.cloudformation.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &stack})
	if err != nil {
		return nil, fmt.Errorf("reading the events of stack %s: %w", stack, err)
	}
	if len(page.StackEvents) > 0 {
		t.last = aws.ToString(page.StackEvents[0].EventId)
	}
	return t, nil
}

// fetch returns the events not read before, oldest first.
func (t *tail) fetch(ctx context.Context) ([]types.StackEvent, error) {
	var fresh []types.StackEvent
	pages := cloudformation.NewDescribeStackEventsPaginator(t.d.cloudformation, &cloudformation.DescribeStackEventsInput{StackName: &t.stack})
	for known := false; !known && pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the events of stack %s: %w", t.stack, err)
		}
		for _, e := range page.StackEvents { // newest first
			if known = aws.ToString(e.EventId) == t.last; known {
				break
			}
			fresh = append(fresh, e)
		}
	}
	if len(fresh) > 0 {
		t.last = aws.ToString(fresh[0].EventId)
	}
	slices.Reverse(fresh)
	return fresh, nil
}

// read reports the new events and whether there were any.
func (t *tail) read(ctx context.Context) (news bool, err error) {
	events, err := t.fetch(ctx)
	for _, e := range events {
		t.report(e)
	}
	return len(events) > 0, err
}

func (t *tail) report(e types.StackEvent) {
	status, id := string(e.ResourceStatus), aws.ToString(e.LogicalResourceId)
	if aws.ToString(e.PhysicalResourceId) == aws.ToString(e.StackId) {
		t.status = types.StackStatus(status)
		if t.reason == "" && (strings.HasSuffix(status, "_FAILED") || strings.Contains(status, "ROLLBACK")) {
			t.reason = aws.ToString(e.ResourceStatusReason)
		}
		return
	}
	if r := (physical{id, aws.ToString(e.ResourceType), aws.ToString(e.PhysicalResourceId)}); r.id != "" && !slices.Contains(t.seen, r) {
		t.seen = append(t.seen, r)
	}
	var took time.Duration
	at := aws.ToTime(e.Timestamp)
	if strings.HasSuffix(status, "_IN_PROGRESS") {
		// A second event of the kind says that the resource was begun; the first counts.
		if _, ok := t.began[id]; !ok {
			t.began[id] = at
		}
	} else {
		if began, ok := t.began[id]; ok {
			took = at.Sub(began)
		}
		delete(t.began, id)
	}
	if t.failed == nil && strings.HasSuffix(status, "_FAILED") && !strings.Contains(aws.ToString(e.ResourceStatusReason), "cancelled") {
		t.failed = &e
	}
	t.d.events(ResourceChanged{Stack: aws.ToString(e.StackName), LogicalID: id, Type: aws.ToString(e.ResourceType),
		Status: status, Reason: aws.ToString(e.ResourceStatusReason), Took: took})
}

// settle waits until the stack has come to rest and reports its events on the way.
func (d *Deployer) settle(ctx context.Context, t *tail) error {
	err := wait(ctx, func() (done, news bool, err error) {
		news, err = t.read(ctx)
		return t.status != "" && !inProgress(t.status) || t.status == types.StackStatusUpdateCompleteCleanupInProgress, news, err
	})
	if err != nil {
		return err
	}
	switch t.status {
	case types.StackStatusCreateComplete, types.StackStatusUpdateComplete,
		types.StackStatusUpdateCompleteCleanupInProgress, types.StackStatusDeleteComplete:
		return nil
	}
	e := &StackError{Stack: t.name, Status: string(t.status), Reason: t.reason}
	if t.failed != nil {
		e.Resource, e.Type = aws.ToString(t.failed.LogicalResourceId), aws.ToString(t.failed.ResourceType)
		e.Reason = aws.ToString(t.failed.ResourceStatusReason)
	}
	ctx, cancel := ending(ctx)
	defer cancel()
	if err := d.lookInto(ctx, t, e); err != nil {
		return errors.Join(e, err)
	}
	return e
}

// atRest is the stack, nil if there is none, when nothing of what hinders says is under way in it any more: begun
// by an earlier run that was interrupted or by somebody else.
func (d *Deployer) atRest(ctx context.Context, name string, hinders func(types.StackStatus) bool) (*types.Stack, error) {
	stack, err := d.describe(ctx, name)
	if err != nil || stack == nil || !hinders(stack.StackStatus) {
		return stack, err
	}
	d.events(Waiting{Stack: name, Status: string(stack.StackStatus)})
	action := goingOn(stack.StackStatus)
	err = wait(ctx, func() (done, news bool, err error) {
		if stack, err = d.describe(ctx, name); err == nil && stack != nil && hinders(stack.StackStatus) {
			action = goingOn(stack.StackStatus)
			return false, false, nil
		}
		return err == nil, false, err
	})
	if err != nil {
		return nil, interrupted(ctx, err, name, action)
	}
	return stack, nil
}

// StackError is a stack that did not become what it should.
type StackError struct {
	Stack  string
	Status string // of the stack or of the change set; or the error code with which the change set was refused
	// Resource and Type name the resource that failed first; "" if it was none.
	Resource, Type string
	Reason         string // in CloudFormation's words
	// Holder is the resource of the same stack that has, or at the time had, the name that Resource was to have; "" if none is known.
	Holder string
	// Host is the ID of an EC2 instance of the stack, where nobody has signalled a wait condition in time; "" if it has none.
	Host string
}

func (e *StackError) Error() string {
	where := "stack " + e.Stack
	if e.Resource != "" {
		where += ", resource " + e.Resource + " (" + e.Type + ")"
	}
	return fmt.Sprintf("%s: %s (%s)", where, e.Reason, e.Status)
}
