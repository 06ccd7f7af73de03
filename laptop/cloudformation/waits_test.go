package cloudformation

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

const waiting = `
Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Host: {Type: Test::Memory::Thing, Properties: {Value: !Sub "EPHOR_SIGNAL='${Handle}'"}}
  Wait: {Type: AWS::CloudFormation::WaitCondition, DependsOn: Host, Properties: {Handle: !Ref Handle, Timeout: "600", Count: 1}}
Outputs:
  Store: {Value: !Select [0, !Split [",", !Select [3, !Split ['"', !GetAtt Wait.Data]]]]}
`

// signal puts body to the URL that Host was given, as a host does.
func (f *fixture) signal(body string) *httptest.ResponseRecorder {
	f.Helper()
	_, at, _ := strings.Cut(f.memory.values()["Host"], "'")
	target := strings.Trim(at, "'")
	if !strings.HasPrefix(target, f.url+SignalPath) || !strings.Contains(target, "X-Amz-Signature=") {
		f.Fatalf("the handle's URL is %q", target)
	}
	w := httptest.NewRecorder()
	f.service.ServeSignal(w, httptest.NewRequest(http.MethodPut, target, strings.NewReader(body)))
	return w
}

// begin creates a stack without waiting for it.
func (f *fixture) begin(name, template string) {
	f.Helper()
	if _, err := f.client.CreateStack(f.Context(), &sdk.CreateStackInput{StackName: &name, TemplateBody: &template}); err != nil {
		f.Fatal(err)
	}
}

func TestWaitCondition(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.begin("S", waiting)
	f.until("create Host")
	f.eventually("Host CREATE_COMPLETE")
	if got := f.status("S"); got != createInProgress {
		t.Fatalf("before the signal: %s", got)
	}
	if w := f.signal(`{"Status":"SUCCESS","UniqueId":"ephor","Data":"http://127.0.0.1:8086,http://127.0.0.1:3000,system","Reason":"up"}`); w.Code != 200 {
		t.Fatalf("signal: %d %s", w.Code, w.Body)
	}
	if got := f.settle("S"); got != createComplete {
		t.Fatalf("status %s: %s", got, f.trace("S"))
	}
	if got := f.outputs("S")["Store"]; got != "http://127.0.0.1:8086" {
		t.Errorf("output %q", got)
	}
	if got := f.remove("S"); got != deleteComplete {
		t.Errorf("after delete: %s", got)
	}
}

func TestWaitConditionFailures(t *testing.T) {
	t.Parallel()
	run := func(body, want string) {
		t.Helper()
		f := start(t)
		f.begin("S", waiting)
		f.until("create Host")
		f.eventually("Host CREATE_COMPLETE")
		f.signal(body)
		f.settle("S")
		if trace := strings.Join(f.trace("S"), "\n"); !strings.Contains(trace, "Wait CREATE_FAILED "+want+"\n") {
			t.Errorf("no %q in %s", want, trace)
		}
	}
	run(`{"Status":"FAILURE","UniqueId":"i-1","Data":"","Reason":"no disk"}`, "WaitCondition received failed message: 'no disk' for uniqueId: i-1")
	run(`nonsense`, "Unparsable WaitCondition data")
}

func TestSignalIsGuarded(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.service.waits.open("token")
	try := func(method, target, body string, want int) {
		t.Helper()
		w := httptest.NewRecorder()
		f.service.ServeSignal(w, httptest.NewRequest(method, target, strings.NewReader(body)))
		if w.Code != want {
			t.Errorf("%s %s: %d, want %d", method, target, w.Code, want)
		}
	}
	const ok = `{"Status":"SUCCESS","UniqueId":"a"}`
	try("PUT", f.service.waits.url("token"), ok, 200)
	try("GET", f.service.waits.url("token"), "", 405)
	for _, nobody := range []string{"", "gone", "toke", "token/", "Token"} {
		try("PUT", f.service.waits.url(nobody), ok, 404)
	}
	try("PUT", "/elsewhere/token"+marker, ok, 404)
	try("PUT", f.service.waits.url("token"), strings.Repeat("x", maxSignal+1), 413)
}

func TestWaitTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWaits(Config{EndpointURL: func() string { return "" }})
		w.open("t")
		began := time.Now()
		w.put("t", signal{UniqueID: "a", Data: "1"}, nil)
		w.put("t", signal{UniqueID: "a", Data: "2"}, nil) // a retransmission
		wait := func(ctx context.Context, count int) (string, error) {
			got, err := (*waitCondition)(w).wait(ctx, Request{StackID: "S", LogicalID: "W", Properties: map[string]any{
				"Handle": w.url("t"), "Timeout": "3600", "Count": json.Number(strconv.Itoa(count))}}, 12*time.Hour)
			data, _ := got.Attributes["Data"].(string)
			return data, err
		}
		_, err := wait(t.Context(), 2)
		if want := "WaitCondition timed out. Received 1 conditions when expecting 2"; err == nil || err.Error() != want {
			t.Errorf("wait: %v, want %s", err, want)
		}
		if took := time.Since(began); took != time.Hour {
			t.Errorf("it took %v", took)
		}
		go func() {
			time.Sleep(time.Minute)
			w.put("t", signal{UniqueID: "b", Data: "3"}, nil)
		}()
		data, err := wait(t.Context(), 2)
		if err != nil || data != `{"a":"1","b":"3"}` {
			t.Errorf("wait: %s, %v", data, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := wait(ctx, 9); !errors.Is(err, context.Canceled) {
			t.Errorf("wait: %v", err)
		}
	})
}

// The Timeout of a wait condition has the bounds of
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-waitcondition.html
func TestWaitTimeoutBounds(t *testing.T) {
	t.Parallel()
	w := newWaits(Config{EndpointURL: func() string { return "" }})
	w.open("t")
	w.put("t", signal{UniqueID: "a", Data: "1"}, nil)
	for timeout, want := range map[string]string{
		"0": "it must be from 1 to 43200 seconds", "-1": "it must be from 1 to 43200 seconds", "43201": "it must be from 1 to 43200 seconds", "1": "", "43200": "",
	} {
		_, err := (*waitCondition)(w).Create(t.Context(), Request{StackID: "S", LogicalID: "W", Properties: map[string]any{"Handle": w.url("t"), "Timeout": json.Number(timeout)}})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), "Timeout is "+timeout+"; "+want) {
			t.Errorf("%s: %v, want %q", timeout, err, want)
		}
	}
}
