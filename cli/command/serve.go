package command

import (
	"context"
	"fmt"
	"net/url"

	"golang.org/x/sync/errgroup"

	"github.com/ephor-io/ephor/load"
)

// serve keeps the application up until ctx ends or, with --once, until the load is done.
func (s *session) serve(ctx context.Context, plan load.Plan, f upFlags) error {
	if f.once {
		return s.once(ctx, plan, f.loadURL)
	}
	g, ctx := errgroup.WithContext(ctx)
	if f.load != "" {
		c, err := s.loadOf(plan, f.loadURL)
		if err != nil {
			return err
		}
		g.Go(func() error {
			_, err := s.send(ctx, c)
			return err
		})
	}
	g.Go(func() error { return s.follow(ctx) })
	if s.grafana.in != nil {
		g.Go(func() error { s.grafana.in.keep(ctx); return nil })
	}
	g.Go(func() error {
		<-ctx.Done()
		return context.Cause(ctx)
	})
	return g.Wait()
}

// target is the URL that a load goes to: an absolute URL, a path of the API or, for "", the first
// GET route without variables.
func (s *session) target(given string) (string, error) {
	if u, err := url.Parse(given); err == nil && u.Host != "" {
		return given, nil
	}
	if s.addresses.API == "" {
		return "", hinted(fmt.Errorf("%s has no route for a load to go to", s.program.app.Name()), "--load-url with an absolute URL")
	}
	if given != "" {
		return s.addresses.API + given, nil
	}
	path := s.current.Load().FirstGet
	if path == "" {
		return "", hinted(fmt.Errorf("%s has no GET route without variables for a load to go to", s.program.app.Name()), "--load-url PATH")
	}
	return s.addresses.API + path, nil
}
