package function

import (
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Whatever the store does in between, at the end it has every invocation and every increment once.
func TestStoreFaults(t *testing.T) {
	t.Parallel()
	hijack := func(w http.ResponseWriter) net.Conn {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		return c
	}
	f := func(name string, fault func(w http.ResponseWriter) (kept bool)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStore(t)
			l := startLambda(t, "Hello", st)
			st.set(func(n int, w http.ResponseWriter) bool {
				if n == 0 {
					w.WriteHeader(http.StatusNoContent)
					return true
				}
				return fault(w)
			})
			l.invoke(`{}`)
			l.invoke(`{}`)
			l.frozen()
			n := len(st.writes())
			l.invoke(`{}`) // while it backs off, unless this machine is slow
			l.frozen()
			st.set(nil)
			time.Sleep(1100 * time.Millisecond) // the shortest back-off, with nothing to wait for
			l.invoke(`{}`)
			l.frozen()
			checkInvocations(t, st, 4, nil)
			var sum int64
			for _, p := range st.of("hellos") {
				sum += p["count"].(int64)
			}
			if sum != 4 {
				t.Errorf("the counter's deltas add up to %d", sum)
			}
			writes := st.writes()
			if diff := cmp.Diff(string(writes[1]), string(writes[n])); diff != "" {
				t.Errorf("the batch changed (-first +again)\n%s", diff)
			}
			l.stop(syscall.SIGTERM)
			if last := checkPublisher(t, st, true); last["retries"].(int64) < 1 || last["dropped"] != int64(0) {
				t.Errorf("the publisher says %v", last)
			}
			if strings.Contains(l.log.String(), "secret") {
				t.Errorf("the log tells the password:\n%s", l.log.String())
			}
		})
	}
	f("answers 500", func(w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return false
	})
	f("answers 429", func(w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusTooManyRequests)
		return false
	})
	f("resets", func(w http.ResponseWriter) bool {
		_ = hijack(w).(*net.TCPConn).SetLinger(0)
		return false
	})
	f("closes after it has written", func(w http.ResponseWriter) bool {
		hijack(w).Close()
		return true
	})
	f("writes and answers too late", func(w http.ResponseWriter) bool {
		time.Sleep(400 * time.Millisecond)
		return true
	})
}

func TestStoreIsGone(t *testing.T) {
	t.Parallel()
	st := newStore(t)
	l := startLambda(t, "Hello", st)
	l.invoke(`{}`)
	l.frozen()
	st.server.CloseClientConnections()
	st.server.Close()
	for range 5 {
		if a := l.invoke(`{"item":"you"}`); a.body != `"Hello <you>"` {
			t.Errorf("the answer is %+v", a)
		}
	}
	l.frozen()
	l.stop(syscall.SIGTERM)
	checkInvocations(t, st, 1, nil)
	if n := strings.Count(l.log.String(), "does not take the metrics"); n != 1 {
		t.Errorf("the log tells of it %d times:\n%s", n, l.log.String())
	}
}

func TestPoisonNeverBlocksTheRest(t *testing.T) {
	t.Parallel()
	st := newStore(t)
	// The store refuses the second batch as a whole, and of its two points the invocation.
	st.set(func(n int, w http.ResponseWriter) bool {
		if n == 1 || n == 2 {
			w.WriteHeader(http.StatusBadRequest)
			return false
		}
		w.WriteHeader(http.StatusNoContent)
		return true
	})
	l := startLambda(t, "Hello", st)
	for range 4 {
		l.invoke(`{}`)
	}
	l.frozen()
	l.stop(syscall.SIGTERM)
	points := st.of("publisher")
	last := points[len(points)-1]
	if len(points) != 5 || last["seq"] != int64(5) || last["dropped"] != int64(1) || last["retries"] != int64(0) {
		t.Errorf("%d points, the last is %v", len(points), last)
	}
	if n := len(st.of("invocation")); n != 3 {
		t.Errorf("%d invocations", n)
	}
}
