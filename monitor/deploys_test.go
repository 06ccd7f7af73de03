package monitor

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// marked is the mark's value in the template of an application with this code, as the build of this name.
func marked(t *testing.T, code map[string]any, build string, more ...string) any {
	t.Helper()
	app := ephor.New("Shop")
	app.Function("Orders", func() {})
	template := cfn.Template{Resources: map[string]cfn.Resource{
		"OrdersFunction": {Type: "AWS::Lambda::Function", Properties: map[string]any{"Code": code}},
	}}
	for _, id := range more {
		template.Resources[id] = cfn.Resource{Type: "AWS::SQS::Queue"}
	}
	if err := Hooks(ephor.Grafana{Stack: "Shop-Monitoring"}, Values{}).Service(t.Context(), &ephor.Deployment{App: app, BuildID: build}, &template); err != nil {
		t.Fatal(err)
	}
	mark := template.Resources["DeployMark"]
	if diff := cmp.Diff(map[string]any{"Fn::Sub": "/ephor/Shop-Monitoring/deploys/${AWS::StackName}"}, mark.Properties["Name"]); diff != "" {
		t.Errorf("the mark is not where the host looks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"OrdersFunction"}, mark.DependsOn); diff != "" {
		t.Errorf("the mark is set before the functions are changed (-want +got):\n%s", diff)
	}
	return mark.Properties["Value"]
}

// TestDeployMarkIsAnother exactly when the build, the code or anything else of the stack is.
func TestDeployMarkIsAnother(t *testing.T) {
	t.Parallel()
	zip := func(key string) map[string]any { return map[string]any{"S3Bucket": "b", "S3Key": key} }
	first, ok := marked(t, zip("app/1.zip"), "v1").(string)
	if !ok || !strings.HasPrefix(first, "v1, code app/1.zip, template ") {
		t.Fatalf("the mark says %v", first)
	}
	if again := marked(t, zip("app/1.zip"), "v1"); again != first {
		t.Errorf("the same deploy is marked as %s and %s", first, again)
	}
	if other := marked(t, zip("app/2.zip"), "v1"); other != strings.Replace(first, "1.zip", "2.zip", 1) {
		t.Errorf("with other code alone it says %s, and said %s", other, first)
	}
	if other := marked(t, zip("app/1.zip"), "v2"); other == first {
		t.Errorf("another build is %s, too", other)
	}
	if other := marked(t, zip("app/1.zip"), "v1", "Queue"); other == first {
		t.Errorf("with a queue more it is %s, too", other)
	}
	if got := marked(t, zip("a.zip"), "two\nlines {{resolve:ssm:x}} \"\\ü"); strings.ContainsAny(got.(string), "\n\"\\{}ü") {
		t.Errorf("the build's name is %q", got)
	}
	image, ok := marked(t, map[string]any{"ImageUri": cfn.Ref("ImageUri")}, "").(map[string]any)
	if !ok {
		t.Fatal("an image's mark does not hold its parameter")
	}
	join := image["Fn::Join"].([]any)[1].([]any)
	if diff := cmp.Diff([]any{"image ", cfn.Ref("ImageUri")}, join[:2]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMark(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_700_000_000_123)
	point, policy, ok := Mark("/ephor/Shop-Monitoring/deploys/Shop", `v1 "a" \b`, at)
	if want := `deploy,stack=Shop text="v1 \"a\" \\b" 1700000000123000000` + "\n"; point != want || policy != "rollup_1m" || !ok {
		t.Errorf("%s in %s, want %s", point, policy, want)
	}
	for _, name := range []string{"/ephor/Shop-Monitoring/bundle/000", "/other/Shop/deploys/Shop", "deploys", "/ephor/a/deploys/b/c"} {
		if _, _, ok := Mark(name, "v", at); ok {
			t.Errorf("%s is a mark", name)
		}
	}
}

// TestHostLooksWhereMarksAre: the script reads the same path, and writes the same measurement into the same policy.
func TestHostLooksWhereMarksAre(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`"` + marksPath("$EPHOR_STACK") + `"`, markMeasurement + `,stack=\(`, "rp=" + marksPolicy + "&precision=ms"} {
		if !strings.Contains(Script(), text) {
			t.Errorf("the script has not %s", text)
		}
	}
}
