package shop

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ephor-io/ephor/metrics"
)

var stored = metrics.NewGauge("parcels")

// counting looks at how many parcels there are.
func counting(parcels bucket) func(context.Context, events.EventBridgeEvent) error {
	return func(ctx context.Context, _ events.EventBridgeEvent) error {
		n, err := parcels.Count(ctx, packed)
		if err != nil {
			return err
		}
		stored.Set(float64(n))
		log.Printf("parcels: %d", n)
		return nil
	}
}
