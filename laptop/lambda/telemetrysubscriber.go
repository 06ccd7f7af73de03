package lambda

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// subscription is what an extension has asked for.
type subscription struct {
	categories []string
	url        string // on loopback
	maxItems   int    // of a batch
	maxBytes   int    // of a batch, but for one that is a single event
	timeout    time.Duration
}

// The pause after a delivery that has failed doubles between these.
const (
	minTelemetryPause = 20 * time.Millisecond
	maxTelemetryPause = 2 * time.Second
)

// subscriber is an extension that gets telemetry in batches. What it has not taken yet is bounded:
// what comes above it is dropped, and counted in an event of its own.
type subscriber struct {
	name   string
	cancel context.CancelFunc // ends deliver
	wake   chan struct{}      // buffered: there is something to look at

	mu           sync.Mutex
	to           subscription
	pending      [][]byte
	bytes        int       // of pending
	since        time.Time // when the first of pending came
	dropped      int
	droppedBytes int
	sending      bool
	urgent       bool          // flush waits
	progress     chan struct{} // closed after every attempt
}

func newSubscriber(name string, to subscription) *subscriber {
	return &subscriber{name: name, to: to, wake: make(chan struct{}, 1), progress: make(chan struct{})}
}

func (s *subscriber) change(to subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = to
	s.look()
}

// look makes deliver look whether there is something to do.
func (s *subscriber) look() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// add puts an event into the next batch, if the subscriber wants it and has taken enough of those before.
func (s *subscriber) add(event telemetryEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.to.categories, event.category) {
		return
	}
	if s.bytes+len(event.data) > 2*s.to.maxBytes || len(s.pending) >= 2*s.to.maxItems {
		s.dropped++
		s.droppedBytes += len(event.data)
		return
	}
	if len(s.pending) == 0 {
		s.since = time.Now()
		s.look()
	}
	s.pending = append(s.pending, event.data)
	s.bytes += len(event.data)
	if s.full() {
		s.look()
	}
}

func (s *subscriber) full() bool {
	return len(s.pending) >= s.to.maxItems || s.bytes >= s.to.maxBytes
}

// due is how long the next batch has time, and whether there is one.
func (s *subscriber) due() (wait time.Duration, some bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.pending) == 0:
		return 0, false
	case s.urgent || s.full():
		return 0, true
	}
	return s.to.timeout - time.Since(s.since), true
}

// deliver sends batches until ctx is done. A subscriber that is frozen takes its batch when it is
// thawed: there is no limit of time.
func (s *subscriber) deliver(ctx context.Context, client *http.Client) {
	var pause time.Duration
	var notBefore time.Time
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		wait, some := s.due()
		if !some {
			wait = time.Hour // until look
		}
		if wait = max(wait, time.Until(notBefore)); wait > 0 {
			timer.Reset(wait)
			select {
			case <-ctx.Done():
			case <-timer.C:
			case <-s.wake:
			}
			continue
		}
		if s.send(ctx, client) == nil {
			pause = 0
		} else {
			pause = min(max(2*pause, minTelemetryPause), maxTelemetryPause)
		}
		notBefore = time.Now().Add(pause)
	}
}

// batch is the next one: as many of the pending events as the subscriber wants at once, by their number and by
// the bytes of the body that they make, and one at least, however large. The caller holds s.mu.
func (s *subscriber) batch() [][]byte {
	size := 1 // a bracket, as each event comes with a comma or the other one
	for n, data := range s.pending {
		size += len(data) + 1
		if n == s.to.maxItems || n > 0 && size > s.to.maxBytes {
			return slices.Clone(s.pending[:n])
		}
	}
	return slices.Clone(s.pending)
}

// send delivers one batch. What could not be delivered stands before what has come since.
func (s *subscriber) send(ctx context.Context, client *http.Client) error {
	s.mu.Lock()
	batch, url := s.batch(), s.to.url
	s.sending = true
	s.mu.Unlock()

	body := append([]byte{'['}, bytes.Join(batch, []byte{','})...)
	err := post(ctx, client, url, append(body, ']'))

	s.mu.Lock()
	defer s.mu.Unlock()
	s.sending = false
	close(s.progress)
	s.progress = make(chan struct{})
	if err != nil {
		return err
	}
	for _, data := range batch {
		s.bytes -= len(data)
	}
	s.pending = slices.Delete(s.pending, 0, len(batch))
	s.since = time.Now()
	if s.dropped > 0 {
		s.tellDropped()
	}
	return nil
}

// tellDropped puts the event of what was dropped at the end. The caller holds s.mu.
func (s *subscriber) tellDropped() {
	if slices.Contains(s.to.categories, telemetryPlatform) {
		data := fmt.Appendf(nil, `{"time":%q,"type":"platform.logsDropped","record":{"droppedBytes":%d,"droppedRecords":%d,`+
			`"reason":"Consumer seems to have fallen behind as it has not acknowledged receipt of logs."}}`,
			time.Now().UTC().Format(timestamp), s.droppedBytes, s.dropped)
		s.pending = append(s.pending, data)
		s.bytes += len(data)
	}
	s.dropped, s.droppedBytes = 0, 0
}

// post is one delivery.
func post(ctx context.Context, client *http.Client, url string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header["Content-Type"] = jsonType
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode >= 300 {
		err = errors.Join(err, errors.New("the subscriber answered "+resp.Status))
	}
	return errors.Join(err, resp.Body.Close())
}

// flush returns when everything has been delivered, or ctx is done.
func (s *subscriber) flush(ctx context.Context) {
	s.mu.Lock()
	s.urgent = true
	s.look()
	for len(s.pending) > 0 || s.sending {
		progress := s.progress
		s.mu.Unlock()
		select {
		case <-progress:
		case <-ctx.Done():
		}
		s.mu.Lock()
		if ctx.Err() != nil {
			break
		}
	}
	s.urgent = false
	s.mu.Unlock()
}
