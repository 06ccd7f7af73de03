package command

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/load"
)

// serve keeps the application up until ctx ends or, with --once, until the load is done.
func (s *session) serve(ctx context.Context, plan load.Plan, f upFlags) error {
	if f.once {
		return s.once(ctx, plan, f.loadURL)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.follow(ctx) })
	if f.load != "" {
		g.Go(func() error {
			_, err := s.load(ctx, plan, f.loadURL)
			return err
		})
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
	path := firstGet(s.program.app)
	if path == "" {
		return "", hinted(fmt.Errorf("%s has no GET route without variables for a load to go to", s.program.app.Name()), "--load-url PATH")
	}
	return s.addresses.API + path, nil
}

// firstGet is the path of the first GET route without variables, "" if there is none.
func firstGet(app *ephor.App) string {
	for _, r := range app.Routes() {
		if (r.Method == http.MethodGet || r.Method == "ANY") && !strings.Contains(r.Path, "{") {
			return r.Path
		}
	}
	return ""
}
