package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/gotool"
	"github.com/ephor-io/ephor/laptop"
	"github.com/ephor-io/ephor/load"
	"github.com/ephor-io/ephor/monitor"
)

// session is one run of up.
type session struct {
	program  *program
	source   gotool.Package
	dir      string
	json     bool     // results are JSON
	isOnce   bool     // it ends after its load
	tags     []string // of the functions' build, beside those that it has anyway
	started  time.Time
	terminal *terminal

	addresses addresses
	// What the stacks were converged with, and what is known of the application since.
	converged converged
	current   atomic.Pointer[application]
	stale     atomic.Bool   // converged does not hold any more
	broken    bool          // the last change that was told of failed; of the one who follows the source
	rested    chan struct{} // a change of the source has come to its end
	grafana   showing
	// ready makes the monitoring host's signal; tests put something between function and store.
	ready  func(userData, storeURL, pageURL string) (signalURL string, body []byte, err error)
	client *http.Client // for the page and the store

	// What the page shows, from its own goroutines.
	running    atomic.Pointer[laptop.Laptop] // nil until it has started
	notice     atomic.Pointer[notice]
	apiURL     atomic.Pointer[string]
	dashboards atomic.Pointer[http.Handler]
}

// converged is what stacks were converged with: the executable of the commands, which the go command names by
// its content, and the key of the functions'.
type converged struct{ program, key string }

func newSession(p *program, pkg gotool.Package, dir string, f upFlags) *session {
	s := &session{
		program: p, source: pkg, dir: dir, json: f.json, isOnce: f.once, started: time.Now(),
		terminal: newTerminal(p.stderr),
		client:   &http.Client{Timeout: 30 * time.Second},
		ready:    hostReady,
		rested:   make(chan struct{}, 1),
	}
	if f.profile {
		s.tags = []string{profileTag}
	}
	return s
}

// run is up from the first port to the last process.
func (s *session) run(ctx context.Context, ports laptop.Ports, plan load.Plan, f upFlags) error {
	err := s.start(ctx, ports)
	if err == nil {
		err = s.serve(ctx, plan, f)
	}
	// Ctrl-C is how up ends, and no failure, unless there was a result to wait for.
	switch asked := wasAsked(ctx, err); {
	case asked && f.once:
		err = errors.New("interrupted before there was a result")
	case asked:
		err = nil
	}
	// ctx may have ended; what is under way has its time all the same.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	shown := make(chan error, 1)
	go func() { shown <- s.closeGrafana(end) }()
	l := s.running.Load()
	if l != nil {
		err = errors.Join(err, l.Close(end))
	}
	err = errors.Join(err, <-shown)
	if l == nil {
		return err
	}
	if rerr := os.Remove(addressFile(s.dir)); rerr != nil && !errors.Is(rerr, os.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return err
}

// wasAsked reports whether err says nothing but that a signal asked the program to end.
func wasAsked(ctx context.Context, err error) bool {
	var gone *gotool.GoRunGone
	cause := context.Cause(ctx)
	return cause != nil && !errors.As(cause, &gone) && (errors.Is(err, context.Canceled) || errors.Is(err, cause))
}

// startLaptop starts AWS on this machine. The monitoring host boots when its stack is made, which may be by a
// change of the source.
func (s *session) startLaptop(ctx context.Context, ports laptop.Ports) error {
	a, err := describe(s.program.app)
	if err != nil {
		return err
	}
	l, err := laptop.Start(ctx, laptop.Config{
		Dir: filepath.Join(s.dir, laptopFolder), Region: laptopRegion, AccessKey: laptopKey, Database: storeDatabase,
		Ports: ports, Events: s.laptopEvent, HostReady: s.ready, Setup: monitor.Setup(), Mark: monitor.Mark,
		Points: map[string]string{monitor.RangesPolicy: monitor.Ranges("autogen")}, // which any Grafana asks for
		Page: func(store string) (http.Handler, error) {
			s.addresses.Store = store
			return http.HandlerFunc(s.page), s.showBoards(a)
		},
		Beside: map[string]http.Handler{"GET " + lambdaPath: http.HandlerFunc(s.figures)},
	})
	var taken *laptop.PortTakenError
	if errors.As(err, &taken) {
		return hinted(err, "another port, or leave the flag out: the next free one is found then")
	}
	if err != nil && ctx.Err() == nil {
		return hinted(fmt.Errorf("starting the laptop: %w", err), "what the message names; or start empty with up --fresh, which deletes what was recorded")
	}
	if err != nil {
		return fmt.Errorf("starting the laptop: %w", err)
	}
	s.running.Store(l)
	at := l.Addresses()
	s.addresses = addresses{Page: at.Page, Store: at.Store, Endpoint: at.Endpoint}
	return nil
}

// showDeployment shows what a deployment does.
func (s *session) showDeployment(e deploy.Event) { s.terminal.show(e) }

// converging says where this up's application is converged.
func (s *session) converging() converging {
	return converging{Name: s.program.app.Name(), Endpoint: s.addresses.Endpoint, Source: s.source, Dir: s.dir, Tags: s.tags}
}

// adopt makes a what is up, and notes where it answers.
func (s *session) adopt(a *application) error {
	if before := s.current.Load(); before != nil {
		for _, stack := range before.Stacks {
			if !slices.Contains(a.Stacks, stack) {
				s.terminal.sayf("stack %s is no stack of the program any more, and stays with all that it holds until it is deleted:\n  aws --endpoint-url %s --region %s cloudformation delete-stack --stack-name %s",
					stack, s.addresses.Endpoint, laptopRegion, stack)
			}
		}
	}
	s.current.Store(a)
	had := s.addresses.API
	s.addresses = a.addresses(s.addresses)
	if had != "" && s.addresses.API != "" && had != s.addresses.API {
		s.terminal.sayf("the API has moved from %s to %s", had, s.addresses.API)
	}
	s.apiURL.Store(new(s.addresses.API))
	return errors.Join(s.showBoards(a), s.leaveWord())
}

// laptopEvent shows what happened on the laptop. That a stack of the application has been deleted, from
// another terminal, also says when it comes back.
func (s *session) laptopEvent(e laptop.Event) {
	s.terminal.show(e)
	deleted, ok := e.(laptop.StackDeleted)
	if !ok || s.isOnce {
		return
	}
	if a := s.current.Load(); a != nil && slices.Contains(a.Stacks, deleted.Stack) {
		s.stale.Store(true)
		s.terminal.sayf("  the next change of the source makes it again, and so does the next up")
	}
}

// hostReady makes the signal of the monitoring host, as its boot script would on AWS.
func hostReady(userData, storeURL, pageURL string) (signalURL string, body []byte, err error) {
	settings, err := monitor.ParseUserData(userData)
	if err != nil {
		return "", nil, err
	}
	// The store has no TLS on loopback, so no certificate is pinned.
	body, err = monitor.Signal{StoreURL: storeURL, GrafanaURL: pageURL, CA: "system"}.Body()
	return settings.Signal, body, err
}

// leaveWord writes down where everything is, for other terminals.
func (s *session) leaveWord() error {
	data, err := json.MarshalIndent(s.addresses, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(addressFile(s.dir), append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("leaving word where %s runs: %w", s.program.app.Name(), err)
	}
	return nil
}

// announce says where to go, to a person or to a program. With --once, the report at the end does.
func (s *session) announce() error {
	s.terminal.sayf("up in %s", short(time.Since(s.started)))
	s.terminal.flush()
	switch {
	case s.isOnce:
		return nil
	case s.json:
		return json.NewEncoder(s.program.stdout).Encode(s.addresses)
	}
	return s.printAddresses(s.program.stdout)
}

func (s *session) printAddresses(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s is up.\n\n", s.program.app.Name())
	if s.addresses.API != "" {
		fmt.Fprintf(&b, "  API        %s%s\n", s.addresses.API, s.current.Load().FirstGet)
	}
	for _, f := range slices.Sorted(maps.Keys(s.addresses.URLs)) {
		fmt.Fprintf(&b, "  %-9s  %s\n", f, s.addresses.URLs[f])
	}
	if s.addresses.Dashboard != "" {
		fmt.Fprintf(&b, "  dashboard  %s\n", s.addresses.Dashboard)
		for _, at := range s.addresses.Grafana {
			fmt.Fprintf(&b, "  Grafana    %s\n", at)
		}
		fmt.Fprintf(&b, "  store      %s  (InfluxDB 1.8, database %s)\n", s.addresses.Store, storeDatabase)
	}
	fmt.Fprintf(&b, "  AWS        %s  (any SDK or the aws CLI, any access key, region %s)\n", s.addresses.Endpoint, laptopRegion)
	fmt.Fprintf(&b, "  logs       %s  (or logs -f, in another terminal)\n\nCtrl-C ends it.\n\n", filepath.Join(s.dir, laptopFolder, "logs"))
	_, err := io.WriteString(w, b.String())
	return err
}
