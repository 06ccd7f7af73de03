package metrics

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// processStart is when Go's runtime initialised this package, a few milliseconds after the process
// began: the kernel's own record of that is kept in hundredths of a second, which is no better.
var processStart = time.Now()

// Publisher sends what a Set measured, and every invocation of the handler it wraps, to a store.
// Programs that start with Wrap need not know it. Its methods may be used concurrently.
type Publisher struct {
	cfg     Config
	clock   Clock
	managed bool // invocations overlap and nothing freezes
	store   *store
	memory  memory

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	// flushing is held by the flush that runs. It is never waited for under mu, and mu is never
	// held while the network is waited for.
	flushing chan struct{}

	mu          sync.Mutex
	cutter      *cutter
	queue       queue
	backoff     backoff
	stats       stats
	hold        hold
	running     map[*invocation]struct{}
	ended       []record
	sinceFlush  int  // invocations
	wrapped     bool // a handler is wrapped, which says when an invocation is out
	closes      bool // the last response that was out was closed
	cold        bool
	initMS      float64
	seen        moment // when the environment was last known not to be frozen
	toldDropped int64
	whyDropped  string // the last points
	whyWaiting  error  // why the last batch that failed was not taken, nil since one was
}

// Open starts a publisher: it registers as an extension where there is a Runtime API, which must
// happen before lambda.Start, and looks after SIGTERM. Without Config.URL it is off: it says so
// in the log, does nothing and its Wrap returns the handler. The store is not contacted before
// there is something to say.
//
// Close it in a program that goes on; one that ends with lambda.Start cannot.
func Open(cfg Config) (*Publisher, error) {
	cfg = cfg.withDefaults()
	if cfg.URL == "" {
		cfg.Log("EPHOR_STORE_URL is not set: metrics are not published")
		return &Publisher{cfg: cfg}, nil
	}
	store, err := newStore(cfg)
	if err != nil {
		return nil, err
	}
	cutter, err := newCutter(cfg.Set, cfg.commonTags())
	if err != nil {
		return nil, fmt.Errorf("function %q, version %q, instance %q: %w", cfg.Function, cfg.Version, cfg.Instance, err)
	}
	p := &Publisher{
		cfg:      cfg,
		clock:    cfg.Clock,
		managed:  cfg.Initialization == managedInstances,
		store:    store,
		memory:   openMemory(),
		flushing: make(chan struct{}, 1),
		cutter:   cutter,
		queue:    queue{limit: cfg.MemoryLimit},
		hold:     newHold(),
		running:  map[*invocation]struct{}{},
		// Where Lambda starts environments ahead of need, no invocation waits for one.
		cold: cfg.Initialization != provisionedConcurrency && cfg.Initialization != managedInstances,
		seen: cfg.Clock.now(),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	if !cfg.Set.claim(p) {
		p.cancel()
		p.memory.close()
		return nil, ErrHasPublisher
	}
	p.start()
	return p, nil
}

// ErrHasPublisher is Open's error for a set that has a publisher already.
var ErrHasPublisher = errors.New("the set of instruments has a publisher already")

func (p *Publisher) off() bool { return p.store == nil }

// start registers and starts what runs beside the handler until Close.
func (p *Publisher) start() {
	if p.managed {
		p.tasks.Go(p.flushOnTime)
	}
	if p.cfg.RuntimeAPI == "" {
		return
	}
	p.tasks.Go(p.awaitTermination(subscribe()))
	events := onInvoke
	if p.managed {
		events = onNothing // INVOKE is refused there, and nothing needs to be held back
	}
	ctx, cancel := context.WithTimeout(p.ctx, registerTimeout)
	defer cancel()
	ext, err := register(ctx, p.cfg.RuntimeAPI, events)
	if err != nil {
		p.cfg.Log(fmt.Sprintf("registering as an extension failed: %v; a failed invocation's metrics may come late", err))
		return
	}
	p.hold.listening = !p.managed
	p.tasks.Go(func() {
		defer ext.close()
		p.listen(ext)
	})
}

// registerTimeout is out of the function's init; the API is on the same machine.
const registerTimeout = 2 * time.Second

// due reports whether a flush is, by the number of invocations since the last one.
func (p *Publisher) due() bool { return p.sinceFlush >= p.cfg.FlushEvery }

// thaw looks for a freeze since the environment was last seen awake.
func (p *Publisher) thaw(now moment) {
	if frozen := now.frozenSince(p.seen); frozen >= shortestFreeze {
		p.stats.freezes++
		p.stats.frozen += frozen
		if frozen >= staleAfter {
			p.store.closeIdle()
		}
	}
	p.seen = now
}

func (p *Publisher) flushOnTime() {
	tick := time.NewTicker(p.cfg.Interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.flush(flushOptions{})
		case <-p.ctx.Done():
			return
		}
	}
}

// Flush publishes what was measured so far, for programs that have no handler to wrap; Config's
// FlushTimeout bounds it, as does ctx. After a failure it does nothing while the store is left
// alone. The error says that something still waits to be sent, again at the next flush, to which store, and
// what the trouble is: errors.Is(err, os.ErrDeadlineExceeded) where it has not answered in time.
func (p *Publisher) Flush(ctx context.Context) error {
	if p.off() || p.ctx.Err() != nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("nothing is published with a context that has ended: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.FlushTimeout)
	defer cancel()
	p.flushWithin(ctx, false)
	return p.waiting("are sent again at the next flush")
}

// finish is the end: what still runs is recorded as failed, and all that is left is sent in what
// time ctx leaves, with a last point that says so.
func (p *Publisher) finish(ctx context.Context) {
	p.mu.Lock()
	now := p.clock.now()
	for inv := range p.running {
		reason := "terminated"
		if !inv.deadline.IsZero() && !now.wall.Before(inv.deadline) {
			reason = timedOut
		}
		inv.endLocked(now, reason, true)
		p.finishLocked(inv)
	}
	p.mu.Unlock()
	p.flushWithin(ctx, true)
}

// Close sends what is left, as the final batch, and ends the publisher; ctx bounds the sending.
// An invocation that still runs is recorded as failed. The error says what could not be sent, and what
// the store has refused of that. A second Close does nothing.
func (p *Publisher) Close(ctx context.Context) error {
	if p.off() || p.ctx.Err() != nil {
		return nil
	}
	p.cancel()
	p.tasks.Wait()
	p.mu.Lock()
	before := p.stats.dropped
	p.mu.Unlock()
	p.finish(ctx)
	p.cfg.Set.release()
	p.store.close()
	p.memory.close()
	return errors.Join(p.waiting("are lost unless it has them"), p.lostSince(before))
}

// lostSince is an error if more points are lost than so many.
func (p *Publisher) lostSince(before int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.stats.dropped - before; n > 0 {
		return fmt.Errorf("%d points of metrics are lost: %s", n, p.whyDropped)
	}
	return nil
}
