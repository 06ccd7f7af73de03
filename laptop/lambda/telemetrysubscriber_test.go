package lambda

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newSubscription is one whose events go to l.
func newSubscription(l *listener, timeout time.Duration) subscription {
	return subscription{categories: []string{telemetryPlatform, telemetryFunction}, url: l.URL, maxItems: 1000, maxBytes: 256 << 10, timeout: timeout}
}

func TestTelemetryBatches(t *testing.T) {
	t.Parallel()
	l := newListener(t)
	tell := newTelemetry()
	defer tell.close()
	tell.line(telemetryFunction, []byte("before"), false)
	if again, refused := tell.subscribe("x", newSubscription(l, time.Hour)); again || refused != nil {
		t.Fatal(again, refused)
	}
	tell.closeSubscriptions()
	for range 998 {
		tell.line(telemetryFunction, []byte("line"), false)
	}
	tell.line(telemetryExtension, []byte("not wanted"), false)
	time.Sleep(20 * time.Millisecond) // nothing is due: should something come all the same, the count below is wrong
	if n := len(l.events()); n != 0 {
		t.Errorf("%d events came before the batch was full", n)
	}
	tell.line(telemetryFunction, []byte("full"), false)
	eventually(t, "a full batch", func() bool { return len(l.events()) == 1000 })
	tell.line(telemetryFunction, []byte("flushed"), false)
	tell.flushUntil(time.Now().Add(time.Minute))
	events, batches := l.events(), l.count()
	if batches != 2 || len(events) != 1001 || string(events[0].Record) != `"before"` || string(events[1000].Record) != `"flushed"` {
		t.Errorf("%d batches of %d events", batches, len(events))
	}
}

// TestTelemetryBatchesByBytes has a subscriber that falls behind, so that more is waiting than a batch may have.
func TestTelemetryBatchesByBytes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines []int // their lengths
		want  []int // how many of them each batch has
		most  int   // bytes of a body
	}{
		"small ones":                   {slices.Repeat([]int{1000}, 450), []int{245, 205}, 256 << 10},
		"one that is larger than that": {[]int{100 << 10, 300 << 10, 100 << 10}, []int{1, 1, 1}, 301 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newListener(t)
			l.setRefuse(true)
			tell := newTelemetry()
			defer tell.close()
			tell.subscribe("x", newSubscription(l, 25*time.Millisecond))
			for _, length := range c.lines {
				tell.line(telemetryFunction, bytes.Repeat([]byte("x"), length), false)
			}
			l.refuses(t, 1)
			l.setRefuse(false)
			tell.flushUntil(time.Now().Add(time.Minute))
			l.mu.Lock()
			defer l.mu.Unlock()
			var got []int
			for _, batch := range l.batches {
				got = append(got, len(batch))
			}
			if diff := cmp.Diff(c.want, got); diff != "" || slices.Max(l.sizes) > c.most {
				t.Errorf("events of the batches (-want +got):\n%s\nbodies of %d bytes, want %d at most", diff, l.sizes, c.most)
			}
		})
	}
}

// TestTelemetryDefaults are those of https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html
func TestTelemetryDefaults(t *testing.T) {
	t.Parallel()
	var in telemetryRequest
	if err := json.Unmarshal([]byte(`{"schemaVersion":"2022-07-01","types":["platform"],"destination":{"protocol":"HTTP","URI":"http://sandbox:1"}}`), &in); err != nil {
		t.Fatal(err)
	}
	got, problems := in.subscription(false)
	if len(problems) > 0 || got.maxItems != 1000 || got.maxBytes != 262_144 || got.timeout != time.Second {
		t.Errorf("%+v %q", got, problems)
	}
}

func TestTelemetryTimeout(t *testing.T) {
	t.Parallel()
	l := newListener(t)
	tell := newTelemetry()
	defer tell.close()
	tell.subscribe("x", newSubscription(l, 25*time.Millisecond))
	for i := range 3 {
		tell.line(telemetryFunction, []byte("line"), false)
		eventually(t, "the batch", func() bool { return len(l.events()) == i+1 })
	}
}

// TestTelemetryFallsBehind has a subscriber that refuses for a while: what there is room for comes
// later, and the rest is counted.
func TestTelemetryFallsBehind(t *testing.T) {
	t.Parallel()
	l := newListener(t)
	l.setRefuse(true)
	tell := newTelemetry()
	defer tell.close()
	tell.subscribe("x", newSubscription(l, 25*time.Millisecond))
	for range 2500 {
		tell.line(telemetryFunction, []byte("line"), false)
	}
	l.refuses(t, 2)
	l.setRefuse(false)
	eventually(t, "all events", func() bool { return len(l.events()) == 2001 })
	i := slices.IndexFunc(l.events(), func(e told) bool { return e.Type == "platform.logsDropped" })
	if i < 0 || !strings.Contains(string(l.events()[i].Record), `"droppedRecords":500,`) {
		t.Errorf("index %d of %d events", i, len(l.events()))
	}
	tell.forget("x")
	tell.line(telemetryFunction, []byte("to nobody"), false)
	tell.flushUntil(time.Now().Add(time.Minute))
	if n := len(l.events()); n != 2001 {
		t.Errorf("%d events", n)
	}
}
