// Package prom publishes what a program measures with Prometheus' client_golang through Ephor's
// publisher: nobody can scrape a Lambda function. It is a module of its own, so that nobody else
// pays for client_golang:
//
//	go get github.com/ephor-io/ephor/metrics/prom
//
// The program's own metrics stay as they are:
//
//	func main() {
//		prom.Publish(prom.Config{})
//		lambda.Start(metrics.Wrap(handler))
//	}
//
// Everything is gathered at every flush, after the response and before the freeze. That costs what
// a scrape would: prefer a registry of the program's own to the default one, whose collectors of Go
// and of the process take most of the time.
//
// # What becomes of each kind
//
//	counter         count, what was added since the batch before, and total; both numbers with a
//	                fraction, as all of Prometheus' are
//	gauge, untyped  value
//	histogram       what was observed since the batch before, as metrics.Histogram publishes it.
//	                What lies in a bucket is taken for its middle: a native histogram's quantiles
//	                are near, those of fixed buckets as coarse as these
//	summary         its quantiles as value, with the tag quantile; name_count as count and total;
//	                name_sum likewise
//
// A histogram whose name ends in _seconds, as Prometheus' conventions want durations, is published
// in milliseconds, and _ms takes the place of the ending: the buckets of all histograms go from
// 0.01 to 46,415. A label becomes a tag; one that the publisher sets itself, such as instance, or
// that is named as a field, has exported_ before it, as Prometheus does it when it scrapes.
package prom

import (
	"fmt"
	"log"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/ephor-io/ephor/metrics"
)

// Config says what to publish; its zero value is the default registry into the default set.
type Config struct {
	// Gatherer holds the metrics; nil means prometheus.DefaultGatherer.
	Gatherer prometheus.Gatherer
	// Set publishes them; nil means metrics.Default().
	Set *metrics.Set
	// Prefix stands before each name: the way out where a name is one of the publisher's own, or
	// that of an instrument of the set.
	Prefix string
	// Log is told, once for each, of what cannot be gathered or published; nil means the standard
	// logger.
	Log func(message string)
}

// Publish has what a gatherer gathers published at every flush from now on. stop ends that.
//
// What cannot be published, for its name or because an instrument of another kind has it, is told
// to the log with the reason, and costs no other metric anything.
func Publish(c Config) (stop func()) {
	if c.Gatherer == nil {
		c.Gatherer = prometheus.DefaultGatherer
	}
	if c.Set == nil {
		c.Set = metrics.Default()
	}
	if c.Log == nil {
		c.Log = func(message string) { log.Print("ephor: " + message) }
	}
	a := &adapter{cfg: c, told: map[string]bool{}, counts: map[string]float64{}, histograms: map[string]*buckets{}}
	return c.Set.OnFlush(a.update)
}

// An adapter brings the instruments of a set up to date with a gatherer. What Prometheus tells is
// cumulative; the adapter remembers what it was told before.
type adapter struct {
	cfg Config

	mu         sync.Mutex
	told       map[string]bool
	counts     map[string]float64
	histograms map[string]*buckets
}

func (a *adapter) update() {
	a.mu.Lock()
	defer a.mu.Unlock()
	families, err := a.cfg.Gatherer.Gather()
	if err != nil {
		a.tell("gathering", err) // and yet there may be families
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if err := a.add(f, m); err != nil {
				a.tell(f.GetName(), err)
			}
		}
	}
}

func (a *adapter) tell(what string, err error) {
	message := fmt.Sprintf("Prometheus' %q: %v", what, err)
	if len(a.told) < maxTold && !a.told[message] {
		a.told[message] = true
		a.cfg.Log(message)
	}
}

// maxTold bounds what is remembered of complaints, and so their number.
const maxTold = 1000

func (a *adapter) add(f *dto.MetricFamily, m *dto.Metric) error {
	name, tags := a.cfg.Prefix+f.GetName(), tagsOf(m)
	switch f.GetType() {
	case dto.MetricType_COUNTER:
		return a.addCount(name, m.GetCounter().GetValue(), tags)
	case dto.MetricType_GAUGE:
		return a.setGauge(name, m.GetGauge().GetValue(), tags)
	case dto.MetricType_UNTYPED:
		return a.setGauge(name, m.GetUntyped().GetValue(), tags)
	case dto.MetricType_SUMMARY:
		return a.addSummary(name, m.GetSummary(), tags)
	case dto.MetricType_HISTOGRAM, dto.MetricType_GAUGE_HISTOGRAM:
		return a.addHistogram(name, m.GetHistogram(), tags)
	}
	return fmt.Errorf("there is no such kind as %s", f.GetType())
}

func (a *adapter) setGauge(name string, v float64, tags []metrics.Tag) error {
	g, err := a.cfg.Set.Gauge(name, tags...)
	if err == nil {
		g.Set(v)
	}
	return err
}

// addCount adds what a counter has risen by. One that is lower than before began anew.
func (a *adapter) addCount(name string, now float64, tags []metrics.Tag) error {
	c, err := a.cfg.Set.FloatCounter(name, tags...)
	if err != nil {
		return err
	}
	key := fmt.Sprint(name, tags)
	last := a.counts[key]
	if now < last {
		last = 0
	}
	if now < 0 {
		return fmt.Errorf("it is %v, and a counter only goes up", now)
	}
	a.counts[key] = now
	c.Add(now - last)
	return nil
}

func (a *adapter) addSummary(name string, s *dto.Summary, tags []metrics.Tag) error {
	for _, q := range s.GetQuantile() {
		with := append(tags[:len(tags):len(tags)], metrics.With("quantile", fmt.Sprint(q.GetQuantile())))
		if err := a.setGauge(name, q.GetValue(), with); err != nil {
			return err
		}
	}
	if err := a.addCount(name+"_count", float64(s.GetSampleCount()), tags); err != nil {
		return err
	}
	return a.addCount(name+"_sum", s.GetSampleSum(), tags)
}

func tagsOf(m *dto.Metric) []metrics.Tag {
	var tags []metrics.Tag
	for _, l := range m.GetLabel() {
		if l.GetValue() == "" {
			continue // no store has an empty tag, and to Prometheus it is as good as none
		}
		key := l.GetName()
		if _, err := new(metrics.Set).Gauge("gauge", metrics.With(key, "x")); err != nil {
			key = "exported_" + key
		}
		tags = append(tags, metrics.With(key, l.GetValue()))
	}
	return tags
}
