package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ephor-io/ephor/internal/gotool"
	"github.com/ephor-io/ephor/internal/watch"
)

// follow watches the function's source until ctx ends: what is saved is built and takes over. A
// source that does not compile, or a stack that does not converge, is told and changes nothing.
func (s *session) follow(ctx context.Context) error {
	// One change waits at most: what was saved since is built with it.
	changed := make(chan struct{}, 1)
	watched := make(chan error, 1)
	go func() {
		watched <- watch.Run(ctx, watch.Config{
			List: func(ctx context.Context) ([]string, error) {
				return gotool.Files(ctx, s.source.ModuleDir, s.source.ImportPath, functionTags)
			},
			Since:  s.started,
			Except: s.dir,
			Events: func(e watch.Event) {
				switch e := e.(type) {
				case watch.Change:
					select {
					case changed <- struct{}{}:
					default:
					}
				case watch.Polling:
					s.terminal.sayf("watching the source by looking twice a second: %v", e.Err)
				case watch.Trouble:
					s.terminal.sayf("watching the source: %v", e.Err)
				}
			},
		})
	}()
	for {
		select {
		case err := <-watched:
			if err != nil {
				return fmt.Errorf("watching the source: %w", err)
			}
			return nil
		case <-changed:
			s.reload(ctx)
		}
	}
}

// reload builds the source as it is now and converges the stacks.
func (s *session) reload(ctx context.Context) {
	start := time.Now()
	s.tell("building", false)
	err := s.workflow.Failed(ctx, s.deploy(ctx))
	var compile *gotool.Error
	switch {
	case ctx.Err() != nil:
	case errors.As(err, &compile):
		s.tell("the source does not compile; the version before it goes on running: "+firstError(compile.Output), true)
		s.terminal.sayf("the source does not compile; the version before it goes on running:\n%s", strings.TrimSpace(compile.Output))
	case err != nil:
		s.tell("the change could not be deployed: "+err.Error(), true)
		s.terminal.sayf("the change could not be deployed: %v", err)
	default:
		s.notice.Store(nil)
		s.terminal.sayf("the functions' code changed in %s (routes, timeouts and dashboards change when up is started again)", short(time.Since(start)))
	}
}

// firstError is the first line that the compiler says about a file.
func firstError(output string) string {
	for line := range strings.SplitSeq(output, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return line
		}
	}
	return ""
}

// tell puts a notice on the page.
func (s *session) tell(text string, failed bool) { s.notice.Store(&notice{text: text, failed: failed}) }
