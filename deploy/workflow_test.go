package deploy_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/gotool"
)

var color = ephor.Key[string]{Name: "color"}

// recorded are hooks that write down when they are called, under a name.
func recorded(name string, calls *[]string) ephor.Hooks {
	call := func(what string) { *calls = append(*calls, what+" "+name) }
	plain := func(what string) func(context.Context, *ephor.Deployment) error {
		return func(context.Context, *ephor.Deployment) error { call(what); return nil }
	}
	return ephor.Hooks{
		BeforeBuild: plain("BeforeBuild"),
		Stacks: func(context.Context, *ephor.Deployment) ([]ephor.Stack, error) {
			call("Stacks")
			return []ephor.Stack{{Name: "Below-" + name, Template: cfn.Template{Resources: map[string]cfn.Resource{"B": {Type: "AWS::S3::Bucket"}},
				Outputs: map[string]cfn.Output{"B": {Value: cfn.Ref("B")}}}}}, nil
		},
		AfterBuild: func(_ context.Context, d *ephor.Deployment) error {
			call("AfterBuild")
			_, err := os.Stat(d.Binary)
			return err
		},
		Archive: func(_ context.Context, _ *ephor.Deployment, a *ephor.Archive) error {
			call("Archive")
			a.Add(name, []byte(name))
			return nil
		},
		BeforeMarshal: plain("BeforeMarshal"),
		Function: func(_ context.Context, _ *ephor.Deployment, f ephor.FunctionTemplate) error {
			call("Function")
			f.Setenv("BY", name)
			return nil
		},
		Service:        func(context.Context, *ephor.Deployment, *cfn.Template) error { call("Service"); return nil },
		Validate:       func(context.Context, *ephor.Deployment, cfn.Template) error { call("Validate"); return nil },
		AfterMarshal:   func(context.Context, *ephor.Deployment, []byte) error { call("AfterMarshal"); return nil },
		AfterProvision: plain("AfterProvision"),
		Rollback: func(_ context.Context, _ *ephor.Deployment, cause error) error {
			call("Rollback")
			return errors.New("rollback " + name)
		},
	}
}

func TestHooks(t *testing.T) {
	t.Parallel()
	d, config, _ := deployer(t)
	build := hostBuild(t)
	app := ephor.New("EphorLife")
	var calls []string
	app.Function("Job", func() error { return nil }).Decorate(func(_ context.Context, d *ephor.Deployment, f ephor.FunctionTemplate) error {
		calls = append(calls, "Decorate "+f.ID)
		c, ok := color.Get(d)
		if other, found := (ephor.Key[int]{Name: "color"}).Get(d); !ok || found || other != 0 {
			t.Errorf("shared: %q %v, of another type %v", c, ok, found)
		}
		f.Setenv("COLOR", c)
		return nil
	})
	one, two := recorded("1", &calls), recorded("2", &calls)
	mine := ephor.Hooks{
		BeforeBuild: func(ctx context.Context, d *ephor.Deployment) error {
			if found, ok := deploy.AWSConfig(ctx); !ok || *found.BaseEndpoint != *config.BaseEndpoint {
				t.Error("the hook does not get the deployment's configuration")
			}
			color.Put(d, "blue")
			return nil
		},
		AfterMarshal: func(_ context.Context, _ *ephor.Deployment, text []byte) error {
			var made struct {
				Resources map[string]struct {
					Properties struct {
						Environment struct{ Variables map[string]string }
					}
				}
			}
			if err := json.Unmarshal(text, &made); err != nil {
				return err
			}
			if diff := cmp.Diff(map[string]string{"BY": "2", "COLOR": "blue"}, made.Resources["JobFunction"].Properties.Environment.Variables); diff != "" {
				t.Errorf("variables (-want +got):\n%s", diff)
			}
			return nil
		},
		AfterProvision: func(_ context.Context, d *ephor.Deployment) error {
			if len(d.Lower) != 2 || d.Lower["Below-1"]["B"] == "" {
				t.Errorf("the stacks below say %v", d.Lower)
			}
			return nil
		},
	}
	points := []string{"BeforeBuild 1", "BeforeBuild 2", "Stacks 1", "Stacks 2", "AfterBuild 1", "AfterBuild 2", "Archive 1", "Archive 2",
		"BeforeMarshal 1", "BeforeMarshal 2", "Function 1", "Function 2", "Decorate JobFunction", "Service 1", "Service 2", "Validate 1", "Validate 2",
		"AfterMarshal 1", "AfterMarshal 2"}
	run := func(dry bool, hooks ...ephor.Hooks) error {
		calls = nil
		w := deploy.NewWorkflow(deploy.WorkflowConfig{App: app, Hooks: append([]ephor.Hooks{mine}, hooks...), Build: build, Deployer: d, DryRun: dry})
		if dry {
			_, err := w.DryRun(t.Context())
			return err
		}
		_, err := w.Run(t.Context())
		return err
	}
	if err := run(true, one, two); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(points, calls); diff != "" {
		t.Errorf("a dry run (-want +got):\n%s", diff)
	}
	if err := run(false, one, two); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(append(slices.Clone(points), "AfterProvision 1", "AfterProvision 2"), calls); diff != "" {
		t.Errorf("a provision (-want +got):\n%s", diff)
	}

	// A validator's refusal leaves everything as it is, and is rolled back in reverse order.
	two.Validate = func(_ context.Context, _ *ephor.Deployment, made cfn.Template) error {
		made.Resources["JobFunction"].Properties["MemorySize"] = 512 // its own copy
		return errors.New("too small")
	}
	two.Stacks = func(context.Context, *ephor.Deployment) ([]ephor.Stack, error) {
		return []ephor.Stack{{Name: "Never", Template: cfn.Template{Resources: map[string]cfn.Resource{"B": {Type: "AWS::S3::Bucket"}}}}}, nil
	}
	err := run(false, one, two)
	if err == nil || err.Error() != "hook Validate: too small\nhook Rollback: rollback 2\nhook Rollback: rollback 1" {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff([]string{"Validate 1", "Rollback 2", "Rollback 1"}, calls[len(calls)-3:]); diff != "" {
		t.Errorf("a refusal (-want +got):\n%s", diff)
	}
	if s, err := d.State(t.Context(), "Never"); err != nil || s.Status != "" {
		t.Errorf("a stack was made all the same: %+v, %v", s, err)
	}

	// Wrong stacks and files are refused by name.
	for want, h := range map[string]ephor.Hooks{
		"stack EphorLife is the application's own": {Stacks: func(context.Context, *ephor.Deployment) ([]ephor.Stack, error) {
			return []ephor.Stack{{Name: "EphorLife"}}, nil
		}},
		"hook Stacks: stack Above imports from EphorLife, the application's own": {Stacks: importing("Above", "EphorLife-Out"), Service: exporting},
		"in a circle: ": {Stacks: importing("Above", "EphorLife-Out"), Service: func(ctx context.Context, d *ephor.Deployment, t *cfn.Template) error {
			t.Outputs["In"] = cfn.Output{Value: cfn.ImportValue("Above-Out")}
			return exporting(ctx, d, t)
		}},
		"archiving bootstrap": {Archive: func(_ context.Context, _ *ephor.Deployment, a *ephor.Archive) error {
			a.Add("bootstrap", nil)
			return nil
		}},
	} {
		if err := run(true, recorded("2", &calls), h); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// importing is a hook with a stack that exports its name followed by -Out and imports another's.
func importing(name, other string) func(context.Context, *ephor.Deployment) ([]ephor.Stack, error) {
	return func(context.Context, *ephor.Deployment) ([]ephor.Stack, error) {
		return []ephor.Stack{{Name: name, Template: cfn.Template{Outputs: map[string]cfn.Output{
			"Out":  {Value: "x", Export: &cfn.Export{Name: cfn.Sub("${AWS::StackName}-Out")}},
			"From": {Value: cfn.ImportValue(other)},
		}}}}, nil
	}
}

// exporting is a hook that lets the application's stack export its name followed by -Out.
func exporting(_ context.Context, _ *ephor.Deployment, t *cfn.Template) error {
	t.Outputs["Out"] = cfn.Output{Value: "x", Export: &cfn.Export{Name: cfn.Sub("${AWS::StackName}-Out")}}
	return nil
}

// The same source is the same package, whatever its place and its revision.
func TestReproducible(t *testing.T) {
	t.Parallel()
	var keys []string
	for range 2 {
		out := filepath.Join(t.TempDir(), "bootstrap")
		err := gotool.Build(t.Context(), gotool.Config{Package: "./testdata/life", Output: out, Tags: []string{"ephor_lambda", "lambda.norpc"}, Trimpath: true,
			LDFlags: "-s -w", GOOS: "linux", GOARCH: "arm64"})
		if err != nil {
			t.Fatal(err)
		}
		p, err := deploy.Pack("EphorLife", out, "arm64", ephor.Archive{Files: map[string][]byte{"b": []byte("2"), "a": []byte("1")}})
		if err != nil {
			t.Fatal(err)
		}
		sum, err := p.SHA256()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, p.Key+" "+sum)
	}
	if keys[0] != keys[1] {
		t.Errorf("%s and %s", keys[0], keys[1])
	}
}
