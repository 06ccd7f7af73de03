package command

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/ephor-io/ephor/internal/grafana"
	"github.com/ephor-io/ephor/laptop"
	"github.com/ephor-io/ephor/monitor"
)

// grafanaOnPath is the value of a --grafana without one.
const grafanaOnPath = "PATH"

// A shower is the Grafana of --grafana.
type shower interface {
	// show makes it show v before the store at the address, and returns where the dashboards are.
	show(ctx context.Context, v monitor.View, store string) ([]string, error)
	// keep sees to it that it goes on until ctx ends.
	keep(ctx context.Context)
	// close ends what is up's.
	close(ctx context.Context) error
}

// grafanaOf is what --grafana names, nil without it.
func (p *program) grafanaOf(c *cobra.Command, args []string, f upFlags) (func(*session) shower, error) {
	where, port := f.grafana, c.Flags().Changed("grafana-port")
	switch {
	case len(args) == 1 && where == grafanaOnPath:
		where = args[0] // pflag takes the value of a flag that may have none only behind =
	case len(args) > 0:
		return nil, usage(c, fmt.Errorf("up takes no argument, and got %q", args[0]))
	}
	if where == "" && port {
		return nil, usage(c, errors.New("--grafana-port is for --grafana"))
	}
	if where == "" {
		if c.Flags().Changed("grafana") {
			return nil, usage(c, errors.New("--grafana: a path, an address, or nothing for the one on PATH"))
		}
		return nil, nil
	}
	if _, ok := p.app.Monitoring(); !ok {
		return nil, hinted(fmt.Errorf("%s has no monitoring for a Grafana to show", p.app.Name()), "app.Monitor(ephor.Grafana{}) in its main")
	}
	if isAddress(where) {
		if port {
			return nil, usage(c, errors.New("--grafana-port is for a Grafana that up starts"))
		}
		if err := checkGrafanaURL(where); err != nil {
			return nil, usage(c, err)
		}
		g := newGuest(p.app.Name(), where)
		return func(*session) shower { return g }, g.reach(c.Context())
	}
	if where == grafanaOnPath {
		where = ""
	}
	found, err := grafana.Find(c.Context(), where)
	var old *grafana.OldError
	switch {
	case errors.As(err, &old):
		return nil, hinted(err, "a newer one: https://grafana.com/grafana/download")
	case err != nil:
		return nil, hinted(err, "--grafana=/usr/share/grafana, or wherever it is installed; --grafana=http://localhost:3000 for one that runs; or up without it, whose page shows the same")
	}
	return func(s *session) shower {
		return &ownGrafana{s: s, config: grafana.Config{
			Program: found, Dir: filepath.Join(s.dir, grafanaFolder), Port: f.grafanaPort, Fixed: port, Settings: monitor.GrafanaSettings}}
	}, nil
}

// isAddress tells an address from a path: one with a password before its host, too, whatever else it lacks.
func isAddress(where string) bool {
	first, _, _ := strings.Cut(where, "/")
	user, _, at := strings.Cut(first, "@")
	return strings.Contains(where, "://") || at && strings.Contains(user, ":")
}

// checkGrafanaURL: what up shows is in a store that only this machine reaches. Its errors do not quote the address,
// which may hold a password.
func checkGrafanaURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("--grafana: that is not the address of a Grafana, such as http://localhost:3000")
	case u.User != nil:
		return fmt.Errorf("--grafana: the address holds a password, which everybody sees on the command line: %s=user:password", grafanaToken)
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("--grafana: the address has a query or a fragment, which no request would keep: leave out what stands behind ? or #; an organisation is the one of the token")
	case !laptop.Loopback(u.Host):
		return fmt.Errorf("--grafana: %s is not this machine, and up's store lets in nobody else; dashboard --push puts dashboards into any Grafana", u.Host)
	}
	return nil
}

// showing is the Grafana of a session, and what it shows.
type showing struct {
	mu    sync.Mutex
	in    shower // nil without --grafana
	view  monitor.View
	shown bool
}

// showInGrafana makes the Grafana of --grafana show a, if it does not.
func (s *session) showInGrafana(ctx context.Context, a *application) error {
	g := &s.grafana
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.in == nil || g.shown && sameView(g.view, a.View) {
		return nil
	}
	at, err := g.in.show(ctx, a.View, s.addresses.Store)
	g.shown = err == nil
	if err != nil {
		return err
	}
	g.view, s.addresses.Grafana = a.View, at
	return s.leaveWord()
}

func sameView(a, b monitor.View) bool {
	return string(a.Rules) == string(b.Rules) && slices.EqualFunc(a.Boards, b.Boards, func(a, b monitor.Dashboard) bool {
		return a.UID == b.UID && a.Title == b.Title && string(a.JSON) == string(b.JSON)
	})
}

// closeGrafana ends what is up's of the Grafana.
func (s *session) closeGrafana(ctx context.Context) error {
	s.grafana.mu.Lock()
	defer s.grafana.mu.Unlock()
	if s.grafana.in == nil {
		return nil
	}
	return s.grafana.in.close(ctx)
}
