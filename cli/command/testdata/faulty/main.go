// Faulty is an application whose function ends in every way that one can.
package main

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli"
	"github.com/ephor-io/ephor/metrics"
)

var hits = metrics.NewCounter("hits")

var seen int

// handle does, in this order and over again: six times what it should, then what `ends` asks for.
func handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (string, error) {
	hits.Inc()
	seen++
	if seen%7 != 0 {
		return "ok", nil
	}
	switch r.QueryStringParameters["ends"] {
	case "panic":
		panic("the handler gave up")
	case "error":
		return "", errors.New("the handler said no")
	case "timeout":
		time.Sleep(time.Minute)
	case "deadline": // what a handler does that heeds its context
		<-ctx.Done()
		return "", ctx.Err()
	case "kill":
		// As the kernel ends a process that has used up its memory.
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			return "", err
		}
		select {}
	}
	return "ok", nil
}

func main() {
	app := ephor.New("Faulty")
	f := app.Function("Handle", handle)
	f.Timeout = time.Second
	app.Get("/", f)
	app.Monitor(ephor.Grafana{})
	cli.Main(app)
}
