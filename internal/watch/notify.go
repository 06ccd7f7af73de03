package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// notify is the source that the kernel feeds.
type notify struct {
	watcher *fsnotify.Watcher
	paths   chan string
	errs    chan error
	done    chan struct{}
	reader  sync.WaitGroup
}

func newNotify() (source, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching files: %w", err)
	}
	n := &notify{watcher: w, paths: make(chan string), errs: make(chan error, 1), done: make(chan struct{})}
	n.reader.Go(n.read)
	return n, nil
}

func (n *notify) add(dir string) error {
	err := n.watcher.Add(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("watching %s: %w", dir, err)
	}
	return nil
}

func (n *notify) touched() <-chan string { return n.paths }
func (n *notify) failed() <-chan error   { return n.errs }

func (n *notify) close() {
	close(n.done)
	// It has nothing left to tell.
	_ = n.watcher.Close()
	n.reader.Wait()
}

func (n *notify) read() {
	for {
		select {
		case <-n.done:
			return
		case e, ok := <-n.watcher.Events:
			// Indexers and backups change attributes, never source.
			if ok && e.Op != fsnotify.Chmod {
				n.send(e.Name)
			}
		case err, ok := <-n.watcher.Errors:
			switch {
			case !ok:
			case errors.Is(err, fsnotify.ErrEventOverflow):
				for _, dir := range n.watcher.WatchList() {
					n.send(dir)
				}
			default:
				select {
				case n.errs <- fmt.Errorf("watching files: %w", err):
				default: // one is enough
				}
			}
		}
	}
}

func (n *notify) send(path string) {
	select {
	case n.paths <- path:
	case <-n.done:
	}
}
