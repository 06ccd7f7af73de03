package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/gotool"
	"github.com/ephor-io/ephor/laptop"
)

// deployer works against a laptop of the test's own and keeps its events.
func deployer(t *testing.T) (d *deploy.Deployer, config aws.Config, events *[]deploy.Event) {
	t.Helper()
	l, err := laptop.Start(t.Context(), laptop.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	endpoint := l.Addresses().Endpoint
	config = aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}
	events = new([]deploy.Event)
	return deploy.New(deploy.Config{AWS: config, Events: func(e deploy.Event) { *events = append(*events, e) }}), config, events
}

// hostBuild compiles testdata/life for the laptop, which runs it on this machine.
func hostBuild(t *testing.T) gotool.Config {
	return gotool.Config{Package: "./testdata/life", Output: filepath.Join(t.TempDir(), "bootstrap"), Tags: []string{"ephor_lambda", "lambda.norpc"},
		GOOS: runtime.GOOS, GOARCH: runtime.GOARCH}
}

func TestArtifacts(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d, config, events := deployer(t)
	file := filepath.Join(t.TempDir(), "bootstrap")
	pack := func(app, file string) *deploy.Package {
		t.Helper()
		p, err := deploy.Pack(app, file, "arm64", ephor.Archive{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	upload := func(content string) deploy.Uploaded {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Upload(ctx, pack("App", file)); err != nil {
			t.Fatal(err)
		}
		return (*events)[len(*events)-1].(deploy.Uploaded)
	}
	first := upload("version 0")
	if first.Cached || first.Size == 0 || first.Bucket != "ephor-app-000000000000-us-east-1" {
		t.Errorf("the first upload: %+v", first)
	}
	if again := upload("version 0"); !again.Cached || again.Key != first.Key {
		t.Errorf("the same content again: %+v", again)
	}
	for i := range 7 {
		if u := upload(fmt.Sprint("version ", i+1)); u.Cached {
			t.Errorf("another content: %+v", u)
		}
	}
	inUse := pack("App", file)
	other := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(other, []byte("version 0"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Upload(ctx, pack("Another", other)); err != nil {
		t.Fatal(err)
	}
	if err := d.Prune(ctx, inUse); err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	list := func(bucket, prefix string) map[string]bool {
		out, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: &prefix})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.DeleteMarkers) > 0 {
			t.Errorf("%s keeps %d deleted artifacts", bucket, len(out.DeleteMarkers))
		}
		keys := map[string]bool{}
		for _, o := range out.Versions {
			keys[*o.Key] = true
		}
		return keys
	}
	if keys := list(first.Bucket, "App/"); len(keys) != 5 || !keys[inUse.Key] || keys[first.Key] {
		t.Errorf("what is left: %v; want five with %s and without %s", keys, inUse.Key, first.Key)
	}
	if keys := list("ephor-another-000000000000-us-east-1", "Another/"); len(keys) != 1 {
		t.Errorf("another application's: %v", keys)
	}
}

// stack has an output that is exported, or one that is imported.
func stack(name, exports, imports string) ephor.Stack {
	t := cfn.Template{Resources: map[string]cfn.Resource{"Bucket": {Type: "AWS::S3::Bucket"}}, Outputs: map[string]cfn.Output{}}
	if exports != "" {
		t.Outputs["Out"] = cfn.Output{Value: cfn.Ref("Bucket"), Export: &cfn.Export{Name: exports}}
	}
	if imports != "" {
		t.Outputs["In"] = cfn.Output{Value: cfn.ImportValue(imports)}
	}
	return ephor.Stack{Name: name, Template: t}
}

func TestStacks(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d, _, events := deployer(t)
	converge := func(s ephor.Stack, unchanged bool) map[string]string {
		t.Helper()
		r, err := d.Converge(ctx, s)
		if err != nil || r.Unchanged != unchanged {
			t.Fatalf("%s: %+v, %v; want unchanged %v", s.Name, r, err, unchanged)
		}
		return r.Outputs
	}
	bucket := converge(stack("Lower", "the-bucket", ""), false)["Out"]
	var seen []string
	for _, e := range *events {
		if r, ok := e.(deploy.ResourceChanged); ok {
			seen = append(seen, r.LogicalID+" "+r.Status)
		}
	}
	if diff := cmp.Diff([]string{"Bucket CREATE_IN_PROGRESS", "Bucket CREATE_IN_PROGRESS", "Bucket CREATE_COMPLETE"}, seen); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	converge(stack("Lower", "the-bucket", ""), true)
	if in := converge(stack("Upper", "", "the-bucket"), false)["In"]; in != bucket {
		t.Errorf("imported %q, want %q", in, bucket)
	}

	// While it is imported from, the lower stack is not deleted, and its importer is named.
	err := d.Delete(ctx, "Lower")
	var used *deploy.InUseError
	if !errors.As(err, &used) || !cmp.Equal(used.Stacks(), []string{"Upper"}) {
		t.Errorf("deleting what is imported: %v", err)
	}
	s, err := d.State(ctx, "Lower")
	if err != nil || s.Status != "CREATE_COMPLETE" || len(s.Exports) != 1 || !cmp.Equal(s.Exports[0].Importers, []string{"Upper"}) {
		t.Errorf("its state: %+v, %v", s, err)
	}

	// Together with its importer it could be, if nobody else imported: then nothing at all is deleted.
	converge(stack("Mine", "", "the-bucket"), false)
	if err := d.Delete(ctx, "Upper", "Lower"); !errors.As(err, &used) || !cmp.Equal(used.Stacks(), []string{"Mine"}) {
		t.Errorf("deleting both while a third imports: %v", err)
	}
	if s, err := d.State(ctx, "Upper"); err != nil || s.Status != "CREATE_COMPLETE" {
		t.Errorf("what was to go first: %+v, %v", s, err)
	}

	// What fails names the resource that failed first, and the next try is not blocked by it.
	broken := stack("Broken", "", "")
	broken.Template.Resources["Bad"] = cfn.Resource{Type: "AWS::S3::Bucket", Properties: map[string]any{"BucketName": "NOT A NAME"}, DependsOn: []string{"Bucket"}}
	_, err = d.Converge(ctx, broken)
	var failed *deploy.StackError
	if !errors.As(err, &failed) || failed.Resource != "Bad" || failed.Type != "AWS::S3::Bucket" || failed.Status != "ROLLBACK_COMPLETE" {
		t.Errorf("a stack that fails: %v (%+v)", err, failed)
	}
	delete(broken.Template.Resources, "Bad")
	converge(broken, false)

	for _, names := range [][]string{{"Broken"}, {"Mine"}, {"Upper", "Lower"}, {"Never"}} {
		if err := d.Delete(ctx, names...); err != nil {
			t.Errorf("deleting %s: %v", names, err)
		}
	}
	for _, name := range []string{"Broken", "Mine", "Upper", "Lower", "Never"} {
		if s, err := d.State(ctx, name); err != nil || s.Status != "" {
			t.Errorf("%s after its deletion: %+v, %v", name, s, err)
		}
	}
}

func TestATemplateTooLongForACall(t *testing.T) {
	t.Parallel()
	d, _, _ := deployer(t)
	s := stack("Long", "", "")
	s.Template.Metadata = map[string]any{"words": make([]string, 20_000)}
	if _, err := d.Converge(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}
