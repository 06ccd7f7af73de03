package lambda

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// TestOpenIgnoresStrayFiles: what somebody has left in the service's folders.
func TestOpenIgnoresStrayFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	create(t, s, hello(t))
	call(t, s, `{}`)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"functions/.DS_Store", "functions/old.json/x", "code/notes.txt"} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("stray"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	call(t, open(t, Config{Dir: dir}), `{}`)
}

func TestMissingCode(t *testing.T) {
	t.Parallel()
	f := func(what string, damage func(folder string) error, mend func(*Service) error) {
		t.Helper()
		dir := t.TempDir()
		s := open(t, Config{Dir: dir})
		lost := create(t, s, hello(t, func(in *FunctionInput) { in.ReservedConcurrency = new(3) }))
		other := hello(t, func(in *FunctionInput) { in.Name, in.Code.ZipFile = "other", script(t, "exit 9") })
		create(t, s, other)
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		folder := s.code.path(lost.CodeSHA256)
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		if err := damage(folder); err != nil {
			t.Fatal(err)
		}

		r := &recorder{}
		s = open(t, Config{Dir: dir, Events: r.add})
		names := func(text string) bool { return strings.Contains(text, "hello") && strings.Contains(text, folder) }
		if events := eventsOf[CodeMissing](r); len(events) != 1 || events[0].Function != "hello" || events[0].Folder != folder || !names(events[0].Err.Error()) {
			t.Errorf("%s: told %+v", what, events)
		}
		if out, err := s.Invoke(t.Context(), InvokeInput{Function: "other"}); err != nil || !strings.Contains(string(out.Payload), "exit status 9") {
			t.Errorf("%s: the other function: %v %s", what, err, out.Payload)
		}
		_, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"})
		if e := awsproto.From(err); e.Code != "InvalidZipFileException" || e.Status != 502 || !names(e.Message) {
			t.Errorf("%s: invoking it: %v", what, err)
		}
		_, err = s.Function("hello")
		if e := awsproto.From(err); e.Code != "ResourceNotFoundException" || !names(e.Message) {
			t.Errorf("%s: asking for it: %v", what, err)
		}
		if all := s.Functions(); len(all) != 1 || all[0].Name != "other" {
			t.Errorf("%s: functions %+v", what, all)
		}
		if _, err := s.UpdateFunction(t.Context(), "hello", FunctionInput{Description: "new"}); awsproto.From(err).Code != "InvalidZipFileException" {
			t.Errorf("%s: updating all but its code: %v", what, err)
		}
		if err := mend(s); err != nil {
			t.Fatal(err)
		}
		if len(s.Functions()) == 1 { // mended by its deletion
			create(t, s, hello(t))
		}
		call(t, s, `{}`)
		// What is held is counted right: the end of the function is the end of its code.
		if err := s.DeleteFunction(t.Context(), "hello"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the end of its code", func() bool { _, err := os.Stat(folder); return os.IsNotExist(err) })
	}
	nothing := func(string) error { return nil }
	file := func(folder string) error { return os.WriteFile(folder, nil, 0o600) }
	update := func(s *Service) error {
		f, err := s.UpdateFunctionCode(t.Context(), "hello", Code{ZipFile: bootstrapZip(t)})
		if err == nil && (f.ReservedConcurrency == nil || *f.ReservedConcurrency != 3) {
			t.Errorf("its configuration was lost: %+v", f)
		}
		return err
	}
	f("a folder that is not there, new code", nothing, update)
	f("a file in its place, new code", file, update)
	f("created anew", nothing, func(s *Service) error { _, err := s.CreateFunction(t.Context(), hello(t)); return err })
	f("deleted", nothing, func(s *Service) error { return s.DeleteFunction(t.Context(), "hello") })
}
