// Package load sends requests by a schedule and tells how they fared.
//
//	plan, err := load.ParsePlan("10s@50,10s@50..300")
//	…
//	report, err := load.Run(ctx, load.Config{
//		Plan:    plan,
//		Targets: []load.Target{{Name: "GET /hello", URL: "http://127.0.0.1:8080/hello"}},
//		Store:   load.Store{URL: "http://127.0.0.1:8086", Database: "ephor"},
//	})
//	fmt.Println(report.Sent, report.OK, report.P99)
//
// The model is open: requests start when the plan says, however slow the answers are, as a crowd
// does that knows nothing of each other.
//
//	intended start     sent                     answer read whole
//	      ├────── lag ───┼───────── service ───────────┤
//	      └───────────────── response ─────────────────┘
//
// The response time counts from the intended start, so a server that stalls for a second is
// seen to have kept everybody waiting whose turn came in that second, and not only those few
// for whom a connection was open. The lag says how much of it was spent on this side: on
// waiting for one of the connections, or because this machine was too busy to send.
package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Config says what to send, where to and how.
type Config struct {
	// Plan says when. It must ask for one request at least.
	Plan Plan
	// Targets are sent to in turn: 1 to 16 of them.
	Targets []Target
	// MaxConnections bounds the requests under way, and the connections to one host; 0 means 256.
	MaxConnections int
	// MaxWaiting bounds the requests that wait for a connection; 0 means 16,384. Those beyond
	// are not sent: they count as asked and failed.
	MaxWaiting int
	// Timeout bounds the response time; 0 means 30 s, the time API Gateway gives an HTTP API.
	Timeout time.Duration
	// Grace is how long requests under way may take once the context of Run has ended; 0
	// means 5 s.
	Grace time.Duration
	// AllowRemote allows targets that are not on this machine. Only load what is yours.
	AllowRemote bool
	// Store gets what every second brought; without a URL nothing does.
	Store Store
	// Events is told what happens, one event at a time. It should return at once; if it does
	// not it holds up further events, never the load.
	Events func(Event)

	transport http.RoundTripper
	nap       func(time.Duration)
}

// Target is something to send requests to.
type Target struct {
	// Name is the tag `target` of its points; "" means method and path.
	Name string
	// Method is an HTTP method; "" means GET.
	Method string
	// URL is absolute, http or https.
	URL    string
	Header http.Header
	Body   []byte
}

// Event is a Second or a StoreTrouble.
type Event interface{ event() }

func (Second) event()       {}
func (StoreTrouble) event() {}

// Limits of a Config.
const (
	maxTargets     = 16
	maxConnections = 10_000
	maxWaiting     = 1_000_000
	maxTimeout     = 15 * time.Minute
)

func (c Config) withDefaults() Config {
	c.MaxConnections = cmp.Or(c.MaxConnections, 256)
	c.MaxWaiting = cmp.Or(c.MaxWaiting, 16_384)
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.Grace = cmp.Or(c.Grace, 5*time.Second)
	if c.Events == nil {
		c.Events = func(Event) {}
	}
	if c.transport == nil {
		c.transport = newTransport(c)
	}
	if c.nap == nil {
		c.nap = nap
	}
	return c
}

func (c Config) validate() error {
	errs := []error{c.Plan.Validate()}
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(len(c.Targets) >= 1 && len(c.Targets) <= maxTargets, "there are %d targets: 1 to %d can be loaded at once", len(c.Targets), maxTargets)
	check(c.MaxConnections >= 1 && c.MaxConnections <= maxConnections, "MaxConnections is %d: it must be 1 to %d", c.MaxConnections, maxConnections)
	check(c.MaxWaiting >= 1 && c.MaxWaiting <= maxWaiting, "MaxWaiting is %d: it must be 1 to %d", c.MaxWaiting, maxWaiting)
	check(c.Timeout > 0 && c.Timeout <= maxTimeout, "Timeout is %v: it must be more than 0 and %v at most", c.Timeout, maxTimeout)
	check(c.Grace > 0 && c.Grace <= maxTimeout, "Grace is %v: it must be more than 0 and %v at most", c.Grace, maxTimeout)
	return errors.Join(errs...)
}

// Run sends what the plan asks for, waits for the answers and reports. When ctx ends no more
// requests start, those under way get Config.Grace, and the report is of what happened until then.
//
// An error means that nothing was sent: something in the Config is wrong. Failed requests are
// no error but stand in the report.
func Run(ctx context.Context, c Config) (Report, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return Report{}, err
	}
	g := &generator{Config: c, queue: make(chan arrival, c.MaxWaiting)}
	names := map[string]bool{}
	for _, t := range c.Targets {
		target, err := newTarget(t, c.AllowRemote)
		if err != nil {
			return Report{}, err
		}
		if names[target.name] {
			return Report{}, fmt.Errorf("there are two targets %q: give them names", target.name)
		}
		names[target.name] = true
		g.targets = append(g.targets, target)
	}
	w, err := openWriter(c.Store, g.emit)
	if err != nil {
		return Report{}, err
	}
	return g.run(ctx, w), nil
}
