// Ephor is a handler that counts, with what publishes it.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/ephor-io/ephor/metrics"
)

var hellos = metrics.NewCounter("hellos")

func main() {
	lambda.Start(metrics.Wrap(func() (string, error) {
		hellos.Inc()
		return "Hello", nil
	}))
}
