// Package storetest holds a store to what Ephor needs of one. Everything is written by a real
// publisher of package metrics and asked back in InfluxQL, as dashboards and package loss ask.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Store { … })
//	}
package storetest

import (
	"net/http"
	"testing"

	"github.com/ephor-io/ephor/metrics"
)

// A Store is one that runs and has what Config names, with nothing in it.
type Store struct {
	// Config is what a publisher is told of the store: URL, Database or Org and Bucket, Token, CA.
	Config metrics.Config
	// Database is what /query is asked of: Config's, or what its bucket is mapped to.
	Database string
	// Authorization is the header that /query wants, "" for none.
	Authorization string
	// Create makes another database, or bucket, of that name; the store has none of it yet. nil says
	// that the first point makes it.
	Create func(t *testing.T, name string)
	// Lags says that /query may not find for a while what was acknowledged.
	Lags bool
	// Except are the parts of the suite that the store is known to fail, and how.
	Except map[string]string
}

// Run runs the suite, each part of it under a name of its own, against one store.
func Run(t *testing.T, open func(*testing.T) Store) {
	store := open(t)
	for _, c := range []struct {
		name  string
		check func(*suite)
	}{
		{"version", version},
		{"measurements", measurements},
		{"instruments", instruments},
		{"text", text},
		{"names", names},
		{"percentiles", percentiles},
		{"histograms", histograms},
		{"nanoseconds", nanoseconds},
		{"replay", replay},
		{"conflict", conflict},
		{"conflicts", conflicts},
		{"malformed", malformed},
		{"credentials", credentials},
		{"missing", missing},
		{"certificate", certificate},
		{"loss", lost},
		{"query", query},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if why, ok := store.Except[c.name]; ok {
				t.Skip(why)
			}
			c.check(newSuite(t, store, c.name))
		})
	}
}

// A suite is one part of it, whose points have a function of their own.
type suite struct {
	*testing.T
	store    Store
	function string
	clock    *clock
	wire     *wire
	logged   logged
	client   *http.Client
}

func newSuite(t *testing.T, s Store, function string) *suite {
	transport := s.transport(t)
	t.Cleanup(transport.CloseIdleConnections)
	return &suite{T: t, store: s, function: function, clock: newClock(), wire: newWire(t, s.Config, transport),
		client: &http.Client{Transport: transport}}
}
