package lambda

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const eventStreamType = "application/vnd.amazon.eventstream"

// serveInvokeStream is https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
func (s *Service) serveInvokeStream(w http.ResponseWriter, r *http.Request, name string) error {
	name, err := s.said(r, name)
	if err != nil {
		return err
	}
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
	case "DryRun":
		if _, err := s.Function(name); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	default:
		return awsproto.Errorf("InvalidParameterValueException", "InvocationType %q: RequestResponse or DryRun", kind)
	}
	in, err := readInvoke(r, name)
	if err != nil {
		return err
	}
	to := &eventStream{w: w}
	out, err := s.InvokeStream(r.Context(), in, to)
	if err != nil {
		if to.begun { // the caller has gone: there is nobody to be told
			return nil
		}
		return err
	}
	to.head(out.RequestID, out.TraceID, out.ExecutedVersion)
	to.complete(out, in.LogTail)
	return nil
}

// eventStream is a ResponseStream that sends PayloadChunks.
type eventStream struct {
	w     http.ResponseWriter
	begun bool
}

// Start begins the answer. What the function calls its content goes nowhere: the answer's type is
// the framing's.
func (s *eventStream) Start(h StreamHead) { s.head(h.RequestID, h.TraceID, h.ExecutedVersion) }

// head is Start for an answer that may have begun already.
func (s *eventStream) head(id, trace, version string) {
	if s.begun {
		return
	}
	s.begun = true
	h := s.w.Header()
	h.Set("Content-Type", eventStreamType)
	h.Set("x-amzn-RequestId", id)
	h.Set("X-Amzn-Trace-Id", trace)
	h.Set("X-Amz-Executed-Version", version)
	s.w.WriteHeader(http.StatusOK)
	s.flush()
}

// Write sends a PayloadChunk.
func (s *eventStream) Write(p []byte) (int, error) {
	if err := s.send("PayloadChunk", eventStreamPayload, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

const eventStreamPayload = "application/octet-stream"

// complete sends InvokeComplete, with which the stream ends.
func (s *eventStream) complete(out InvokeOutput, tail bool) {
	var end struct {
		ErrorCode    string `json:",omitempty"`
		ErrorDetails string `json:",omitempty"`
		LogResult    string `json:",omitempty"`
	}
	if out.FunctionError != "" {
		end.ErrorCode, end.ErrorDetails = out.ErrorType, string(out.Payload)
	}
	if tail {
		end.LogResult = base64.StdEncoding.EncodeToString(out.LogTail)
	}
	body, err := json.Marshal(end)
	if err != nil {
		panic(err) // three strings always marshal
	}
	_ = s.send("InvokeComplete", "application/json", body) // a caller that has gone cannot be told so
}

func (s *eventStream) send(event, contentType string, payload []byte) error {
	_, err := s.w.Write(eventMessage([][2]string{
		{":event-type", event}, {":content-type", contentType}, {":message-type", "event"},
	}, payload))
	if err == nil {
		s.flush()
	}
	return err
}

func (s *eventStream) flush() {
	// A writer that cannot flush sends what it has when it has enough.
	_ = http.NewResponseController(s.w).Flush()
}
