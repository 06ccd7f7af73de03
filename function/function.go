// Package function starts, inside Lambda, the function of an application that the execution
// environment is for. It is all that the deployed binary does:
//
//	app := ephor.New("SpartaGrafana")
//	app.Function("HelloWorld", helloWorld)
//	function.Start(app)
//
// cli.Main calls it in a binary built with the tag ephor_lambda. Metrics are published by package
// metrics; HTTP handlers are served from the events of HTTP APIs, REST APIs and function URLs.
package function

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/metrics"
)

// ListVariable is the environment variable that makes a deployed binary print the names of its functions, one a
// line, and end: `up` looks whether every function that is deployed is in what was built.
const ListVariable = "EPHOR_LIST"

// Start runs the function of app whose name is in the environment variable _HANDLER or, in a container
// image, is the command, and does not return. Where there is none of that name it ends the process with a
// message that lists the names there are.
func Start(app *ephor.App) {
	if os.Getenv(ListVariable) != "" {
		for _, f := range app.Functions() {
			fmt.Println(f.Name)
		}
		os.Exit(0)
	}
	f, err := pick(app, named(os.Getenv("_HANDLER"), os.Args[1:]))
	if err != nil {
		log.Fatalf("ephor: %v", err)
	}
	takeProfiles()
	lambda.Start(metrics.Wrap(adapt(f)))
}

// named is the name of the function to start. An image's command is what its entry point is called with:
// this executable or, in AWS's base images, a script that makes it _HANDLER.
//
// https://docs.docker.com/reference/dockerfile/#understand-how-cmd-and-entrypoint-interact
func named(handler string, command []string) string {
	if len(command) > 0 {
		return command[0]
	}
	return handler
}

func pick(app *ephor.App, name string) (*ephor.Function, error) {
	var names []string
	for _, f := range app.Functions() {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	there := "it has none"
	if len(names) > 0 {
		there = "it has " + strings.Join(names, ", ")
	}
	if name == "" {
		return nil, fmt.Errorf("_HANDLER is not set, and there is no command: one of them names the function of application %q to start (%s)", app.Name(), there)
	}
	return nil, fmt.Errorf("the function to start is %q: application %q has no function of that name (%s)", name, app.Name(), there)
}

// adapt makes an http.Handler one for Lambda, and leaves alone what lambda.Start takes.
func adapt(f *ephor.Function) any {
	streams := f.URL != nil && f.URL.Stream
	switch h := f.Handler.(type) {
	case http.Handler:
		return serveHTTP(h, streams)
	case func(http.ResponseWriter, *http.Request):
		return serveHTTP(http.HandlerFunc(h), streams)
	}
	return f.Handler
}
