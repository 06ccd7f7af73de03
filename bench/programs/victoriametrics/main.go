// Victoriametrics is a handler that counts, with what pushes it.
package main

import (
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/aws/aws-lambda-go/lambda"
)

var hellos = metrics.NewCounter("hellos")

func main() {
	if err := metrics.InitPush("http://127.0.0.1:9", time.Second, "", true); err != nil {
		panic(err)
	}
	lambda.Start(func() (string, error) {
		hellos.Inc()
		return "Hello", nil
	})
}
