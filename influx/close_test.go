package influx

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
)

// engineGoroutines is the stacks of all goroutines that run in the engine or in this package's server.
func engineGoroutines() string {
	var all bytes.Buffer
	pprof.Lookup("goroutine").WriteTo(&all, 2)
	var found []string
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(stack, "influxdata/influxdb") || strings.Contains(stack, "(*Server)") {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}

// openFiles lists the open files below dir, where the system tells.
func openFiles(dir string) []string {
	var found []string
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		if path, err := os.Readlink(link); err == nil && strings.HasPrefix(path, dir) {
			found = append(found, path)
		}
	}
	return found
}

// Not parallel: it looks at every goroutine there is, and the parallel tests have not begun yet.
func TestCloseReleasesEverything(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir, Database: "ephor"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	d := target{"embedded", server.URL}
	d.write(t, conformancePoints)
	d.values(t, "SELECT * FROM cpu")
	d.do(t, get("/query?db=ephor&async=true&q=SELECT * FROM cpu"))
	d.do(t, request{method: "POST", path: "/query", form: "q=CREATE DATABASE other"})
	server.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("a second time: %v", err)
	}
	eventually(t, "goroutines are left", func() bool { return engineGoroutines() == "" })
	if files := openFiles(dir); len(files) != 0 {
		t.Errorf("files are left open: %v", files)
	}
}

func TestClosedAnswers(t *testing.T) {
	t.Parallel()
	s, err := Open(Config{Dir: t.TempDir(), Database: "ephor"})
	if err != nil {
		t.Fatal(err)
	}
	d := inProcess(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, r := range []request{post("/write?db=ephor", "x v=1"), get("/query?q=SHOW DATABASES"), get("/ping")} {
		if got := d.do(t, r); got.status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d, want 503", r.path, got.status)
		}
	}
}

// Close waits for writes that have begun: what was acknowledged is in the store that is opened next.
func TestCloseDuringWrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, d, _ := openDir(t, dir)
	acks := &acknowledged{last: map[int]int{}}
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() { acks.writeUntilRefused(d, i, 10) })
	}
	eventually(t, "nothing is acknowledged", func() bool {
		acks.Lock()
		defer acks.Unlock()
		return len(acks.last) > 0
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	writers.Wait()
	s, d, _ = openDir(t, dir)
	defer s.Close()
	acks.check(t, d)
}

// Close ends a query rather than wait for it.
func TestCloseDuringQuery(t *testing.T) {
	t.Parallel()
	s, err := Open(Config{Dir: t.TempDir(), Database: "ephor"})
	if err != nil {
		t.Fatal(err)
	}
	d := inProcess(t, s)
	d.write(t, "x v=1 1")
	var queries sync.WaitGroup
	queries.Go(func() { d.do(t, get("/query?db=ephor&chunked=true&q="+endless)) })
	eventually(t, "the query does not start", func() bool { return len(s.queries.working) == 1 })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	queries.Wait()
}
