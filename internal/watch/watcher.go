package watch

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A source names what was touched in the folders it was given. It may name a thing twice or
// without need, and names a folder when it cannot say what in there was touched.
type source interface {
	// add makes it watch one more folder, or the same one anew. One that is not there is no error.
	add(dir string) error
	touched() <-chan string
	// failed yields an error after which the source is of no use any more.
	failed() <-chan error
	close()
}

// A watcher is one Run, and belongs to its goroutine.
type watcher struct {
	Config
	source source
	set    *set
	dirty  map[string]bool // what the next Change tells
	first  time.Time       // when the first of dirty was touched
	last   time.Time       // and the last, or one of them again
	seen   time.Time       // what was touched before this has been told
}

func (w *watcher) open(ctx context.Context) error {
	files, err := w.List(ctx)
	if err != nil {
		return fmt.Errorf("listing the source files: %w", err)
	}
	w.set = newSet(files)
	src, err := w.notify()
	if err == nil {
		w.source = src
		err = w.add(w.set.dirs)
	}
	if err != nil {
		w.fallBack(err)
	}
	w.Events(Watching{Files: len(files)})
	if !w.Since.IsZero() {
		w.seen = w.Since
		w.markNewer(w.set.dirs)
	}
	return nil
}

func (w *watcher) add(dirs map[string]bool) error {
	for dir := range dirs {
		if err := w.source.add(dir); err != nil {
			return err
		}
	}
	return nil
}

// fallBack goes on by polling.
func (w *watcher) fallBack(cause error) {
	if w.source != nil {
		w.source.close()
	}
	p := newPoll(w.poll)
	for dir := range w.set.dirs {
		p.watch(dir)
	}
	w.source = p
	w.Events(Polling{Err: cause})
}

func (w *watcher) loop(ctx context.Context) {
	for {
		var due <-chan time.Time
		if len(w.dirty) > 0 {
			due = time.After(min(time.Until(w.last.Add(w.quiet)), time.Until(w.first.Add(w.most))))
		}
		select {
		case <-ctx.Done():
			return
		case path := <-w.source.touched():
			w.touch(path)
		case err := <-w.source.failed():
			w.fallBack(err)
			// What changed while the source was failing is found by its time.
			w.markNewer(w.set.dirs)
		case <-due:
			w.tell(ctx)
		}
	}
}

// tell emits the Change and asks for the files anew. What is touched meanwhile waits in the
// source; what is touched in folders that are new to it is found by its time.
func (w *watcher) tell(ctx context.Context) {
	files := slices.Sorted(maps.Keys(w.dirty))
	files = slices.DeleteFunc(files, func(f string) bool {
		// An editor's temporary file that looked like source for a moment.
		_, err := os.Stat(f)
		return err != nil && !w.set.files[f]
	})
	clear(w.dirty)
	if len(files) == 0 {
		return
	}
	w.seen = time.Now()
	w.Events(Change{Files: files})

	listed, err := w.List(ctx)
	if err != nil {
		if ctx.Err() == nil {
			w.Events(Trouble{Err: fmt.Errorf("listing the source files: %w", err)})
		}
		return
	}
	before := w.set
	w.set = newSet(listed)
	added := w.set.takeOver(before)
	if err := w.add(added); err != nil {
		w.fallBack(err)
		added = w.set.dirs
	}
	w.markNewer(added)
	if !maps.Equal(before.files, w.set.files) {
		w.Events(Watching{Files: len(listed)})
	}
}

func (w *watcher) touch(path string) {
	switch {
	case w.set.relevant(path):
		w.mark(path)
	case w.set.dirs[path]:
		// Removed and made again, or a source that lost track.
		w.enter(path)
	case path != w.Except && w.set.mayEnter(path) && isDir(path):
		// A package in the making: it is in no list before something imports it.
		w.set.enter(path)
		w.enter(path)
	}
}

// enter watches a folder and then looks for what came into it before.
func (w *watcher) enter(dir string) {
	dirs := map[string]bool{dir: true}
	if err := w.add(dirs); err != nil {
		w.fallBack(err)
		dirs = w.set.dirs
	}
	w.markNewer(dirs)
}

func (w *watcher) mark(path string) {
	w.last = time.Now()
	if len(w.dirty) == 0 {
		w.first = w.last
	}
	w.dirty[path] = true
}

// coarse is by how much a file's time may lag behind the clock, since kernels take it from
// their last tick.
const coarse = 20 * time.Millisecond

// markNewer marks what was touched in the folders since the last Change.
func (w *watcher) markNewer(dirs map[string]bool) {
	since := w.seen.Add(-coarse)
	for dir := range dirs {
		// One that cannot be read is gone, and that was touched where it stood.
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || info.ModTime().Before(since) {
				continue
			}
			if path := filepath.Join(dir, e.Name()); !dirs[path] {
				w.touch(path)
			}
		}
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
