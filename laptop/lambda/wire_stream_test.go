package lambda

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// streamed reads what InvokeWithResponseStream sends.
func streamed(t *testing.T, c *sdk.Client, in *sdk.InvokeWithResponseStreamInput) (payload []byte, end types.InvokeWithResponseStreamCompleteEvent, version string) {
	t.Helper()
	out, err := c.InvokeWithResponseStream(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	ended := false
	for e := range out.GetStream().Events() {
		switch e := e.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			payload = append(payload, e.Value.Payload...)
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			end, ended = e.Value, true
		}
	}
	if err := out.GetStream().Err(); err != nil || !ended {
		t.Errorf("the stream ends with %v, InvokeComplete: %v", err, ended)
	}
	return payload, end, aws.ToString(out.ExecutedVersion)
}

func TestInvokeWithResponseStream(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	publish(t, s, "hello")
	c, _ := client(t, s)
	name := aws.String("hello")
	payload, end, version := streamed(t, c, &sdk.InvokeWithResponseStreamInput{FunctionName: name, Qualifier: aws.String("1"),
		Payload: []byte(`{"do":"big","bytes":100000}`), LogType: types.LogTypeTail})
	if want := `"` + strings.Repeat("x", 100_000) + `"`; string(payload) != want || version != "1" || end.ErrorCode != nil {
		t.Errorf("%d bytes of %d, version %s, %+v", len(payload), len(want), version, end)
	}
	if tail, err := base64.StdEncoding.DecodeString(aws.ToString(end.LogResult)); err != nil || !bytes.Contains(tail, []byte("REPORT RequestId")) {
		t.Errorf("log %s, %v", tail, err)
	}
	_, end, _ = streamed(t, c, &sdk.InvokeWithResponseStreamInput{FunctionName: name, Payload: []byte(`{"do":"error","text":"no"}`)})
	if aws.ToString(end.ErrorCode) == "" || !strings.Contains(aws.ToString(end.ErrorDetails), `"errorMessage":"no"`) || end.LogResult != nil {
		t.Errorf("%+v", end)
	}
	_, end, _ = streamed(t, c, &sdk.InvokeWithResponseStreamInput{FunctionName: name, Payload: []byte(`{"do":"exit","status":3}`)})
	if aws.ToString(end.ErrorCode) != "Runtime.ExitError" {
		t.Errorf("%+v", end)
	}
	if out, err := c.InvokeWithResponseStream(t.Context(), &sdk.InvokeWithResponseStreamInput{FunctionName: aws.String("none")}); err == nil {
		t.Errorf("%+v", out)
	}
	if err := s.ReserveConcurrency(t.Context(), "hello", new(0)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.InvokeWithResponseStream(t.Context(), &sdk.InvokeWithResponseStreamInput{FunctionName: name}); err == nil || !strings.Contains(err.Error(), "TooManyRequests") {
		t.Errorf("got %v", err)
	}
}

// TestEventMessage against the example in the specification of the framing, an empty message.
func TestEventMessage(t *testing.T) {
	t.Parallel()
	want := []byte{0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff}
	if got := eventMessage(nil, nil); !bytes.Equal(got, want) {
		t.Errorf("% x, want % x", got, want)
	}
}
