package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// keepAsking has clients ask the application for a path, each again and again with a pause between, while the test
// does something else. answered ends them, and fails the test if a request was lost: one that got no answer,
// or another one than 200.
func keepAsking(t *testing.T, a *application, path string, clients int, pause time.Duration) (answered func()) {
	t.Helper()
	lost := make(chan error, 1) // the first one says enough
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(pause):
				}
				if err := asks(a.API + path); err != nil {
					select {
					case lost <- err:
					default:
					}
				}
			}
		})
	}
	end := sync.OnceFunc(func() { close(stop); all.Wait() })
	t.Cleanup(end)
	return func() {
		t.Helper()
		end()
		select {
		case err := <-lost:
			t.Errorf("a request was lost: %v", err)
		default:
		}
	}
}

func asks(url string) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}
