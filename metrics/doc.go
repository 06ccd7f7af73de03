// Package metrics measures a Lambda function from the inside, and sees to it that what was
// measured reaches a store: instruments, and the publisher that runs beside the handler.
//
//	var (
//		hellos  = metrics.NewCounter("hellos")
//		orders  = metrics.NewCounter("orders", metrics.With("kind", "book"))
//		queries = metrics.NewHistogram("query_ms")
//		pool    = metrics.NewGauge("pool_size")
//		_       = metrics.NewGaugeFunc("queued", func() float64 { return float64(len(queue)) })
//	)
//
//	func hello(ctx context.Context) (string, error) {
//		hellos.Inc()
//		return "Hello", nil
//	}
//
//	func main() { lambda.Start(metrics.Wrap(hello)) }
//
// That one line is all it takes, with any deployment tool; EPHOR_STORE_URL in the function's
// environment says where the points go, and without it metrics.Wrap returns the handler as it
// is. FromEnv lists the other variables. An application of Ephor's is wrapped without that line.
//
// # Which instrument
//
// A Counter counts what happens. Ask the store for the sum of its count, over whatever time and
// environments: SELECT sum("count") FROM "hellos" GROUP BY time(10s). What is counted in fractions
// has a FloatCounter, what comes and goes an UpDownCounter.
//
// A Gauge holds what is now, a GaugeFunc asks for it: one value for each environment.
//
// A Histogram keeps how long, or how large. Milliseconds are the unit that suits it:
//
//	defer queries.ObserveSince(time.Now())
//
// Its buckets add up across environments as counts do, and Quantile reads the sum. Percentiles do
// not add up, whoever averages them.
//
// Tags tell series of one name apart: NewCounter("orders", With("kind", kind)) may be called with each
// kind as it comes, and gives the same counter for the same kind. It takes a lock and some hundred
// nanoseconds; what is known beforehand is better kept in a variable. Names and tags are checked:
// see Set.Counter for what is refused. The functions of the package panic on that, as is right for
// variables; the methods of a Set return the error.
//
// # What it costs
//
// A count costs one atomic addition, an observation two to three, neither allocates, and the caller
// waits for nothing else. Publishing takes place when the response is out.
//
// What another library has measured, metrics/gometrics, metrics/otel and metrics/prom publish.
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
// One batch of points in the line protocol after every invocation. All bear the tags function,
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
// points end without one that says final.
package metrics
