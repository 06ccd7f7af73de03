// Handler is an application of http.Handlers: one behind the API and at an address of its own, one at an
// address that streams. The tests build it, also with a REST API.
package main

import (
	"encoding/json"
	"io"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli"
)

var api = ephor.API{}

func handle(w http.ResponseWriter, r *http.Request) {
	switch path.Base(r.URL.Path) {
	case "panic":
		panic("the handler gave up")
	case "teapot":
		w.WriteHeader(http.StatusTeapot)
	case "bytes":
		var event struct{ IsBase64Encoded bool }
		if err := json.Unmarshal(ephor.Event(r.Context()), &event); err != nil {
			panic(err)
		}
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		w.Header().Set("X-Came-As-Base64", strconv.FormatBool(event.IsBase64Encoded))
		if _, err := io.Copy(w, r.Body); err != nil {
			panic(err)
		}
	case "parts":
		parts(w, r.URL.Query().Get("ask"))
	case "broken":
		parts(w, r.URL.Query().Get("ask"))
		panic("the handler gave up in the midst of it")
	default:
		tell(w, r)
	}
}

// tell answers what of the request came here.
func tell(w http.ResponseWriter, r *http.Request) {
	cookies := []string{}
	for _, c := range r.Cookies() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	text, err := json.Marshal(map[string]any{"Method": r.Method, "Path": r.URL.Path, "Rest": r.PathValue("rest"),
		"Query": r.URL.Query()["q"], "Many": r.Header["X-Many"], "Cookies": cookies})
	if err != nil {
		panic(err)
	}
	http.SetCookie(w, &http.Cookie{Name: "one", Value: "1", Path: "/"})
	http.SetCookie(w, &http.Cookie{Name: "two", Value: "2", HttpOnly: true})
	w.Header()["X-Many"] = []string{"a", "b"}
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(text); err != nil {
		panic(err)
	}
}

// parts writes one part, waits until who is to be asked lets it go on, and writes another.
func parts(w http.ResponseWriter, ask string) {
	if _, err := io.WriteString(w, "one part, "); err != nil {
		panic(err)
	}
	if err := http.NewResponseController(w).Flush(); err != nil {
		panic(err)
	}
	response, err := http.Get(ask)
	if err != nil {
		panic(err)
	}
	response.Body.Close()
	if _, err := io.WriteString(w, "and another"); err != nil {
		panic(err)
	}
}

func main() {
	app := ephor.New("Handlers")
	app.API(api)
	handler := app.Function("Handler", handle)
	handler.URL = &ephor.URL{}
	app.Route("ANY", "/{rest+}", handler)
	streamer := app.Function("Streamer", http.HandlerFunc(handle))
	streamer.Timeout = time.Minute
	streamer.URL = &ephor.URL{Stream: true}
	cli.Main(app)
}
