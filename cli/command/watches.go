package command

import (
	"context"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ephor-io/ephor/internal/gotool"
	"github.com/ephor-io/ephor/internal/watch"
)

// watches are of what the functions are built of and of what the commands are, most of which is the same. They
// are two, because the commands are built of hundreds of packages: to list those takes a while, in which a change
// of the functions' code shall be seen.
func (s *session) watches(changed func()) []watch.Config {
	var seen atomic.Pointer[watched] // by the functions' watch
	first := true
	list := func(ctx context.Context, tags ...string) ([]string, error) {
		return gotool.Files(ctx, s.source.ModuleDir, s.source.ImportPath, tags)
	}
	functions := watch.Config{
		List: func(ctx context.Context) ([]string, error) {
			files, err := list(ctx, slices.Concat(functionTags, s.tags)...)
			if err == nil {
				seen.Store(newWatched(files))
			}
			return files, err
		},
		Events: func(e watch.Event) {
			if _, ok := e.(watch.Change); ok {
				changed()
			}
			s.tellWatch(e)
		},
	}
	commands := watch.Config{
		List: func(ctx context.Context) ([]string, error) {
			if !first {
				s.rest(ctx)
			}
			first = false
			return list(ctx, hostTag)
		},
		Events: func(e watch.Event) {
			c, ok := e.(watch.Change)
			if ok && !seen.Load().has(c.Files) {
				changed()
			}
			if _, ok := e.(watch.Trouble); ok {
				s.tellWatch(e)
			}
		},
	}
	all := []watch.Config{functions, commands}
	for i := range all {
		all[i].Since, all[i].Except = s.started, s.dir
	}
	return all
}

// rest waits until the change of the source that is being followed has come to its end, so that nothing else
// is in its way, but no longer than it takes at most on most machines.
func (s *session) rest(ctx context.Context) {
	select {
	case <-s.rested:
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
	}
}

// watched are the paths that a watch sees: files, and all Go files in some folders.
type watched struct{ files, folders map[string]bool }

func newWatched(files []string) *watched {
	w := &watched{files: map[string]bool{}, folders: map[string]bool{}}
	for _, f := range files {
		w.files[f] = true
		if filepath.Ext(f) == ".go" {
			w.folders[filepath.Dir(f)] = true
		}
	}
	return w
}

// has reports whether all files are among them; nil has none.
func (w *watched) has(files []string) bool {
	return w != nil && !slices.ContainsFunc(files, func(f string) bool {
		return !w.files[f] && !(filepath.Ext(f) == ".go" && w.folders[filepath.Dir(f)])
	})
}

func (s *session) tellWatch(e watch.Event) {
	switch e := e.(type) {
	case watch.Polling:
		s.terminal.sayf("watching the source by looking twice a second: %v", e.Err)
	case watch.Trouble:
		s.terminal.sayf("watching the source: %v", e.Err)
	}
}
