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
	"runtime"
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

	workflow  *deploy.Workflow // once the laptop has started
	addresses addresses
	// ready makes the monitoring host's signal; tests put something between function and store.
	ready  func(userData, storeURL, pageURL string) (signalURL string, body []byte, err error)
	client *http.Client // for the page and the store

	// What the page shows, from its own goroutines.
	running atomic.Pointer[laptop.Laptop] // nil until it has started
	notice  atomic.Pointer[notice]
	apiURL  atomic.Pointer[string]
}

func newSession(p *program, pkg gotool.Package, dir string, f upFlags) *session {
	s := &session{
		program: p, source: pkg, dir: dir, json: f.json, isOnce: f.once, started: time.Now(),
		terminal: newTerminal(p.stderr),
		client:   &http.Client{Timeout: 30 * time.Second},
		ready:    hostReady,
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
	l := s.running.Load()
	if l == nil {
		return err
	}
	// ctx may have ended; what is under way has its time all the same.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err = errors.Join(err, l.Close(end))
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

// startLaptop starts AWS on this machine.
func (s *session) startLaptop(ctx context.Context, ports laptop.Ports) error {
	config := laptop.Config{
		Dir: filepath.Join(s.dir, laptopFolder), Region: laptopRegion, AccessKey: laptopKey, Database: storeDatabase,
		Ports: ports, Events: s.laptopEvent,
	}
	if g, ok := s.program.app.Monitoring(); ok {
		boards, err := monitor.Dashboards(g)
		if err != nil {
			return err
		}
		config.HostReady = s.ready
		config.Setup = monitor.Setup()
		config.Page = func(store string) (http.Handler, error) { return s.page(boards, store) }
	}
	l, err := laptop.Start(ctx, config)
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
	a := l.Addresses()
	s.addresses = addresses{Page: a.Page, Store: a.Store, Endpoint: a.Endpoint}
	show := func(e deploy.Event) { s.terminal.show(e) }
	build := functionBuild(s.source, s.dir, runtime.GOOS, runtime.GOARCH)
	build.Tags = slices.Concat(build.Tags, s.tags)
	s.workflow = workflow(s.program.app, deploy.WorkflowConfig{
		Build:    build,
		Deployer: deploy.New(deploy.Config{App: s.program.app.Name(), AWS: laptopAWS(a.Endpoint), Events: show}),
		Events:   show,
	}, nil)
	return nil
}

// laptopEvent shows what happened on the laptop. That a stack of the application has been deleted, from
// another terminal, also says when it comes back.
func (s *session) laptopEvent(e laptop.Event) {
	s.terminal.show(e)
	deleted, ok := e.(laptop.StackDeleted)
	if !ok || s.isOnce {
		return
	}
	if g, monitored := s.program.app.Monitoring(); deleted.Stack == s.program.app.Name() || monitored && deleted.Stack == g.Stack {
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
		fmt.Fprintf(&b, "  API        %s%s\n", s.addresses.API, firstGet(s.program.app))
	}
	for _, f := range slices.Sorted(maps.Keys(s.addresses.URLs)) {
		fmt.Fprintf(&b, "  %-9s  %s\n", f, s.addresses.URLs[f])
	}
	if s.addresses.Dashboard != "" {
		fmt.Fprintf(&b, "  dashboard  %s\n", s.addresses.Dashboard)
		fmt.Fprintf(&b, "  store      %s  (InfluxDB 1.8, database %s)\n", s.addresses.Store, storeDatabase)
	}
	fmt.Fprintf(&b, "  AWS        %s  (any SDK or the aws CLI, any access key, region %s)\n", s.addresses.Endpoint, laptopRegion)
	fmt.Fprintf(&b, "  logs       %s  (or logs -f, in another terminal)\n\nCtrl-C ends it.\n\n", filepath.Join(s.dir, laptopFolder, "logs"))
	_, err := io.WriteString(w, b.String())
	return err
}
