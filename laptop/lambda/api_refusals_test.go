package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHeadersOfAnEvent(t *testing.T) {
	t.Parallel()
	h := newByHand(t, Config{})
	const invocation = "/2018-06-01/runtime/invocation/"
	_, _, header := h.do("GET", invocation+"next", "")
	for _, name := range []string{headerTenant, headerCognito, headerClientContext} {
		if got := header.Get(name); got != "" {
			t.Errorf("%s: %s, without cause", name, got)
		}
	}
	h.want(202, "OK")(h.do("POST", invocation+header.Get(headerRequestID)+"/response", "{}"))
	h.wg.Wait()
	h.wg.Go(func() {
		h.out, h.err = h.s.Invoke(t.Context(), InvokeInput{Function: "hello", TraceID: "Root=1-2-3", ClientContext: `{"a":1}`,
			Cognito: CognitoIdentity{IdentityID: "i", PoolID: "p"}})
	})
	_, body, header := h.do("GET", invocation+"next", "")
	got := map[string]string{"body": body, "type": header.Get("Content-Type")}
	for _, name := range []string{headerCognito, headerClientContext, headerTrace, headerFunctionARN} {
		got[name] = header.Get(name)
	}
	want := map[string]string{"body": "{}", "type": "application/json", headerClientContext: `{"a":1}`, headerTrace: "Root=1-2-3",
		headerCognito: `{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}`, headerFunctionARN: "arn:aws:lambda:us-east-1:000000000000:function:hello"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	h.want(413, "Exceeded maximum allowed payload size (6291556 bytes).")(h.do("POST", invocation+header.Get(headerRequestID)+"/error", strings.Repeat("x", maxResponse+1)))
	h.wg.Wait()
	if h.err != nil || h.out.ErrorType != "Function.ResponseSizeTooLarge" {
		t.Errorf("%v %+v", h.err, h.out)
	}
}

// TestAnswersAtOnce has a runtime that makes other calls while its answer is still on its way.
func TestAnswersAtOnce(t *testing.T) {
	t.Parallel()
	h := newByHand(t, Config{})
	const invocation = "/2018-06-01/runtime/invocation/"
	_, _, header := h.do("GET", invocation+"next", "")
	path := invocation + header.Get(headerRequestID)
	body, write := io.Pipe()
	var sending sync.WaitGroup
	sending.Go(func() {
		resp, err := http.Post("http://"+h.address+path+"/response", "text/plain", body)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusAccepted {
			t.Errorf("got %s", resp.Status)
		}
	})
	if _, err := io.WriteString(write, "first"); err != nil {
		t.Fatal(err)
	}
	env := environmentOf(t, h.s)
	eventually(t, "the beginning of the answer", func() bool {
		env.mu.Lock()
		defer env.mu.Unlock()
		return env.inv.state == runtimeAnswers
	})
	h.want(403, "State transition from InvocationResponse to InvocationResponse failed for runtime")(h.do("POST", path+"/response", "second"))
	h.want(403, "State transition from InvocationResponse to InvocationErrorResponse failed for runtime")(h.do("POST", path+"/error", "second"))
	h.want(403, "State transition from InvocationResponse to Ready failed for runtime")(h.do("GET", invocation+"next", ""))
	write.Close()
	sending.Wait()
	h.wg.Wait()
	if h.err != nil || string(h.out.Payload) != "first" {
		t.Errorf("%v %s", h.err, h.out.Payload)
	}
}

// environmentOf is hello's only environment.
func environmentOf(t *testing.T, s *Service) *environment {
	t.Helper()
	f, err := s.lookup("hello")
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for e := range f.live {
		return e
	}
	t.Fatal("there is no environment")
	return nil
}

func TestCallsThatDoNotFitAnExtension(t *testing.T) {
	t.Parallel()
	h := newByHand(t, Config{})
	const next, initError, exitError = "/2020-01-01/extension/event/next", "/2020-01-01/extension/init/error", "/2020-01-01/extension/exit/error"
	_, _, header := h.do("POST", "/2020-01-01/extension/register", `{"events":["INVOKE"]}`, "Lambda-Extension-Name: x")
	id := "Lambda-Extension-Identifier: " + header.Get("Lambda-Extension-Identifier")
	bad := headerExtensionError + ": Extension.Bad"
	h.want(403, "Unknown Lambda-Extension-Identifier")(h.do("POST", exitError, "", "Lambda-Extension-Identifier: 4955ef36-cd4a-4f21-b856-3697af584f1a", bad))
	h.want(403, "Missing Lambda-Extension-Identifier header")(h.do("POST", exitError, "", bad))
	var waiting sync.WaitGroup
	waiting.Go(func() { h.do("GET", next, "", id) })
	env := environmentOf(t, h.s)
	eventually(t, "the first next", func() bool {
		env.mu.Lock()
		defer env.mu.Unlock()
		return env.extensions[0].state == extensionReady
	})
	h.want(403, "State transition from Ready to Ready failed for extension "+header.Get("Lambda-Extension-Identifier"))(h.do("GET", next, "", id))
	h.want(403, "State transition from Ready to InitError failed for extension")(h.do("POST", initError, "", id, bad))
	_, _, event := h.do("GET", "/2018-06-01/runtime/invocation/next", "")
	waiting.Wait()
	h.want(403, "State transition from Running to InitError failed for extension")(h.do("POST", initError, "", id, bad))
	h.want(202, "OK")(h.do("POST", "/2018-06-01/runtime/invocation/"+event.Get(headerRequestID)+"/response", "{}"))
	h.wg.Wait()
	h.want(202, "OK")(h.do("POST", exitError, "", id, bad))
	eventually(t, "the end of the environment", func() bool { return stats(t, h.s, "hello").Running == 0 })
}

// TestExtensionThatLostItsConnection may ask for its next event again.
func TestExtensionThatLostItsConnection(t *testing.T) {
	t.Parallel()
	h := newByHand(t, Config{})
	_, _, header := h.do("POST", "/2020-01-01/extension/register", `{"events":["INVOKE"]}`, "Lambda-Extension-Name: x")
	id := header.Get("Lambda-Extension-Identifier")
	env := environmentOf(t, h.s)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+h.address+"/2020-01-01/extension/event/next", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Lambda-Extension-Identifier", id)
	var lost sync.WaitGroup
	lost.Go(func() {
		if resp, err := h.client.Do(req); !errors.Is(err, context.Canceled) {
			t.Errorf("%v %v", resp, err)
		}
	})
	poll := func() *poll {
		env.mu.Lock()
		defer env.mu.Unlock()
		return env.extensions[0].poll
	}
	eventually(t, "the first next", func() bool { return poll() != nil })
	first := poll()
	cancel()
	lost.Wait()
	var event struct{ EventType, RequestID string }
	var again sync.WaitGroup
	again.Go(func() {
		// The end of the connection takes its time to come.
		eventually(t, "the next that is taken", func() bool {
			status, body, _ := h.do("GET", "/2020-01-01/extension/event/next", "", "Lambda-Extension-Identifier: "+id)
			return status == 200 && json.Unmarshal([]byte(body), &event) == nil
		})
	})
	eventually(t, "the second next", func() bool { return poll() != first })
	_, _, header = h.do("GET", "/2018-06-01/runtime/invocation/next", "")
	again.Wait()
	if event.EventType != "INVOKE" || event.RequestID != header.Get(headerRequestID) {
		t.Errorf("got %+v", event)
	}
	h.want(202, "OK")(h.do("POST", "/2018-06-01/runtime/invocation/"+header.Get(headerRequestID)+"/response", "{}"))
	h.wg.Wait()
}

// TestExtensionThatMissedItsEvent loses its connection before the event comes: the invocation is not over when it
// asks again, though the runtime has done its part, but when it asks after that.
func TestExtensionThatMissedItsEvent(t *testing.T) {
	t.Parallel()
	h := newByHand(t, Config{})
	const eventNext, invocation = "/2020-01-01/extension/event/next", "/2018-06-01/runtime/invocation/"
	_, _, header := h.do("POST", "/2020-01-01/extension/register", `{"events":["INVOKE"]}`, "Lambda-Extension-Name: x")
	id := "Lambda-Extension-Identifier: " + header.Get("Lambda-Extension-Identifier")
	conn, err := net.Dial("tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET "+eventNext+" HTTP/1.1\r\nHost: "+h.address+"\r\n"+id+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	env := environmentOf(t, h.s)
	lost := func() bool {
		env.mu.Lock()
		defer env.mu.Unlock()
		x := env.extensions[0]
		return x.poll != nil && x.poll.lost()
	}
	eventually(t, "the first next", func() bool {
		env.mu.Lock()
		defer env.mu.Unlock()
		return env.extensions[0].poll != nil
	})
	conn.Close()
	eventually(t, "the end of its connection", lost)

	_, _, header = h.do("GET", invocation+"next", "")
	h.want(202, "OK")(h.do("POST", invocation+header.Get(headerRequestID)+"/response", "{}"))
	h.wg.Wait()
	h.waits("GET", invocation+"next")
	eventually(t, "the runtime's next", func() bool {
		env.mu.Lock()
		defer env.mu.Unlock()
		return env.runtimeReady
	})
	h.want(200, `"eventType":"INVOKE"`)(h.do("GET", eventNext, "", id))
	if busy := stats(t, h.s, "hello").Busy; busy != 1 {
		t.Error("the invocation was over when the extension was given its event")
	}
	h.waits("GET", eventNext, id)
	settled(t, h.s, "hello")
}

// TestInvokeStreamWithoutItsCaller goes on when the caller has gone.
func TestInvokeStreamWithoutItsCaller(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	pid := pidOf(t, call(t, s, `{}`))
	settled(t, s, "hello")
	ctx, cancel := context.WithCancel(t.Context())
	to := &sink{write: func([]byte) error { cancel(); return nil }}
	if _, err := s.InvokeStream(ctx, InvokeInput{Function: "hello", Payload: []byte(`{"do":"stream","bytes":20000000}`)}, to); !errors.Is(err, context.Canceled) {
		t.Errorf("%v after %d bytes", err, to.bytes)
	}
	settled(t, s, "hello")
	if got := pidOf(t, call(t, s, `{}`)); got != pid {
		t.Errorf("process %d, not %d: the environment was reset", got, pid)
	}
	if got := stats(t, s, "hello"); got.Errors != 0 {
		t.Errorf("counted %+v", got)
	}
}
