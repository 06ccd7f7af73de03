// Three is an http.Handler behind an HTTP API, a REST API and a function URL. It is built by the
// tests.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli"
)

func handle(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
	http.SetCookie(w, &http.Cookie{Name: "last", Value: "now"})
	switch r.URL.Path {
	case "/bytes":
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write([]byte{1, 2, 255})
		return
	case "/stream":
		_, _ = io.WriteString(w, "first,")
		if http.NewResponseController(w).Flush() != nil {
			_, _ = io.WriteString(w, "whole,")
		} else {
			_, _ = io.ReadAll(r.Body)
		}
		_, _ = io.WriteString(w, "second")
		return
	}
	var event struct {
		Version        string
		RequestContext struct{ APIID string }
	}
	if err := json.Unmarshal(ephor.Event(r.Context()), &event); err != nil || event.RequestContext.APIID == "" {
		http.Error(w, "there is no event", http.StatusInternalServerError)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	cookie, _ := r.Cookie("c") // none is nil
	w.Header().Add("X-Multi", "1")
	w.Header().Add("X-Multi", "2")
	w.WriteHeader(http.StatusTeapot)
	fmt.Fprintf(w, "%s %s %s id=%s %q %v %v format=%s", r.Method, r.URL.Path, r.URL.Query()["x"], r.PathValue("id"), body, cookie, r.Header["X-Sent"], event.Version)
}

func main() {
	app := ephor.New("Three")
	app.Function("Handle", handle)
	stream := app.Function("Stream", handle)
	stream.URL = &ephor.URL{Stream: true}
	raw := app.Function("Raw", func(context.Context, events.LambdaFunctionURLRequest) (*events.LambdaFunctionURLStreamingResponse, error) {
		return &events.LambdaFunctionURLStreamingResponse{StatusCode: http.StatusTeapot, Cookies: []string{"a=1"}, Body: strings.NewReader("streamed")}, nil
	})
	raw.URL = &ephor.URL{Stream: true}
	cli.Main(app)
}
