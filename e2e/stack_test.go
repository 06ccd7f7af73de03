package e2e

import (
	"archive/zip"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/awstest"
	"github.com/ephor-io/ephor/internal/uptest"
)

// awsCLI runs the AWS CLI against the application's endpoint.
type awsCLI struct {
	t       *testing.T
	program string
	a       *application
}

func newAWS(t *testing.T, a *application) *awsCLI {
	t.Helper()
	return &awsCLI{t: t, program: awstest.Program(t), a: a}
}

// run returns what a command printed; it must succeed if ok, and fail otherwise.
func (c *awsCLI) run(ok bool, args ...string) string {
	c.t.Helper()
	out, err := awstest.Command(c.t, c.program, c.a.Endpoint, args...).CombinedOutput()
	if (err == nil) != ok {
		c.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// outputs are a stack's.
func (c *awsCLI) outputs(stack string) map[string]string {
	c.t.Helper()
	var answer struct {
		Stacks []struct {
			StackStatus string
			Outputs     []struct{ OutputKey, OutputValue string }
		}
	}
	if err := json.Unmarshal([]byte(c.run(true, "cloudformation", "describe-stacks", "--stack-name", stack)), &answer); err != nil {
		c.t.Fatal(err)
	}
	m := map[string]string{"status": answer.Stacks[0].StackStatus}
	for _, o := range answer.Stacks[0].Outputs {
		m[o.OutputKey] = o.OutputValue
	}
	return m
}

// packaged is the deployment package of a program in Go, a file that is named as its source.
func packaged(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	bootstrap := filepath.Join(dir, "bootstrap")
	c := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, source)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	path := filepath.Join(dir, strings.TrimSuffix(filepath.Base(source), ".go")+".zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	h.SetMode(0o755)
	w, err := z.CreateHeader(h)
	if err != nil {
		t.Fatal(err)
	}
	executable, err := os.ReadFile(bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(executable); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func architecture() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

// The AWS CLI lists what `up` made, and makes, calls, changes and deletes a stack of its own.
func TestTheAWSCLI(t *testing.T) {
	t.Parallel()
	a := up(t, uptest.Root(t), helloProgram(t), filepath.Join(t.TempDir(), "state"))
	c := newAWS(t, a)

	if o := c.outputs("SpartaGrafana"); o["status"] != "CREATE_COMPLETE" || o["ApiUrl"] != a.API {
		t.Errorf("the application's outputs: %v", o)
	}
	if o := c.outputs("SpartaGrafana-Monitoring"); o["StoreURL"] != a.Store {
		t.Errorf("the monitoring stack's outputs: %v", o)
	}
	if exports := c.run(true, "cloudformation", "list-exports"); !strings.Contains(exports, "SpartaGrafana-Monitoring-StoreURL") {
		t.Errorf("exports: %s", exports)
	}

	c.run(true, "s3", "mb", "s3://code-of-mine")
	c.run(true, "s3", "cp", packaged(t, filepath.Join("testdata", "greeter.go")), "s3://code-of-mine/greeter.zip")
	// The command `deploy` would do, too, but looks only every 30 s whether the stack is there.
	converge := func(call, greeting, status string) map[string]string {
		t.Helper()
		c.run(true, "cloudformation", call, "--stack-name", "mine", "--template-body", "file://testdata/stack.yaml",
			"--capabilities", "CAPABILITY_IAM", "--parameters", "ParameterKey=CodeBucket,ParameterValue=code-of-mine",
			"ParameterKey=Greeting,ParameterValue="+greeting, "ParameterKey=Architecture,ParameterValue="+architecture())
		var o map[string]string
		uptest.Eventually(t, call+" comes to "+status, func() bool { o = c.outputs("mine"); return o["status"] == status })
		return o
	}
	o := converge("create-stack", "Hello", "CREATE_COMPLETE")
	greets(t, o["Url"], "Hello, you")
	answer, event := filepath.Join(t.TempDir(), "answer"), filepath.Join(t.TempDir(), "event.json")
	uptest.WriteFile(t, event, `{"pathParameters":{"name":"CLI"}}`)
	c.run(true, "lambda", "invoke", "--function-name", o["Function"], "--payload", "fileb://"+event, answer)
	if body, err := os.ReadFile(answer); err != nil || string(body) != `"Hello, CLI"` {
		t.Errorf("invoke answered %s (%v)", body, err)
	}
	group := "/aws/lambda/" + o["Function"]
	uptest.Eventually(t, "the REPORT lines of both invocations", func() bool {
		return strings.Count(c.run(true, "logs", "filter-log-events", "--log-group-name", group, "--filter-pattern", "REPORT"), `"message": "REPORT RequestId: `) == 2
	})
	converge("update-stack", "Servus", "UPDATE_COMPLETE")
	greets(t, o["Url"], "Servus beinand, you")
	c.run(true, "cloudformation", "delete-stack", "--stack-name", "mine")
	uptest.Eventually(t, "the stack is gone", func() bool { return !strings.Contains(c.run(true, "cloudformation", "describe-stacks"), `"mine"`) })
}

// `aws logs tail`, which version 2 has, shows what every function of an application wrote.
func TestTheAWSCLITailsLogs(t *testing.T) {
	t.Parallel()
	program := awstest.Version2(t)
	a := up(t, uptest.Root(t), helloProgram(t), filepath.Join(t.TempDir(), "state"))
	c := &awsCLI{t: t, program: program, a: a}
	for range 2 {
		if status, body := a.Get("/hello/grafana"); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	var lines string
	uptest.Eventually(t, "the REPORT lines of two invocations", func() bool {
		lines = c.run(true, "logs", "tail", "/aws/lambda/SpartaGrafana-HelloWorld", "--since", "1h", "--filter-pattern", "REPORT")
		return strings.Count(lines, "REPORT RequestId: ") == 2
	})
	for line := range strings.Lines(lines) {
		if !strings.Contains(line, "[$LATEST]") || !strings.Contains(line, "Billed Duration: ") {
			t.Errorf("a line without its stream, or that is no report: %q", line)
		}
	}
}

// greets checks what the greeter says.
func greets(t *testing.T, api, want string) {
	t.Helper()
	response, err := http.Get(api + "/greet/you")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != want {
		t.Errorf("it says %q (%v), want %q", body, err, want)
	}
}
