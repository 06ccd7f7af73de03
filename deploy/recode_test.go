package deploy_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/deploy"
)

// The functions get new code from what was told of the application, through JSON, without its hooks: what
// is archived beside the executable stays.
func TestRecode(t *testing.T) {
	t.Parallel()
	d, config, _ := deployer(t)
	build := hostBuild(t)
	app := ephor.New("EphorLife")
	app.Function("Job", func() error { return nil })
	w := deploy.NewWorkflow(deploy.WorkflowConfig{App: app, Build: build, Deployer: d, Hooks: []ephor.Hooks{{
		Archive: func(_ context.Context, _ *ephor.Deployment, a *ephor.Archive) error {
			a.Add("beside", []byte("x"))
			return nil
		},
	}}})
	if _, err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(w.Deployed())
	if err != nil {
		t.Fatal(err)
	}
	var is deploy.Deployed
	if err := json.Unmarshal(text, &is); err != nil {
		t.Fatal(err)
	}
	code := func() string {
		out, err := lambda.NewFromConfig(config).GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: new("EphorLife-Job")})
		if err != nil {
			t.Fatal(err)
		}
		return *out.CodeSha256
	}
	first := code()
	if now, ok, err := d.Recode(t.Context(), is, build); err != nil || !ok || now.Key != is.Key || code() != first {
		t.Errorf("the same code: %v %v %s", ok, err, now.Key)
	}
	executable, err := os.ReadFile(build.Output)
	if err == nil {
		err = os.WriteFile(build.Output, append(executable, "more"...), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	now, ok, err := d.Recode(t.Context(), is, build)
	if err != nil || !ok || now.Key == is.Key || code() == first {
		t.Errorf("other code: %v %v %s, was %s", ok, err, now.Key, is.Key)
	}
	pack, err := deploy.Pack("EphorLife", build.Output, build.GOARCH, ephor.Archive{Files: map[string][]byte{"beside": []byte("x")}})
	if err != nil || pack.Key != now.Key {
		t.Errorf("%v: what was beside the executable is not any more: %s, want %s", err, now.Key, pack.Key)
	}
	if sum, err := pack.SHA256(); err != nil || sum != code() {
		t.Errorf("the function has other code than was packed: %s, %s (%v)", code(), sum, err)
	}
	if was := is.Stack.Template.Resources["JobFunction"].Properties["Code"].(map[string]any)["S3Key"]; was != is.Key {
		t.Errorf("what was given has been changed: %s", was)
	}

	if err := d.Delete(t.Context(), "EphorLife"); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := d.Recode(t.Context(), is, build); ok || err != nil {
		t.Errorf("a stack that is not there: %v %v", ok, err)
	}
}
