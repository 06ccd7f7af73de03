package e2e

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ephor-io/ephor/internal/uptest"
)

// A handler that fails in any way answers as API Gateway does, says why in the log, is recorded as
// failed, and the next request works.
func TestHandlersThatFail(t *testing.T) {
	t.Parallel()
	a, _ := shopUp(t)
	f := func(path string, status int, log string) {
		t.Helper()
		if got, body := a.Get(path); got != status {
			t.Errorf("%s: %d %s, want %d", path, got, body, status)
		}
		if got, body := a.Get("/"); got != http.StatusOK || body != "version 1" {
			t.Errorf("after %s: %d %s", path, got, body)
		}
		uptest.Eventually(t, path+" in the log: "+log, func() bool { return strings.Contains(logs(t, a.State), log) })
	}
	f("/panic", http.StatusInternalServerError, "the handler gave up")
	f("/error", http.StatusInternalServerError, "the handler said no")
	f("/exit", http.StatusInternalServerError, "exit status 7")
	f("/sleep", http.StatusInternalServerError, "timed out after 2.00 seconds")
	// os.Exit is the one end that leaves the publisher no chance; the service's own count tells.
	uptest.Eventually(t, "three failures recorded", func() bool { return a.count(`SELECT count("error") FROM "invocation"`) == 3 })
	allRecorded(t, a, `SELECT count("duration_ms") FROM "invocation" WHERE "ok" = true`, "/", 4)
}

// allRecorded waits until a query counts so many successes, and returns how many there are in the end: on a machine so
// busy that the store does not answer within the flush's 300 ms, a batch waits for the invocation after, which a
// request for path then makes.
func allRecorded(t *testing.T, a *application, query, path string, successes int) int {
	t.Helper()
	asked := time.Now()
	uptest.Eventually(t, "all successes recorded", func() bool {
		if a.count(query) == successes {
			return true
		}
		if time.Since(asked) > 3*time.Second {
			if status, _ := a.Get(path); status == http.StatusOK {
				successes++
			}
			asked = time.Now()
		}
		return false
	})
	return successes
}

// logs are all log streams of all functions.
func logs(t *testing.T, state string) string {
	t.Helper()
	var all bytes.Buffer
	err := filepath.WalkDir(filepath.Join(state, "laptop", "logs"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		all.Write(data)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return all.String()
}

func TestBodiesTooLarge(t *testing.T) {
	t.Parallel()
	a, _ := shopUp(t)
	post := func(size int) (int, string) {
		response, err := http.Post(a.API+"/size", "text/plain", bytes.NewReader(bytes.Repeat([]byte("x"), size)))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var body bytes.Buffer
		if _, err := body.ReadFrom(response.Body); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, body.String()
	}
	if status, body := post(1 << 20); status != http.StatusOK || len(body) != 1<<20 {
		t.Errorf("1 MB: %d, %d bytes", status, len(body))
	}
	for _, mb := range []int{7, 11} {
		if status, body := post(mb << 20); status != http.StatusRequestEntityTooLarge || !strings.Contains(body, "Request Entity Too Large") {
			t.Errorf("%d MB: %d %.200s", mb, status, body)
		}
	}
	if status, _ := a.Get("/"); status != http.StatusOK {
		t.Errorf("afterwards: %d", status)
	}
}

// A saved change takes over while requests flow, none of which is lost; one that does not compile
// is told in the compiler's words and changes nothing.
func TestTheSourceIsFollowed(t *testing.T) {
	t.Parallel()
	a, dir := shopUp(t)
	answered := keepAsking(t, a, "/", 4, 5*time.Millisecond)
	source := filepath.Join(dir, "main.go")
	says := func(version string) func() bool {
		return func() bool { _, body := a.Get("/"); return body == version }
	}
	for _, version := range []string{"version 2", "version 3"} {
		uptest.WriteFile(t, source, strings.Replace(uptest.Shop, "version 1", version, 1))
		uptest.Eventually(t, version, says(version))
	}
	uptest.WriteFile(t, source, strings.Replace(uptest.Shop, `"version 1"`, `nonsense`, 1))
	uptest.Eventually(t, "the compiler's words", func() bool { return strings.Contains(a.Stderr.String(), "undefined: nonsense") })
	if !says("version 3")() {
		t.Error("the running version did not stay")
	}
	uptest.WriteFile(t, source, strings.Replace(uptest.Shop, "version 1", "version 4", 1))
	uptest.Eventually(t, "version 4", says("version 4"))
	answered()
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	f := func(status int, want string, args ...string) {
		t.Helper()
		got, stdout, stderr := command(t, uptest.Root(t), helloProgram(t), args...)
		if got != status || !strings.Contains(stderr, want) || stdout != "" {
			t.Errorf("%q: status %d, stdout %q, stderr:\n%s\nwant status %d and %q", args, got, stdout, stderr, status, want)
		}
	}
	state := t.TempDir()
	f(2, "unknown flag: --lod", "up", "--lod", "1s@1")
	f(2, `there is no command "upp"; did you mean up?`, "upp")
	f(2, `takes no argument, and got "now"`, "up", "now")
	f(2, "^", "up", "--load", "10s@5o")
	f(2, "--once and --load-url need a --load", "up", "--once")
	f(2, "neither a path", "up", "--load", "1s@1", "--load-url", "hello")
	f(2, "--page-port: 70000 is not a port", "up", "--page-port", "70000")
	f(2, `--page-port: "80x" is not a number`, "up", "--page-port", "80x")
	f(2, `--once: "maybe" is not true or false`, "up", "--once=maybe")
	f(2, "are both 8086", "up", "--page-port", "8086", "--store-port", "8086")
	f(2, "the plan is empty", "up", "--load", "")
	f(2, "is not this machine", "up", "--load", "1s@1", "--load-url", "http://192.0.2.1/x")
	f(2, "neither a path", "up", "--load", "1s@1", "--load-url", "ftp://127.0.0.1/x")
	f(2, "name app or monitor", "delete", "everything")
	f(2, "up alone calls this command", "succeed")
	f(1, "is not running", "status", "--state", state)
	f(1, "is not running", "delete", "--state", state)
	if entries, err := os.ReadDir(state); err != nil || len(entries) > 0 {
		t.Errorf("something was left behind: %v, %v", entries, err)
	}
}

func TestPortsThatAreTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := fmt.Sprint(taken.Addr().(*net.TCPAddr).Port)
	for _, flag := range []string{"--page-port", "--store-port", "--endpoint-port", "--gateway-port"} {
		state := filepath.Join(t.TempDir(), "state")
		args := append([]string{"up", "--state", state}, uptest.AnyPorts()...)
		status, stdout, stderr := command(t, uptest.Root(t), helloProgram(t), append(args, flag, port)...)
		if status != 1 || !strings.Contains(stderr, "port "+port) || !strings.Contains(stderr, "is taken") || !strings.Contains(stderr, "try:") || stdout != "" {
			t.Errorf("%s: status %d, stdout %q, stderr:\n%s", flag, status, stdout, stderr)
		}
	}
}

func TestStateThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	a := up(t, uptest.Root(t), helloProgram(t), filepath.Join(t.TempDir(), "state"))
	status, _, stderr := command(t, uptest.Root(t), helloProgram(t), append([]string{"up", "--state", a.State}, uptest.AnyPorts()...)...)
	if want := fmt.Sprintf("process %d", a.Cmd.Process.Pid); status != 1 || !strings.Contains(stderr, want) || !strings.Contains(stderr, "try:") {
		t.Errorf("locked: status %d, want 1 and %q:\n%s", status, want, stderr)
	}
	file := filepath.Join(t.TempDir(), "file")
	uptest.WriteFile(t, file, "not a folder")
	status, _, stderr = command(t, uptest.Root(t), helloProgram(t), append([]string{"up", "--state", filepath.Join(file, "state")}, uptest.AnyPorts()...)...)
	if status != 1 || !strings.Contains(stderr, file) || !strings.Contains(stderr, "--state FOLDER") {
		t.Errorf("not writable: status %d:\n%s", status, stderr)
	}
}

// --fresh deletes what `up` made and nothing else, wherever --state points.
func TestFresh(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	uptest.WriteFile(t, filepath.Join(home, "thesis.txt"), "years of work")
	status, _, stderr := command(t, uptest.Root(t), helloProgram(t), append([]string{"up", "--fresh", "--state", home}, uptest.AnyPorts()...)...)
	if status != 1 || !strings.Contains(stderr, "is not a state of an earlier up") {
		t.Errorf("a folder that is no state: status %d:\n%s", status, stderr)
	}
	state := filepath.Join(t.TempDir(), "state")
	a := up(t, uptest.Root(t), helloProgram(t), state)
	a.Get("/hello/grafana")
	uptest.Eventually(t, "recorded", func() bool { return a.count(recorded) == 1 })
	a.Stop(os.Interrupt)
	uptest.WriteFile(t, filepath.Join(state, "notes.md"), "of the user's")
	b := up(t, uptest.Root(t), helloProgram(t), state, "--fresh")
	if n := b.count(recorded); n != 0 {
		t.Errorf("%d invocations are there after --fresh", n)
	}
	for _, path := range []string{filepath.Join(home, "thesis.txt"), filepath.Join(state, "notes.md")} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// Interrupted, --once has no result and no success.
func TestOnceInterrupted(t *testing.T) {
	t.Parallel()
	c := exec.Command(helloProgram(t), append([]string{"up", "--once", "--json", "--load", "60s@20", "--state", filepath.Join(t.TempDir(), "state")}, uptest.AnyPorts()...)...)
	c.Dir = uptest.Root(t)
	var stdout, stderr uptest.Output
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	uptest.Eventually(t, "the load has begun", func() bool { return strings.Contains(stderr.String(), "load: ") })
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil || c.ProcessState.ExitCode() != 1 || stdout.String() != "" || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("%v\n%s\n%s", err, &stdout, &stderr)
	}
}

// Asking for the status never stands in the way of an `up` that starts.
func TestStatusWhileItStarts(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	stop := make(chan struct{})
	var asking sync.WaitGroup
	for range 2 {
		asking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				c := exec.Command(helloProgram(t), "status", "--state", state)
				c.Dir = uptest.Root(t)
				_ = c.Run() // it fails until there is something to tell
			}
		})
	}
	a := up(t, uptest.Root(t), helloProgram(t), state)
	close(stop)
	asking.Wait()
	if status, _ := a.Get("/hello/grafana"); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}

// A file of the store's that is damaged is named, not passed over.
func TestADamagedStoreIsTold(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	a := up(t, uptest.Root(t), helloProgram(t), state)
	a.Get("/hello/grafana")
	uptest.Eventually(t, "recorded", func() bool { return a.count(recorded) == 1 })
	a.Stop(os.Interrupt)
	files, err := filepath.Glob(filepath.Join(state, "laptop", "store", "data", "data", "ephor", "autogen", "*", "*.tsm"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the store has no data files: %v", err)
	}
	if err := os.Truncate(files[0], 10); err != nil {
		t.Fatal(err)
	}
	b := up(t, uptest.Root(t), helloProgram(t), state)
	if !strings.Contains(b.Stderr.String(), filepath.Base(files[0])) {
		t.Errorf("the damaged file is not named:\n%s", b.Stderr)
	}
	if status, _ := b.Get("/hello/grafana"); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}
