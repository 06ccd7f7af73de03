// Opentelemetry is a handler that counts, with the exporter of OTLP over HTTP.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/sdk/metric"
)

func main() {
	ctx := context.Background()
	exporter, err := otlpmetrichttp.New(ctx)
	if err != nil {
		panic(err)
	}
	provider := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(exporter)))
	hellos, err := provider.Meter("hello").Int64Counter("hellos")
	if err != nil {
		panic(err)
	}
	lambda.Start(func(ctx context.Context) (string, error) {
		hellos.Add(ctx, 1)
		return "Hello", provider.ForceFlush(ctx)
	})
}
