package logs

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"
)

// TestEverythingAtOnce is for the race detector: environments come, write and go while others
// read, describe and delete what they write.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	var writers, readers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for k := range 40 {
				w := s.OpenStream(hello, fmt.Sprint(i, " ", k))
				for n := range 30 {
					w.Append(time.Now(), fmt.Appendf(nil, "line %d", n))
					w.Commit()
				}
				w.Close()
			}
		})
	}
	read := func(look func() error) {
		readers.Go(func() {
			for ctx.Err() == nil {
				if err := look(); err != nil {
					wants(t, err, "ResourceNotFoundException", "The specified log") // it was deleted just now
				}
			}
		})
	}
	read(func() error {
		page, err := s.FilterLogEvents(t.Context(), Query{Group: hello, Limit: 500, Descending: true})
		for i := 1; i < len(page.Events); i++ {
			if page.Events[i].Time > page.Events[i-1].Time {
				t.Errorf("event %d is younger than the one before", i)
			}
		}
		return err
	})
	read(func() error {
		_, err := s.GetLogEvents(t.Context(), StreamQuery{Group: hello, Stream: "1 1"})
		return err
	})
	read(func() error {
		_, err := s.Streams(hello, "")
		s.Groups("")
		return err
	})
	read(func() error {
		time.Sleep(20 * time.Millisecond)
		if err := s.DeleteLogStream(hello, "2 2"); err != nil {
			return err
		}
		return s.DeleteLogGroup(hello)
	})
	read(func() error {
		time.Sleep(5 * time.Millisecond)
		return s.PutRetentionPolicy(hello, 1)
	})
	read(func() error {
		time.Sleep(time.Millisecond)
		if err := s.CreateLogStream(hello, "own"); err != nil {
			return s.DeleteLogStream(hello, "own")
		}
		_, err := s.PutLogEvents(hello, "own", []InputEvent{{time.Now().UnixMilli(), "own"}})
		return err
	})
	writers.Wait()
	cancel()
	readers.Wait()
	w := s.OpenStream(hello, "last")
	w.Append(time.Now(), []byte("last"))
	w.Close()
	if got := messages(t, s, Query{Group: hello, Streams: []string{"last"}}); len(got) != 1 {
		t.Errorf("at the end: %q", got)
	}
	g, err := s.group(hello)
	must(t, err)
	if n := g.open.Load(); n != 0 {
		t.Errorf("%d streams are still counted as open", n)
	}
}

// A search that meets the file of another stream, which got the name of one that was deleted meanwhile, does
// not take what it finds there for what it looked for: its order would be lost.
func TestAStreamIsMadeAnewDuringASearch(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	at := time.Now()
	write := func(at time.Time) {
		w := s.OpenStream(hello, "one")
		w.Append(at, []byte("line"))
		w.Close()
	}
	write(at.Add(-time.Minute))
	g, err := s.group(hello)
	must(t, err)
	q, h := &search{ctx: t.Context(), to: math.MaxInt64, descending: true}, &agenda{descending: true}
	must(t, q.gather(h, g.choose(nil, "")[0]))
	for _, want := range []int{1, 0} {
		events, err := q.load(h.items[0])
		if err != nil || len(events) != want {
			t.Errorf("%v, %v; want %d events", events, err, want)
		}
		must(t, s.DeleteLogStream(hello, "one"))
		write(at)
	}
}
