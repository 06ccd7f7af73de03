// Package watch tells when the source of a program has changed.
//
//	err := watch.Run(ctx, watch.Config{
//		List: func(ctx context.Context) ([]string, error) {
//			return gotool.Files(ctx, dir, pkg, tags)
//		},
//		Events: func(e watch.Event) {
//			switch e := e.(type) {
//			case watch.Change:
//				rebuild <- e.Files
//			…
//			}
//		},
//	})
//
// It watches the folders of the files, not the files, since editors write a new file and
// rename it over the old one. Where the system has no watches left it looks every half second
// instead, and says so.
package watch

import (
	"context"
	"time"
)

// Config says what to watch and whom to tell.
type Config struct {
	// List gives the files that a build reads, with absolute paths. It is asked at the start,
	// and again after every change, since a change may bring packages in.
	List func(context.Context) ([]string, error)
	// Except is a folder of the module, with an absolute path, in which no source will be: what
	// the program itself writes. Empty means none.
	Except string
	// Events is told what happens, one event at a time, and should return at once.
	Events func(Event)
	// Since, unless zero, makes files that are newer a change right at the start: give it the
	// moment before the build that the watch follows.
	Since time.Time

	quiet, most, poll time.Duration
	notify            func() (source, error)
}

// Event is one of Watching, Change, Polling and Trouble.
type Event interface{ event() }

// Watching says that from now on every change is seen. It comes first, and again when the set
// of files is another one.
type Watching struct{ Files int }

// Change says that files of the set, or Go files beside them, were written, made or removed.
// It comes 50 ms after the last write of a burst and 300 ms after its first at the latest.
type Change struct{ Files []string }

// Polling says that the system's watches cannot be used and why, and that changes are seen up
// to half a second late from now on.
type Polling struct{ Err error }

// Trouble says that List failed. The watch goes on with what it has.
type Trouble struct{ Err error }

func (Watching) event() {}
func (Change) event()   {}
func (Polling) event()  {}
func (Trouble) event()  {}

// Run watches until ctx ends and then returns nil. The one error it returns is that of the
// first List.
func Run(ctx context.Context, c Config) error {
	w := &watcher{Config: c.withDefaults(), dirty: map[string]bool{}, seen: time.Now()}
	// Which source it is may change on the way.
	defer func() {
		if w.source != nil {
			w.source.close()
		}
	}()
	if err := w.open(ctx); err != nil {
		return err
	}
	w.loop(ctx)
	return nil
}

func (c Config) withDefaults() Config {
	if c.Events == nil {
		c.Events = func(Event) {}
	}
	if c.notify == nil {
		c.quiet, c.most, c.poll, c.notify = 50*time.Millisecond, 300*time.Millisecond, 500*time.Millisecond, newNotify
	}
	return c
}
