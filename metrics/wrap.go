package metrics

import (
	"context"
	"encoding/json"
	"log"
	"time"
)

// Wrap makes of a handler one that lambda.Start takes instead and that publishes its metrics:
//
//	lambda.Start(metrics.Wrap(handler))
//
// handler is any function that lambda.Start takes, or a value with its Invoke method. The
// publisher is configured from the environment, as FromEnv tells, and starts here: call Wrap
// once, from main, where the next thing is lambda.Start. It never fails: where the publisher
// cannot start, or is off, the function's log says so and Wrap returns handler itself. So it does
// with a value that lambda.Start refuses. If the default set has a publisher already, Wrap uses that.
//
// Options of lambda.StartWithOptions about JSON have no effect on a wrapped handler: events and
// responses are coded here, by the rules of lambda.Start without options.
func Wrap(handler any) any {
	h, err := newHandler(handler)
	if err != nil {
		return handler
	}
	if p := Default().publisher(); p != nil {
		return p.wrap(handler, h)
	}
	cfg, err := FromEnv(nil)
	if err != nil {
		log.Printf("ephor: %v", err)
	}
	p, err := Open(cfg)
	if err != nil {
		log.Printf("ephor: metrics are not published: %v", err)
		return handler
	}
	return p.wrap(handler, h)
}

// Wrap is the function Wrap for a publisher of one's own. Wrap one handler only. The time until
// then counts as the init of the first invocation.
func (p *Publisher) Wrap(handler any) any {
	h, err := newHandler(handler)
	if err != nil {
		return handler
	}
	return p.wrap(handler, h)
}

func (p *Publisher) wrap(handler any, h *handler) any {
	if p.off() {
		return handler
	}
	p.mu.Lock()
	p.wrapped = true
	p.initMS = milliseconds(time.Since(processStart))
	p.mu.Unlock()
	if h.event == nil {
		// Without a parameter aws-lambda-go does not read the event, which need not be JSON then.
		return func(ctx context.Context) (*response, error) { return p.invoke(ctx, h, nil) }
	}
	return func(ctx context.Context, payload json.RawMessage) (*response, error) {
		return p.invoke(ctx, h, payload)
	}
}

func (p *Publisher) invoke(ctx context.Context, h *handler, payload []byte) (*response, error) {
	inv := p.begin(ctx)
	returned := false
	defer func() {
		if returned {
			return
		}
		// Panicking again from here, and not after having returned, keeps the frames of the first
		// panic on the stack, which aws-lambda-go reports.
		v := recover()
		if v == nil {
			inv.end("the handler called runtime.Goexit", true)
			inv.out()
			return
		}
		inv.end(panicText(v), true)
		p.panicked(ctx, inv)
		panic(v)
	}()
	resp, err := h.call(ctx, payload)
	returned = true
	if err != nil {
		inv.end(errorText(err), true)
		// Nothing is closed after an error has been posted, but the context ends.
		inv.overdue()
		inv.outWith(ctx)
		return nil, err
	}
	resp.inv = inv
	if resp.buffer != nil {
		inv.end("", false)
	}
	// What closes no response, as a wrapper of another kind around this one may, at least ends
	// the context. Where one has been closed before, awaitLeft and awaitOut look for that end now and then: to be told
	// of it takes some microseconds, and the response waits for them.
	if inv.ctx == nil {
		inv.outWith(ctx)
	}
	return resp, nil
}

// panicked publishes before the process ends, which it does as soon as the panic is reported: no flush comes
// after this one. So near the deadline it takes half of what is left, where another flush would leave it all to the
// handler.
func (p *Publisher) panicked(ctx context.Context, inv *invocation) {
	inv.overdue()
	budget := p.cfg.FlushTimeout
	if !inv.deadline.IsZero() {
		left := inv.deadline.Sub(p.clock.now().wall)
		budget = min(budget, max(left-reserve, left/2))
	}
	within, cancel := context.WithTimeout(context.Background(), budget)
	defer cancel()
	p.finish(within)
	// There is a panic after which aws-lambda-go goes on, and so must the extension then.
	context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hold.out(inv.orphan)
	})
}
