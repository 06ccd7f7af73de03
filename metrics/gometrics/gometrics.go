// Package gometrics publishes what a program measures with github.com/rcrowley/go-metrics through
// Ephor's publisher. The program's own code stays as it is:
//
//	import gm "github.com/rcrowley/go-metrics"
//
//	var hellos = gm.NewRegisteredCounter("hellos", nil)
//
//	func main() {
//		if _, err := gometrics.Publish(gometrics.Config{}); err != nil {
//			log.Fatal(err)
//		}
//		lambda.Start(metrics.Wrap(handler))
//	}
//
// A program that published with github.com/vrischmann/go-metrics-influxdb, as SpartaGrafana did,
// changes that one import and nothing else; see InfluxDBWithTags.
//
// # What becomes of each kind
//
//	Counter       count, what was added since the batch before and may be negative, and total
//	Gauge,        value, always as a number with a fraction, so that its type in the store
//	GaugeFloat64  does not depend on who wrote first
//	Healthcheck   value, 1 if healthy and 0 if not; it is checked at every flush
//	Meter         count and total. Its moving averages assume a clock that never stops, which a
//	              frozen environment's does: ask the store for the rate of the counts
//	Histogram     what was observed since the batch before, as metrics.Histogram publishes it
//	Timer         the same, in milliseconds; its meter's rates are left out for the same reason
//
// What go-metrics registers about Go's runtime, RegisterRuntimeMemStats and RegisterDebugGCStats,
// is captured here too, every ten seconds at most, unless the program does so itself. Its two
// histograms of pauses are published in milliseconds and so named: runtime.MemStats.PauseMs and
// debug.GCStats.PauseMs.
//
// # How exact
//
// Counts are exact. A histogram or timer of go-metrics keeps a sample, usually of 1,028 values.
// Until it is full, and so for the first 1,028 of a process, what is published is exact; after
// that the count still is, and its distribution is estimated from the values that are new in the
// sample. NewSample and NewTimer make histograms and timers that stay exact.
package gometrics

import (
	"fmt"
	"log"
	"reflect"
	"strings"
	"sync"
	"time"

	gm "github.com/rcrowley/go-metrics"

	"github.com/ephor-io/ephor/metrics"
)

// Config says what to publish; its zero value is the default registry into the default set.
type Config struct {
	// Registry holds the metrics; nil means gm.DefaultRegistry.
	Registry gm.Registry
	// Set publishes them; nil means metrics.Default().
	Set *metrics.Set
	// Prefix stands before each name: the way out where a name is one of the publisher's own, or
	// that of an instrument of the set.
	Prefix string
	// Tags are on every point.
	Tags []metrics.Tag
	// Scale is what the values of the histogram of that name are multiplied by, so that they suit
	// the buckets, which go from 0.01 to 46,415; nil means 1. Timers come in milliseconds anyway.
	Scale func(name string) float64
	// Log is told, once for each, of metrics that cannot be published; nil means the standard
	// logger.
	Log func(message string)
}

// Publish has the metrics of a registry published at every flush from now on, also those that are
// registered later. stop ends that. The error says which tag the store could not hold.
//
// A name that cannot be published, or is that of an instrument of another kind, is told to the log
// with the reason, and costs no other metric anything.
func Publish(c Config) (stop func(), err error) {
	if c.Registry == nil {
		c.Registry = gm.DefaultRegistry
	}
	if c.Set == nil {
		c.Set = metrics.Default()
	}
	if c.Log == nil {
		c.Log = func(message string) { log.Print("ephor: " + message) }
	}
	// Any name will do to check the tags.
	if _, err := new(metrics.Set).Gauge("gauge", c.Tags...); err != nil {
		return nil, fmt.Errorf("publishing a registry of go-metrics: %w", err)
	}
	a := &adapter{cfg: c, entries: map[string]*entry{}}
	return c.Set.OnFlush(a.update), nil
}

// An adapter brings the instruments of a set up to date with a registry.
type adapter struct {
	cfg Config

	mu       sync.Mutex
	entries  map[string]*entry
	captured time.Time
	capture  []capture
}

// An entry is one name of the registry. It outlives its metric's registration: a counter that is
// registered again goes on where it was.
type entry struct {
	metric any
	update func() // nil if the metric cannot be published
}

func (a *adapter) update() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.captureRuntime()
	a.cfg.Registry.Each(func(name string, metric any) {
		e := a.entries[name]
		if e == nil || !same(e.metric, metric) {
			e = a.enter(name, metric)
			a.entries[name] = e
		}
		if e.update != nil {
			a.protect(name, e.update)
		}
	})
}

// protect keeps a metric that panics, as a functional gauge or a healthcheck may, from the others.
func (a *adapter) protect(name string, update func()) {
	defer func() {
		if v := recover(); v != nil {
			a.entries[name].update = nil
			a.cfg.Log(fmt.Sprintf("go-metrics' %q panics and is published no more: %v", name, v))
		}
	}()
	update()
}

func (a *adapter) enter(name string, metric any) *entry {
	e := &entry{metric: metric}
	update, err := a.instrument(name, metric)
	if err != nil {
		a.cfg.Log(fmt.Sprintf("go-metrics' %q is not published: %v; gometrics.Config has a Prefix for such names", name, err))
		return e
	}
	e.update = update
	return e
}

// instrument makes the instrument for a metric, and a function that brings it up to date.
func (a *adapter) instrument(name string, metric any) (func(), error) {
	set, tags := a.cfg.Set, a.cfg.Tags
	published := a.cfg.Prefix + name
	switch m := metric.(type) {
	case gm.Counter:
		c, err := set.UpDownCounter(published, tags...)
		return counted(c, m.Count), err
	case gm.Meter:
		c, err := set.UpDownCounter(published, tags...)
		return counted(c, m.Count), err
	case gm.Gauge:
		g, err := set.Gauge(published, tags...)
		return func() { g.Set(float64(m.Value())) }, err
	case gm.GaugeFloat64:
		g, err := set.Gauge(published, tags...)
		return func() { g.Set(m.Value()) }, err
	case gm.Healthcheck:
		g, err := set.Gauge(published, tags...)
		return func() { g.Set(checked(m)) }, err
	case gm.Histogram:
		scale := 1.0
		if a.cfg.Scale != nil {
			scale = a.cfg.Scale(name)
		}
		if ms, ok := pauses(name); ok {
			published, scale = a.cfg.Prefix+ms, nanosecond
		}
		h, err := set.Histogram(published, tags...)
		return observed(h, ofHistogram(m), scale), err
	case gm.Timer:
		h, err := set.Histogram(published, tags...)
		return observed(h, ofTimer(m), nanosecond), err
	}
	return nil, fmt.Errorf("%T is no kind of metric that go-metrics has", metric)
}

// nanosecond is one in milliseconds.
const nanosecond = 1e-6

// counted adds to c what count has risen or fallen by since the last time.
func counted(c *metrics.UpDownCounter, count func() int64) func() {
	var last int64
	return func() {
		now := count()
		c.Add(now - last)
		last = now
	}
}

func checked(h gm.Healthcheck) float64 {
	h.Check()
	if h.Error() != nil {
		return 0
	}
	return 1
}

// pauses is the name under which a histogram of go-metrics' own, in nanoseconds, is published.
func pauses(name string) (string, bool) {
	for from, to := range map[string]string{
		"runtime.MemStats.PauseNs": "runtime.MemStats.PauseMs",
		"debug.GCStats.Pause":      "debug.GCStats.PauseMs",
	} {
		if prefix, ok := strings.CutSuffix(name, from); ok {
			return prefix + to, true
		}
	}
	return "", false
}

// same reports whether two metrics are one.
func same(a, b any) bool {
	t := reflect.TypeOf(a)
	return t == reflect.TypeOf(b) && (t == nil || !t.Comparable() || a == b)
}
