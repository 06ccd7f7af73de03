package command

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// What goes over the wire, and what comes of each kind of answer.
func TestInvoke(t *testing.T) {
	t.Parallel()
	var request struct{ path, kind, logs, body string }
	var answer func(http.ResponseWriter)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if strings.HasSuffix(strings.TrimSuffix(r.URL.Path, "/"), "/functions") { // which functions there are
			_, _ = io.WriteString(w, `{"Functions": [{"FunctionName": "Shop-Handle"}, {"FunctionName": "foreign"}]}`)
			return
		}
		request.path, request.kind, request.logs, request.body = r.URL.Path, r.Header.Get("X-Amz-Invocation-Type"), r.Header.Get("X-Amz-Log-Type"), string(body)
		answer(w)
	}))
	t.Cleanup(server.Close)
	call := func(f invokeFlags, name string) (stdout, stderr string, status_ int) {
		t.Helper()
		p, out, errs := shopProgram("Handle")
		f.target.name = targetLaptop
		err := p.call(t.Context(), laptopAWS(server.URL), f, p.functionNamed(name), []byte(`{"a":1}`))
		if err != nil {
			p.explain(err)
		}
		return out.String(), errs.String(), status(err)
	}

	answer = func(w http.ResponseWriter) {
		w.Header().Set("X-Amz-Executed-Version", "$LATEST")
		w.Header().Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString([]byte("START\nEND\n")))
		_, _ = io.WriteString(w, `{"b": 2}`)
	}
	out, errs, code := call(invokeFlags{tail: true}, "Handle")
	if out != "{\"b\": 2}\n" || !strings.HasPrefix(errs, "START\nEND\nHandle, version $LATEST: answered in ") || code != 0 {
		t.Errorf("%d %q %q", code, out, errs)
	}
	if !strings.HasSuffix(request.path, "/functions/Shop-Handle/invocations") || request.logs != "Tail" || request.body != `{"a":1}` {
		t.Errorf("it asked %+v", request)
	}

	answer = func(w http.ResponseWriter) {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_, _ = io.WriteString(w, `{"errorType":"errorString","errorMessage":"no\nway"}`)
	}
	out, errs, code = call(invokeFlags{}, "Handle")
	if !strings.HasPrefix(out, `{"errorType"`) || errs != "error: Handle failed: errorString: no↵way\n  try: logs Handle\n" || code != 1 {
		t.Errorf("%d %q %q", code, out, errs)
	}

	answer = func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) }
	out, errs, code = call(invokeFlags{async: true}, "Handle")
	if out != "" || errs != "Handle: queued\n" || code != 0 || request.kind != "Event" {
		t.Errorf("%d %q %q, it asked %+v", code, out, errs, request)
	}

	calls := 0
	answer = func(w http.ResponseWriter) {
		calls++
		w.Header().Set("X-Amzn-Errortype", "ServiceException")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"Message": "out of order"}`)
	}
	if _, errs, code = call(invokeFlags{}, "Handle"); errs != "error: ServiceException: out of order\n" || code != 1 || calls != 1 {
		t.Errorf("%d %q after %d calls", code, errs, calls)
	}

	answer = func(w http.ResponseWriter) {
		w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"Message": "Function not found"}`)
	}
	if _, errs, code = call(invokeFlags{}, "Nope"); errs != "error: there is no function Nope\n  try: one of Handle, foreign\n" || code != 1 {
		t.Errorf("%d %q", code, errs)
	}
	server.Close()
	if _, errs, code = call(invokeFlags{}, "Handle"); !strings.Contains(errs, "Shop is not running on this machine") || code != 1 {
		t.Errorf("%d %q", code, errs)
	}
}

// The sample events are what the types of aws-lambda-go take, nothing left over.
func TestSampleEvents(t *testing.T) {
	t.Parallel()
	types := map[string]any{
		"apigateway-v1": &events.APIGatewayProxyRequest{}, "apigateway-v2": &events.APIGatewayV2HTTPRequest{},
		"dynamodb": &events.DynamoDBEvent{}, "eventbridge": &events.EventBridgeEvent{}, "function-url": &events.LambdaFunctionURLRequest{},
		"kinesis": &events.KinesisEvent{}, "s3": &events.S3Event{}, "schedule": &events.EventBridgeEvent{}, "sns": &events.SNSEvent{}, "sqs": &events.SQSEvent{},
	}
	names := sampleNames()
	for _, name := range names {
		data, err := sampleEvent(name)
		if err != nil {
			t.Fatal(err)
		}
		if types[name] == nil {
			t.Errorf("%s has no type here", name)
			continue
		}
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		if err := d.Decode(types[name]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(names) != len(types) || !slices.IsSorted(names) {
		t.Errorf("the names are %q", names)
	}
	p, stdout, _ := shopProgram()
	if code := p.run(t.Context(), []string{"invoke", "--list-events"}); code != 0 || stdout.String() != strings.Join(names, "\n")+"\n" {
		t.Errorf("status %d, %s", code, stdout)
	}
}
