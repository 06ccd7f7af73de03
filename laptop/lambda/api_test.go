package lambda

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// byHand is an environment whose process does nothing: the test speaks to its APIs.
type byHand struct {
	t       *testing.T
	s       *Service
	address string
	client  http.Client
	wg      sync.WaitGroup
	out     InvokeOutput
	err     error
}

func newByHand(t *testing.T, cfg Config, edit ...func(*FunctionInput)) *byHand {
	h := &byHand{t: t, s: open(t, cfg)}
	path := filepath.Join(t.TempDir(), "address")
	create(t, h.s, hello(t, func(in *FunctionInput) {
		in.Environment = map[string]string{"FILE": path}
		in.ReservedConcurrency = new(1) // an invocation that comes before this one's next waits for it
		in.Code.ZipFile = script(t, `[ ! -e $FILE ] || exit 7; echo $AWS_LAMBDA_RUNTIME_API > $FILE.tmp; mv $FILE.tmp $FILE; exec sleep 1000`)
		for _, e := range edit {
			e(in)
		}
	}))
	h.invoke(`{"n":1}`)
	eventually(t, "the environment", func() bool { _, err := os.Stat(path); return err == nil })
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h.address = strings.TrimSpace(string(data))
	return h
}

func (h *byHand) invoke(payload string) {
	h.wg.Go(func() {
		h.out, h.err = h.s.Invoke(h.t.Context(), InvokeInput{Function: "hello", Payload: []byte(payload)})
	})
}

// do makes a request, with headers as "Name: value".
func (h *byHand) do(method, path, body string, headers ...string) (int, string, http.Header) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+h.address+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, string(data), resp.Header
}

// waits makes a request that is answered at the end of the environment, if at all: what then comes is of no interest.
func (h *byHand) waits(method, path string, headers ...string) {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	head := method + " " + path + " HTTP/1.1\r\nHost: " + h.address + "\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		h.t.Fatal(err)
	}
}

func (h *byHand) want(status int, kind string) func(int, string, http.Header) {
	return func(gotStatus int, body string, _ http.Header) {
		h.t.Helper()
		if gotStatus != status || !strings.Contains(body, kind) {
			h.t.Errorf("%d %s, want %d %s", gotStatus, body, status, kind)
		}
	}
}

// TestExpectContinue has a client that sends nothing of its answer before it is told to.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	h := newByHand(t, Config{})
	_, _, header := h.do("GET", "/2018-06-01/runtime/invocation/next", "")
	conn, err := net.Dial("tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	const body = `"patient"`
	in := bufio.NewReader(conn)
	for _, step := range []struct{ send, wants string }{
		{"POST /2018-06-01/runtime/invocation/" + header.Get(headerRequestID) + "/response HTTP/1.1\r\nHost: " + h.address +
			"\r\nExpect: 100-continue\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n", "100 Continue"},
		{body, "202 Accepted"},
	} {
		if _, err := io.WriteString(conn, step.send); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil || resp.Status != step.wants {
			t.Fatalf("%v %v, want %s", resp, err, step.wants)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	h.wg.Wait()
	if h.err != nil || string(h.out.Payload) != body {
		t.Errorf("%v %s", h.err, h.out.Payload)
	}
}

func TestRuntimeAPI(t *testing.T) {
	t.Parallel()
	h := newByHand(t, Config{})
	const invocation = "/2018-06-01/runtime/invocation/"
	status, body, header := h.do("GET", invocation+"next", "")
	if status != 200 || body != `{"n":1}` {
		t.Fatalf("next: %d %s", status, body)
	}
	for _, name := range []string{headerRequestID, headerDeadline, headerFunctionARN, headerTrace} {
		if header.Get(name) == "" {
			t.Errorf("next has no %s", name)
		}
	}
	id := header.Get(headerRequestID)
	h.want(200, `{"n":1}`)(h.do("GET", invocation+"next", "")) // the same event again
	h.want(403, "State transition from Running to InitError failed for runtime. Error: State transition is not allowed")(h.do("POST", "/2018-06-01/runtime/init/error", "{}"))
	h.want(400, "InvalidRequestID")(h.do("POST", invocation+"another/response", "x"))
	h.want(202, "OK")(h.do("POST", invocation+id+"/response", "done"))
	h.wg.Wait()
	if h.err != nil || string(h.out.Payload) != "done" {
		t.Errorf("%v %s", h.err, h.out.Payload)
	}
	h.want(403, "State transition from RuntimeResponseSentState to InvocationResponse failed")(h.do("POST", invocation+id+"/response", "again"))
	h.want(403, "State transition from RuntimeResponseSentState to InvocationErrorResponse failed")(h.do("POST", invocation+id+"/error", "again"))
	h.want(404, "SnapStart")(h.do("GET", "/2018-06-01/runtime/restore/next", ""))
	h.want(404, "NotFound")(h.do("GET", "/2018-06-01/runtime/elsewhere", ""))
	h.want(404, "NotFound")(h.do("GET", "/", ""))

	// A next that is given up, as by a lost connection, loses no event.
	conn, err := net.Dial("tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET "+invocation+"next HTTP/1.1\r\nHost: "+h.address+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an idle environment", func() bool { return stats(t, h.s, "hello").Busy == 0 })
	conn.Close()
	h.want(400, "InvalidRequestID")(h.do("POST", invocation+id+"/response", "stale"))
	h.invoke(`{"n":2}`)
	_, body, header = h.do("GET", invocation+"next", "")
	if body != `{"n":2}` {
		t.Errorf("next: %s", body)
	}
	h.want(202, "OK")(h.do("POST", invocation+header.Get(headerRequestID)+"/error", `{"errorMessage":"m"}`, headerErrorType+": Mine"))
	h.wg.Wait()
	if h.out.FunctionError != "Unhandled" || string(h.out.Payload) != `{"errorMessage":"m"}` {
		t.Errorf("%v %+v", h.err, h.out)
	}
}

func TestExtensionsAPI(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	h := newByHand(t, Config{Events: r.add})
	const register, next = "/2020-01-01/extension/register", "/2020-01-01/extension/event/next"
	h.want(403, "Extension.InvalidExtensionName")(h.do("POST", register, `{"events":["INVOKE"]}`))
	h.want(403, "ShutdownEventNotSupportedForInternalExtension")(h.do("POST", register, `{"events":["INVOKE","SHUTDOWN"]}`, "Lambda-Extension-Name: x"))
	h.want(403, "Extension.InvalidEventType")(h.do("POST", register, `{"events":["RAIN"]}`, "Lambda-Extension-Name: x"))
	h.want(403, "InvalidRequestFormat")(h.do("POST", register, `{`, "Lambda-Extension-Name: x"))
	h.want(403, "Extension.MissingExtensionIdentifier")(h.do("GET", next, ""))
	h.want(403, "Extension.InvalidExtensionIdentifier")(h.do("GET", next, "", "Lambda-Extension-Identifier: 1"))
	h.want(403, "Extension.UnknownExtensionIdentifier")(h.do("GET", next, "", "Lambda-Extension-Identifier: 4955ef36-cd4a-4f21-b856-3697af584f1a"))
	h.want(403, "configurationKeys are deprecated")(h.do("POST", register, `{"events":[],"configurationKeys":["k"]}`, "Lambda-Extension-Name: x"))

	status, body, header := h.do("POST", register, `{"events":["INVOKE"]}`, "Lambda-Extension-Name: x", "Lambda-Extension-Accept-Feature: accountId")
	var answer map[string]string
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 || len(answer) != 4 ||
		answer["functionName"] != "hello" || answer["functionVersion"] != "$LATEST" || answer["handler"] != "HelloWorld" || answer["accountId"] != "000000000000" {
		t.Errorf("%d %s %v", status, body, err)
	}
	id := "Lambda-Extension-Identifier: " + header.Get("Lambda-Extension-Identifier")
	h.want(403, "already registered")(h.do("POST", register, `{"events":[]}`, "Lambda-Extension-Name: x"))
	for i := range maxExtensions - 1 {
		h.want(200, "hello")(h.do("POST", register, `{"events":[]}`, "Lambda-Extension-Name: y"+string(rune('0'+i))))
	}
	h.want(403, "Extension.TooManyExtensions")(h.do("POST", register, `{"events":[]}`, "Lambda-Extension-Name: z"))

	// The others never ask for an event, so init does not end; until one gives up.
	var wg sync.WaitGroup
	wg.Go(func() {
		req, _ := http.NewRequest("GET", "http://"+h.address+"/2018-06-01/runtime/invocation/next", nil)
		if resp, err := h.client.Do(req); err == nil { // it is cut off when the environment ends
			resp.Body.Close()
		}
	})
	h.want(403, "Extension.MissingHeader")(h.do("POST", "/2020-01-01/extension/init/error", "", id))
	h.want(202, "OK")(h.do("POST", "/2020-01-01/extension/init/error", "", id, headerExtensionError+": Extension.Bad"))
	wg.Wait()
	h.wg.Wait()
	if all := join(r.lines()); !strings.Contains(all, "Phase: init\tStatus: error\tError Type: Extension.InitError") {
		t.Errorf("log:\n%s", all)
	}
	if h.err != nil || !strings.Contains(string(h.out.Payload), `Runtime exited with error: exit status 7`) { // the second try
		t.Errorf("%v %s", h.err, h.out.Payload)
	}
}

func TestInvokeEventOfExtensions(t *testing.T) {
	t.Parallel()
	h := newByHand(t, Config{})
	_, _, header := h.do("POST", "/2020-01-01/extension/register", `{"events":["INVOKE"]}`, "Lambda-Extension-Name: x")
	id := "Lambda-Extension-Identifier: " + header.Get("Lambda-Extension-Identifier")
	var event map[string]any
	var wg sync.WaitGroup
	wg.Go(func() {
		_, body, _ := h.do("GET", "/2020-01-01/extension/event/next", "", id)
		if err := json.Unmarshal([]byte(body), &event); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	})
	_, _, header = h.do("GET", "/2018-06-01/runtime/invocation/next", "")
	wg.Wait()
	h.want(403, "Extension.RegistrationClosed")(h.do("POST", "/2020-01-01/extension/register", `{"events":[]}`, "Lambda-Extension-Name: late"))
	request := header.Get(headerRequestID)
	tracing, _ := event["tracing"].(map[string]any)
	if event["eventType"] != "INVOKE" || event["requestId"] != request || event["invokedFunctionArn"] != header.Get(headerFunctionARN) ||
		tracing["type"] != "X-Amzn-Trace-Id" || tracing["value"] != header.Get(headerTrace) {
		t.Errorf("got %v", event)
	}
	h.want(202, "OK")(h.do("POST", "/2018-06-01/runtime/invocation/"+request+"/response", "{}"))
	h.wg.Wait()
	h.want(202, "OK")(h.do("POST", "/2020-01-01/extension/exit/error", "", id, headerExtensionError+": Extension.Bad"))
	eventually(t, "the end of the environment", func() bool { return stats(t, h.s, "hello").Running == 0 })
}

func TestTheRuntimeAPIIsGuarded(t *testing.T) {
	t.Parallel()
	h := newByHand(t, Config{Guard: func(r *http.Request) error {
		if r.Header.Get("Origin") != "" {
			return errors.New("a page of another site")
		}
		return nil
	}})
	status, body, header := h.do("GET", "/2018-06-01/runtime/invocation/next", "", "Origin: http://evil.example")
	if want := `{"errorMessage":"a page of another site","errorType":"Forbidden"}`; status != 403 || body != want || header.Get("Content-Type") != "application/json" {
		t.Errorf("a page gets %d %s (%s)", status, body, header.Get("Content-Type"))
	}
	_, body, header = h.do("GET", "/2018-06-01/runtime/invocation/next", "")
	if body != `{"n":1}` {
		t.Errorf("next: %s", body)
	}
	h.want(202, "OK")(h.do("POST", "/2018-06-01/runtime/invocation/"+header.Get(headerRequestID)+"/response", "{}"))
	h.wg.Wait()
}
