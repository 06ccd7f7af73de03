package shop

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ephor-io/ephor/metrics"
)

var shipped = metrics.NewCounter("orders_shipped")

// shipping tells the warehouse of every parcel. S3 may tell of one twice; the warehouse knows it by its ID.
func shipping(parcels bucket, warehouse queue) func(context.Context, events.S3Event) error {
	return func(ctx context.Context, e events.S3Event) error {
		for _, r := range e.Records {
			key := r.S3.Object.URLDecodedKey
			var p parcel
			if err := parcels.Read(ctx, key, &p); err != nil {
				return fmt.Errorf("parcel %s: %w", key, err)
			}
			if err := warehouse.Send(ctx, p); err != nil {
				return fmt.Errorf("parcel %s: %w", key, err)
			}
			shipped.Inc()
			log.Printf("shipped %d %s of order %s", p.Copies, p.Item, p.ID)
		}
		return nil
	}
}
