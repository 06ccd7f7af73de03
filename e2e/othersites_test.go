package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/uptest"
)

// Pages of other sites get nothing from any port.
func TestFormsFromOtherSites(t *testing.T) {
	t.Parallel()
	a := up(t, uptest.Root(t), helloProgram(t), filepath.Join(t.TempDir(), "state"))
	for name, u := range map[string]string{
		"page": a.Page + "/", "store": a.Store + "/query", "store's writes": a.Store + "/write?db=ephor", "endpoint": a.Endpoint + "/", "API": a.API + "/hello/grafana",
	} {
		for _, header := range [][2]string{{"Origin", "http://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Host", "evil.example"}} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u, strings.NewReader("q=DROP+DATABASE+ephor"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(header[0], header[1])
			if header[0] == "Host" {
				r.Host = header[1]
			}
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusForbidden {
				t.Errorf("%s with %s: %d", name, header, response.StatusCode)
			}
		}
	}
	// Unsigned requests get nothing from the endpoint either.
	response, err := http.Post(a.Endpoint+"/2015-03-31/functions/SpartaGrafana-HelloWorld/invocations", "text/plain", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("unsigned: %d", response.StatusCode)
	}
}
