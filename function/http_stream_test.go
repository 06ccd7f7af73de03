package function

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const throughURL = `{"version": "2.0", "rawPath": "/", "requestContext": {"domainName": "id.lambda-url.us-east-1.on.aws", "http": {"method": "GET"}}}`

// startStream runs a handler for a request that came to a function URL.
func startStream(t *testing.T, h http.HandlerFunc) (io.ReadCloser, error) {
	t.Helper()
	got, err := serveHTTP(h, true)(context.Background(), json.RawMessage(throughURL))
	if err != nil {
		return nil, err
	}
	r, ok := got.(io.ReadCloser)
	if !ok {
		t.Fatalf("the answer is %T", got)
	}
	if text, err := json.Marshal(got); err != nil || string(text) != "{}" {
		t.Fatalf("as JSON the answer is %s, %v: the runtime would not take it for a stream", text, err)
	}
	return r, nil
}

func split(t *testing.T, text string) (head, body string) {
	t.Helper()
	head, body, ok := strings.Cut(text, strings.Repeat("\x00", 8))
	if !ok {
		t.Fatalf("there is no end of the metadata in %q", text)
	}
	return head, body
}

func TestWhatIsFlushedGoesOut(t *testing.T) {
	t.Parallel()
	seen := make(chan bool)
	r, err := startStream(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first,")
		w.(http.Flusher).Flush()
		<-seen // nothing but the flush lets the reader come here
		_, _ = io.WriteString(w, "second")
	})
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1000)
	n, err := r.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	if head, body := split(t, string(buf[:n])); head != `{"statusCode":200,"headers":{"Content-Type":"text/plain; charset=utf-8"}}` || body != "first," {
		t.Errorf("first came %q and %q", head, body)
	}
	close(seen)
	if rest, err := io.ReadAll(r); string(rest) != "second" || err != nil {
		t.Errorf("then came %q, %v", rest, err)
	}
}

func TestWhatIsNotFlushedGoesOutAtTheEnd(t *testing.T) {
	t.Parallel()
	f := func(h http.HandlerFunc, wantHead, wantBody string) {
		t.Helper()
		r, err := startStream(t, h)
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if head, body := split(t, string(all)); head != wantHead || body != wantBody {
			t.Errorf("%q and %d bytes, want %q and %d", head, len(body), wantHead, len(wantBody))
		}
	}
	f(func(http.ResponseWriter, *http.Request) {}, `{"statusCode":200,"headers":{}}`, "")
	f(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, `{"statusCode":204,"headers":{}}`, "")
	long := strings.Repeat("x", 3*maxUnflushed)
	f(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 3 {
			_, _ = io.WriteString(w, long[i*maxUnflushed:(i+1)*maxUnflushed])
		}
	}, `{"statusCode":200,"headers":{"Content-Type":"text/plain; charset=utf-8"}}`, long)
}

func TestHowAStreamEndsEarly(t *testing.T) {
	t.Parallel()
	if _, err := startStream(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }); !errors.Is(err, errAborted) {
		t.Errorf("aborted before it began: %v", err)
	}
	r, err := startStream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, errAborted) {
		t.Errorf("aborted half way: %v", err)
	}
	failed := make(chan error, 1)
	r, err = startStream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		_, err := io.WriteString(w, "x")
		failed <- err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		if err == nil {
			t.Error("a write that nobody reads succeeds")
		}
	case <-time.After(time.Minute):
		t.Error("the handler writes on where nobody reads")
	}
	defer func() {
		if v := recover(); v != "early" {
			t.Errorf("the panic has become %v", v)
		}
	}()
	_, _ = startStream(t, func(http.ResponseWriter, *http.Request) { panic("early") })
}
