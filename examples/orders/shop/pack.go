package shop

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ephor-io/ephor/metrics"
)

var value = metrics.NewHistogram("order_value")

// bucket holds JSON documents.
type bucket interface {
	// Add writes a document under a key, unless there is one: added says which.
	Add(ctx context.Context, key string, document any) (added bool, err error)
	Read(ctx context.Context, key string, into any) error
	// Count is how many keys begin with a prefix.
	Count(ctx context.Context, prefix string) (int, error)
}

// packing makes parcels of orders. An order that cannot be packed comes again, alone, and ends among
// the dead letters.
func packing(prices catalogue, parcels bucket) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
	pack := func(ctx context.Context, body string) error {
		var p parcel
		if err := json.Unmarshal([]byte(body), &p.order); err != nil {
			return err
		}
		known, err := prices()
		if err != nil {
			return err
		}
		cents, ok := known[p.Item]
		if !ok {
			return fmt.Errorf("order %s: %q is not in the catalogue", p.ID, p.Item)
		}
		p.Cents = cents * p.Copies
		added, err := parcels.Add(ctx, p.key(packed), p)
		if added {
			value.Observe(float64(p.Cents) / 100)
		}
		return err
	}
	return func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		var failed events.SQSEventResponse
		for _, m := range e.Records {
			if err := pack(ctx, m.Body); err != nil {
				log.Printf("message %s: %v", m.MessageId, err)
				failed.BatchItemFailures = append(failed.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return failed, nil
	}
}
