package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/deploy"
)

// pending gives a stack a change set that nobody executes, as somebody else would.
func pending(t *testing.T, config aws.Config, stack, set string) {
	t.Helper()
	client := cloudformation.NewFromConfig(config)
	_, err := client.CreateChangeSet(t.Context(), &cloudformation.CreateChangeSetInput{StackName: &stack, ChangeSetName: &set, ChangeSetType: types.ChangeSetTypeCreate,
		TemplateBody: aws.String(`{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	err = cloudformation.NewChangeSetCreateCompleteWaiter(client).Wait(t.Context(), &cloudformation.DescribeChangeSetInput{StackName: &stack, ChangeSetName: &set}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
}

// A stack that is there for somebody's change set alone holds nothing and can be deleted.
func TestDeleteOfAStackInReview(t *testing.T) {
	t.Parallel()
	d, config, _ := deployer(t)
	pending(t, config, "Review", "mine")
	if all, err := d.Holdings(t.Context(), "Review"); err != nil || len(all) > 0 {
		t.Errorf("%+v, %v", all, err)
	}
	if err := d.Delete(t.Context(), "Review"); err != nil {
		t.Fatal(err)
	}
	if s, err := d.State(t.Context(), "Review"); err != nil || s.Status != "" {
		t.Errorf("%+v, %v", s, err)
	}
}

// on calls do with the events that it is interested in.
func on[E deploy.Event](do func(E)) func(deploy.Event) {
	return func(e deploy.Event) {
		if e, ok := e.(E); ok {
			do(e)
		}
	}
}

// goesOn is that err says what goes on in stack Slow.
func goesOn(t *testing.T, err error, action string) {
	t.Helper()
	var gone *deploy.InterruptedError
	if !errors.As(err, &gone) || gone.Stack != "Slow" || gone.Action != action || gone.Unsure || !errors.Is(err, context.Canceled) {
		t.Errorf("%v (%+v), want that it goes on to %s", err, gone, action)
	}
}

// Whoever waits for what was begun before, and stops, is told of that as well.
func TestInterruptedAgain(t *testing.T) {
	t.Parallel()
	_, config, _ := deployer(t)
	try := func(s ephor.Stack, at func(cancel func()) func(deploy.Event), do func(context.Context, *deploy.Deployer) error) error {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		d := deploy.New(deploy.Config{AWS: config, Events: at(cancel)})
		if do == nil {
			_, err := d.Converge(ctx, s)
			return err
		}
		return do(ctx, d)
	}
	begun := func(cancel func()) func(deploy.Event) {
		return on(func(e deploy.ResourceChanged) {
			if e.LogicalID == "Wait" {
				cancel()
			}
		})
	}
	waits := func(cancel func()) func(deploy.Event) { return on(func(deploy.Waiting) { cancel() }) }

	s := waiting("600")
	delete(s.Template.Resources, "Wait")
	if err := try(s, waits, nil); err != nil {
		t.Fatal(err)
	}
	goesOn(t, try(waiting("600"), begun, nil), "update")
	goesOn(t, try(waiting("600"), waits, nil), "update")
	goesOn(t, try(s, waits, func(ctx context.Context, d *deploy.Deployer) error { return d.Delete(ctx, "Slow") }), "update")
}

// told is an HTTP client that is told the form of each call before it is made. Like any it gives up with the call's context.
type told func(url.Values)

func (tell told) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	if form, err := url.ParseQuery(string(body)); err == nil {
		tell(form)
	}
	return http.DefaultClient.Do(r)
}

// before calls first when an action of CloudFormation is asked for, and then asks for it.
func before(action string, first func()) told {
	return func(form url.Values) {
		if form.Get("Action") == action {
			first()
		}
	}
}

// A call that begins something is not broken off: it is told what has come of it.
func TestInterruptedCall(t *testing.T) {
	t.Parallel()
	_, config, _ := deployer(t)
	for _, f := range []struct {
		call, action string
		do           func(context.Context, *deploy.Deployer) error
	}{
		{"ExecuteChangeSet", "create", func(ctx context.Context, d *deploy.Deployer) error {
			_, err := d.Converge(ctx, waiting("600"))
			return err
		}},
		{"DeleteStack", "delete", func(ctx context.Context, d *deploy.Deployer) error { return d.Delete(ctx, "Slow") }},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		c := config.Copy()
		c.HTTPClient = before(f.call, cancel)
		goesOn(t, f.do(ctx, deploy.New(deploy.Config{AWS: c})), f.action)
	}
}

// A call that is not answered any more is waited for no longer than some seconds, and then it is said that nobody knows.
func TestInterruptedCallWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := service(func(r *http.Request) (int, string, error) {
			body, err := io.ReadAll(r.Body)
			switch {
			case err != nil:
				return 0, "", err
			case strings.Contains(string(body), "Action=DeleteStack"):
				cancel()
				<-r.Context().Done()
				return 0, "", r.Context().Err()
			case strings.Contains(string(body), "Action=DescribeStacks"):
				return 200, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>Slow</StackName><StackId>arn:slow</StackId><CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, nil
			case strings.Contains(string(body), "Action=ListExports"):
				return 200, `<ListExportsResponse><ListExportsResult><Exports/></ListExportsResult></ListExportsResponse>`, nil
			case strings.Contains(string(body), "Action=DescribeStackEvents"):
				return 200, `<DescribeStackEventsResponse><DescribeStackEventsResult><StackEvents/></DescribeStackEventsResult></DescribeStackEventsResponse>`, nil
			}
			return 500, "", fmt.Errorf("unexpected %s", body)
		})
		err := deploy.New(deploy.Config{AWS: s.config()}).Delete(ctx, "Slow")
		var gone *deploy.InterruptedError
		if !errors.As(err, &gone) || !gone.Unsure || !strings.Contains(err.Error(), "was asked to delete stack Slow and has not answered") {
			t.Errorf("%v", err)
		}
	})
}

// Where one of the stacks is being updated, that is waited for, and said, before any other is deleted.
func TestDeleteWaitsForAnUpdate(t *testing.T) {
	t.Parallel()
	_, config, _ := deployer(t)
	var said []string
	ctx, cancel := context.WithCancel(t.Context())
	d := deploy.New(deploy.Config{AWS: config, Events: func(e deploy.Event) {
		switch e := e.(type) {
		case deploy.ResourceChanged:
			if e.LogicalID == "Wait" {
				cancel()
			}
		case deploy.Waiting:
			said = append(said, "waiting for "+e.Stack+" "+e.Status)
		case deploy.StackStarted:
			said = append(said, e.Action+" "+e.Stack)
		}
	}})
	s := waiting("3")
	delete(s.Template.Resources, "Wait")
	for _, s := range []ephor.Stack{s, {Name: "Upper", Template: cfn.Template{Resources: map[string]cfn.Resource{"Queue": {Type: "AWS::SQS::Queue"}}}}} {
		if _, err := d.Converge(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Converge(ctx, waiting("3")); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	said = nil
	if err := d.Delete(t.Context(), "Upper", "Slow"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"waiting for Slow UPDATE_IN_PROGRESS", "delete Upper", "delete Slow"}, said); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A dry run takes back what it has made and nothing else: a stack with somebody's pending change set stays as it was.
func TestDryRunLeavesTheChangeSetsOfOthers(t *testing.T) {
	t.Parallel()
	d, config, _ := deployer(t)
	sets := func(stack string) (names []string) {
		t.Helper()
		out, err := cloudformation.NewFromConfig(config).ListChangeSets(t.Context(), &cloudformation.ListChangeSetsInput{StackName: &stack})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range out.Summaries {
			names = append(names, aws.ToString(s.ChangeSetName))
		}
		return names
	}
	pending(t, config, "Review", "mine")
	if p, err := d.DryRun(t.Context(), queueStack("Review", "A"), nil); err != nil || p.Action != "create" || len(p.Changes) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	if diff := cmp.Diff([]string{"mine"}, sets("Review")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	// Not even an empty one that was there before goes.
	if _, err := cloudformation.NewFromConfig(config).DeleteChangeSet(t.Context(), &cloudformation.DeleteChangeSetInput{StackName: aws.String("Review"), ChangeSetName: aws.String("mine")}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.DryRun(t.Context(), queueStack("Review", "A"), nil); err != nil {
		t.Fatal(err)
	}
	if s, err := d.State(t.Context(), "Review"); err != nil || s.Status != "REVIEW_IN_PROGRESS" {
		t.Errorf("%+v, %v", s, err)
	}

	// Nor does a dry run that has made the stack take away what came into it meanwhile.
	busy := config.Copy()
	busy.HTTPClient = before("DescribeChangeSet", sync.OnceFunc(func() { pending(t, config, "Other", "theirs") }))
	if _, err := deploy.New(deploy.Config{AWS: busy}).DryRun(t.Context(), queueStack("Other", "B"), nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"theirs"}, sets("Other")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
