package lambda

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// asideNames are the files that were set aside, by what was told and as they lie there.
func asideNames(t *testing.T, s *Service, r *recorder) (told, there []string) {
	t.Helper()
	for _, e := range eventsOf[SetAside](r) {
		if e.To != e.File+".broken" || !strings.Contains(e.Error(), e.To) || errors.Unwrap(e) == nil {
			t.Errorf("told %+v: %v", e, e)
		}
		told = append(told, filepath.Base(e.To))
	}
	files, err := os.ReadDir(s.queue.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		there = append(there, f.Name())
	}
	slices.Sort(told)
	return told, there
}

// TestTornEvents: a file of the queue that cannot be read stops nothing else, neither at the start nor
// when its turn has come, is told once, and can be mended.
func TestTornEvents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	kept := makeSink(t, s, "kept", "")
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Minute)
	event := queuedEvent{RequestID: "whole", Function: "kept", Payload: []byte(`1`), Accepted: long, NotBefore: long}
	whole := filepath.Join(dir, "queue", "3.json")
	if err := state.Save(whole, event); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"1.json": "{", "2.json": "", "4.json": "null", "5.json": "{}"} {
		if err := os.WriteFile(filepath.Join(dir, "queue", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := &recorder{}
	s = open(t, soon(Config{Dir: dir, Events: r.add}))
	eventually(t, "the event that is whole", func() bool { e, _ := kept(); return len(e) == 1 })
	eventually(t, "an empty queue", func() bool { return queued(s) == 0 })
	want := []string{"1.json.broken", "2.json.broken", "4.json.broken", "5.json.broken"}
	if told, there := asideNames(t, s, r); !slices.Equal(told, want) || !slices.Equal(there, want) {
		t.Errorf("told %q, there are %q", told, there)
	}

	// One that is torn while it waits.
	event.RequestID, event.NotBefore = "torn", time.Now().Add(time.Hour)
	if err := s.queue.accept(event); err != nil {
		t.Fatal(err)
	}
	s.queue.mu.Lock()
	w := s.queue.lanes["kept"].waiting[0]
	s.queue.mu.Unlock()
	if err := os.WriteFile(s.queue.path(w.file), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if v := s.queue.attempt(w); v != (verdict{}) {
		t.Errorf("an attempt at a torn file: %+v", v)
	}
	want = append([]string{w.file + ".broken"}, want...)
	if told, there := asideNames(t, s, r); !slices.Equal(told, want) || !slices.Equal(there, want) {
		t.Errorf("told %q, there are %q; want %q", told, there, want)
	}
	if v := s.queue.attempt(w); v != (verdict{}) { // and the file is gone now
		t.Errorf("an attempt at no file: %+v", v)
	}
	if all := eventsOf[SetAside](r); len(all) != len(want)+1 || all[len(want)].To != "" || !strings.Contains(all[len(want)].Error(), w.file) {
		t.Errorf("told %+v", all)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	// Mended, it is done; of the others nothing is heard any more.
	event.NotBefore = long
	if err := state.Save(whole, event); err != nil {
		t.Fatal(err)
	}
	r = &recorder{}
	s = open(t, soon(Config{Dir: dir, Events: r.add}))
	eventually(t, "the event that was mended", func() bool { e, _ := kept(); return len(e) == 2 })
	if told, _ := asideNames(t, s, r); len(told) > 0 {
		t.Errorf("told again %q", told)
	}
}

// TestTornRecords: files of functions and layers that cannot be read keep nobody else from working, and
// what they need is still there when they are mended.
func TestTornRecords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	create(t, s, hello(t))
	create(t, s, hello(t, func(in *FunctionInput) { in.Name, in.Code = "torn", Code{ZipFile: script(t, "exit 7")} }))
	l, err := s.PublishLayerVersion(t.Context(), LayerInput{Name: "torn", Content: Code{ZipFile: layerZip(t, map[string]string{"a": "b"})}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	functions, layers := filepath.Join(dir, "functions"), filepath.Join(dir, "layers")
	whole := map[string][]byte{}
	for _, path := range []string{filepath.Join(functions, "torn.json"), filepath.Join(layers, "torn.json")} {
		if whole[path], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, whole[path][:len(whole[path])/2], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bad := map[string]string{
		filepath.Join(functions, "a.json"): "", filepath.Join(functions, "b.json"): "null", filepath.Join(functions, "c.json"): "{}",
		filepath.Join(functions, "d.json"): `{"Name": "another", "CodeSHA256": "x"}`, filepath.Join(layers, "e.json"): "{}",
	}
	for path, text := range bad {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := &recorder{}
	s = open(t, Config{Dir: dir, Events: r.add})
	call(t, s, `{}`)
	told := map[string]bool{}
	for _, e := range eventsOf[SetAside](r) {
		told[e.File] = true
		if _, err := os.Stat(e.To); err != nil || e.To != e.File+".broken" || !strings.Contains(e.Error(), e.To) {
			t.Errorf("told %v (%v)", e, err)
		}
	}
	for path := range whole {
		bad[path] = ""
	}
	if !maps.EqualFunc(told, bad, func(bool, string) bool { return true }) {
		t.Errorf("told of %v, want %v", told, bad)
	}
	for _, name := range []string{"torn", "a", "another"} {
		if _, err := s.Function(name); awsproto.From(err).Code != "ResourceNotFoundException" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	for path, data := range whole {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r = &recorder{}
	s = open(t, Config{Dir: dir, Events: r.add})
	if len(eventsOf[SetAside](r))+len(eventsOf[CodeMissing](r)) > 0 {
		t.Errorf("told again: %+v, %+v", eventsOf[SetAside](r), eventsOf[CodeMissing](r))
	}
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "torn"})
	if err != nil || !strings.Contains(string(out.Payload), "exit status 7") {
		t.Errorf("mended: %s (%v)", out.Payload, err)
	}
	if _, err := s.LayerVersion(l.Name, 1); err != nil {
		t.Error(err)
	}
}
