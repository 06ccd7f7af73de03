// Package otel publishes what a program measures with OpenTelemetry through Ephor's publisher. It
// is a module of its own, so that nobody else pays for OpenTelemetry's:
//
//	go get github.com/ephor-io/ephor/metrics/otel
//
// A reader takes the place of an OTLP exporter and of its collector layer:
//
//	func main() {
//		provider := metric.NewMeterProvider(metric.WithReader(otel.NewReader(nil)))
//		otelapi.SetMeterProvider(provider)
//		lambda.Start(metrics.Wrap(handler))
//	}
//
// What the program measured is collected at every flush, after the response and before the freeze;
// no interval strands anything.
//
// # What becomes of each instrument
//
//	Counter, observable too    count, what was added since the batch before, and total; of a
//	                           Float64Counter both are numbers with a fraction
//	UpDownCounter, Gauge,      value
//	observable ones too
//	Histogram                  count, sum, min, max, p50, p90, p99 and buckets, as
//	                           metrics.Histogram publishes them
//
// A histogram in seconds, unit "s", as OpenTelemetry's conventions want durations, is published
// in milliseconds under its name and "_ms": the buckets of all histograms go from 0.01 to 46,415.
// Other units stay as they are. Names are kept, dots included. An attribute becomes a tag; a series
// must have the same attributes' keys as the first of its name, and an attribute with an empty value
// is left out. Resource and scope are not published: function, version and instance are on every
// point.
package otel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ephor-io/ephor/metrics"
)

// NewReader makes a reader for one MeterProvider that is read at every flush of set; nil means
// metrics.Default(). What goes wrong is told to OpenTelemetry's error handler.
func NewReader(set *metrics.Set) *metric.PeriodicReader {
	if set == nil {
		set = metrics.Default()
	}
	// The flush is the period; of the reader's own, which a freeze would stop, one never ends.
	r := metric.NewPeriodicReader(NewExporter(set), metric.WithInterval(never))
	set.OnFlush(func() {
		err := r.ForceFlush(context.Background())
		if err != nil && !errors.Is(err, metric.ErrReaderShutdown) && !errors.Is(err, metric.ErrReaderNotRegistered) {
			otel.Handle(err)
		}
	})
	return r
}

const never = 1 << 62 * time.Nanosecond

// Exporter adds what it is given to the instruments of a set, for the next flush to publish. It
// wants delta temporality and exponential histograms, and says so. Its methods may be used
// concurrently.
type Exporter struct {
	set *metrics.Set

	mu      sync.Mutex
	refused map[string]bool // series that were complained of
	closed  bool
}

// NewExporter makes an exporter for a reader of one's own; NewReader is what most programs want.
// set is metrics.Default() where it is nil.
func NewExporter(set *metrics.Set) *Exporter {
	if set == nil {
		set = metrics.Default()
	}
	return &Exporter{set: set, refused: map[string]bool{}}
}

var _ metric.Exporter = (*Exporter)(nil)

// Temporality is delta for all that is only added to, and cumulative for what goes down too.
//
// https://opentelemetry.io/docs/specs/otel/metrics/sdk_exporters/otlp/#additional-environment-variable-configuration
func (e *Exporter) Temporality(kind metric.InstrumentKind) metricdata.Temporality {
	switch kind {
	case metric.InstrumentKindUpDownCounter, metric.InstrumentKindObservableUpDownCounter:
		return metricdata.CumulativeTemporality
	}
	return metricdata.DeltaTemporality
}

// Aggregation is OpenTelemetry's default, but for histograms the exponential one, whose buckets
// are finer than those they are published in.
func (e *Exporter) Aggregation(kind metric.InstrumentKind) metric.Aggregation {
	if kind == metric.InstrumentKindHistogram {
		return metric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}
	}
	return metric.DefaultAggregationSelector(kind)
}

// Export adds the deltas to the set's instruments. What the store could not hold, or what has the
// name of another instrument, is left out; the error says so, once for each series.
func (e *Exporter) Export(ctx context.Context, rm *metricdata.ResourceMetrics) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return metric.ErrExporterShutdown
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var errs []error
	for _, scope := range rm.ScopeMetrics {
		for _, m := range scope.Metrics {
			errs = append(errs, e.add(m)...)
		}
	}
	return errors.Join(errs...)
}

// ForceFlush does nothing: an export is done when it returns, and sending is the publisher's.
func (e *Exporter) ForceFlush(ctx context.Context) error { return ctx.Err() }

// Shutdown ends the exporting. What was exported before is still published.
func (e *Exporter) Shutdown(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	return ctx.Err()
}

// refuse makes an error of err, the first time for a series.
func (e *Exporter) refuse(name string, tags []metrics.Tag, err error) error {
	key := fmt.Sprint(name, tags)
	if e.refused[key] {
		return nil
	}
	e.refused[key] = true
	return fmt.Errorf("OpenTelemetry's %s is not published: %w", name, err)
}
