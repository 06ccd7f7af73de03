package lambda

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What the processes of an environment have, and the runtime of that, by its extensions: see "Shutdown
// phase" in https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html and in
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
func TestGraces(t *testing.T) {
	t.Parallel()
	internal, external := &extension{}, &extension{external: true}
	for _, c := range []struct {
		extensions     []*extension
		grace, runtime time.Duration
	}{
		{nil, 0, 0},
		{[]*extension{internal}, 500 * time.Millisecond, 500 * time.Millisecond},
		{[]*extension{internal, internal}, 500 * time.Millisecond, 500 * time.Millisecond},
		{[]*extension{external}, 2 * time.Second, 300 * time.Millisecond},
		{[]*extension{internal, external}, 2 * time.Second, 500 * time.Millisecond},
	} {
		e := &environment{extensions: c.extensions}
		if e.grace() != c.grace || e.runtimeGrace() != c.runtime {
			t.Errorf("%d extensions: %v, of which the runtime has %v; want %v and %v", len(c.extensions), e.grace(), e.runtimeGrace(), c.grace, c.runtime)
		}
	}
}

// The machine's clock kills at the end of a grace, no sooner and no later, and not who has left.
func TestKillAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, killed := time.Now(), make(chan time.Duration, 2)
		killAt(start.Add(500*time.Millisecond), func() { killed <- time.Since(start) })
		killAt(start.Add(300*time.Millisecond), func() { t.Error("killed after it had left") })()
		time.Sleep(time.Second)
		if d := <-killed; d != 500*time.Millisecond || len(killed) != 0 {
			t.Errorf("killed after %v", d)
		}
	})
}

// sentence is a kill that was asked for, and waits until the test carries it out.
type sentence struct {
	end  time.Time
	kill func()
}

// TestShutdownDeadlines has processes that leave only when they are killed, and a clock that stands still:
// for when their end is asked to the nanosecond, whatever the machine's speed, and nothing ends them before.
func TestShutdownDeadlines(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string][]time.Duration{
		"none":     {},
		"internal": {500 * time.Millisecond},
		"external": {300 * time.Millisecond, 2 * time.Second},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			sentences := make(chan sentence, 10)
			s := open(t, Config{killAt: func(end time.Time, kill func()) func() {
				sentences <- sentence{end, kill}
				return func() {}
			}})
			folder := thatStays(t, s, kind)
			e := environmentOf(t, s)
			s.SpinDown()
			for i, grace := range want {
				var asked sentence
				select {
				case asked = <-sentences:
				case <-e.gone:
					t.Fatalf("it has ended by itself, or was killed before its %v were up", grace)
				}
				e.mu.Lock()
				stopped := e.stoppedAt
				e.mu.Unlock()
				if got := asked.end.Sub(stopped); got != grace {
					t.Errorf("process %d would be killed after %v, not %v", i, got, grace)
				}
				if i == 0 {
					// It goes on until then.
					eventually(t, "the runtime's life after SIGTERM", func() bool {
						data, err := os.ReadFile(filepath.Join(folder, "runtime.log"))
						return err == nil && strings.Count(string(data), "runs") >= 3
					})
				} else {
					event := noted(t, folder, "agent", `"eventType":"SHUTDOWN"`)
					found := regexp.MustCompile(`"shutdownReason":"spindown","deadlineMs":(\d+)`).FindStringSubmatch(event)
					if found == nil || found[1] != fmt.Sprint(asked.end.UnixMilli()) {
						t.Errorf("the extension is told %s, and killed at %d", event, asked.end.UnixMilli())
					}
				}
				select {
				case <-e.gone:
					t.Errorf("the environment is gone before process %d was killed", i)
				default:
				}
				asked.kill()
			}
			select {
			case <-e.gone:
			case more := <-sentences:
				t.Errorf("a process would be killed after %v more, and has no time", more.end.Sub(e.stoppedAt))
				more.kill()
				<-e.gone
			}
		})
	}
}
