package lambda

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The categories of telemetry that an extension may subscribe to.
const (
	telemetryPlatform  = "platform"
	telemetryFunction  = "function"
	telemetryExtension = "extension"
)

// maxHistory is how much of what happened before a subscription is kept for it, in bytes.
const maxHistory = 256 << 10

// telemetry hands what happens in an environment to the extensions that have subscribed to it,
// which they may do until the init phase is over; they get what happened before as well. See
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html
//
// Its methods never wait for a subscriber, but for flushUntil and close, and may be called with the locks
// of the environment and of the log held.
type telemetry struct {
	wanted atomic.Bool // somebody has subscribed, or may yet do so

	mu           sync.Mutex
	closed       bool // no more subscriptions
	history      []telemetryEvent
	historyBytes int
	subscribers  []*subscriber
	client       *http.Client // for all subscribers
	delivering   sync.WaitGroup
	ctx          context.Context
	cancel       context.CancelFunc
}

// telemetryEvent is an event, encoded.
type telemetryEvent struct {
	category string
	data     []byte
}

func newTelemetry() *telemetry {
	t := &telemetry{}
	t.wanted.Store(true)
	return t
}

// subscribe makes name a subscriber, or changes what it has subscribed to, and reports whether it
// was one before. It fails when the init phase is over.
func (t *telemetry) subscribe(name string, to subscription) (again bool, refused *refusal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false, &refusal{"Telemetry.SubscriptionClosed", "Telemetry API subscription is closed"}
	}
	if i := slices.IndexFunc(t.subscribers, func(s *subscriber) bool { return s.name == name }); i >= 0 {
		t.subscribers[i].change(to)
		return true, nil
	}
	if t.client == nil {
		t.client = &http.Client{Transport: &http.Transport{}} // no proxy: it stays on this machine
		t.ctx, t.cancel = context.WithCancel(context.Background())
	}
	s := newSubscriber(name, to)
	for _, event := range t.history {
		s.add(event)
	}
	t.subscribers = append(t.subscribers, s)
	ctx, cancel := context.WithCancel(t.ctx)
	s.cancel = cancel
	t.delivering.Go(func() { s.deliver(ctx, t.client) })
	return false, nil
}

// closeSubscriptions ends the time for subscriptions.
func (t *telemetry) closeSubscriptions() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed, t.history = true, nil
	t.wanted.Store(len(t.subscribers) > 0)
}

// emit tells an event: record is what its schema says, under
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
func (t *telemetry) emit(category, kind string, record any) {
	if t == nil || !t.wanted.Load() {
		return
	}
	data := encodeEvent(time.Now(), kind, record)
	event := telemetryEvent{category, data}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed && t.historyBytes+len(data) <= maxHistory {
		t.history = append(t.history, event)
		t.historyBytes += len(data)
	}
	for _, s := range t.subscribers {
		s.add(event)
	}
}

// line tells a line that the function or an extension has written: as text or, if the log's format is
// JSON and the line an object, as that. What the log leaves out is told too.
func (t *telemetry) line(category string, text []byte, asJSON bool) {
	if t == nil || !t.wanted.Load() {
		return
	}
	if asJSON && len(text) > 0 && text[0] == '{' && json.Valid(text) {
		t.emit(category, category, json.RawMessage(text))
		return
	}
	t.emit(category, category, string(text))
}

// platform tells an event of the platform's.
func (t *telemetry) platform(kind string, record any) {
	t.emit(telemetryPlatform, "platform."+kind, record)
}

// subscribed says that there is somebody to flush for.
func (t *telemetry) subscribed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.subscribers) > 0
}

// forget drops the subscription of an extension that has ended, if it had one.
func (t *telemetry) forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subscribers = slices.DeleteFunc(t.subscribers, func(s *subscriber) bool {
		if s.name == name {
			s.cancel()
		}
		return s.name == name
	})
}

// flushUntil delivers what has not been delivered, as far as it can be until then.
func (t *telemetry) flushUntil(end time.Time) {
	ctx, cancel := context.WithDeadline(context.Background(), end)
	defer cancel()
	t.mu.Lock()
	all := slices.Clone(t.subscribers)
	t.mu.Unlock()
	var flushing sync.WaitGroup
	for _, s := range all {
		flushing.Go(func() { s.flush(ctx) })
	}
	flushing.Wait()
}

// close ends all deliveries.
func (t *telemetry) close() {
	t.closeSubscriptions()
	if t.cancel != nil {
		t.cancel()
		t.delivering.Wait()
		t.client.CloseIdleConnections()
	}
}
