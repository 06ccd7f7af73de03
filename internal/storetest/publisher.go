package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/ephor-io/ephor/metrics"
)

// A clock stands still but when it is moved.
type clock struct {
	mu   sync.Mutex
	wall time.Time
	mono time.Duration
}

// newClock is at a time of today, which every store's retention keeps, with all nine digits of its
// nanoseconds.
func newClock() *clock {
	return &clock{wall: time.Now().Truncate(time.Second).Add(-time.Minute + 123_456_789)}
}

func (c *clock) now() (time.Time, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall, c.mono
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.mono = c.wall.Add(d), c.mono+d
}

// logged is what the publishers told the function's owner.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// An environment is a publisher with a handler and what it counts.
type environment struct {
	*suite
	*metrics.Publisher
	set     *metrics.Set
	hits    *metrics.Counter
	handler lambda.Handler
	takes   time.Duration // how long the handler takes
	fails   error         // what it returns
}

// environment opens a publisher whose requests go over the wire, unless change says otherwise. Its
// handler counts a counter that is named as the part of the suite, "hits_" before.
func (s *suite) environment(instance string, change func(*metrics.Config)) *environment {
	s.Helper()
	e := &environment{suite: s, set: new(metrics.Set), takes: 5 * time.Millisecond}
	e.hits = counter(s, e.set, "hits_"+s.function)
	c := s.store.Config
	c.Function, c.Version, c.Instance = s.function, "7", instance
	c.Set, c.Clock, c.Log, c.URL, c.CA = e.set, s.clock.now, s.logged.add, s.wire.url, s.wire.ca
	c.FlushTimeout = time.Minute // a bound, which a machine under load needs
	if change != nil {
		change(&c)
	}
	p, err := metrics.Open(c)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		_ = p.Close(ctx) // the test has seen what it wanted to, and has finished what it wants delivered
	})
	e.Publisher = p
	e.handler = lambda.NewHandler(p.Wrap(func() (string, error) {
		e.hits.Inc()
		s.clock.pass(e.takes)
		return "ok", e.fails
	}))
	return e
}

func counter(s *suite, set *metrics.Set, name string, tags ...metrics.Tag) *metrics.Counter {
	s.Helper()
	c, err := set.Counter(name, tags...)
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// invoke is one invocation; of one that fails the caller has to publish the point.
func (e *environment) invoke() {
	e.Helper()
	ctx, cancel := context.WithCancel(e.Context())
	defer cancel()
	if _, err := e.handler.Invoke(ctx, []byte("null")); !errors.Is(err, e.fails) {
		e.Fatalf("the handler returned %v", err)
	}
}

// flush publishes, with what the store thinks of it awaited and no time of backing off left.
func (e *environment) flush() error {
	e.clock.pass(11 * time.Minute)
	return e.Flush(e.Context())
}

// finish sends the final batch, and fails the test if the store does not take everything.
func (e *environment) finish() {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.Context(), time.Minute)
	defer cancel()
	e.clock.pass(11 * time.Minute)
	if err := e.Close(ctx); err != nil {
		e.Fatalf("%v\n%s", err, &e.logged)
	}
}
