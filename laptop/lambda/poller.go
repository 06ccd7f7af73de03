package lambda

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/pattern"
	"github.com/ephor-io/ephor/laptop/internal/pause"
)

const (
	// firstBatches is how many batches Lambda processes at once in the beginning, and maxBatches how
	// many in the end: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
	firstBatches = 5
	maxBatches   = 1000
	// pollWait is how long one request to the queue waits, the longest that SQS allows.
	pollWait = 20 * time.Second
	// maxReceive is how many messages one request to the queue gets.
	maxReceive = 10
)

// poller gives a queue's messages to a function. As many batches are under way as the function has
// borne: one more after each that succeeded, half as many after one that was throttled.
type poller struct {
	sources *eventSources
	config  EventSource
	filters []*pattern.Pattern
	ctx     context.Context
	cancel  context.CancelFunc

	mu       sync.Mutex
	underWay int
	window   int
	free     chan struct{} // buffered: a batch has ended
	last     string
}

func newPoller(e *eventSources, c EventSource) *poller {
	filters, err := parseFilters(c.Filters)
	if err != nil {
		// They were checked when they were set; were they not, nothing may be deleted by them.
		c.Disabled = true
		e.service.cfg.Events(EventSourceProblem{c.Function, c.SourceARN, err})
	}
	p := &poller{sources: e, config: c, filters: filters, window: min(firstBatches, limitOf(c)), free: make(chan struct{}, 1), last: "No records processed"}
	p.ctx, p.cancel = context.WithCancel(e.ctx)
	return p
}

func limitOf(c EventSource) int {
	if c.MaxConcurrency == 0 {
		return maxBatches
	}
	return c.MaxConcurrency
}

func (p *poller) result() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// run receives, a batch for every free place, until cancel.
func (p *poller) run() {
	defer p.cancel()
	if p.config.Disabled {
		return
	}
	wait := p.backOff()
	for p.enter() {
		batch, err := p.gather()
		if len(batch) > 0 {
			p.sources.work.Go(func() { p.leave(p.deliver(batch)) })
		} else {
			p.leave(untried)
		}
		if err == nil {
			wait = p.backOff()
			continue
		}
		if p.ctx.Err() != nil {
			return
		}
		p.problem(err)
		if !pause.For(p.ctx, wait) {
			return
		}
		wait = min(2*wait, maxBackOff)
	}
}

func (p *poller) backOff() time.Duration { return p.sources.service.cfg.backOff }

func (p *poller) problem(err error) {
	p.sources.service.cfg.Events(EventSourceProblem{p.config.Function, p.config.SourceARN, err})
}

// enter takes a place for a batch; false means that the poller has ended.
func (p *poller) enter() bool {
	for p.ctx.Err() == nil {
		p.mu.Lock()
		if p.underWay < p.window {
			p.underWay++
			p.mu.Unlock()
			return true
		}
		p.mu.Unlock()
		select {
		case <-p.free:
		case <-p.ctx.Done():
		}
	}
	return false
}

// fate is what became of a batch.
type fate int

const (
	untried fate = iota
	succeeded
	failed
	throttled
)

// leave gives the place back.
func (p *poller) leave(o fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch o {
	case succeeded:
		if p.underWay == p.window {
			p.window = min(p.window+1, limitOf(p.config))
		}
		p.last = "OK"
	case failed:
		p.last = "PROBLEM: Function call failed"
	case throttled:
		p.window = max(p.window/2, 1)
		p.last = "PROBLEM: Function call was throttled"
	}
	p.underWay--
	select {
	case p.free <- struct{}{}:
	default: // it has been told already
	}
}

// sourced is a message that was received, as the event has it.
type sourced struct {
	QueueMessage
	record []byte
	until  time.Time // hidden from others
}

// gather receives a batch: what one request gets or, with a window, all that comes until it has
// passed or the batch is full. What no filter wants is deleted. With an error comes what there is.
func (p *poller) gather() ([]sourced, error) {
	c, queues := p.config, p.sources.service.cfg.Queues
	visibility, err := queues.Queue(c.SourceARN)
	if err != nil {
		return nil, err
	}
	var batch []sourced
	bytes, wait, end := 0, pollWait, time.Time{}
	for len(batch) < c.batch() && bytes < maxRequest {
		asked := time.Now()
		got, err := queues.Receive(p.ctx, c.SourceARN, min(maxReceive, c.batch()-len(batch)), wait)
		if err != nil {
			if errors.Is(err, context.Canceled) && len(batch) > 0 {
				err = nil // the poller ends with what it has
			}
			return batch, err
		}
		for _, m := range got {
			if !wanted(p.filters, m) {
				if err := queues.Delete(c.SourceARN, m.ReceiptHandle); err != nil {
					return batch, err
				}
				continue
			}
			record, err := c.record(m)
			if err != nil {
				return batch, err
			}
			bytes += len(record) + 1
			batch = append(batch, sourced{m, record, asked.Add(visibility)})
		}
		if c.Window == 0 {
			break
		}
		if end.IsZero() && len(batch) > 0 {
			end = time.Now().Add(c.Window)
		}
		if !end.IsZero() {
			// SQS waits whole seconds.
			if wait = min(time.Until(end).Truncate(time.Second)+time.Second, pollWait); !time.Now().Before(end) {
				break
			}
		}
	}
	return batch, nil
}

// deliver gives a batch to the function, in more than one event where one would be too large.
func (p *poller) deliver(batch []sourced) fate {
	worst := succeeded
	for len(batch) > 0 {
		n, bytes := 0, len(`{"Records":[]}`)
		for n < len(batch) && (n == 0 || bytes+len(batch[n].record)+1 <= maxRequest) {
			bytes += len(batch[n].record) + 1
			n++
		}
		worst = max(worst, p.invoke(batch[:n]))
		batch = batch[n:]
	}
	return worst
}

// invoke calls the function with messages, and deletes those that are done. The others are received
// again when their visibility timeout is over.
func (p *poller) invoke(batch []sourced) fate {
	event := []byte(`{"Records":[`)
	var messages []QueueMessage
	for i, m := range batch {
		if i > 0 {
			event = append(event, ',')
		}
		event = append(event, m.record...)
		messages = append(messages, m.QueueMessage)
	}
	event = append(event, "]}"...)
	out, err := p.call(event, batch[0].until)
	switch {
	case err != nil && awsproto.From(err).Status == 429:
		return throttled
	case err != nil:
		if p.sources.ctx.Err() == nil {
			p.problem(err)
		}
		return failed
	case out.FunctionError != "":
		return failed
	}
	var ids map[string]bool
	if p.config.ReportFailures {
		all := false
		if ids, all = failures(out.Payload, messages); all {
			return failed
		}
	}
	for _, m := range messages {
		if ids[m.ID] {
			continue
		}
		if err := p.sources.service.cfg.Queues.Delete(p.config.SourceARN, m.ReceiptHandle); err != nil {
			p.problem(err)
			return failed
		}
	}
	return succeeded
}

// call invokes the function, again and again while it is throttled and the messages are hidden from
// others. What has begun is not cut off when the mapping ends, but by Close.
func (p *poller) call(event []byte, until time.Time) (InvokeOutput, error) {
	wait := p.backOff()
	for {
		out, err := p.sources.service.Invoke(context.WithoutCancel(p.ctx), InvokeInput{Function: p.config.Function, Payload: event})
		if err == nil || awsproto.From(err).Status != 429 || time.Now().Add(wait).After(until) || !pause.For(p.ctx, wait) {
			return out, err
		}
		wait = min(2*wait, maxBackOff)
	}
}
