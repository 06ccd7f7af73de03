// Standalone uses package metrics and nothing else of Ephor's: a handler of its own, lambda.Start,
// and any deployment tool. What it measures goes to the store that EPHOR_STORE_URL names;
// template.yaml is a template of its own, and docs/metrics.md tells more.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/ephor-io/ephor/metrics"
)

var (
	books   = metrics.NewCounter("orders", metrics.With("kind", "book"))
	prices  = metrics.NewHistogram("price")
	started = time.Now()
	_       = metrics.NewGaugeFunc("age_s", func() float64 { return time.Since(started).Seconds() })
)

type order struct {
	Price float64 `json:"price"`
}

func handle(_ context.Context, o order) (string, error) {
	if o.Price <= 0 {
		return "", errors.New("an order has a price")
	}
	books.Inc()
	prices.Observe(o.Price)
	return "ordered", nil
}

func main() { lambda.Start(metrics.Wrap(handle)) }
