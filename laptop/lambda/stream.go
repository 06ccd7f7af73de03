package lambda

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
)

// maxStreamed is the limit of a streamed response, see
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
const maxStreamed = 200 << 20

// ResponseStream takes a function's answer as it comes. Its methods are called by InvokeStream's
// own goroutine and not after InvokeStream has returned.
type ResponseStream interface {
	// Start is called once, when the function begins to answer and before the first Write. It is
	// not called when the function fails before that: see InvokeOutput.FunctionError.
	Start(StreamHead)
	// Write takes the next bytes, which are the receiver's until it returns; while it blocks, so
	// does the function. After an error it is not called again, and what the function still sends
	// is thrown away.
	io.Writer
}

// StreamHead is what is known of an answer when it begins.
type StreamHead struct {
	// ContentType is what the function says it sends. In application/vnd.awslambda.http-integration-response
	// the body begins with a JSON object (statusCode, headers, cookies) and eight zero bytes, as in
	// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
	// It is empty if the function has not said it.
	ContentType     string
	RequestID       string
	TraceID         string
	ExecutedVersion string
}

// InvokeStream is Invoke for an answer that is wanted as it comes: what the function sends goes to
// stream piece by piece, up to 200 MB, whether the function streams or answers at once. It returns
// when the answer is complete, with an empty Payload. An error of the function, in the midst of its
// answer or instead of it, is in InvokeOutput: FunctionError, ErrorType, and what is known of it in
// Payload. See https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
func (s *Service) InvokeStream(ctx context.Context, in InvokeInput, stream ResponseStream) (InvokeOutput, error) {
	return s.invoke(ctx, in, stream)
}

// stream hands an answer piece by piece from the handler that reads it to the goroutine that has
// invoked the function.
type stream struct {
	head   chan string // the content type, once
	chunks chan []byte
	taken  chan struct{} // answers every chunk
	left   chan struct{} // closed when nobody takes anything any more
}

func newStream() *stream {
	return &stream{head: make(chan string), chunks: make(chan []byte), taken: make(chan struct{}), left: make(chan struct{})}
}

// waitStream is wait for InvokeStream.
func (inv *invocation) waitStream(ctx context.Context, to ResponseStream) (InvokeOutput, error) {
	st := inv.stream
	defer close(st.left)
	var failed error // of a Write
	for {
		select {
		case contentType := <-st.head:
			to.Start(StreamHead{ContentType: contentType, RequestID: inv.id, TraceID: inv.trace, ExecutedVersion: inv.version})
		case p := <-st.chunks:
			if failed == nil {
				_, failed = to.Write(p)
			}
			st.taken <- struct{}{}
		case a := <-inv.answers:
			if inv.ended != nil {
				<-inv.ended
			}
			return inv.output(a), failed
		case <-ctx.Done():
			return InvokeOutput{}, ctx.Err()
		}
	}
}

// begin passes on that an answer has begun.
func (st *stream) begin(contentType string) {
	select {
	case st.head <- contentType:
	case <-st.left:
	}
}

// Write passes p on. Once nobody listens it throws p away: the function goes on as if somebody did.
func (st *stream) Write(p []byte) (int, error) {
	select {
	case st.chunks <- p:
		<-st.taken
	case <-st.left:
	}
	return len(p), nil
}

// runtimeStream is runtimeResponse for an invocation whose caller wants the answer as it comes.
func (e *environment) runtimeStream(w http.ResponseWriter, r *http.Request, inv *invocation) {
	inv.stream.begin(r.Header.Get("Content-Type"))
	n, err := io.CopyBuffer(inv.stream, io.LimitReader(r.Body, maxStreamed), make([]byte, 32<<10))
	if err == nil && n == maxStreamed {
		err = atEnd(r.Body)
	}
	if err != nil {
		e.broken(w, r, inv, maxStreamed, err)
		return
	}
	e.mu.Lock()
	inv.produced = n
	e.mu.Unlock()
	a := answer{}
	trailers(r, &a)
	e.respond(w, inv, a)
}

// atEnd is errTooLarge if there is more to read.
func atEnd(r io.Reader) error {
	n, err := io.ReadFull(r, make([]byte, 1))
	if n > 0 {
		return errTooLarge
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// trailers looks for the error that a function met after its answer had begun.
func trailers(r *http.Request, a *answer) {
	kind := r.Trailer.Get(headerErrorType)
	if kind == "" {
		return
	}
	a.errorType = kind
	if body, err := base64.StdEncoding.DecodeString(r.Trailer.Get(headerErrorBody)); err == nil && len(body) > 0 {
		a.payload = body
	}
}
