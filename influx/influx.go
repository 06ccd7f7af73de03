// Package influx is InfluxDB 1.8.10 inside this process: its storage and query engine behind the HTTP
// endpoints /write, /query and /ping.
//
//	store, err := influx.Open(influx.Config{Dir: ".ephor/hello/metrics", Database: "ephor"})
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	http.Serve(listener, store)
//
// Whatever speaks to an InfluxDB 1.x speaks to it: the influx command line, Grafana's InfluxDB data source in
// its InfluxQL mode, Telegraf. The engine is the one of github.com/influxdata/influxdb v1.8.10; the HTTP layer
// is written here, since that module's own one links the Flux language. Left out with it are /api/v2/query,
// the Prometheus endpoints, /debug and /metrics.
//
// Where this layer differs from InfluxDB 1.8, on purpose:
//
//   - A statement that changes something is refused in a GET request. 1.8 warns and executes it, and an image
//     tag on any web page can send a GET request to a port of this machine.
//   - CREATE SUBSCRIPTION is refused: nothing here forwards points, so accepting it would be a promise.
//   - A write whose precision is unknown is refused. 1.8 answers 400 and stores the points nevertheless.
//   - The limit on a body's size also holds for what a gzip body unpacks to.
//   - Requests beyond the concurrency limits wait their turn; 1.8 refuses queries at once.
//   - An answer that is not chunked has a limit of rows, and says so where it ends.
//   - When one of several statements fails, the answer says why; in 1.8 "not executed" takes the reason's place.
package influx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/influxdata/influxdb/services/meta"
)

// Version is the release of InfluxDB whose engine this is, and what X-Influxdb-Version says.
const Version = "1.8.10"

// Config says where the store lives and what it may use. Dir and Database are required; the zero value of
// every other field is its default.
type Config struct {
	// Dir holds everything the store keeps. It is made if missing. One process at a time may have it open;
	// seeing to that is the caller's.
	Dir string

	// Database is created, with the default retention policy "autogen", if it does not exist.
	Database string

	// Retention is how long autogen keeps points when Open creates Database. 0 means for ever, as in
	// InfluxDB; otherwise at least one hour. The shard groups' duration follows from it as in InfluxDB: 7 days
	// for ever or beyond six months, 1 day beyond two days, else 1 hour.
	Retention time.Duration

	// Setup are statements of InfluxQL that Open executes, such as CREATE RETENTION POLICY and CREATE
	// CONTINUOUS QUERY. A policy that is there stays as it is; a continuous query that is there with
	// another text is replaced.
	Setup []string

	// MaxBodySize is the largest request body in bytes, before and after unpacking. Default 25,000,000;
	// more is answered 413.
	MaxBodySize int64

	// MaxConcurrentWrites and MaxConcurrentQueries are how many are worked on at a time, defaults 64 and 16.
	// As many as MaxQueued more of either kind wait (default 1024), each at most QueueTimeout (default
	// 30 s); what is beyond that is answered 503.
	MaxConcurrentWrites  int
	MaxConcurrentQueries int
	MaxQueued            int
	QueueTimeout         time.Duration

	// QueryTimeout is how long one query may run; default 5 minutes.
	QueryTimeout time.Duration

	// MaxRows is how many rows an answer holds that is not chunked; default 1,000,000. A longer one ends
	// there and says "partial": true.
	MaxRows int

	// StallTimeout is how long a client may take to send its body, and how long it may refuse to read the
	// next part of its answer, before the connection is given up; default 30 s.
	StallTimeout time.Duration

	// AllowOrigin says which web origins may read answers; the ones it accepts get the CORS headers that
	// InfluxDB 1.x gives to every origin. nil allows none. It keeps nobody from asking: that is the business
	// of whatever stands in front.
	AllowOrigin func(origin string) bool

	// OnEvent receives what the engine warns about and what Open had to mend. It may be called from many
	// goroutines at once. nil discards.
	OnEvent func(Event)

	expiryCheck time.Duration // how often expired shards are looked for; InfluxDB's 30 minutes but in a test
}

// Server is an open store. It is an http.Handler, safe for concurrent use.
type Server struct {
	config  Config
	writes  *gate
	queries *gate
	joiner  *joiner
	routes  map[string]map[string]http.HandlerFunc // path, then method

	live     sync.RWMutex // held for reading while the engine is in use, for writing while it is replaced
	engine   *engine      // nil after failure
	failure  error
	reopener reopener

	closing context.Context // done as soon as Close has been called
	stop    context.CancelFunc

	mu       sync.Mutex // guards closed, and orders requests.Add before requests.Wait
	closed   bool
	requests sync.WaitGroup
}

// Open opens the store in c.Dir, or makes one there. Before the engine reads it, what a killed process left
// half-written is cut off, and reported through c.OnEvent; acknowledged points are never part of that. A shard
// that does not open is an error, not a store without it. One thing the engine does give up is a damaged data
// file: it renames it to *.bad, and the event says which.
func Open(c Config) (*Server, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	e, err := openEngine(c)
	if err != nil {
		return nil, fmt.Errorf("opening the store in %s: %w", c.Dir, err)
	}
	s := &Server{
		config:  c,
		engine:  e,
		writes:  newGate(c.MaxConcurrentWrites, c.MaxQueued, c.QueueTimeout),
		queries: newGate(c.MaxConcurrentQueries, c.MaxQueued, c.QueueTimeout),
	}
	s.joiner = newJoiner(s.storePoints)
	s.closing, s.stop = context.WithCancel(context.Background())
	s.routes = s.table()
	return s, nil
}

// Close ends running queries, waits for running requests, and closes the store. Requests that come later are
// answered 503. A client that stops in the middle of a request can hold Close up for as long as StallTimeout,
// unless its connection is closed first. A second Close does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()

	s.stop()
	s.requests.Wait()
	s.live.Lock()
	defer s.live.Unlock()
	if s.engine == nil {
		return nil // it could not be opened again, which its failure has told
	}
	if err := s.engine.settle(); err != nil {
		s.config.OnEvent(Event{Message: "the next start will have to read the log", Path: s.config.Dir, Err: err})
	}
	if err := s.engine.close(); err != nil {
		return fmt.Errorf("closing the store in %s: %w", s.config.Dir, err)
	}
	return nil
}

// begin counts a request in, unless the server is closing. Whoever got true owes requests.Done.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.requests.Add(1)
	return true
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Dir == "":
		return c, errors.New("Config.Dir is empty")
	case !meta.ValidName(c.Database):
		return c, fmt.Errorf("Config.Database: %q is no name for a database", c.Database)
	case c.Retention != 0 && c.Retention < meta.MinRetentionPolicyDuration:
		return c, fmt.Errorf("Config.Retention: %s is shorter than %s", c.Retention, meta.MinRetentionPolicyDuration)
	}
	setDefault(&c.MaxBodySize, 25_000_000)
	setDefault(&c.MaxConcurrentWrites, 64)
	setDefault(&c.MaxConcurrentQueries, 16)
	setDefault(&c.MaxQueued, 1024)
	setDefault(&c.QueueTimeout, 30*time.Second)
	setDefault(&c.QueryTimeout, 5*time.Minute)
	setDefault(&c.MaxRows, 1_000_000)
	setDefault(&c.StallTimeout, 30*time.Second)
	if c.OnEvent == nil {
		c.OnEvent = func(Event) {}
	}
	return c, nil
}

func setDefault[T int | int64 | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}
