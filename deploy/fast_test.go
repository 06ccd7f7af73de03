package deploy_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/deploy"
)

// Past CloudFormation goes code alone. What else differs in a stack of a hook is seen, its tags too, and what cannot
// be seen is told.
func TestFastSeesAllButCode(t *testing.T) {
	t.Parallel()
	d, _, _ := deployer(t)
	build := hostBuild(t)
	workflow := func(revision string, parameters, tags map[string]string) *deploy.Workflow {
		app := ephor.New("EphorLife")
		app.Function("Job", func() error { return nil })
		return deploy.NewWorkflow(deploy.WorkflowConfig{App: app, Build: build, Deployer: d, Tags: map[string]string{"revision": revision}, Hooks: []ephor.Hooks{{
			Stacks: func(context.Context, *ephor.Deployment) ([]ephor.Stack, error) {
				return []ephor.Stack{{Name: "EphorLife-Data", Parameters: parameters, Tags: tags, Template: cfn.Template{
					Parameters: map[string]cfn.Parameter{"Password": {Type: "String", Default: "none", NoEcho: true}, "Size": {Type: "String", Default: "small"}},
					Resources:  map[string]cfn.Resource{"B": {Type: "AWS::S3::Bucket"}},
				}}}, nil
			},
		}}})
	}
	type values = map[string]string
	if _, err := workflow("1", values{"Password": "secret", "Size": "large"}, values{"owner": "me", "stage": "test"}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := func(parameters, tags values, parts, hidden []string) {
		t.Helper()
		err := workflow("2", parameters, tags).Fast(t.Context())
		if parts == nil && hidden == nil {
			if err != nil {
				t.Errorf("%v, %v: %v", parameters, tags, err)
			}
			return
		}
		var more *deploy.MoreThanCodeError
		if !errors.As(err, &more) || more.Stack != "EphorLife-Data" || !cmp.Equal(more.Parts, parts) || !cmp.Equal(more.Hidden, hidden) {
			t.Errorf("%v, %v: %+v, want %q and hidden %q", parameters, tags, err, parts, hidden)
			return
		}
		for _, part := range append(parts, hidden...) {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not name %s: %v", part, err)
			}
		}
	}
	same := values{"owner": "me", "stage": "test"}
	f(nil, nil, nil, nil) // what is not given stays
	f(values{"Size": "large"}, same, nil, nil)
	f(values{"Size": "small"}, same, []string{"Parameters.Size"}, nil)
	f(values{"Password": "secret"}, same, nil, []string{"Parameters.Password"})
	f(values{"Password": "****"}, same, nil, []string{"Parameters.Password"})
	f(nil, values{"owner": "you", "stage": "test"}, []string{"Tags.owner"}, nil)
	f(nil, values{"owner": "me"}, []string{"Tags.stage"}, nil)
	f(nil, values{"owner": "me", "stage": "test", "cost": ""}, []string{"Tags.cost"}, nil)
	f(values{"Password": "other", "Size": "small"}, values{"owner": "you"}, []string{"Parameters.Size", "Tags.owner", "Tags.stage"}, []string{"Parameters.Password"})
}
