package deploy_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/gotool"
)

// life is the whole life of an application's stacks at one place: one suite for the laptop, moto and AWS.
type life struct {
	config aws.Config
	goarch string
	goos   string
	// cannot is what the place does otherwise than AWS, by the ability; docs/deploying.md tells the same.
	cannot map[ability]string

	deployer *deploy.Deployer
	events   []deploy.Event
	output   string
}

// ability is something that not every stand-in for AWS has.
type ability string

const (
	invokes       ability = "invoke functions"
	tellsOutputs  ability = "tell the outputs of a stack made by a change set"
	imports       ability = "import what a stack made by a change set exports"
	failsCreation ability = "fail and roll back a creation"
	failsUpdate   ability = "roll back an update"
	refusesDelete ability = "keep a stack whose exports are imported"
	seesNoChange  ability = "say that a change set changes nothing"
	ownBuses      ability = "keep a rule on a bus of the same stack"
	tellsProperty ability = "name the properties that a change set changes"
)

func (l *life) can(t *testing.T, a ability) bool {
	t.Helper()
	if why, cannot := l.cannot[a]; cannot {
		t.Logf("left out: it does not %s: %s", a, why)
		return false
	}
	return true
}

const (
	lifeApp   = "EphorLife"
	lifeLower = "EphorLife-Lower"
	lifeJob   = "EphorLife-Job"
)

// app has a bucket in a stack below it, whose name its function finds in its environment.
func (l *life) workflow(version string, memory int, change func(*cfn.Template)) *deploy.Workflow {
	app := ephor.New(lifeApp)
	app.Function("Job", func() error { return nil }).Memory = memory
	hooks := ephor.Hooks{
		Stacks: func(context.Context, *ephor.Deployment) ([]ephor.Stack, error) {
			return []ephor.Stack{{Name: lifeLower, Template: cfn.Template{
				Resources: map[string]cfn.Resource{"Bucket": {Type: "AWS::S3::Bucket"}},
				Outputs:   map[string]cfn.Output{"Bucket": {Value: cfn.Ref("Bucket"), Export: &cfn.Export{Name: cfn.Sub("${AWS::StackName}-Bucket")}}},
			}}}, nil
		},
		Function: func(_ context.Context, _ *ephor.Deployment, f ephor.FunctionTemplate) error {
			if _, cannot := l.cannot[imports]; cannot {
				f.Setenv("BUCKET", "none")
				return nil
			}
			f.Setenv("BUCKET", cfn.ImportValue(lifeLower+"-Bucket"))
			return nil
		},
		Service: func(_ context.Context, _ *ephor.Deployment, t *cfn.Template) error {
			t.Outputs["Job"] = cfn.Output{Value: cfn.GetAtt("JobFunction", "Arn")}
			if change != nil {
				change(t)
			}
			return nil
		},
	}
	return deploy.NewWorkflow(deploy.WorkflowConfig{
		App: app, Hooks: []ephor.Hooks{hooks}, Deployer: l.deployer,
		Build: l.build("./testdata/life", "-X main.version="+version),
	})
}

// build compiles a package's functions for where they are going to run, with further linker flags.
func (l *life) build(pkg, ldflags string) gotool.Config {
	return gotool.Config{
		Package: pkg, Output: l.output, Tags: []string{"ephor_lambda", "lambda.norpc"}, Trimpath: true,
		LDFlags: strings.TrimSpace("-s -w " + ldflags), GOOS: l.goos, GOARCH: l.goarch,
	}
}

// broken adds a resource that cannot be made, after all others.
func broken(t *cfn.Template) {
	t.Resources["Broken"] = cfn.Resource{Type: "AWS::Lambda::Permission", DependsOn: []string{"JobFunction"}, Properties: map[string]any{
		"FunctionName": "EphorLife-NoSuchFunction", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com",
	}}
}

// begin makes ready to deploy an application, whose stacks, all named after it, must not be there yet, and deletes
// them when the test ends. fills is told of a bucket that will have objects: a stack can delete an empty one only.
func (l *life) begin(t *testing.T, app string, lower ...string) (fills func(bucket string)) {
	t.Helper()
	l.output = filepath.Join(t.TempDir(), "bootstrap")
	l.deployer = deploy.New(deploy.Config{App: app, AWS: l.config, Events: func(e deploy.Event) { l.events = append(l.events, e) }})
	if there := l.stacks(t, app); len(there) > 0 {
		t.Fatalf("%q are there already, and would be deleted", there)
	}
	var filled []string
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, bucket := range filled {
			if err := l.empty(ctx, bucket); err != nil {
				t.Errorf("cleaning up: %v", err)
			}
		}
		if err := l.deployer.Delete(ctx, append([]string{app}, lower...)...); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
		if got := l.stacks(t, app); len(got) > 0 {
			t.Errorf("left: %q", got)
		}
	})
	return func(bucket string) { filled = append(filled, bucket) }
}

// run is the life from the first dry run to the last deletion.
func (l *life) run(t *testing.T) {
	l.begin(t, lifeApp, lifeLower)
	ok := true
	for _, step := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"dry run of a creation", l.dryCreate}, {"failed creation", l.failedCreate}, {"creation", l.create}, {"no change", l.noChange},
		{"dry run of an update", l.dryUpdate}, {"update", l.update}, {"code alone", l.fast}, {"failed update", l.failedUpdate},
		{"refused deletion", l.refusedDelete}, {"deletion", l.delete},
	} {
		if ok {
			ok = t.Run(strings.ReplaceAll(step.name, " ", "-"), step.run) // what follows rests on it
		}
	}
}

// stacks are those whose names begin with a prefix, and their states.
func (l *life) stacks(t *testing.T, prefix string) []string {
	t.Helper()
	var names []string
	pages := cloudformation.NewDescribeStacksPaginator(cloudformation.NewFromConfig(l.config), &cloudformation.DescribeStacksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.WithoutCancel(t.Context())) // cleaning up asks, too
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Stacks {
			if name := aws.ToString(s.StackName); strings.HasPrefix(name, prefix) {
				names = append(names, name+" "+string(s.StackStatus))
			}
		}
	}
	slices.Sort(names)
	return names
}

func (l *life) function(t *testing.T) *lambda.GetFunctionConfigurationOutput {
	t.Helper()
	out, err := lambda.NewFromConfig(l.config).GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(lifeJob)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// answers asks the function for its version.
func (l *life) answers(t *testing.T, version string) {
	t.Helper()
	if !l.can(t, invokes) {
		return
	}
	out, err := lambda.NewFromConfig(l.config).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(lifeJob)})
	if err != nil || string(out.Payload) != `"`+version+`"` {
		t.Errorf("the function answers %v, %v; want version %s", out, err, version)
	}
}

func (l *life) dryCreate(t *testing.T) {
	plans, err := l.workflow("1", 128, nil).DryRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(plans) != 2 || plans[0].Stack != lifeLower || plans[0].Action != "create" || plans[1].Action != "create" || (plans[1].Note == "" && l.can(t, imports)) {
		t.Errorf("the plans: %+v %+v", plans[0], plans[1])
	}
	if got := l.stacks(t, lifeApp); len(got) > 0 {
		t.Errorf("the dry run left %q", got)
	}
	if i := slices.IndexFunc(l.events, func(e deploy.Event) bool { _, made := e.(deploy.BucketMade); return made }); i >= 0 {
		t.Errorf("the dry run made %+v", l.events[i])
	}
}

func (l *life) failedCreate(t *testing.T) {
	if !l.can(t, failsCreation) {
		return
	}
	_, err := l.workflow("1", 128, broken).Run(t.Context())
	var failed *deploy.StackError
	if !errors.As(err, &failed) || failed.Resource != "Broken" || failed.Status != "ROLLBACK_COMPLETE" || failed.Reason == "" {
		t.Fatalf("%v (%+v)", err, failed)
	}
	plans, err := l.workflow("1", 128, nil).DryRun(t.Context())
	if err != nil || !strings.Contains(plans[1].Note, "ROLLBACK_COMPLETE") {
		t.Errorf("a dry run then: %+v, %v", plans, err)
	}
}

func (l *life) create(t *testing.T) {
	result, err := l.workflow("1", 128, nil).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if result.Unchanged || l.can(t, tellsOutputs) && !strings.HasSuffix(result.Outputs["Job"], ":function:"+lifeJob) {
		t.Errorf("%+v", result)
	}
	f := l.function(t)
	if f.Environment == nil || f.Environment.Variables["BUCKET"] == "" {
		t.Errorf("it did not get the bucket's name: %+v", f.Environment)
	}
	l.answers(t, "1")
}

func (l *life) noChange(t *testing.T) {
	if !l.can(t, seesNoChange) {
		return
	}
	result, err := l.workflow("1", 128, nil).Run(t.Context())
	if err != nil || !result.Unchanged {
		t.Errorf("%+v, %v", result, err)
	}
	plans, err := l.workflow("1", 128, nil).DryRun(t.Context())
	if err != nil || plans[0].Action != "none" || plans[1].Action != "none" {
		t.Errorf("a dry run: %v", err)
	}
}

func (l *life) dryUpdate(t *testing.T) {
	plans, err := l.workflow("1", 256, nil).DryRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []deploy.Change{{Action: "Modify", LogicalID: "JobFunction", Type: "AWS::Lambda::Function", Replacement: "False", Properties: []string{"MemorySize"}}}
	got := plans[1].Changes
	if !l.can(t, tellsProperty) {
		for i := range got {
			got[i].Properties, got[i].Replacement = want[0].Properties, "False"
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if f := l.function(t); aws.ToInt32(f.MemorySize) != 128 {
		t.Errorf("the dry run has changed the memory to %d", aws.ToInt32(f.MemorySize))
	}
	if l.can(t, tellsProperty) {
		plans, err = l.workflow("1", 128, func(t *cfn.Template) { t.Resources["JobFunction"].Properties["FunctionName"] = "EphorLife-Other" }).DryRun(t.Context())
		if err != nil || len(plans[1].Changes) != 1 || plans[1].Changes[0].Replacement != "True" {
			t.Errorf("another name: %+v, %v", plans[1], err)
		}
	}
}

func (l *life) update(t *testing.T) {
	result, err := l.workflow("1", 256, nil).Run(t.Context())
	if err != nil || result.Unchanged {
		t.Fatalf("%+v, %v", result, err)
	}
	if f := l.function(t); aws.ToInt32(f.MemorySize) != 256 {
		t.Errorf("memory %d", aws.ToInt32(f.MemorySize))
	}
	l.answers(t, "1")
}

func (l *life) fast(t *testing.T) {
	before := aws.ToString(l.function(t).CodeSha256)
	if err := l.workflow("2", 256, nil).Fast(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := aws.ToString(l.function(t).CodeSha256); after == before {
		t.Error("the code is the same")
	}
	l.answers(t, "2")
	err := l.workflow("3", 512, nil).Fast(t.Context())
	var more *deploy.MoreThanCodeError
	if !errors.As(err, &more) || !cmp.Equal(more.Parts, []string{"Resources.JobFunction"}) {
		t.Errorf("with another memory size: %v", err)
	}
	l.answers(t, "2")
	if !l.can(t, seesNoChange) {
		return
	}
	// The stack knows nothing of version 2; whoever provisions version 1 gets it all the same.
	if result, err := l.workflow("1", 256, nil).Run(t.Context()); err != nil || !result.Unchanged {
		t.Errorf("%+v, %v", result, err)
	}
	if after := aws.ToString(l.function(t).CodeSha256); after != before {
		t.Error("the code is not the one provisioned")
	}
	l.answers(t, "1")
}

func (l *life) failedUpdate(t *testing.T) {
	if !l.can(t, failsUpdate) {
		return
	}
	_, err := l.workflow("4", 512, broken).Run(t.Context())
	var failed *deploy.StackError
	if !errors.As(err, &failed) || failed.Resource != "Broken" || failed.Status != "UPDATE_ROLLBACK_COMPLETE" {
		t.Fatalf("%v (%+v)", err, failed)
	}
	if f := l.function(t); aws.ToInt32(f.MemorySize) != 256 {
		t.Errorf("memory %d after the rollback", aws.ToInt32(f.MemorySize))
	}
	l.answers(t, "1")
	if _, err := l.workflow("5", 512, nil).Run(t.Context()); err != nil {
		t.Fatalf("after the rollback: %v", err)
	}
	l.answers(t, "5")
}

func (l *life) refusedDelete(t *testing.T) {
	if !l.can(t, refusesDelete) {
		return
	}
	err := l.deployer.Delete(t.Context(), lifeLower)
	var used *deploy.InUseError
	if !errors.As(err, &used) || !cmp.Equal(used.Stacks(), []string{lifeApp}) {
		t.Errorf("%v", err)
	}
}

func (l *life) delete(t *testing.T) {
	if err := l.deployer.Delete(t.Context(), lifeApp, lifeLower); err != nil {
		t.Fatal(err)
	}
	if got := l.stacks(t, lifeApp); len(got) > 0 {
		t.Errorf("left: %q", got)
	}
}
