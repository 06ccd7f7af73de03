// Hello is SpartaGrafana's demonstration, the smallest Ephor application: one function behind
// one route, one metric of its own, and a dashboard.
//
//	go run ./examples/hello up
package main

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli"
	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/metrics"
)

var hellos = metrics.NewCounter("helloWorldCounterMetric")

// helloWorld says hello; with ?ms=50 it first waits for 50 ms, as for a slow dependency.
func helloWorld(ctx context.Context, r events.APIGatewayV2HTTPRequest) (string, error) {
	hellos.Inc()
	ms, _ := strconv.Atoi(r.QueryStringParameters["ms"]) // none and nonsense are 0
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return "Hello World", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func main() {
	app := ephor.New("SpartaGrafana")
	hello := app.Function("HelloWorld", helloWorld)
	app.Get("/hello/grafana", hello)
	app.Monitor(ephor.Grafana{Dashboards: []dashboard.Dashboard{{
		Title:  "Sparta Hello World",
		Panels: []dashboard.Panel{dashboard.Counter("helloWorldCounterMetric")},
	}}})
	cli.Main(app)
}
