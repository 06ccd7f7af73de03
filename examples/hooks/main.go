// Hooks shows what a deployment can do beside its stacks: a further stack with a bucket that the function
// may read, and a look at the function through the AWS SDK when it is there, on AWS and on the
// laptop alike.
//
//	go run ./examples/hooks up
package main

import (
	"net/http"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli"
)

func greet(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	if name == "" {
		http.Error(w, "who is there? add ?name=", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	// A caller that has gone needs no greeting.
	_, _ = w.Write([]byte("Hello, " + name + "\n"))
}

func main() {
	app := ephor.New("Greeter")
	greeter := app.Function("Greet", http.HandlerFunc(greet))
	app.Get("/greet", greeter)
	app.Monitor(ephor.Grafana{})
	addHooks(app, greeter)
	cli.Main(app)
}
