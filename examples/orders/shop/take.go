package shop

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log"
	"net/http"

	"github.com/ephor-io/ephor/metrics"
)

var taken = metrics.NewCounter("orders_taken")

// queue is where messages go, as JSON.
type queue interface {
	Send(ctx context.Context, message any) error
}

// taking takes orders. Whoever ordered is answered when the order is in the queue, and so cannot be lost.
func taking(orders queue) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var o order
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
		d.DisallowUnknownFields()
		if err := d.Decode(&o); err != nil {
			http.Error(w, "an order is JSON, as {\"item\": \"book\", \"copies\": 1}: "+err.Error(), http.StatusBadRequest)
			return
		}
		if err := o.validate(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		o.ID = rand.Text()
		if err := orders.Send(r.Context(), o); err != nil {
			log.Printf("order %s: %v", o.ID, err)
			http.Error(w, "the order could not be taken; try again", http.StatusServiceUnavailable)
			return
		}
		taken.Inc()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		if err := json.NewEncoder(w).Encode(map[string]string{"id": o.ID}); err != nil {
			log.Printf("order %s: answering: %v", o.ID, err)
		}
	})
}
