package outbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// story is what happened, with the time since its beginning.
type story struct {
	mu    sync.Mutex
	lines []string
	from  time.Time
}

func (s *story) tell(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, time.Since(s.from).String()+" "+fmt.Sprintf(format, args...))
}

func (s *story) is(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff(want, s.lines); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
	s.lines = nil
}

func TestDeliveriesAreTriedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &story{from: time.Now()}
		var down atomic.Bool
		down.Store(true)
		open := func() *Box[string] {
			b, err := Open(Config[string]{Dir: dir,
				Deliver: func(_ context.Context, d string) error {
					s.tell("%s", d)
					if down.Load() {
						return errors.New("down")
					}
					return nil
				},
				Again: func(_ string, attempts int, _ time.Duration, err error) (time.Duration, bool) {
					return time.Duration(attempts-1) * time.Second, attempts < 5
				},
				GiveUp:  func(d string, attempts int, err error) { s.tell("%s given up after %d: %v", d, attempts, err) },
				Problem: func(err error) { t.Error(err) },
			})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		b := open()
		if err := b.Send("a"); err != nil {
			t.Fatal(err)
		}
		s.is(t, "0s a", "0s a") // the first wait is none
		time.Sleep(2 * time.Second)
		synctest.Wait()
		s.is(t, "1s a")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		b = open() // what waited goes on where it was
		synctest.Wait()
		s.is(t, "3s a")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		s.is(t, "6s a", "6s a given up after 5: down")
		if err := b.Send("b"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		down.Store(false)
		time.Sleep(time.Second)
		synctest.Wait()
		s.is(t, "6s b", "6s b", "7s b")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
			t.Errorf("left: %v, %v", files, err)
		}
	})
}

func TestLasting(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{http.StatusBadRequest: true, http.StatusForbidden: true, http.StatusNotFound: true,
		http.StatusTooManyRequests: false, http.StatusServiceUnavailable: false} {
		if got := Lasting(fmt.Errorf("x: %w", &awsproto.Error{Code: "X", Status: status})); got != want {
			t.Errorf("%d: %v", status, got)
		}
	}
	if Lasting(errors.New("the disk is full")) {
		t.Error("an error that is no service's lasts")
	}
}
