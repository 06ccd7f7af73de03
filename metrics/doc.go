// Package metrics measures a Lambda function from the inside, and sees to it that what was
// measured reaches a store: instruments, and the publisher that runs beside the handler.
//
//	var (
//		hellos  = metrics.NewCounter("hellos")
//		orders  = metrics.NewCounter("orders", metrics.With("kind", "book"))
//		queries = metrics.NewHistogram("query_ms")
//		pool    = metrics.NewGauge("pool_size")
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
// is. FromEnv lists the other variables.
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
// One batch of points in the line protocol after every invocation: a point of measurement
// invocation, one for each instrument that changed, one about the publisher itself and, every
// ten seconds at most, one about Go's runtime. All bear the tags function, version and
// instance. A counter's point holds what was added since the batch before, under a time that
// stays the same through every retry: a batch that arrives twice changes nothing.
//
// # What can be lost
//
// A store that does not answer costs an invocation 300 ms once, then nothing for 1 to 30 s;
// batches wait in memory up to a bound and past it the oldest is dropped and counted. A
// process that is killed outright takes with it what it measured since its last batch: its
// points end without one that says final.
package metrics
