package pause

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if !For(t.Context(), time.Minute) || time.Since(start) != time.Minute {
			t.Errorf("after %v", time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if For(ctx, time.Minute) || time.Since(start) != time.Second {
			t.Errorf("cut off after %v", time.Since(start))
		}
	})
}

func TestLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		bell, begin := NewBell(), time.Now()
		var at []time.Duration
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			bell.Loop(ctx, func(now time.Time) time.Duration {
				at = append(at, now.Sub(begin))
				return []time.Duration{time.Second, time.Hour, time.Minute}[min(len(at)-1, 2)]
			})
		}()
		time.Sleep(32 * time.Second) // it sleeps half a minute at most
		bell.Ring()
		synctest.Wait()
		cancel()
		<-ended
		if want := []time.Duration{0, time.Second, 31 * time.Second, 32 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("%v, want %v", at, want)
		}
	})
}
