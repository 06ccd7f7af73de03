package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ephor-io/ephor/internal/uptest"
)

// AWS's own emulator runs the very binary that the laptop does, in both of its modes: one
// invocation at a time, and several at once as on Lambda Managed Instances. Every invocation is in
// the store once, and so is what it counted.
//
// https://github.com/aws/aws-lambda-runtime-interface-emulator
func TestTheEmulatorLosesNothing(t *testing.T) {
	t.Parallel()
	emulator := uptest.FindEmulator(t)
	for _, mode := range []struct {
		name    string
		clients int
	}{
		{"on demand", 1},
		{"managed instances", 8},
	} {
		t.Run(mode.name, func(t *testing.T) {
			program := []string{emulator}
			var env []string
			if mode.clients > 1 {
				program = asAnInstance(t, emulator)
				env = []string{fmt.Sprintf("AWS_LAMBDA_MAX_CONCURRENCY=%d", mode.clients)}
			}
			a := up(t, uptest.Root(t), helloProgram(t), filepath.Join(t.TempDir(), "state"))
			if status, body := a.Get("/hello/grafana"); status != http.StatusOK {
				t.Fatal(status, body) // and now the function's executable is there
			}
			url := uptest.StartEmulator(t, program, a.Application, "HelloWorld", env...) + "/2015-03-31/functions/function/invocations"
			const each = 200
			var all sync.WaitGroup
			for range mode.clients {
				all.Go(func() {
					for range each {
						if err := invokeEmulator(url); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			if t.Failed() {
				return
			}
			n := mode.clients * each
			const where = ` WHERE "function" = 'emulated'`
			uptest.Eventually(t, fmt.Sprintf("%d invocations are recorded", n), func() bool { return a.count(recorded+where) >= n })
			for what, q := range map[string]string{
				"invocations":                    recorded + where,
				"the sum of the counter's count": `SELECT sum("count") FROM "helloWorldCounterMetric"` + where,
				"the counter's total":            `SELECT max("total") FROM "helloWorldCounterMetric"` + where,
			} {
				if got := a.count(q); got != n {
					t.Errorf("%s: %d, want %d", what, got, n)
				}
			}
			if got := a.count(`SELECT count("error") FROM "invocation"` + where); got != 0 {
				t.Errorf("%d invocations failed", got)
			}
			if got := a.count(`SELECT max("dropped") FROM "publisher"` + where); got != 0 {
				t.Errorf("%d points are dropped", got)
			}
			if batches, seq := a.count(`SELECT count("seq") FROM "publisher"`+where), a.count(`SELECT max("seq") FROM "publisher"`+where); batches != seq || seq == 0 {
				t.Errorf("%d batches arrived, the last is number %d", batches, seq)
			}
		})
	}
}

// invokeEmulator invokes the function once. For several at once the emulator keeps no queue: it
// turns away what finds none of the function's workers waiting, which then is asked again.
func invokeEmulator(url string) error {
	for {
		response, err := http.Post(url, "application/json", strings.NewReader(`{"rawPath":"/hello/grafana"}`))
		if err != nil {
			return err
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		switch {
		case err == nil && response.StatusCode == http.StatusOK && strings.Contains(string(body), "Hello World"):
			return nil
		case err != nil || !strings.Contains(string(body), `"Runtime.Unavailable"`):
			return fmt.Errorf("%s %v: %s", response.Status, err, body)
		}
		time.Sleep(time.Millisecond)
	}
}

// asAnInstance is the command that starts the emulator for Managed Instances. There it takes no
// notice of the program it is given, looks for /var/task/bootstrap, and runs that as another user.
// So it gets a /var of its own, which wants root.
func asAnInstance(t *testing.T, emulator string) []string {
	t.Helper()
	const script = `mount -t tmpfs tmpfs /var && mkdir -m 755 /var/task && cp "$6" /var/task/bootstrap && exec "$@"`
	try := exec.Command("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/var")
	if out, err := try.CombinedOutput(); err != nil {
		t.Skipf("only root may give the emulator a /var/task, where it looks for a function of Managed Instances: %v %s", err, out)
	}
	// The program to run is "$1", and what StartEmulator adds begins with "$2".
	return []string{"unshare", "--mount", "sh", "-c", script, "sh", emulator}
}
