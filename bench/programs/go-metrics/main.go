// Go-metrics is a handler that counts, with the reporter to Graphite that the library brings; the
// one to InfluxDB is larger.
package main

import (
	"net"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/rcrowley/go-metrics"
)

var hellos = metrics.NewRegisteredCounter("hellos", nil)

func main() {
	go metrics.Graphite(metrics.DefaultRegistry, time.Second, "hello", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
	lambda.Start(func() (string, error) {
		hellos.Inc(1)
		return "Hello", nil
	})
}
