package deploy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/engine"
)

// standIn puts a docker before all others on the PATH that is this test's own program: what it is called with
// is told, and what it pushes is in moto's registry. mediaType is what it calls its manifests.
func standIn(t *testing.T, endpoint, mediaType string) (calls func() []string) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "calls")
	script := "#!/bin/sh\nSTAND_IN_ARGS=\"$*\" exec '" + os.Args[0] + "' -test.run='^TestStandInEngine$'\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("STAND_IN_LOG", log)
	t.Setenv("STAND_IN_REGISTRY", endpoint)
	t.Setenv("STAND_IN_TYPE", mediaType)
	return func() []string {
		text, err := os.ReadFile(log)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.WriteFile(log, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
	}
}

// TestStandInEngine is the docker of standIn.
func TestStandInEngine(t *testing.T) {
	args := strings.Fields(os.Getenv("STAND_IN_ARGS"))
	if len(args) == 0 {
		t.Log("only of use in a process that another test starts")
		return
	}
	what := strings.Join(args[:min(2, len(args))], " ")
	last := args[len(args)-1]
	switch args[0] {
	case "buildx":
		if args[1] == "build" {
			what += " of"
			files, err := filepath.Glob(filepath.Join(last, "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				what += " " + filepath.Base(f)
			}
		}
	case "login":
		what = "login " + last
	case "push":
		repository, tag, _ := strings.Cut(last, ":")
		_, repository, _ = strings.Cut(repository, "/")
		mediaType := os.Getenv("STAND_IN_TYPE")
		manifest := fmt.Sprintf(`{"schemaVersion": 2, "mediaType": %q, "config": {"size": 7}, "layers": [{"digest": "sha256:%s", "size": 7}]}`, mediaType, strings.TrimPrefix(tag, "1-"))
		if strings.Contains(mediaType, "index") {
			manifest = fmt.Sprintf(`{"schemaVersion": 2, "mediaType": %q, "manifests": []}`, mediaType)
		}
		_, err := ecr.NewFromConfig(stubConfig(os.Getenv("STAND_IN_REGISTRY"))).PutImage(t.Context(), &ecr.PutImageInput{
			RepositoryName: &repository, ImageTag: &tag, ImageManifest: &manifest, ImageManifestMediaType: &mediaType,
		})
		if err != nil {
			t.Fatal(err)
		}
		what = "push"
	}
	f, err := os.OpenFile(os.Getenv("STAND_IN_LOG"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = fmt.Fprintln(f, what)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

const singleManifest = "application/vnd.docker.distribution.manifest.v2+json"

// An application that is an image goes the whole way: nothing is left by a dry run, what is in the registry is
// not built again, code alone changes in place, and in the end the registry is empty.
func TestImageOnMoto(t *testing.T) {
	config := moto(t)
	calls := standIn(t, *config.BaseEndpoint, singleManifest)
	var said []string
	d := deploy.New(deploy.Config{App: lifeApp, AWS: config, Events: func(e deploy.Event) {
		switch e := e.(type) {
		case deploy.RepositoryMade, deploy.RepositoryDeleted, deploy.ImageBuilding, deploy.ImageBuilt:
			said = append(said, strings.TrimPrefix(fmt.Sprintf("%T", e), "deploy."))
		case deploy.ImagePushed:
			said = append(said, fmt.Sprintf("ImagePushed %v", e.Cached))
		case deploy.CodeUpdated:
			said = append(said, fmt.Sprintf("CodeUpdated %v", e.Unchanged))
		}
	}})
	files := folder(t, map[string]string{"Dockerfile": lifeDockerfile, "etc/motd": "hello"})
	w := func() *deploy.Workflow {
		return imageWorkflow(t, deploy.WorkflowConfig{Deployer: d, Image: &deploy.ImageConfig{Dockerfile: filepath.Join(files, "Dockerfile")}}, ephor.Hooks{Archive: beside})
	}
	step := func(what string, wantCalls, wantSaid []string) {
		t.Helper()
		if diff := cmp.Diff(wantCalls, calls()); diff != "" {
			t.Errorf("%s: the engine (-want +got):\n%s", what, diff)
		}
		if diff := cmp.Diff(wantSaid, said); diff != "" {
			t.Errorf("%s: said (-want +got):\n%s", what, diff)
		}
		said = nil
	}
	image := func() string {
		t.Helper()
		out, err := lambda.NewFromConfig(config).GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String(lifeJob)})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.Code.ImageUri)
	}

	plans, err := w().DryRun(t.Context())
	if err != nil || len(plans) != 1 || !strings.Contains(plans[0].Note, "neither builds nor pushes") {
		t.Fatalf("a dry run: %+v, %v", plans, err)
	}
	step("a dry run", []string{}, nil)

	if _, err := w().Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	built := []string{"version --format", "buildx version", "buildx build of Dockerfile beside bootstrap etc", "login 123456789012.dkr.ecr.eu-central-1.amazonaws.com", "push"}
	step("the creation", built, []string{"RepositoryMade", "ImageBuilding", "ImageBuilt", "ImagePushed false"})
	first := image()
	repository, _, ok := strings.Cut(first, "@sha256:")
	if !ok || !strings.HasPrefix(repository, "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ephor/ephorlife-") {
		t.Errorf("its code is %s", first)
	}
	name := strings.TrimPrefix(repository, "123456789012.dkr.ecr.eu-central-1.amazonaws.com/")
	client := ecr.NewFromConfig(config)
	policy, err := client.GetRepositoryPolicy(t.Context(), &ecr.GetRepositoryPolicyInput{RepositoryName: &name})
	if err != nil || !json.Valid([]byte(aws.ToString(policy.PolicyText))) || !strings.Contains(*policy.PolicyText, "lambda.amazonaws.com") {
		t.Errorf("the repository's policy: %+v, %v", policy, err)
	}

	if err := w().Fast(t.Context()); err != nil {
		t.Fatal(err)
	}
	step("no change", []string{}, []string{"ImagePushed true", "CodeUpdated true"})

	if err := os.WriteFile(filepath.Join(files, "etc", "motd"), []byte("bye"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := w().Fast(t.Context()); err != nil {
		t.Fatal(err)
	}
	step("code alone", built, []string{"ImageBuilding", "ImageBuilt", "ImagePushed false", "CodeUpdated false"})
	if after := image(); after == first || !strings.HasPrefix(after, repository+"@sha256:") {
		t.Errorf("its code was %s and is %s", first, after)
	}

	// The stack knows nothing of it yet, and the image is in the registry now.
	if plans, err = w().DryRun(t.Context()); err != nil || len(plans) != 1 || plans[0].Note != "" || plans[0].Action != deploy.ActionUpdate {
		t.Fatalf("a dry run of what is there: %+v, %v", plans, err)
	}
	if got, amount, err := d.Images(t.Context(), lifeApp); err != nil || got != repository || !strings.HasPrefix(amount, "2 images, ") {
		t.Errorf("what is there: %s %s, %v", got, amount, err)
	}
	if err := d.DeleteImages(t.Context(), lifeApp); err != nil {
		t.Fatal(err)
	}
	if _, amount, err := d.Images(t.Context(), lifeApp); err != nil || amount != "" {
		t.Errorf("what is left: %s, %v", amount, err)
	}
	if err := d.DeleteImages(t.Context(), lifeApp); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}
	step("the end", []string{}, []string{"RepositoryDeleted"})
}

// The newest images stay, and the one in use, however old.
func TestPruneImages(t *testing.T) {
	config := moto(t)
	standIn(t, *config.BaseEndpoint, singleManifest)
	d := deploy.New(deploy.Config{App: "Shop", AWS: config})
	dir := folder(t, map[string]string{"Dockerfile": "", "prog": ""})
	var uris []string
	for i := range 8 {
		if err := os.WriteFile(filepath.Join(dir, "version"), []byte{byte(i)}, 0o644); err != nil {
			t.Fatal(err)
		}
		image, err := deploy.NewImage("Shop", deploy.ImageConfig{Dockerfile: filepath.Join(dir, "Dockerfile")}, filepath.Join(dir, "prog"), "arm64", ephor.Archive{})
		if err != nil {
			t.Fatal(err)
		}
		uri, err := d.Push(t.Context(), image)
		if err != nil {
			t.Fatal(err)
		}
		uris = append(uris, uri)
	}
	if err := d.PruneImages(t.Context(), "Shop", uris[0]); err != nil {
		t.Fatal(err)
	}
	repository, _, _ := strings.Cut(uris[0], "@")
	_, name, _ := strings.Cut(repository, "/")
	out, err := ecr.NewFromConfig(config).DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: &name})
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, i := range out.ImageDetails {
		there[repository+"@"+aws.ToString(i.ImageDigest)] = true
	}
	if len(there) != 5 || !there[uris[0]] {
		t.Errorf("%d are left, the one in use among them: %v", len(there), there[uris[0]])
	}
}

// A list of images, which Lambda refuses, is taken back: its tag must be free for the next try.
func TestAListOfImages(t *testing.T) {
	config := moto(t)
	standIn(t, *config.BaseEndpoint, "application/vnd.oci.image.index.v1+json")
	d := deploy.New(deploy.Config{App: lifeApp, AWS: config})
	for range 2 {
		_, err := imageWorkflow(t, deploy.WorkflowConfig{Deployer: d}, ephor.Hooks{Archive: beside}).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "Lambda takes single ones") {
			t.Fatalf("%v", err)
		}
		if _, amount, err := d.Images(t.Context(), lifeApp); err != nil || !strings.HasPrefix(amount, "0 images") {
			t.Errorf("left: %s, %v", amount, err)
		}
	}
}

// An engine's failure is its last lines, and no stack is touched.
func TestImageThatDoesNotBuild(t *testing.T) {
	config := moto(t)
	dir := t.TempDir()
	script := "#!/bin/sh\n[ \"$2\" != build ] && exit\necho 'Dockerfile:2: no such file: bootstrop' >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	d := deploy.New(deploy.Config{App: lifeApp, AWS: config})
	rolledBack := false
	_, err := imageWorkflow(t, deploy.WorkflowConfig{Deployer: d}, ephor.Hooks{Archive: beside, Rollback: func(context.Context, *ephor.Deployment, error) error {
		rolledBack = true
		return nil
	}}).Run(t.Context())
	var failed *engine.Error
	if !errors.As(err, &failed) || !cmp.Equal(failed.Last, []string{"Dockerfile:2: no such file: bootstrop"}) || !rolledBack {
		t.Errorf("%v; rolled back %v", err, rolledBack)
	}
	if s, err := d.State(t.Context(), lifeApp); err != nil || s.Status != "" {
		t.Errorf("the stack: %+v, %v", s, err)
	}
}
