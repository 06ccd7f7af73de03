package function

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/metrics"
)

// asFunction makes this test binary the deployed binary of an application.
const asFunction = "EPHOR_TEST_AS_FUNCTION"

func TestMain(m *testing.M) {
	if os.Getenv(asFunction) != "" {
		Start(testApp())
	}
	os.Exit(m.Run())
}

type order struct {
	Item  string `json:"item"`
	Sleep int    `json:"sleep_ms"`
	Began string `json:"began"` // a URL to tell that the handler runs
}

func testApp() *ephor.App {
	hellos := metrics.NewCounter("hellos")
	app := ephor.New("Test")
	app.Function("Hello", func(ctx context.Context, o order) (string, error) {
		hellos.Inc()
		if o.Began != "" {
			resp, err := http.Get(o.Began)
			if err != nil {
				return "", err
			}
			resp.Body.Close()
		}
		time.Sleep(time.Duration(o.Sleep) * time.Millisecond)
		return "Hello <" + o.Item + ">", nil
	})
	app.Function("Fails", func(o order) error { return errors.New("no " + o.Item + "\nleft") })
	app.Function("Panics", func(o order) { panicsDeepInside(o.Item) })
	app.Function("Unmarshallable", func() (any, error) { return func() {}, nil })
	app.Function("Stream", func(o order) (io.Reader, error) {
		if o.Item == "broken" {
			return io.MultiReader(strings.NewReader("begin"), brokenReader{}), nil
		}
		return strings.NewReader("streamed " + o.Item), nil
	})
	app.Function("Invoker", invoker{})
	app.Function("HTTP", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, r.Method+" "+r.URL.String())
	}))
	flushes := app.Function("Flushes", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "first,")
		w.(http.Flusher).Flush()
		if r.Method == "DELETE" {
			panic("half way")
		}
		_, _ = io.WriteString(w, "second")
	}))
	flushes.URL = &ephor.URL{Stream: true}
	return app
}

type invoker struct{}

func (invoker) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	if !json.Valid(payload) {
		return nil, errors.New("no JSON")
	}
	return []byte("raw " + string(payload)), nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("the source is gone") }

//go:noinline
func panicsDeepInside(item string) { panic("no " + item) }
