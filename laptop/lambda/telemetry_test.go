package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// told is an event as a subscriber gets it.
type told struct {
	Time, Type string
	Record     json.RawMessage
}

// listener is a subscriber's server. It refuses as long as refuse says so.
type listener struct {
	*httptest.Server
	mu      sync.Mutex
	batches [][]told
	sizes   []int // of all bodies, the refused ones too
	refuse  bool
	refused int
}

func newListener(t *testing.T) *listener {
	l := &listener{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.sizes = append(l.sizes, len(body))
		if l.refuse {
			l.refused++
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		var batch []told
		if err := json.Unmarshal(body, &batch); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v: %v: %s", r.Method, r.Header, err, body)
		}
		l.batches = append(l.batches, batch)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) setRefuse(refuse bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse = refuse
}

// refuses waits until n batches were refused.
func (l *listener) refuses(t *testing.T, n int) {
	t.Helper()
	eventually(t, "another try", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.refused >= n
	})
}

// count is how many batches have come.
func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.batches)
}

func (l *listener) events() []told {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Concat(l.batches...)
}

func typesOf(events []told) []string {
	all := make([]string, len(events))
	for i, e := range events {
		all[i] = e.Type
	}
	return all
}

// TestTelemetryOfAnExternalExtension follows a compiled extension and function through one life.
func TestTelemetryOfAnExternalExtension(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	folder := external(t, s, "telemetry", "INVOKE SHUTDOWN", "agent")
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"print","text":"hello\n"}`)})
	if err != nil || out.FunctionError != "" {
		t.Fatalf("%v %s", err, out.Payload)
	}
	settled(t, s, "hello")
	s.SpinDown()
	eventually(t, "the end of the environment", func() bool { return len(eventsOf[EnvironmentStopped](r)) == 1 })
	noted(t, folder, "agent", `subscribed 200 "OK"`)
	var events []told
	at := map[string]json.RawMessage{}
	for _, line := range notes(t, folder, "agent") {
		if body, ok := strings.CutPrefix(line, "telemetry /told "); ok {
			var batch []told
			if err := json.Unmarshal([]byte(body), &batch); err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			events = append(events, batch...)
		}
	}
	for _, e := range events {
		if _, err := time.Parse(timestamp, e.Time); err != nil {
			t.Error(err)
		}
		at[e.Type] = e.Record
	}
	// The extension does its own part at any time: the runtime has started when it has registered.
	got := slices.DeleteFunc(typesOf(events), func(kind string) bool { return kind == "extension" || kind == "platform.telemetrySubscription" })
	want := []string{"platform.initStart", "platform.initRuntimeDone", "platform.extension", "platform.initReport",
		"platform.start", "function", "platform.runtimeDone", "platform.report"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for kind, parts := range map[string][]string{
		"platform.initStart":             {`"initializationType":"on-demand"`, `"phase":"init"`, `"functionName":"hello"`, `"functionVersion":"$LATEST"`, `"instanceMaxMemory":134217728`, `"instanceId":"` + eventsOf[EnvironmentStarted](r)[0].Stream},
		"platform.telemetrySubscription": {`{"name":"agent","state":"Subscribed","types":["platform","function","extension"]}`},
		"platform.initRuntimeDone":       {`{"initializationType":"on-demand","phase":"init","status":"success"}`},
		"platform.extension":             {`{"name":"agent","state":"Ready","events":["INVOKE","SHUTDOWN"]}`},
		"platform.initReport":            {`"status":"success","metrics":{"durationMs":`},
		"platform.start":                 {`{"requestId":"` + out.RequestID + `","version":"$LATEST","tracing":{"type":"X-Amzn-Trace-Id","value":"` + out.TraceID + `"}}`},
		"function":                       {`"hello"`},
		"platform.runtimeDone":           {out.RequestID, `"status":"success"`, `"responseLatency"`, `"responseDuration"`, `"runtimeOverhead"`, fmt.Sprintf(`"producedBytes":%d`, len(out.Payload))},
		"platform.report":                {out.RequestID, `"status":"success"`, `"billedDurationMs":`, `"memorySizeMB":128`, `"maxMemoryUsedMB":`, `"initDurationMs":`, `"extensionOverhead"`},
		"extension":                      {`"extension goes on"`},
	} {
		for _, part := range parts {
			if !strings.Contains(string(at[kind]), part) {
				t.Errorf("%s: %s, want %s", kind, at[kind], part)
			}
		}
	}
	if line := "TELEMETRY\tName: agent\tState: Subscribed\tTypes: [Platform, Function, Extension]"; !strings.Contains(join(r.lines()), line) {
		t.Errorf("%q is not in the log:\n%s", line, join(r.lines()))
	}
}

// withTelemetry makes hello with an external extension that takes all telemetry, and edits it before it runs.
func withTelemetry(t *testing.T, edit func(*Function)) (s *Service, r *recorder, folder string) {
	r = &recorder{}
	s = open(t, Config{Events: r.add})
	folder = external(t, s, "telemetry", "INVOKE SHUTDOWN", "agent")
	f, err := s.lookup("hello")
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	edit(&f.rev.cfg)
	f.mu.Unlock()
	return s, r, folder
}

// TestTelemetryOfAJSONLog: what the function says as JSON is told as that, and nothing is left out by its level.
func TestTelemetryOfAJSONLog(t *testing.T) {
	t.Parallel()
	s, r, folder := withTelemetry(t, func(cfg *Function) {
		cfg.Logging = Logging{Format: "JSON", ApplicationLevel: "ERROR", SystemLevel: "WARN"}
	})
	call(t, s, `{"do":"print","text":"{\"level\":\"DEBUG\",\"timestamp\":\"2026-11-02T16:51:31Z\"}\nplain\n"}`)
	settled(t, s, "hello")
	s.SpinDown()
	eventually(t, "the end of the environment", func() bool { return len(eventsOf[EnvironmentStopped](r)) == 1 })
	all := join(notes(t, folder, "agent"))
	for _, want := range []string{`"type":"function","record":{"level":"DEBUG","timestamp":"2026-11-02T16:51:31Z"}}`, `"type":"function","record":"plain"}`,
		`"type":"platform.start"`, `"type":"platform.report"`} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is not told:\n%s", want, all)
		}
	}
	if strings.Contains(all, "memoryLimit") {
		t.Errorf("the Telemetry API tells what Lambda's does not:\n%s", all)
	}
	if lines := r.lines(); len(lines) > 0 {
		t.Errorf("log:\n%s", join(lines))
	}
}

func TestTelemetryAPI(t *testing.T) {
	t.Parallel()
	h := newByHand(t, Config{})
	l := newListener(t)
	_, _, header := h.do("POST", "/2020-01-01/extension/register", `{"events":["INVOKE"]}`, "Lambda-Extension-Name: x")
	id := "Lambda-Extension-Identifier: " + header.Get("Lambda-Extension-Identifier")
	ask := func(edit ...string) string {
		return strings.NewReplacer(edit...).Replace(fmt.Sprintf(`{"schemaVersion":"2025-01-29","types":["platform"],"buffering":{"timeoutMs":25},"destination":{"protocol":"HTTP","URI":%q}}`, l.URL))
	}
	h.want(403, "Extension.MissingExtensionIdentifier")(h.do("PUT", telemetryPath, ask()))
	h.want(403, "Extension.UnknownExtensionIdentifier")(h.do("PUT", telemetryPath, ask(), "Lambda-Extension-Identifier: 4955ef36-cd4a-4f21-b856-3697af584f1a"))
	h.want(405, "PUT subscribes")(h.do("GET", telemetryPath, "", id))
	for problem, body := range map[string]string{
		"unexpected":                                          `{`,
		"schemaVersion should be one of":                      ask("2025-01-29", "2021-01-01"),
		"types should not be empty":                           ask(`"platform"`, ""),
		"URI port is not provided; types should not be empty": ask(`"platform"`, "", l.URL, "http://sandbox.localdomain"),
		"not rain":                                      ask(`"platform"`, `"rain"`),
		"URI is not provided":                           ask(l.URL, ""),
		"URI host should be":                            ask("127.0.0.1", "example.org"),
		"URI scheme should be":                          ask("http:", "https:"),
		"TCP is not supported":                          ask("HTTP", "TCP"),
		"protocol should be":                            ask("HTTP", "UDP"),
		"timeoutMs should be between 25 and 30000":      ask("25}", "24}"),
		"maxItems should be between 1000 and 10000":     ask(`"timeoutMs"`, `"maxItems":999,"timeoutMs"`),
		"maxBytes should be between 262144 and 1048576": ask(`"timeoutMs"`, `"maxBytes":1048577,"timeoutMs"`),
	} {
		h.want(400, problem)(h.do("PUT", telemetryPath, body, id))
	}
	h.want(202, `{"errorMessage":"Logs API is not supported","errorType":"Logs.NotSupported"}`)(h.do("PUT", logsPath, `{}`, id))
	h.want(200, `"OK"`)(h.do("PUT", telemetryPath, ask(), id))
	h.want(200, `"OK"`)(h.do("PUT", telemetryPath+"/", ask(`"platform"`, `"platform","function"`), id))

	var wg sync.WaitGroup
	wg.Go(func() { h.do("GET", "/2020-01-01/extension/event/next", "", id) })
	_, _, header = h.do("GET", "/2018-06-01/runtime/invocation/next", "")
	wg.Wait()
	h.want(403, "Telemetry.SubscriptionClosed")(h.do("PUT", telemetryPath, ask(), id))
	h.want(202, "OK")(h.do("POST", "/2018-06-01/runtime/invocation/"+header.Get(headerRequestID)+"/error", `{}`))
	h.wg.Wait()
	// The end of the extension's work does not come, so the invocation overruns: closed at once here.
	if err := h.s.Close(canceled()); err == nil {
		t.Error("closing has waited for an invocation that does not end")
	}
	got := typesOf(l.events())
	want := []string{"platform.initStart", "platform.telemetrySubscription", "platform.telemetrySubscription", "platform.initRuntimeDone",
		"platform.extension", "platform.initReport", "platform.start", "platform.runtimeDone", "platform.report"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if e := l.events()[2]; !strings.Contains(string(e.Record), `"Already subscribed"`) {
		t.Errorf("%s", e.Record)
	}
	last := l.events()[len(got)-1]
	if !strings.Contains(string(last.Record), `"status":"failure","errorType":"Sandbox.Failure"`) {
		t.Errorf("%s", last.Record)
	}
}

// TestTelemetryAPIOfManagedInstances has no schema but the newest: see
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html
func TestTelemetryAPIOfManagedInstances(t *testing.T) {
	t.Parallel()
	h := newByHand(t, Config{}, onManagedInstances(1), func(in *FunctionInput) { in.ReservedConcurrency = nil })
	l := newListener(t)
	_, _, header := h.do("POST", "/2020-01-01/extension/register", `{"events":[]}`, "Lambda-Extension-Name: x")
	id := "Lambda-Extension-Identifier: " + header.Get("Lambda-Extension-Identifier")
	ask := func(version string) string {
		return fmt.Sprintf(`{"schemaVersion":%q,"types":["platform"],"destination":{"protocol":"HTTP","URI":%q}}`, version, l.URL)
	}
	for _, version := range []string{"2022-07-01", "2022-12-13"} {
		h.want(400, "schemaVersion should be 2025-01-29")(h.do("PUT", telemetryPath, ask(version), id))
	}
	h.want(200, `"OK"`)(h.do("PUT", telemetryPath, ask("2025-01-29"), id))
	h.want(202, "OK")(h.do("POST", "/2018-06-01/runtime/init/error", `{}`))
	h.wg.Wait()
}

// TestTelemetryOfEnds: what is told of an invocation that the platform ends is not over before it has begun, nor
// does it last longer than the timeout.
func TestTelemetryOfEnds(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]string{"timeout": `{"ms":60000}`, "exit": `{"do":"exit","status":3}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r, folder := withTelemetry(t, func(cfg *Function) {
				cfg.Timeout = 2 * time.Second
				cfg.Logging = Logging{Format: "JSON", SystemLevel: "DEBUG"}
			})
			out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(event)})
			if err != nil || out.FunctionError == "" {
				t.Fatalf("%v %s", err, out.Payload)
			}
			noted(t, folder, "agent", `"type":"platform.report"`)
			eventually(t, "the report", func() bool { return strings.Contains(join(r.lines()), `"platform.report"`) })
			for where, all := range map[string]string{"telemetry": join(notes(t, folder, "agent")), "log": join(r.lines())} {
				if strings.Contains(all, `"durationMs":-`) {
					t.Errorf("%s: it ends before it has begun:\n%s", where, all)
				}
				for _, kind := range []string{"runtimeDone", "report"} {
					found := regexp.MustCompile(`"platform.` + kind + `","record":\{"requestId":"[^"]*","status":"(?:timeout|error)".*?"metrics":\{"durationMs":([0-9.]+)`).FindStringSubmatch(all)
					if found == nil {
						t.Fatalf("%s: no %s:\n%s", where, kind, all)
					}
					if ms, err := strconv.ParseFloat(found[1], 64); err != nil || name == "timeout" && ms != 2000 {
						t.Errorf("%s: the %s says %s ms (%v)", where, kind, found[1], err)
					}
				}
			}
		})
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
