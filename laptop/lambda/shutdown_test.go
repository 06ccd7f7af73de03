package lambda

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestShutdown proves how long what does not leave by itself has, by the kind of extension: see "Shutdown
// phase" in https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html. A slow
// machine may take longer for everything, and never less.
func TestShutdown(t *testing.T) {
	t.Parallel()
	for kind, c := range map[string]struct{ grace, runtime time.Duration }{
		"none":     {0, 0},
		"internal": {500 * time.Millisecond, 500 * time.Millisecond},
		"external": {2 * time.Second, 300 * time.Millisecond},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			s := open(t, Config{Events: r.add})
			folder := thatStays(t, s, kind)
			e := environmentOf(t, s)
			e.mu.Lock()
			if e.grace() != c.grace || e.runtimeGrace() != c.runtime {
				t.Errorf("it has %v, of which the runtime has %v", e.grace(), e.runtimeGrace())
			}
			pid := e.process.pid
			e.mu.Unlock()

			start := time.Now()
			s.SpinDown()
			<-e.gone // which only a kill can bring about
			if lived := time.Since(start); lived < c.grace {
				t.Errorf("it was killed after %v", lived)
			}
			if alive(pid) {
				t.Error("the runtime is left")
			}
			eventually(t, "the news", func() bool { return len(eventsOf[EnvironmentStopped](r)) == 1 })
			if got := eventsOf[EnvironmentStopped](r)[0].Reason; got != StopSpindown {
				t.Errorf("the reason is %s", got)
			}
			if kind == "none" {
				if noted, err := os.ReadFile(filepath.Join(folder, "runtime.log")); !os.IsNotExist(err) {
					t.Errorf("a runtime without extensions was told: %s (%v)", noted, err)
				}
				return
			}
			terminated, at, _ := strings.Cut(notes(t, folder, "runtime")[0], " ")
			told, err := strconv.ParseInt(at, 10, 64)
			if err != nil || terminated != "terminated" || told < start.UnixMilli() {
				t.Errorf("the runtime noted %s at %s (%v)", terminated, at, err)
			}
			if kind == "internal" {
				return
			}
			event := noted(t, folder, "agent", `"eventType":"SHUTDOWN"`)
			found := regexp.MustCompile(`"shutdownReason":"spindown","deadlineMs":(\d+)`).FindStringSubmatch(event)
			if found == nil {
				t.Fatal(event)
			}
			// 2 s from the beginning, which is not before start and not after the runtime was told.
			deadline, err := strconv.ParseInt(found[1], 10, 64)
			if err != nil || deadline < start.UnixMilli()+2000 || deadline > told+2000 {
				t.Errorf("started at %d, the runtime told at %d, the deadline is %d (%v)", start.UnixMilli(), told, deadline, err)
			}
			last := notes(t, folder, "runtime")
			_, at, _ = strings.Cut(last[len(last)-1], " ")
			if ended, err := strconv.ParseInt(at, 10, 64); err != nil || ended > deadline {
				t.Errorf("the runtime has run at %s, after the extension's deadline %d (%v)", at, deadline, err)
			}
		})
	}
}

// TestShutdownTellsTelemetryFirst: an internal extension, whose batch is not due for half a minute, has it before
// its process gets SIGTERM, which ends this one. It has half of the grace for that, 250 ms, which may be too
// little for a machine that is slow just then: so several may try.
func TestShutdownTellsTelemetryFirst(t *testing.T) {
	t.Parallel()
	const tries = 20
	for range tries {
		h := newByHand(t, Config{})
		l := newListener(t)
		_, _, header := h.do("POST", "/2020-01-01/extension/register", `{"events":[]}`, "Lambda-Extension-Name: x")
		id := "Lambda-Extension-Identifier: " + header.Get("Lambda-Extension-Identifier")
		h.want(200, `"OK"`)(h.do("PUT", telemetryPath, `{"schemaVersion":"2025-01-29","types":["platform"],"buffering":{"timeoutMs":30000},
			"destination":{"protocol":"HTTP","URI":"`+l.URL+`"}}`, id))
		h.waits("GET", "/2020-01-01/extension/event/next", id)
		_, _, header = h.do("GET", "/2018-06-01/runtime/invocation/next", "")
		h.want(202, "OK")(h.do("POST", "/2018-06-01/runtime/invocation/"+header.Get(headerRequestID)+"/response", "{}"))
		h.wg.Wait()
		h.waits("GET", "/2018-06-01/runtime/invocation/next")
		settled(t, h.s, "hello")
		e := environmentOf(t, h.s)
		h.s.SpinDown()
		<-e.gone
		if slices.Contains(typesOf(l.events()), "platform.report") {
			return
		}
	}
	t.Errorf("%d extensions were not told before their ends", tries)
}

// thatStays makes hello of programs that go on after SIGTERM, and has it idle: the runtime alone, one with
// an internal extension, or one with an external one. The folder is where they note what they do.
func thatStays(t *testing.T, s *Service, extension string) (folder string) {
	t.Helper()
	if extension == "external" {
		folder = external(t, s, "stay", "SHUTDOWN", "agent")
	} else {
		folder = t.TempDir()
		create(t, s, hello(t, func(in *FunctionInput) {
			in.Environment = map[string]string{"SIGTERM_STAY": filepath.Join(folder, "runtime.log")}
			if extension == "internal" {
				in.Environment["EXTENSION"] = "0s"
			}
		}))
	}
	call(t, s, `{}`)
	settled(t, s, "hello")
	return folder
}
