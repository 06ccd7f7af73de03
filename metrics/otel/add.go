package otel

import (
	"errors"
	"fmt"
	"math"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ephor-io/ephor/metrics"
)

// A sink takes the points of one instrument.
type sink struct {
	exporter *Exporter
	name     string
	wrong    error // what is wrong with all of its points
	errs     []error
}

// add adds the points of one instrument to the set's.
func (e *Exporter) add(m metricdata.Metrics) []error {
	s := &sink{exporter: e, name: m.Name}
	switch d := m.Data.(type) {
	case metricdata.Sum[int64]:
		sum(s, d, func(v int64, tags []metrics.Tag) error {
			c, err := e.set.Counter(m.Name, tags...)
			if err == nil {
				c.Add(v)
			}
			return err
		})
	case metricdata.Sum[float64]:
		sum(s, d, func(v float64, tags []metrics.Tag) error {
			c, err := e.set.FloatCounter(m.Name, tags...)
			if err == nil {
				c.Add(v)
			}
			return err
		})
	case metricdata.Gauge[int64]:
		gauges(s, d.DataPoints)
	case metricdata.Gauge[float64]:
		gauges(s, d.DataPoints)
	case metricdata.ExponentialHistogram[int64]:
		exponential(s, m.Unit, d)
	case metricdata.ExponentialHistogram[float64]:
		exponential(s, m.Unit, d)
	case metricdata.Histogram[int64]:
		explicit(s, m.Unit, d)
	case metricdata.Histogram[float64]:
		explicit(s, m.Unit, d)
	default:
		s.wrong = fmt.Errorf("its data are %T, which a program's own instruments never are", m.Data)
		s.point(*attribute.EmptySet(), nil)
	}
	return s.errs
}

// point has add add one point, unless something is wrong with it.
func (s *sink) point(attributes attribute.Set, add func(tags []metrics.Tag) error) {
	tags := tagsOf(attributes)
	err := s.wrong
	if err == nil {
		err = add(tags)
	}
	if err == nil {
		return
	}
	if err := s.exporter.refuse(s.name, tags, err); err != nil {
		s.errs = append(s.errs, err)
	}
}

func tagsOf(attributes attribute.Set) []metrics.Tag {
	var tags []metrics.Tag
	for i := attributes.Iter(); i.Next(); {
		a := i.Attribute()
		if v := a.Value.String(); v != "" { // no store has an empty tag
			tags = append(tags, metrics.With(string(a.Key), v))
		}
	}
	return tags
}

// mustBeDelta refuses what a reader of another kind has made cumulative: added up at every flush
// it would count everything again and again.
func (s *sink) mustBeDelta(t metricdata.Temporality) {
	if t != metricdata.DeltaTemporality {
		s.wrong = errors.New("its temporality is not delta: the reader must ask this exporter, as NewReader's does")
	}
}

func sum[N int64 | float64](s *sink, d metricdata.Sum[N], add func(N, []metrics.Tag) error) {
	if !d.IsMonotonic {
		gauges(s, d.DataPoints)
		return
	}
	s.mustBeDelta(d.Temporality)
	for _, p := range d.DataPoints {
		s.point(p.Attributes, func(tags []metrics.Tag) error {
			if p.Value < 0 {
				return errors.New("it went down, which its kind never does")
			}
			return add(p.Value, tags)
		})
	}
}

func gauges[N int64 | float64](s *sink, points []metricdata.DataPoint[N]) {
	for _, p := range points {
		s.point(p.Attributes, func(tags []metrics.Tag) error {
			g, err := s.exporter.set.Gauge(s.name, tags...)
			if err == nil {
				g.Set(float64(p.Value))
			}
			return err
		})
	}
}

// inUnit changes the name as the unit wants it, and returns the factor of the values.
func (s *sink) inUnit(unit string) (factor float64) {
	if unit == "s" {
		s.name += "_ms"
		return 1000
	}
	return 1
}

func (s *sink) histogram(attributes attribute.Set, d metrics.Distribution) {
	// Least and greatest are exact, which the middle of a bucket is not.
	for i, v := range d.Values {
		if v < d.Min {
			d.Values[i] = d.Min
		}
		if v > d.Max {
			d.Values[i] = d.Max
		}
	}
	s.point(attributes, func(tags []metrics.Tag) error {
		h, err := s.exporter.set.Histogram(s.name, tags...)
		if err == nil {
			h.Merge(d)
		}
		return err
	})
}

// times is an extreme times a factor, NaN if there is none or it is infinite, which no bucket's middle can be.
func times[N int64 | float64](x metricdata.Extrema[N], factor float64) float64 {
	v, ok := x.Value()
	if !ok || math.IsInf(float64(v)*factor, 0) {
		return math.NaN()
	}
	return float64(v) * factor
}
