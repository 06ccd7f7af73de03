// Package metrics measures a Lambda function from the inside, and sees to it that what was
// measured reaches a store: instruments, and the publisher that runs beside the handler.
//
//	package main
//
//	import (
//		"context"
//
//		"github.com/aws/aws-lambda-go/lambda"
//
//		"github.com/ephor-io/ephor/metrics"
//	)
//
//	var hellos = metrics.NewCounter("hellos")
//
//	func hello(ctx context.Context) (string, error) {
//		hellos.Inc()
//		return "Hello", nil
//	}
//
//	func main() { lambda.Start(metrics.Wrap(hello)) }
//
// metrics.Wrap is all it takes, with any deployment tool. Where the points go, the function's environment
// says: EPHOR_STORE_URL=https://store.example.com:8086, and EPHOR_STORE_TOKEN=user:password if the store
// wants one; FromEnv lists the rest. Without EPHOR_STORE_URL, as in a test of the handler, Wrap returns the
// handler as it is. An application of Ephor's is wrapped without that line.
//
// Any store serves that takes InfluxDB's line protocol and answers InfluxQL: InfluxDB 1.x, 2 and 3,
// openGemini, Ephor's own. Every invocation is a point there from now on, with its duration, whether it
// failed and why, and every counter says what it counted:
//
//	SELECT count("duration_ms"), percentile("duration_ms", 99) FROM "invocation" WHERE time > now() - 1h
//	SELECT sum("count") FROM "hellos" WHERE time > now() - 1h GROUP BY time(1m)
//
// # Which instrument
//
// What happens is counted by a Counter:
//
//	var visits = metrics.NewCounter("visits")
//
//	visits.Inc()
//	visits.Add(3)
//
// Its field count is what was added since the point before, so sum("count") is right over whatever time and
// however many environments. What is counted in fractions has a FloatCounter, what comes and goes an
// UpDownCounter.
//
// What is now, one value for each environment, is held by a Gauge, or asked for by a GaugeFunc:
//
//	var pool = metrics.NewGauge("pool_size")
//	var _ = metrics.NewGaugeFunc("queued", func() float64 { return float64(len(queue)) })
//
//	pool.Set(7)
//
// How long something takes, or how large it is, is kept by a Histogram. Milliseconds are the unit that
// suits it:
//
//	var queries = metrics.NewHistogram("query_ms")
//
//	defer queries.ObserveSince(time.Now())
//
// Each of its points has the percentiles of its own moment, p50, p90 and p99. For those of an hour or of
// all environments add up the buckets, which percentiles cannot be, and ask Quantile:
//
//	SELECT sum(/^b_/) FROM "query_ms" WHERE time > now() - 1h
//
// # Tags and names
//
// Tags tell series of one name apart:
//
//	var books = metrics.NewCounter("orders", metrics.With("kind", "book"))
//	var pens = metrics.NewCounter("orders", metrics.With("kind", "pen"))
//
//	SELECT sum("count") FROM "orders" WHERE time > now() - 1h GROUP BY "kind"
//
// NewCounter("orders", With("kind", kind)) may be called with each kind as it comes, and gives the same
// counter for the same kind. It takes a lock and some hundred nanoseconds; what is known beforehand
// is better kept in a variable. Each value is a series for each environment: a tag is for kinds, not for
// users' names.
//
// Names and tags are checked, and all series of a name have tags of the same keys: see Set.Counter for what
// is refused. The functions of the package panic on that, as is right for variables; the methods of a Set
// return the error. Wrap publishes the default Set; another one is for tests, and for programs that open a
// Publisher of their own.
//
// # What it costs
//
// A count costs one atomic addition, an observation two to three, neither allocates, and the caller
// waits for nothing else. Publishing takes place when the response is out.
//
// # With another library
//
// What a program has measured with go-metrics, OpenTelemetry or Prometheus' client_golang is published by
// the same publisher, in one line: see metrics/gometrics, metrics/otel and metrics/prom.
//
// # Without a handler
//
// A program that is no function opens a Publisher and says itself when to Flush; see the example there.
//
// # When it publishes
//
// Lambda freezes an execution environment between invocations, so nothing may be left for
// later. The publisher is an internal extension of its own function: it is told of every
// invocation, waits until the response has gone out, publishes, and only then lets the
// environment freeze. The caller never waits for the store.
//
//	handler   ├── runs ──┤ response
//	publisher              ├ POST /write ┤
//	environment ────────────────────────── frozen
//
// # What it publishes
//
// One batch of points in the line protocol after every invocation, and every 8 seconds while one runs. All bear the tags function,
// version and instance. Of instruments there is a point for each that changed, whose fields
// Counter, Gauge and Histogram tell; the rest is about the function itself:
//
//	invocation  one point for each, at the time when the handler ended (a stream, when it was read)
//	  duration_ms  of the handler, decoding and encoding included
//	  ok           false if it failed: an error, a panic, a timeout, the environment's end
//	  error        why; only if it failed. One line, 256 bytes at most
//	  cold         true if it had to wait for a new environment
//	  init_ms      how long that took to start, from the start of Go's runtime until Wrap
//	               returns; only if cold
//	  memory_mb    the process's resident memory when the response was out
//	publisher   one point for each batch, about all batches before, since the process started
//	  seq          the batch's own number, from 1: a gap is a loss
//	  points       acknowledged by the store
//	  bytes        acknowledged by the store, before compression
//	  flush_ms     spent on publishing
//	  retries      batches that were sent again
//	  dropped      points given up: refused by the store, or pushed out of memory
//	  freezes      of the environment, of 100 ms and more
//	  frozen_ms    how long these were
//	  final        true in the last batch of an environment that ended in order
//	runtime     one point every ten seconds at most, as runtime.MemStats has it
//	  goroutines, cgo_calls, heap_alloc, heap_idle, heap_inuse, heap_objects, heap_released,
//	  heap_sys, stack_inuse, stack_sys, sys, next_gc (bytes and numbers, now)
//	  total_alloc, mallocs, frees, num_gc, gc_pause_total_ms, gc_cpu_fraction (since the start)
//	  gc_pause_ms  the longest pause since the point before
//
// An HTTP response with status 500 is an answer like any other: only an error makes an invocation
// fail. A counter's point holds what was added since the batch before, under a time that stays the
// same through every retry: a batch that arrives twice changes nothing.
//
// # What can be lost
//
// A store that does not answer costs an invocation 300 ms once, then nothing for 1 to 30 s;
// batches wait in memory up to a bound and past it the oldest is dropped and counted. A batch that
// the store refuses is split, so that a bad point costs no other, and that point is counted. A
// process that is killed outright takes with it what it measured since its last batch: its
// points end without one that says final. docs/loss.md goes through every end that a process can meet;
// package loss says for any period what is missing, and whose it was.
package metrics
