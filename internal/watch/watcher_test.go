package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// hand is a source that a test feeds.
type hand struct {
	paths chan string
	errs  chan error
	full  bool // no folder can be added any more
	added []string
}

func (h *hand) touched() <-chan string { return h.paths }
func (h *hand) failed() <-chan error   { return h.errs }
func (h *hand) close()                 {}

func (h *hand) add(dir string) error {
	h.added = append(h.added, filepath.Base(dir))
	if h.full {
		return errors.New("no space left on device")
	}
	return nil
}

// withHand watches one file on a clock of its own and hands out what to feed the watch with.
func withHand(t *testing.T, test func(h *hand, file string, events chan Event)) {
	file := filepath.Join(t.TempDir(), "main.go")
	synctest.Test(t, func(t *testing.T) {
		h := &hand{paths: make(chan string), errs: make(chan error)}
		events := make(chan Event, 100)
		c := Config{
			List:   func(context.Context) ([]string, error) { return []string{file}, nil },
			Events: func(e Event) { events <- e },
			Except: filepath.Join(filepath.Dir(file), "state"),
		}.withDefaults()
		c.notify = func() (source, error) { return h, nil }
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- Run(ctx, c) }()
		if e := <-events; e != (Watching{Files: 1}) {
			t.Fatalf("the first event is %v", e)
		}
		test(h, file, events)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestBurstIsOneChange(t *testing.T) {
	t.Parallel()
	withHand(t, func(h *hand, file string, events chan Event) {
		start := time.Now()
		for range 3 {
			h.paths <- file
			time.Sleep(40 * time.Millisecond)
		}
		<-events
		if took := time.Since(start); took != 130*time.Millisecond {
			t.Errorf("the change came after %v, want 50 ms after the last of three writes", took)
		}
		select {
		case e := <-events:
			t.Errorf("another event: %v", e)
		case <-time.After(time.Hour):
		}
	})
}

func TestEndlessBurstIsTold(t *testing.T) {
	t.Parallel()
	withHand(t, func(h *hand, file string, events chan Event) {
		start := time.Now()
		for len(events) == 0 {
			h.paths <- file
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(start); took > 310*time.Millisecond {
			t.Errorf("the change came after %v, want 300 ms", took)
		}
	})
}

func TestNoiseDoesNotDelay(t *testing.T) {
	t.Parallel()
	withHand(t, func(h *hand, file string, events chan Event) {
		start := time.Now()
		h.paths <- file
		for len(events) == 0 {
			h.paths <- file + ".log"
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(start); took > 60*time.Millisecond {
			t.Errorf("the change came after %v, want 50 ms", took)
		}
	})
}

func TestFallsBackWhenTheKernelFails(t *testing.T) {
	t.Parallel()
	c := sources()["by polling"]
	h := &hand{paths: make(chan string), errs: make(chan error)}
	c.notify = func() (source, error) { return h, nil }
	tr := newTree(t)
	tr.start(c)
	tr.watching(4)

	// It changes while nobody looks: it is found by its time.
	tr.write("cmd/shop/main.go", "after")
	cause := errors.New("the kernel's queue is broken")
	h.errs <- cause
	if e, ok := tr.event().(Polling); !ok || !errors.Is(e.Err, cause) {
		t.Fatalf("event %v, want polling", e)
	}
	tr.changed("cmd/shop/main.go")
	tr.write("go.sum", "after")
	tr.changed("go.sum")
}

func TestFallsBackWhenWatchesRunOutLater(t *testing.T) {
	t.Parallel()
	c := sources()["by polling"]
	h := &hand{paths: make(chan string), errs: make(chan error)}
	c.notify = func() (source, error) { return h, nil }
	tr := newTree(t)
	tr.start(c)
	tr.watching(4)

	h.full = true
	tr.write("store/store.go", "after")
	h.paths <- tr.path("store")
	if e, ok := tr.event().(Polling); !ok {
		t.Fatalf("event %v, want polling", e)
	}
	tr.changed("store/store.go")
}

// A new folder may become a package, but not the one in which the program itself writes.
func TestWhatTheProgramWritesIsNotWatched(t *testing.T) {
	t.Parallel()
	withHand(t, func(h *hand, file string, events chan Event) {
		dir := filepath.Dir(file)
		for _, name := range []string{"state", "pkg"} {
			if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
				t.Fatal(err)
			}
			h.paths <- filepath.Join(dir, name)
		}
		h.paths <- file // is taken when the folders have been
		if <-events; !slices.Contains(h.added, "pkg") || slices.Contains(h.added, "state") {
			t.Errorf("it watches %v", h.added)
		}
	})
}
