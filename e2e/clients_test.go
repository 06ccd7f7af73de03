package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/uptest"
)

// Debian's influx client counts what curl sent.
func TestTheInfluxClientCounts(t *testing.T) {
	t.Parallel()
	influx, err := exec.LookPath("influx")
	if err != nil {
		t.Skip("influx is not installed: apt-get install influxdb-client")
	}
	a := up(t, uptest.Root(t), helloProgram(t), filepath.Join(t.TempDir(), "state"))
	port := a.Store[strings.LastIndex(a.Store, ":")+1:]
	number := regexp.MustCompile(`(?m)^0\s+(\d+)\s*$`)
	count := func() string {
		status, stdout, stderr := command(t, uptest.Root(t), influx, "-port", port, "-database", "ephor", "-execute", "select count(duration_ms) from invocation")
		if status != 0 {
			t.Fatalf("influx: status %d: %s", status, stderr)
		}
		if m := number.FindStringSubmatch(stdout); m != nil {
			return m[1]
		}
		return "0"
	}
	if n := count(); n != "0" {
		t.Fatalf("%s before anything was sent", n)
	}
	for range 1000 {
		if status, body := a.Get("/hello/grafana"); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	uptest.Eventually(t, "1000 recorded", func() bool { return count() == "1000" })
	if n := a.count(`SELECT sum("count") FROM "helloWorldCounterMetric"`); n != 1000 {
		t.Errorf("the counter adds up to %d", n)
	}
}

func TestStatusAndDelete(t *testing.T) {
	t.Parallel()
	a := up(t, uptest.Root(t), helloProgram(t), filepath.Join(t.TempDir(), "state"))
	if status, _ := a.Get("/hello/grafana"); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	run := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		status, stdout, stderr := command(t, uptest.Root(t), helloProgram(t), append(args, "--state", a.State)...)
		if status != want {
			t.Fatalf("%q: status %d, want %d\n%s%s", args, status, want, stdout, stderr)
		}
		return stdout, stderr
	}
	uptest.Eventually(t, "recorded", func() bool { return a.count(recorded) == 1 })
	stdout, _ := run(0, "status")
	for _, want := range []string{"SpartaGrafana ", "SpartaGrafana-Monitoring", "CREATE_COMPLETE", a.API, a.Dashboard,
		"export SpartaGrafana-Monitoring-StoreURL", "SpartaGrafana-HelloWorld", "recorded 1 of 1", "is not a machine here"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("status does not say %q:\n%s", want, stdout)
		}
	}
	stdout, _ = run(0, "status", "--json")
	var report struct {
		Stacks []struct {
			Name    string
			Exports []struct{ Importers []string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || len(report.Stacks) != 2 {
		t.Errorf("status --json: %v\n%s", err, stdout)
	}

	_, stderr := run(1, "delete", "monitor")
	if !strings.Contains(stderr, "SpartaGrafana-Monitoring is in use: SpartaGrafana imports from it") || !strings.Contains(stderr, "delete app, first") {
		t.Errorf("delete monitor:\n%s", stderr)
	}
	if status, _ := a.Get("/hello/grafana"); status != http.StatusOK {
		t.Errorf("after a refused delete: %d", status)
	}
	// What goes and what stays is said first; on a terminal it is asked for.
	inATerminal(t, uptest.Root(t), helloProgram(t)+" delete --state "+a.State+"; echo status $?", "Delete? [y/N] ", "error: nothing was deleted", "status 1")
	if status, _ := a.Get("/hello/grafana"); status != http.StatusOK {
		t.Errorf("after a delete that was not wanted: %d", status)
	}
	uptest.Eventually(t, "all is recorded", func() bool { return a.count(recorded) >= 3 })
	_, stderr = run(0, "delete", "--artifacts")
	for _, want := range []string{"stack SpartaGrafana:\n", "stays: AWS::Logs::LogGroup /aws/lambda/SpartaGrafana-HelloWorld: ",
		"goes: the metrics, 3 recorded invocations", "goes: AWS::SecretsManager::Secret ", "goes: artifact bucket ephor-spartagrafana-000000000000-us-east-1: 1 object, ",
		"deleted the artifact bucket"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("delete does not say %q:\n%s", want, stderr)
		}
	}
	if _, err := http.Get(a.API + "/hello/grafana"); err == nil {
		t.Error("the API still answers")
	}
	stdout, _ = run(0, "status")
	if strings.Count(stdout, "does not exist") != 2 {
		t.Errorf("status after delete:\n%s", stdout)
	}
	for _, stack := range []string{"SpartaGrafana", "SpartaGrafana-Monitoring"} {
		uptest.Eventually(t, "up tells of the deletion", func() bool {
			return strings.Contains(a.Stderr.String(), "stack "+stack+": deleted\n  the next change of the source makes it again")
		})
	}
	a.Stop(os.Interrupt)
}

func TestVersion(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := command(t, uptest.Root(t), helloProgram(t), "version", "--json")
	var v struct{ Ephor, Go, Platform string }
	if err := json.Unmarshal([]byte(stdout), &v); status != 0 || err != nil || v.Ephor == "" || !strings.HasPrefix(v.Go, "go1.") || v.Platform == "" {
		t.Errorf("status %d, %v: %s%s", status, err, stdout, stderr)
	}
}
