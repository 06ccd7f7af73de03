package metrics

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Of invocations that overlap, as on Managed Instances, one may end first and be out last, even in a later batch. Each
// lasts as long as it did, stands at its end or right behind the one before it, and times rise.
func TestOverlappingInvocationsKeepTheOrderOfTheirSeries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, func(c *Config) {
			c.Initialization = managedInstances
			c.Interval = time.Hour
		})
		handler := h.Wrap(func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			time.Sleep(time.Until(deadline) - time.Minute)
			return nil
		}).(func(context.Context) (*response, error))
		// start begins an invocation of so long, whose response is out when the result is called.
		start := func(length time.Duration) (out func()) {
			ctx, cancel := context.WithTimeout(t.Context(), length+time.Minute)
			returned := make(chan *response)
			go func() {
				resp, err := handler(ctx)
				if err != nil {
					t.Error(err)
				}
				returned <- resp
			}()
			return func() {
				defer cancel()
				if err := (<-returned).Close(); err != nil {
					t.Error(err)
				}
			}
		}
		publish := func() {
			t.Helper()
			if err := h.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		}
		began := time.Now()
		first, second := start(10*time.Millisecond), start(20*time.Millisecond)
		third, fourth := start(30*time.Millisecond), start(40*time.Millisecond)
		time.Sleep(50 * time.Millisecond)
		second()
		publish()
		fourth() // in one batch with the one that ended before it
		third()
		publish()
		first()
		publish()
		sent := h.store.sent()
		checkStamps(t, sent)
		var got []string
		for l := range strings.Lines(strings.Join(sent, "")) {
			if strings.HasPrefix(l, "invocation,") {
				at := l[strings.LastIndexByte(l, ' ')+1 : len(l)-1]
				got = append(got, field(l, "invocation", "duration_ms")+" at "+time.Unix(0, int64(parse(t, at))).Sub(began).Round(time.Millisecond).String())
			}
		}
		if want := "20 at 20ms, 30 at 30ms, 40 at 40ms, 10 at 40ms"; strings.Join(got, ", ") != want {
			t.Errorf("lasted %s, want %s", strings.Join(got, ", "), want)
		}
	})
}

// Neither provisioned concurrency nor a Managed Instance has an invocation that waits for its start.
func TestWhoIsCold(t *testing.T) {
	t.Parallel()
	for initialization, want := range map[string]string{"on-demand": "true", "": "true", "snap-start": "true", provisionedConcurrency: "false", managedInstances: "false"} {
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, func(c *Config) { c.Initialization = initialization })
			for _, want := range []string{want, "false"} {
				h.invoke(time.Minute)
				if err := h.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				sent := h.store.sent()
				got := ""
				for _, body := range sent {
					if cold := field(body, "invocation", "cold"); cold != "" {
						got = cold
					}
				}
				if got != want {
					t.Errorf("%q: cold is %s, want %s", initialization, got, want)
				}
			}
		})
	}
}
