package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/gotool"
	"github.com/ephor-io/ephor/internal/watch"
)

// follow watches the source until ctx ends: what is saved is built and takes over, first the functions' code,
// and then all that the program says of itself. What does not compile, is not valid or does not converge is
// told and changes nothing.
func (s *session) follow(ctx context.Context) error {
	// One change waits at most: what was saved since is built with it.
	changed := make(chan struct{}, 1)
	g, ctx := errgroup.WithContext(ctx)
	for _, w := range s.watches(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}) {
		g.Go(func() error {
			if err := watch.Run(ctx, w); err != nil {
				return fmt.Errorf("watching the source: %w", err)
			}
			return nil
		})
	}
	g.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
				for s.reload(ctx, changed) {
				}
			}
		}
	})
	return g.Wait()
}

// reload builds the source as it is now and lets it take over. again is whether it has changed meanwhile.
func (s *session) reload(ctx context.Context, changed <-chan struct{}) (again bool) {
	defer func() {
		select {
		case s.rested <- struct{}{}:
		default:
		}
	}()
	s.tell("building", false)
	compiles, goesOn := s.recode(ctx)
	if !compiles || ctx.Err() != nil {
		return false
	}
	patience, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan func(), 1)
	go func() {
		start := time.Now()
		news, err := s.succeed(ctx, patience)
		done <- func() {
			// What failed is tried again with what has been saved since.
			if err == nil || !again {
				s.tellSuccession(news, err, goesOn, time.Since(start))
			}
		}
	}()
	for {
		select {
		case <-changed:
			again = true
			cancel()
		case tell := <-done:
			if ctx.Err() == nil {
				tell()
			}
			return again
		}
	}
}

// recode gives the functions their new code, and nothing else, as far as that can be: where a function that is
// deployed is not in it any more, all changes at once, later. It reports whether the code compiles, and what
// goes on if nothing more changes.
func (s *session) recode(ctx context.Context) (compiles bool, goesOn string) {
	goesOn = "the version before it goes on running"
	start := time.Now()
	c := s.converging()
	err := deploy.Build(ctx, c.functionBuild(), s.showDeployment)
	if err != nil {
		if ctx.Err() == nil {
			s.tellBuild(err, goesOn)
		}
		return false, goesOn
	}
	is := s.current.Load()
	names, err := functionsIn(ctx, c.functionBuild().Output)
	for _, name := range is.Functions {
		if err != nil || !slices.Contains(names, name) {
			return true, goesOn // why there is no telling, the program itself will say
		}
	}
	now, there, err := c.deployer(s.showDeployment).Recode(ctx, is.Deployed, c.functionBuild())
	switch {
	case ctx.Err() != nil:
	case err != nil:
		s.terminal.sayf("the functions' code could not be changed by itself: %v", err)
	case there && now.Key != is.Deployed.Key:
		next := *is
		next.Deployed = now
		s.current.Store(&next)
		s.terminal.sayf("the functions' code changed in %s", short(time.Since(start)))
		goesOn = "the functions have their new code, and their stack is as it was otherwise"
	}
	return true, goesOn
}

// succeed has the program built as it is now and, if that or the functions' code is another than what the
// stacks were converged with, has it converge them. It returns what is new.
func (s *session) succeed(ctx, patience context.Context) (news []string, err error) {
	path, err := gotool.Again(patience, hostTag)
	if err != nil {
		return nil, err
	}
	was := s.current.Load()
	if (converged{path, was.Deployed.Key}) == s.converged && !s.stale.Load() {
		return nil, nil
	}
	s.stale.Store(true) // until all has gone well
	c := s.converging()
	c.Built = true
	now, err := s.ask(ctx, patience, path, c)
	if err != nil {
		return nil, err
	}
	s.stale.Store(false)
	s.converged = converged{path, now.Deployed.Key}
	if news = now.since(was); len(news) == 0 && !now.Result.Unchanged {
		news = []string{"its stacks have changed"}
	}
	if err := s.adopt(now); err != nil {
		return news, err
	}
	if err := s.showInGrafana(ctx, now); err != nil && ctx.Err() == nil {
		s.terminal.sayf("Grafana shows what it showed before: %v", err)
	}
	return news, nil
}

// tellSuccession tells what has become of a change of the program.
func (s *session) tellSuccession(news []string, err error, goesOn string, took time.Duration) {
	var compile *gotool.Error
	var hint *Error
	switch {
	case err == nil:
		s.notice.Store(nil)
		if len(news) > 0 {
			s.terminal.sayf("the application has followed %s later: %s", short(took), strings.Join(news, ", "))
		} else if s.broken {
			s.terminal.sayf("the source is mended, and what runs is as it says")
		}
		s.broken = false
	case errors.As(err, &compile):
		s.tellBuild(err, goesOn)
	default:
		text, _, _ := strings.Cut(err.Error(), "\n")
		s.tell("the change could not be deployed: "+text, true)
		s.terminal.sayf("the change could not be deployed; %s: %v", goesOn, err)
		if errors.As(err, &hint) && hint.Hint != "" {
			s.terminal.sayf("  try: %s", hint.Hint)
		}
	}
}

// tellBuild tells of a build that has failed, and what goes on.
func (s *session) tellBuild(err error, goesOn string) {
	var compile *gotool.Error
	if !errors.As(err, &compile) {
		s.tell("the source could not be built: "+err.Error(), true)
		s.terminal.sayf("the source could not be built; %s: %v", goesOn, err)
		return
	}
	s.tell("the source does not compile; "+goesOn+": "+firstError(compile.Output), true)
	s.terminal.sayf("the source does not compile; %s:\n%s", goesOn, strings.TrimSpace(compile.Output))
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
func (s *session) tell(text string, failed bool) {
	s.notice.Store(&notice{text: text, failed: failed})
	s.broken = s.broken || failed
}
