// Prometheus is a handler that counts, with the client of the push gateway.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
)

var hellos = prometheus.NewCounter(prometheus.CounterOpts{Name: "hellos"})

func main() {
	pusher := push.New("http://127.0.0.1:9", "hello").Collector(hellos)
	lambda.Start(func() (string, error) {
		hellos.Inc()
		return "Hello", pusher.Add()
	})
}
