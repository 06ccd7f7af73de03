package function

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/influxdata/influxdb/models"
)

func TestFlushesAfterTheResponseAndBeforeTheFreeze(t *testing.T) {
	t.Parallel()
	st := newStore(t)
	l := startLambda(t, "Hello", st)
	// The store takes its time: neither response nor runtime wait for it, the freeze does.
	st.set(func(_ int, w http.ResponseWriter) bool {
		time.Sleep(20 * time.Millisecond)
		l.steps.add("written")
		w.WriteHeader(http.StatusNoContent)
		return true
	})
	for range 3 {
		a := l.invoke(`{"item":"world"}`)
		want := answer{a.id, "response", `"Hello <world>"`, "application/json"}
		if a != want {
			t.Fatalf("got %+v, want %+v", a, want)
		}
	}
	l.frozen()
	if l.registered != `{"events":["INVOKE"]}` || l.late {
		t.Errorf("registered for %s, late: %v", l.registered, l.late)
	}
	l.stop(syscall.SIGTERM)

	one := []string{"invoke", "response", "write", "written", "extension next"}
	want := append([]string{"extension next"}, append(append(append([]string{}, one...), one...), append(one, "write", "written")...)...)
	if diff := cmp.Diff(want, l.order()); diff != "" {
		t.Errorf("order (-want +got)\n%s", diff)
	}

	checkInvocations(t, st, 3, nil)
	counters := st.of("hellos")
	if len(counters) != 3 {
		t.Fatalf("%d points of the counter", len(counters))
	}
	for i, f := range counters {
		if f["count"] != int64(1) || f["total"] != int64(i+1) {
			t.Errorf("point %d of the counter is %v", i, f)
		}
	}
	checkPublisher(t, st, true)
	if st.twice != 0 {
		t.Errorf("%d points were sent twice", st.twice)
	}
	if n := len(st.of("runtime")); n != 1 {
		t.Errorf("%d points of the runtime", n)
	}
}

// checkInvocations checks the n points of invocations; reasons are the errors they must have.
func checkInvocations(t *testing.T, st *fakeStore, n int, reasons []string) {
	t.Helper()
	points := st.of("invocation")
	if len(points) != n {
		t.Fatalf("%d points of invocations, want %d", len(points), n)
	}
	for i, f := range points {
		reason, failed := f["error"]
		if f["ok"] != !failed {
			t.Errorf("invocation %d: ok is %v, error %v", i, f["ok"], reason)
		}
		if i < len(reasons) && reasons[i] != "" && reasons[i] != reason || (i >= len(reasons) || reasons[i] == "") && failed {
			t.Errorf("invocation %d: error is %v, want %q", i, reason, reasons)
		}
		initMS, cold := f["init_ms"]
		if cold != (i == 0) || f["cold"] != (i == 0) || cold && initMS.(float64) <= 0 {
			t.Errorf("invocation %d: cold is %v, init_ms %v", i, f["cold"], initMS)
		}
		if f["duration_ms"].(float64) <= 0 || f["memory_mb"].(float64) < 1 {
			t.Errorf("invocation %d: duration_ms is %v, memory_mb %v", i, f["duration_ms"], f["memory_mb"])
		}
		if !strings.HasPrefix(f["tag function"].(string), "Stack-") || f["tag version"] != "$LATEST" || f["tag instance"] != "2026/11/22/[$LATEST]0123" {
			t.Errorf("invocation %d: tags are %v", i, f)
		}
	}
}

// checkPublisher checks that the sequence has no gap and ends as it should.
func checkPublisher(t *testing.T, st *fakeStore, final bool) models.Fields {
	t.Helper()
	points := st.of("publisher")
	for i, f := range points {
		if f["seq"] != int64(i+1) {
			t.Errorf("seq of batch %d is %v", i+1, f["seq"])
		}
		_, said := f["final"]
		if said != (final && i == len(points)-1) {
			t.Errorf("final of batch %d of %d: %v", i+1, len(points), said)
		}
	}
	if len(points) == 0 {
		t.Fatal("no point of the publisher")
	}
	return points[len(points)-1]
}

func TestEveryKindOfHandlerAndEnd(t *testing.T) {
	t.Parallel()
	f := func(handler, payload string, want answer, reason string) {
		t.Run(handler+" "+payload, func(t *testing.T) {
			t.Parallel()
			st := newStore(t)
			l := startLambda(t, handler, st)
			for range 2 {
				got := l.invoke(payload)
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(answer{}), cmpopts.IgnoreFields(answer{}, "id", "body")); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				if !strings.Contains(got.body, want.body) {
					t.Errorf("the body is %s, want %s", got.body, want.body)
				}
			}
			l.frozen()
			checkInvocations(t, st, 2, []string{reason, reason})
			// Errors too are out before they are published.
			one := "invoke, " + want.kind + ", write"
			if got := strings.Join(l.order(), ", "); got != "extension next, "+one+", extension next, "+one+", extension next" {
				t.Errorf("the order is %s", got)
			}
			l.stop(syscall.SIGTERM)
			checkPublisher(t, st, true)
		})
	}
	const json, bytes = "application/json", "application/octet-stream"
	f("Hello", `{"item":7}`, answer{kind: "error", body: `"errorType":"UnmarshalTypeError"`, contentType: json},
		"json: cannot unmarshal number into Go struct field order.item of type string")
	f("Fails", `{"item":"milk"}`, answer{kind: "error", body: `{"errorMessage":"no milk\nleft","errorType":"errorString"}`, contentType: json}, "no milk left")
	f("Unmarshallable", `{}`, answer{kind: "error", body: "UnsupportedTypeError", contentType: json}, "json: unsupported type: func()")
	f("Stream", `{"item":"bytes"}`, answer{kind: "response", body: "streamed bytes", contentType: bytes}, "")
	f("Stream", `{"item":"broken"}`, answer{kind: "broken response", body: "begin", contentType: bytes}, "the source is gone")
	f("Invoker", `{"a": 1}`, answer{kind: "response", body: `raw {"a": 1}`, contentType: bytes}, "")
	f("HTTP", `{"version":"2.0","rawPath":"/a b","rawQueryString":"q=1","requestContext":{"http":{"method":"PUT"}}}`,
		answer{kind: "response", body: `{"statusCode":418,"headers":{"Content-Type":"text/plain; charset=utf-8"},"cookies":["a=1","b=2"],"body":"PUT /a%20b?q=1"`, contentType: json}, "")
	f("HTTP", `{"path":"/a%20b","httpMethod":"PUT","multiValueQueryStringParameters":{"q":["1"]}}`,
		answer{kind: "response", body: `{"statusCode":418,"multiValueHeaders":{"Content-Type":["text/plain; charset=utf-8"],"Set-Cookie":["a=1","b=2"]},"body":"PUT /a%20b?q=1"`, contentType: json}, "")
	f("HTTP", `{"version":"1.0"}`, answer{kind: "error", body: "payload format 1.0 or 2.0", contentType: json},
		"the event is no request of payload format 1.0 or 2.0, as REST APIs, HTTP APIs and function URLs send them: an HTTP handler serves no other")
	const throughURL = `{"version":"2.0","rawPath":"/a%20b","rawQueryString":"","requestContext":{"domainName":"id.lambda-url.us-east-1.on.aws","http":{"method":"PUT"}}}`
	f("Flushes", throughURL, answer{kind: "response", body: `{"statusCode":418,"headers":{"Content-Type":"text/event-stream"},"cookies":["a=1"]}` +
		strings.Repeat("\x00", 8) + "first,second", contentType: "application/vnd.awslambda.http-integration-response"}, "")
	f("Flushes", strings.Replace(throughURL, "PUT", "DELETE", 1), answer{kind: "broken response", body: "first,", contentType: "application/vnd.awslambda.http-integration-response"}, "panic: half way")
}

func TestPanic(t *testing.T) {
	t.Parallel()
	st := newStore(t)
	l := startLambda(t, "Panics", st)
	a := l.invoke(`{"item":"bread"}`)
	<-l.exited
	if got := l.steps.String(); !strings.Contains(got, "invoke, write, error") {
		t.Errorf("the steps are %s", got)
	}
	var e struct {
		ErrorMessage, ErrorType string
		StackTrace              []struct{ Path, Label string }
	}
	if err := json.Unmarshal([]byte(a.body), &e); err != nil {
		t.Fatal(err)
	}
	if a.kind != "error" || e.ErrorMessage != "no bread" || e.ErrorType != "string" {
		t.Errorf("the answer is %s %s", a.kind, a.body)
	}
	found := false
	for _, frame := range e.StackTrace {
		found = found || frame.Label == "panicsDeepInside"
	}
	if !found {
		t.Errorf("the stack does not have the function that panicked: %+v", e.StackTrace)
	}
	checkInvocations(t, st, 1, []string{"panic: no bread"})
	checkPublisher(t, st, true)
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	st := newStore(t)
	l := startLambda(t, "Hello", st)
	l.invoke(`{}`)
	l.timeout = 300 * time.Millisecond
	inv := l.sendAndBegin()
	time.Sleep(time.Until(inv.deadline) + 10*time.Millisecond)
	l.stop(syscall.SIGTERM) // as Lambda does when there is an extension
	checkInvocations(t, st, 2, []string{"", "Sandbox.Timedout"})
	checkPublisher(t, st, true)
	if n := len(st.of("hellos")); n != 2 {
		t.Errorf("%d points of the counter", n)
	}
}

func TestTerminatedWhileItRuns(t *testing.T) {
	t.Parallel()
	st := newStore(t)
	l := startLambda(t, "Hello", st)
	l.timeout = time.Minute
	l.sendAndBegin()
	l.stop(syscall.SIGTERM)
	checkInvocations(t, st, 1, []string{"terminated"})
	checkPublisher(t, st, true)
}

// What the runtime refuses without calling the handler must not keep the environment from
// freezing until the function's timeout.
func TestInvocationThatTheRuntimeRefuses(t *testing.T) {
	t.Parallel()
	st := newStore(t)
	l := startLambda(t, "Hello", st)
	l.timeout = time.Minute
	began := time.Now()
	l.send(`{}`, map[string]string{"Lambda-Runtime-Client-Context": "{"})
	if a := l.answered(); a.kind != "error" {
		t.Fatalf("the answer is %+v", a)
	}
	l.frozen()
	if d := time.Since(began); d > 30*time.Second {
		t.Errorf("the environment froze after %v", d)
	}
	l.invoke(`{}`)
	l.invoke(`{}`)
	l.frozen()
	checkInvocations(t, st, 2, nil)
}

func TestFlushEvery(t *testing.T) {
	t.Parallel()
	st := newStore(t)
	l := startLambda(t, "Hello", st, "EPHOR_FLUSH_EVERY=3")
	for range 7 {
		l.invoke(`{}`)
	}
	l.frozen()
	if n := len(st.writes()); n != 2 {
		t.Errorf("%d writes after 7 invocations", n)
	}
	checkInvocations(t, st, 6, nil)
	l.stop(syscall.SIGTERM)
	checkInvocations(t, st, 7, nil)
	if n := len(st.of("hellos")); n != 3 {
		t.Errorf("%d points of the counter", n)
	}
}

func TestManagedInstances(t *testing.T) {
	t.Parallel()
	st := newStore(t)
	l := startLambda(t, "Hello", st, "AWS_LAMBDA_INITIALIZATION_TYPE=lambda-managed-instances", "AWS_LAMBDA_MAX_CONCURRENCY=4")
	l.invoke(`{}`)
	l.invoke(`{}`)
	if l.registered != `{"events":[]}` {
		t.Errorf("registered for %s", l.registered)
	}
	for deadline := time.Now().Add(30 * time.Second); len(st.of("invocation")) < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing is flushed")
		}
	}
	for _, f := range st.of("invocation") {
		if f["cold"] != false {
			t.Error("an invocation is cold where environments are started ahead of need")
		}
	}
	l.stop(syscall.SIGTERM)
	checkPublisher(t, st, true)
}

func TestWithoutAStore(t *testing.T) {
	t.Parallel()
	l := startLambda(t, "Hello", nil)
	for range 2 {
		if a := l.invoke(`{"item":"you"}`); a.body != `"Hello <you>"` {
			t.Errorf("the answer is %+v", a)
		}
	}
	l.frozen()
	if l.extension {
		t.Error("it registered as an extension")
	}
	l.stop(os.Kill)
	if n := strings.Count(l.log.String(), "EPHOR_STORE_URL is not set"); n != 1 {
		t.Errorf("it says so %d times:\n%s", n, l.log.String())
	}
}

// In a container image the command names the function, whatever Lambda calls the handler.
func TestNamed(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"Archive": named("Archive", nil),
		"Image":   named("Archive", []string{"Image"}),
		"Script":  named("Script", []string{}),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestUnknownHandler(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Nobody", ""} {
		l := startLambda(t, name, nil)
		<-l.exited
		if l.cmd.ProcessState.Success() || !strings.Contains(l.log.String(), "Hello, Fails, Panics") {
			t.Errorf("%q: %v\n%s", name, l.cmd.ProcessState, l.log.String())
		}
	}
}
