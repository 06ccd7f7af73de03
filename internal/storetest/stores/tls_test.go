package stores

import (
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/ephor-io/ephor/internal/storetest"
)

// Behind TLS every answer of the store's is whole. With net/http's reverse proxy by itself some 5 of 2,800 broke off.
func TestAnswersBehindTLSAreWhole(t *testing.T) {
	t.Parallel()
	s := OpenInfluxd(t, "")
	authority := storetest.NewAuthority(t)
	certificate, _ := authority.Certificate(t)
	address, client := BehindTLS(t, s.Config.URL, certificate), Trusting(t, authority.PEM)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 700 {
				r, err := client.PostForm(address+"/query", url.Values{"db": {"ephor"}, "q": {`SELECT count("x") FROM "y"`}})
				if err != nil {
					t.Error(err)
					continue
				}
				var v struct{ Results []struct{ Error string } }
				if err := json.NewDecoder(r.Body).Decode(&v); err != nil || r.StatusCode != http.StatusOK || len(v.Results) != 1 || v.Results[0].Error != "" {
					t.Errorf("%s: %v, %v", r.Status, v, err)
				}
				r.Body.Close()
			}
		})
	}
	all.Wait()
}
