package shop

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ephor-io/ephor/metrics"
)

var keptOrders = metrics.NewCounter("orders_kept")

// keeping puts aside what could not be packed, for somebody to look at.
func keeping(parcels bucket) func(context.Context, events.SQSEvent) error {
	return func(ctx context.Context, e events.SQSEvent) error {
		for _, m := range e.Records {
			document := any(json.RawMessage(m.Body))
			if !json.Valid([]byte(m.Body)) {
				document = m.Body
			}
			added, err := parcels.Add(ctx, kept+m.MessageId+".json", document)
			if err != nil {
				return fmt.Errorf("message %s: %w", m.MessageId, err)
			}
			if added {
				keptOrders.Inc()
				log.Printf("kept %s", m.Body)
			}
		}
		return nil
	}
}
