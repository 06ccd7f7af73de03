package metrics

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ephor-io/ephor/line"
)

// Tag tells series of one name apart; With makes one.
type Tag = line.Tag

// With is a tag of an instrument. Every value makes a series of its own, in this process until
// it ends and in the store for as long as it keeps data: a kind or a route is a good value, an
// order's number is not.
func With(key, value string) Tag { return Tag{Key: key, Value: value} }

// Set holds instruments, each once. Its zero value is an empty set. The functions of the package
// use one that is there for all of a program; a Set of one's own is for tests and for libraries
// that leave it to their user whether to publish. All methods may be used concurrently.
type Set struct {
	mu       sync.Mutex
	bySeries map[string]instrument
	first    map[string]registered // of each name; it fixes kind and tag keys
	list     []registered          // in the order of their making; only ever appended to
	hooks    []*hook               // replaced as a whole, never changed
	claimed  *Publisher            // the set's publisher, of which it has one at most
}

type registered struct {
	name string
	tags []Tag // sorted by key
	instrument
}

// An instrument appends what changed since it was asked before, or nothing. The publisher asks,
// one call at a time.
type instrument interface {
	appendPoint(dst []byte, s line.Series, t time.Time) ([]byte, error)
}

// Default is the set behind the functions of the package.
func Default() *Set { return &defaultSet }

var defaultSet Set

// NewCounter makes a counter in the default set, or returns the one that is there with the same
// name and tags. Like regexp.MustCompile it is meant for package variables and panics where
// Set.Counter returns an error.
func NewCounter(name string, tags ...Tag) *Counter { return must(defaultSet.Counter(name, tags...)) }

// NewGauge is to Set.Gauge as NewCounter is to Set.Counter.
func NewGauge(name string, tags ...Tag) *Gauge { return must(defaultSet.Gauge(name, tags...)) }

// NewHistogram is to Set.Histogram as NewCounter is to Set.Counter.
func NewHistogram(name string, tags ...Tag) *Histogram {
	return must(defaultSet.Histogram(name, tags...))
}

// NewUpDownCounter is to Set.UpDownCounter as NewCounter is to Set.Counter.
func NewUpDownCounter(name string, tags ...Tag) *UpDownCounter {
	return must(defaultSet.UpDownCounter(name, tags...))
}

// NewFloatCounter is to Set.FloatCounter as NewCounter is to Set.Counter.
func NewFloatCounter(name string, tags ...Tag) *FloatCounter {
	return must(defaultSet.FloatCounter(name, tags...))
}

func must[I any](i *I, err error) *I {
	if err != nil {
		panic("metrics: " + err.Error())
	}
	return i
}

// Counter makes a counter, or returns the one that is there with the same name and tags.
//
// The name is the measurement's in the store. It is an error if it is one of the publisher's own
// (invocation, publisher, runtime, load), if an instrument of another kind or with other tag keys
// has it, if a tag is named function, version, instance, time or like a field of an instrument, or
// if the line protocol cannot hold name or tags (see package line).
func (s *Set) Counter(name string, tags ...Tag) (*Counter, error) {
	return add(s, name, tags, func() *Counter { return new(Counter) })
}

// Gauge is to gauges as Counter is to counters.
func (s *Set) Gauge(name string, tags ...Tag) (*Gauge, error) {
	return add(s, name, tags, func() *Gauge { return new(Gauge) })
}

// Histogram is to histograms as Counter is to counters.
func (s *Set) Histogram(name string, tags ...Tag) (*Histogram, error) {
	return add(s, name, tags, func() *Histogram { return new(Histogram) })
}

// UpDownCounter is to counters that also go down as Counter is to counters.
func (s *Set) UpDownCounter(name string, tags ...Tag) (*UpDownCounter, error) {
	return add(s, name, tags, func() *UpDownCounter { return new(UpDownCounter) })
}

// FloatCounter is to counters of fractions as Counter is to counters.
func (s *Set) FloatCounter(name string, tags ...Tag) (*FloatCounter, error) {
	return add(s, name, tags, func() *FloatCounter { return new(FloatCounter) })
}

func add[I any, P interface {
	*I
	instrument
}](s *Set, name string, tags []Tag, build func() P) (P, error) {
	tags = slices.Clone(tags)
	slices.SortFunc(tags, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
	series, err := check(name, tags)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.bySeries[series]; ok {
		if p, ok := i.(P); ok {
			return p, nil
		}
		return nil, fmt.Errorf("instrument %q: it is a %s already", series, kindOf(i))
	}
	if first, ok := s.first[name]; ok {
		if _, same := first.instrument.(P); !same {
			return nil, fmt.Errorf("instrument %q: there is a %s of that name", series, kindOf(first.instrument))
		}
		if !sameKeys(first.tags, tags) {
			return nil, fmt.Errorf("instrument %q: another one of that name has the tags %s, and InfluxDB 3 wants the same on all", series, keys(first.tags))
		}
	}
	p := build()
	r := registered{name: name, tags: tags, instrument: p}
	if s.bySeries == nil {
		s.bySeries, s.first = map[string]instrument{}, map[string]registered{}
	}
	if _, ok := s.first[name]; !ok {
		s.first[name] = r
	}
	s.bySeries[series] = p
	s.list = append(s.list, r)
	return p, nil
}

func kindOf(i instrument) string {
	switch i.(type) {
	case *Counter:
		return "counter"
	case *Gauge:
		return "gauge"
	case *GaugeFunc:
		return "gauge by function"
	case *UpDownCounter:
		return "counter that goes down"
	case *FloatCounter:
		return "counter of fractions"
	}
	return "histogram"
}

func alreadyThere(name string) error {
	return fmt.Errorf("instrument %q: there is one with these tags already", name)
}

func sameKeys(a, b []Tag) bool {
	return slices.EqualFunc(a, b, func(a, b Tag) bool { return a.Key == b.Key })
}

func keys(tags []Tag) string {
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = t.Key
	}
	return "[" + strings.Join(names, " ") + "]"
}

// instruments are all there are so far.
func (s *Set) instruments() []registered {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list[:len(s.list):len(s.list)]
}

// claim makes p the set's publisher, unless it has one.
func (s *Set) claim(p *Publisher) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claimed != nil {
		return false
	}
	s.claimed = p
	return true
}

func (s *Set) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claimed = nil
}

// publisher is the set's publisher, nil if it has none.
func (s *Set) publisher() *Publisher {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.claimed
}
