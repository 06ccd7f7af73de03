package deploy_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/gotool"
)

// folder makes files and returns where they are.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// An image's tag is a name for all that it is built from.
func TestImageTag(t *testing.T) {
	t.Parallel()
	files := map[string]string{"Dockerfile": "FROM scratch", "etc/motd": "hello"}
	tag := func(binary, goarch string, files map[string]string, beside map[string][]byte) string {
		t.Helper()
		file := filepath.Join(folder(t, map[string]string{"prog": binary}), "prog")
		i, err := deploy.NewImage("Shop", deploy.ImageConfig{Dockerfile: filepath.Join(folder(t, files), "Dockerfile")}, file, goarch, ephor.Archive{Files: beside})
		if err != nil {
			t.Fatal(err)
		}
		return i.Tag
	}
	with := func(name, text string) map[string]string {
		more := maps.Clone(files)
		more[name] = text
		return more
	}
	first := tag("1", "arm64", files, nil)
	if again := tag("1", "arm64", files, nil); again != first {
		t.Errorf("the same is %s and %s", first, again)
	}
	seen := map[string]string{first: "the first"}
	for what, other := range map[string]string{
		"another executable": tag("2", "arm64", files, nil),
		"another processor":  tag("1", "amd64", files, nil),
		"another Dockerfile": tag("1", "arm64", with("Dockerfile", "FROM debian"), nil),
		"another file":       tag("1", "arm64", with("etc/motd", "bye"), nil),
		"one file more":      tag("1", "arm64", with("more", ""), nil),
		"an archived file":   tag("1", "arm64", files, map[string][]byte{"beside": nil}),
	} {
		if seen[other] != "" {
			t.Errorf("%s has the tag of %s", what, seen[other])
		}
		seen[other] = what
	}
}

func TestImageRefused(t *testing.T) {
	t.Parallel()
	f := func(want string, files map[string]string, beside map[string][]byte) {
		t.Helper()
		dir := folder(t, files)
		if want == "link" {
			if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
				t.Fatal(err)
			}
		}
		_, err := deploy.NewImage("Shop", deploy.ImageConfig{Dockerfile: filepath.Join(dir, "Dockerfile")}, "any", "arm64", ephor.Archive{Files: beside})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f("main.go is Go source", map[string]string{"Dockerfile": "", "main.go": ""}, nil)
	f("go.mod is Go source", map[string]string{"Dockerfile": "", "go.mod": ""}, nil)
	f("bootstrap is the executable's name", map[string]string{"Dockerfile": "", "bootstrap": ""}, nil)
	f("link", map[string]string{"Dockerfile": ""}, nil)
	f("archiving Dockerfile", map[string]string{"Dockerfile": ""}, map[string][]byte{"Dockerfile": nil})
	f("archiving bootstrap", map[string]string{"Dockerfile": ""}, map[string][]byte{"bootstrap": nil})
}

func TestNoDockerfile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "Dockerfile")
	w := deploy.NewWorkflow(deploy.WorkflowConfig{App: ephor.New("Shop"), Image: &deploy.ImageConfig{Dockerfile: file}})
	if err := w.Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "there is no Dockerfile at "+file) {
		t.Errorf("%v", err)
	}
}

// imageWorkflow is the life suite's program as an image.
func imageWorkflow(t *testing.T, c deploy.WorkflowConfig, hooks ephor.Hooks) *deploy.Workflow {
	t.Helper()
	app := ephor.New(lifeApp)
	app.Function("Job", func() error { return nil })
	c.App, c.Hooks = app, []ephor.Hooks{hooks}
	if c.Image == nil {
		c.Image = &deploy.ImageConfig{Dockerfile: filepath.Join(folder(t, map[string]string{"Dockerfile": lifeDockerfile, "etc/motd": "hello"}), "Dockerfile")}
	}
	c.Build = gotool.Config{
		Package: "./testdata/life", Output: filepath.Join(t.TempDir(), "prog"), Tags: []string{"ephor_lambda", "lambda.norpc"}, Trimpath: true,
		LDFlags: "-s -w", GOOS: "linux", GOARCH: "arm64",
	}
	return deploy.NewWorkflow(c)
}

const lifeDockerfile = "FROM scratch\nCOPY bootstrap beside /task/\nCOPY etc /etc\nENTRYPOINT [\"/task/bootstrap\"]\n"

// beside archives a file that the Dockerfile copies.
func beside(_ context.Context, _ *ephor.Deployment, a *ephor.Archive) error {
	a.Add("beside", []byte("archived"))
	return nil
}

// The template of an image names no account and no digest, and needs neither an engine nor AWS.
func TestImageTemplate(t *testing.T) {
	t.Parallel()
	w := imageWorkflow(t, deploy.WorkflowConfig{}, ephor.Hooks{Archive: beside})
	for _, step := range []func(context.Context) error{w.Prepare, w.Build, w.Marshal} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	made := w.Stack().Template
	p := made.Resources["JobFunction"].Properties
	want := map[string]any{
		"PackageType": "Image", "Code": map[string]any{"ImageUri": cfn.Ref("ImageUri")}, "ImageConfig": map[string]any{"Command": []any{"Job"}},
		"Architectures": []any{"arm64"}, "Runtime": nil, "Handler": nil,
	}
	for name := range want {
		if diff := cmp.Diff(want[name], p[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if made.Parameters["ImageUri"].Type != "String" {
		t.Errorf("parameters %+v", made.Parameters)
	}
}

// What an image cannot have is refused by its place in the template.
func TestImageWithLayers(t *testing.T) {
	t.Parallel()
	w := imageWorkflow(t, deploy.WorkflowConfig{}, ephor.Hooks{Function: func(_ context.Context, _ *ephor.Deployment, f ephor.FunctionTemplate) error {
		f.Properties["Layers"] = []any{"arn:aws:lambda:eu-central-1:111122223333:layer:l:1"}
		return nil
	}})
	for _, step := range []func(context.Context) error{w.Prepare, w.Build} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Marshal(t.Context()); err == nil || !strings.Contains(err.Error(), "Resources.JobFunction.Properties.Layers: an image has none") {
		t.Errorf("%v", err)
	}
}
