package laptop

import (
	"context"
	"time"

	"github.com/ephor-io/ephor/laptop/s3"
)

// expire lets S3 carry out its buckets' lifecycles, now and every hour until Close. AWS looks once a
// day; a laptop that is up for an hour shall not miss it.
func (l *Laptop) expire(objects *s3.Service) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		hourly := time.NewTicker(time.Hour)
		defer hourly.Stop()
		for {
			if _, err := objects.Expire(time.Now()); err != nil {
				l.config.Events(Problem{Err: err})
			}
			select {
			case <-hourly.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	l.onClose("S3's lifecycles", func(context.Context) error {
		stop()
		<-ended
		return nil
	})
}
