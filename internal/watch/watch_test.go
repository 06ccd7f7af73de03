package watch

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A tree is a folder with source in it that is being watched.
type tree struct {
	*testing.T
	root   string
	events chan Event
	before []string // what changed in the step before

	mu    sync.Mutex
	files []string
}

func newTree(t *testing.T) *tree {
	t.Helper()
	tr := &tree{T: t, root: t.TempDir(), events: make(chan Event, 1000)}
	for _, name := range []string{"go.mod", "go.sum", "cmd/shop/main.go", "cmd/shop/main_test.go", "static/index.html", "static/notes.csv"} {
		tr.write(name, "before")
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(tr.path(name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	tr.list("go.mod", "go.sum", "cmd/shop/main.go", "static/index.html")
	return tr
}

func (tr *tree) path(name string) string { return filepath.Join(tr.root, filepath.FromSlash(name)) }

func (tr *tree) write(name, text string) {
	tr.Helper()
	path := tr.path(name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		tr.Fatal(err)
	}
}

func (tr *tree) remove(name string) {
	tr.Helper()
	if err := os.RemoveAll(tr.path(name)); err != nil {
		tr.Fatal(err)
	}
}

func (tr *tree) rename(from, to string) {
	tr.Helper()
	if err := os.Rename(tr.path(from), tr.path(to)); err != nil {
		tr.Fatal(err)
	}
}

// list sets what the build reads.
func (tr *tree) list(names ...string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.files = nil
	for _, n := range names {
		tr.files = append(tr.files, tr.path(n))
	}
}

// start watches in the background until the test ends.
func (tr *tree) start(c Config) {
	tr.Helper()
	if c.List == nil {
		c.List = func(context.Context) ([]string, error) {
			tr.mu.Lock()
			defer tr.mu.Unlock()
			return slices.Clone(tr.files), nil
		}
	}
	c.Events = func(e Event) { tr.events <- e }
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, c) }()
	tr.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			tr.Errorf("Run: %v", err)
		}
	})
}

// event waits for the next event.
func (tr *tree) event() Event {
	tr.Helper()
	select {
	case e := <-tr.events:
		return e
	case <-time.After(time.Minute):
		tr.Fatal("no event in a minute")
		return nil
	}
}

// watching waits for the watch of so many files.
func (tr *tree) watching(files int) {
	tr.Helper()
	for {
		if w, ok := tr.event().(Watching); ok && w.Files == files {
			return
		}
	}
}

// changed waits until just these files have been told of. On a busy machine a burst may come
// as two changes, and then a file may be told of twice: those of the step before are no surprise.
func (tr *tree) changed(names ...string) {
	tr.Helper()
	told := map[string]bool{}
	for len(told) < len(names) {
		c, ok := tr.event().(Change)
		if !ok {
			continue
		}
		for _, f := range c.Files {
			rel, err := filepath.Rel(tr.root, f)
			if err != nil {
				tr.Fatal(err)
			}
			rel = filepath.ToSlash(rel)
			if slices.Contains(names, rel) {
				told[rel] = true
			} else if !slices.Contains(tr.before, rel) {
				tr.Fatalf("%s is told to have changed, want %q alone", rel, names)
			}
		}
	}
	tr.before = names
}

// sources are the ways to watch.
func sources() map[string]Config {
	polling := Config{}.withDefaults()
	polling.poll = 20 * time.Millisecond
	polling.notify = func() (source, error) { return nil, syscall.ENOSPC }
	return map[string]Config{"by the kernel": {}, "by polling": polling}
}

func eachSource(t *testing.T, f func(*tree)) {
	t.Helper()
	for name, c := range sources() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTree(t)
			tr.start(c)
			if name == "by polling" {
				if e, ok := tr.event().(Polling); !ok || !errors.Is(e.Err, syscall.ENOSPC) {
					t.Fatalf("the first event is %v", e)
				}
			}
			tr.watching(4)
			f(tr)
		})
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	eachSource(t, func(tr *tree) {
		tr.write("cmd/shop/main.go", "another text")
		tr.changed("cmd/shop/main.go")

		tr.write("static/index.html", "another text")
		tr.write("go.mod", "another text")
		tr.changed("go.mod", "static/index.html")

		tr.remove("cmd/shop/main.go")
		tr.changed("cmd/shop/main.go")
	})
}

func TestEditorsThatRename(t *testing.T) {
	t.Parallel()
	eachSource(t, func(tr *tree) {
		for _, text := range []string{"the first text", "a second text"} {
			tr.write("cmd/shop/4913", "")
			tr.write("cmd/shop/.main.go.swp", "")
			tr.rename("cmd/shop/main.go", "cmd/shop/main.go~")
			tr.write("cmd/shop/main.go", text)
			tr.remove("cmd/shop/main.go~")
			tr.remove("cmd/shop/4913")
			tr.changed("cmd/shop/main.go")

			tr.write("cmd/shop/.main.go.tmp123", text+", later")
			tr.rename("cmd/shop/.main.go.tmp123", "cmd/shop/main.go")
			tr.changed("cmd/shop/main.go")
		}
	})
}

func TestWhatIsNoSource(t *testing.T) {
	t.Parallel()
	eachSource(t, func(tr *tree) {
		tr.write("cmd/shop/main_test.go", "after")
		tr.write("cmd/shop/_draft.go", "after")
		tr.write("cmd/shop/.#main.go", "after")
		tr.write("cmd/shop/shop.log", "after")
		tr.write("cmd/shop/testdata/x.go", "after")
		tr.write(".ephor/app/bootstrap", "after")
		tr.write("static/notes.csv", "after")
		tr.write("static/4913", "after")
		tr.write("unrelated.go", "after") // the module's root holds no package
		if err := os.Chmod(tr.path("cmd/shop/main.go"), 0o600); err != nil {
			tr.Fatal(err)
		}
		tr.write("go.sum", "after")
		tr.changed("go.sum")
	})
}

func TestNewFilesAndPackages(t *testing.T) {
	t.Parallel()
	eachSource(t, func(tr *tree) {
		tr.list("go.mod", "go.sum", "cmd/shop/main.go", "cmd/shop/more.go", "static/index.html")
		tr.write("cmd/shop/more.go", "after")
		tr.changed("cmd/shop/more.go")
		tr.watching(5)

		tr.write("static/logo.svg", "after")
		tr.changed("static/logo.svg")

		// Nothing imports it yet, and no list holds it.
		tr.write("internal/store/store.go", "after")
		tr.changed("internal/store/store.go")
		tr.write("internal/store/store.go", "later still")
		tr.changed("internal/store/store.go")
	})
}

func TestFoldersThatGoAndComeBack(t *testing.T) {
	t.Parallel()
	eachSource(t, func(tr *tree) {
		tr.remove("cmd")
		tr.changed("cmd/shop/main.go")
		tr.write("cmd/shop/main.go", "on another branch")
		tr.changed("cmd/shop/main.go")
		tr.write("cmd/shop/main.go", "and edited there")
		tr.changed("cmd/shop/main.go")
	})
}

func TestSince(t *testing.T) {
	t.Parallel()
	for name, c := range sources() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTree(t)
			now := time.Now()
			for i, f := range []string{"go.mod", "go.sum", "cmd/shop/main.go", "static/index.html"} {
				at := now.Add(time.Duration(i-2) * time.Hour)
				if err := os.Chtimes(tr.path(f), at, at); err != nil {
					t.Fatal(err)
				}
			}
			c.Since = now.Add(-time.Minute)
			tr.start(c)
			if name == "by polling" {
				tr.event()
			}
			tr.watching(4)
			tr.changed("cmd/shop/main.go", "static/index.html")
		})
	}
}

func TestListFailsLater(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	broken := errors.New("go list: broken")
	calls := 0
	tr.start(Config{List: func(context.Context) ([]string, error) {
		if calls++; calls == 2 {
			return nil, broken
		}
		return tr.files, nil
	}})
	tr.watching(4)
	tr.write("cmd/shop/main.go", "broken")
	tr.changed("cmd/shop/main.go")
	if e, ok := tr.event().(Trouble); !ok || !errors.Is(e.Err, broken) {
		t.Fatalf("event %v, want the trouble", e)
	}
	tr.write("cmd/shop/main.go", "mended")
	tr.changed("cmd/shop/main.go")
}

func TestListFailsAtOnce(t *testing.T) {
	t.Parallel()
	err := Run(t.Context(), Config{List: func(context.Context) ([]string, error) { return nil, fs.ErrPermission }})
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "listing") {
		t.Fatalf("Run: %v", err)
	}
}

// BenchmarkDetection is the time from the write of a file until the change is told of.
func BenchmarkDetection(b *testing.B) {
	file := filepath.Join(b.TempDir(), "main.go")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		b.Fatal(err)
	}
	events := make(chan Event, 100)
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Config{
			List:   func(context.Context) ([]string, error) { return []string{file}, nil },
			Events: func(e Event) { events <- e },
		})
	}()
	if e, ok := (<-events).(Watching); !ok {
		b.Fatalf("the first event is %v", e)
	}
	for b.Loop() {
		if err := os.WriteFile(file, []byte("package main\n"), 0o644); err != nil {
			b.Fatal(err)
		}
		<-events
	}
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
