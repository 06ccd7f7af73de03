package metrics

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"
)

// forgetful is a store that takes everything and keeps nothing.
type forgetful struct{ writes int }

func (f *forgetful) RoundTrip(r *http.Request) (*http.Response, error) {
	f.writes++
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusNoContent, Status: "204", Body: http.NoBody, Request: r}, nil
}

// A flush of 100 instruments allocates the batch and little more, and what it leaves behind does not
// grow with the number of flushes. (Not parallel: it looks at the whole heap.)
func TestFlushesLeaveNothingBehind(t *testing.T) {
	set, store := new(Set), new(forgetful)
	var counters []*Counter
	for i := range 100 {
		c, err := set.Counter(fmt.Sprintf("counter%d", i), With("kind", "book"))
		if err != nil {
			t.Fatal(err)
		}
		counters = append(counters, c)
	}
	p, err := Open(Config{URL: "http://store.test", Function: "f", Instance: "i", Set: set, Transport: store, FlushTimeout: time.Minute, Log: func(m string) { t.Error(m) }})
	if err != nil {
		t.Fatal(err)
	}
	round := func() {
		for _, c := range counters {
			c.Inc()
		}
		if err := p.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for range 50 {
		round()
	}
	before, first := heap(), testing.AllocsPerRun(100, round)
	const rounds = 2000
	for range rounds {
		round()
	}
	after, last := heap(), testing.AllocsPerRun(100, round)
	if grown := int64(after) - int64(before); grown > 64<<10 {
		t.Errorf("%d flushes left %d bytes behind", rounds, grown)
	}
	// A request of net/http's makes some forty.
	if last > first+1 || last > 80 {
		t.Errorf("a flush makes %v allocations, and made %v at first", last, first)
	}
	t.Logf("%v allocations a flush, %d bytes more after %d", last, int64(after)-int64(before), rounds)
	if store.writes < rounds {
		t.Errorf("%d writes", store.writes)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
