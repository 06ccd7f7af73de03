package lambda

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ephor-io/ephor/internal/functiontest"
)

// functionZip is the function of testdata/function, built once.
var functionZip = sync.OnceValues(func() ([]byte, error) { return functiontest.Deployment("testdata/function") })

type file struct {
	mode fs.FileMode
	data []byte
}

// zipOf is an archive of files by their names.
func zipOf(files map[string]file) ([]byte, error) {
	all := map[string]functiontest.File{}
	for name, f := range files {
		all[name] = functiontest.File{Mode: f.mode, Data: f.data}
	}
	return functiontest.Zip(all)
}

func bootstrapZip(t testing.TB) []byte {
	t.Helper()
	data, err := functionZip()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// script is the zip of a function that is a shell script.
func script(t testing.TB, text string) []byte {
	t.Helper()
	data, err := zipOf(map[string]file{"bootstrap": {0o755, []byte("#!/bin/sh\n" + text)}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// recorder keeps events.
type recorder struct {
	mu     sync.Mutex
	events []Event
}

func (r *recorder) add(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// lines are all log lines so far.
func (r *recorder) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for _, e := range r.events {
		if l, ok := e.(LogLine); ok {
			lines = append(lines, l.Line)
		}
	}
	return lines
}

func eventsOf[E Event](r *recorder) []E {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []E
	for _, e := range r.events {
		if e, ok := e.(E); ok {
			found = append(found, e)
		}
	}
	return found
}

// open is Open with a folder and an end of its own; no process may be left at the end.
func open(t testing.TB, cfg Config) *Service {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	var mu sync.Mutex
	var pids []int
	next := cfg.Events
	cfg.Events = func(e Event) {
		if e, ok := e.(EnvironmentStarted); ok {
			mu.Lock()
			pids = append(pids, e.PID)
			mu.Unlock()
		}
		if next != nil {
			next(e)
		}
	}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.closed() {
			return
		}
		if err := s.Close(t.Context()); err != nil && !errors.Is(err, t.Context().Err()) {
			t.Error(err)
		}
		for _, pid := range pids {
			if alive(pid) {
				t.Errorf("process %d is left", pid)
			}
		}
	})
	return s
}

// hello is the test function with changes.
func hello(t testing.TB, edit ...func(*FunctionInput)) FunctionInput {
	in := FunctionInput{
		Name: "hello", Runtime: "provided.al2023", Handler: "HelloWorld", Role: "arn:aws:iam::000000000000:role/hello",
		Architecture: hostArchitecture(), Code: Code{ZipFile: bootstrapZip(t)}, Timeout: 20 * time.Second,
	}
	for _, e := range edit {
		e(&in)
	}
	return in
}

func create(t testing.TB, s *Service, in FunctionInput) Function {
	t.Helper()
	f, err := s.CreateFunction(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// call invokes hello and fails on anything but success.
func call(t testing.TB, s *Service, payload string) []byte {
	t.Helper()
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(payload)})
	if err != nil {
		t.Fatal(err)
	}
	if out.FunctionError != "" {
		t.Fatalf("%s: %s %s", payload, out.FunctionError, out.Payload)
	}
	return out.Payload
}

func pidOf(t testing.TB, payload []byte) int {
	t.Helper()
	var answer struct{ PID int }
	if err := json.Unmarshal(payload, &answer); err != nil || answer.PID == 0 {
		t.Fatalf("%s: no pid (%v)", payload, err)
	}
	return answer.PID
}

// eventually waits for what must come. Three minutes are for ever: an event whose first try has failed comes again after one.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came: %s", what)
		}
	}
}

func stats(t testing.TB, s *Service, name string) FunctionStats {
	t.Helper()
	for _, f := range s.Stats() {
		if f.Function == name {
			return f
		}
	}
	t.Fatalf("no figures of %s", name)
	return FunctionStats{}
}

// settled waits until every environment of a function is ready for a request. That it is not busy
// any more is not enough: between the two a request would start another.
func settled(t testing.TB, s *Service, name string) {
	t.Helper()
	f, err := s.lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "idle environments", func() bool {
		all := true
		f.each(func(pool *function) {
			pool.mu.Lock()
			defer pool.mu.Unlock()
			all = all && len(pool.idle) == len(pool.live)
		})
		return all
	})
}

func join(lines []string) string { return strings.Join(lines, "\n") }
