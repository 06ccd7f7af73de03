// Spartagrafana is what SpartaGrafana's program measured, with its one import changed: where it
// imported github.com/vrischmann/go-metrics-influxdb it now imports Ephor's adapter under the same
// name, and every call stays as it was. (What started the handler then, Sparta, is lambda.Start now.)
package main

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/rcrowley/go-metrics"

	influxdb "github.com/ephor-io/ephor/metrics/gometrics" // the one
)

var helloWorldCounterMetric metrics.Counter

func init() {
	helloWorldCounterMetric = metrics.NewCounter()
	if os.Getenv("AWS_LAMBDA_FUNCTION_VERSION") == "" {
		return
	}
	tags := map[string]string{"lambda": fmt.Sprintf("λ-%d", rand.Int63())}
	go influxdb.InfluxDBWithTags(
		metrics.DefaultRegistry,
		time.Second*5,
		"http://"+os.Getenv("GRAFANA_HOST"),
		"lambda",
		"",
		"",
		tags,
	)
	if err := metrics.Register("HelloWorld", helloWorldCounterMetric); err != nil {
		fmt.Println(err)
	}
	metrics.RegisterRuntimeMemStats(metrics.DefaultRegistry)
}

func helloWorld(context.Context) (string, error) {
	helloWorldCounterMetric.Inc(1)
	return "Hello World", nil
}

func main() { lambda.Start(helloWorld) }
