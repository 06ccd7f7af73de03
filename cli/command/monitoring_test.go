package command

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/metrics"
	"github.com/ephor-io/ephor/monitor"
)

func stored() *ephor.App {
	app := ephor.New("Shop")
	app.Function("Orders", func() error { return nil })
	app.Monitor(ephor.Store{URL: "https://store.example.com", Token: ephor.Secret{ID: "writer"}})
	return app
}

// TestStoreHasNoStack: with a store of its own an application has a monitoring stack on the laptop alone.
func TestStoreHasNoStack(t *testing.T) {
	t.Parallel()
	aws, laptop := target{name: targetAWS}, target{name: targetLaptop}
	f := func(app *ephor.App, at target, want ...string) {
		t.Helper()
		p := &program{app: app}
		got, err := p.lower(t.Context(), at)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", at.name, err, diff)
		}
		if _, err := p.monitoringParameters(at, []string{"WritersCIDR=10.0.0.0/8"}); (err == nil) != (len(want) > 0) {
			t.Errorf("%s: --parameter: %v", at.name, err)
		}
		if _, err := p.stacksNamed([]string{"monitor"}, at, got); (err == nil) != (len(want) > 0) {
			t.Errorf("%s: delete monitor: %v", at.name, err)
		}
	}
	f(stored(), laptop, "Shop-Monitoring")
	f(stored(), aws)
	both := stored()
	both.Monitor(ephor.Grafana{})
	f(both, laptop, "Shop-Monitoring")
	f(both, aws, "Shop-Monitoring")

	status, out, said := runProgram(t, stored(), "template", "monitor")
	if status != 2 || out != "" || !strings.Contains(said, "no monitoring stack on AWS") {
		t.Errorf("status %d, %s%s", status, out, said)
	}
}

// TestStoreDashboards: a store that nobody has set up is asked for its points alone.
func TestStoreDashboards(t *testing.T) {
	t.Parallel()
	of := func(app *ephor.App) string {
		status, out, said := runProgram(t, app, "dashboard")
		if status != 0 || !strings.Contains(out, `"name": "instance"`) {
			t.Errorf("status %d, %s", status, said)
		}
		return out
	}
	hosted := stored()
	hosted.Monitor(ephor.Grafana{})
	for _, word := range []string{"$rollup", `"$raw`, `"$least"`, "$window", "ranges"} {
		host := strings.ReplaceAll(of(hosted), `\"`, `"`)
		if got := strings.ReplaceAll(of(stored()), `\"`, `"`); strings.Contains(got, word) || !strings.Contains(host, word) && word != "$window" {
			t.Errorf("%s stands in the store's %v, in the host's %v", word, strings.Contains(got, word), strings.Contains(host, word))
		}
	}
}

// TestConnectStore: each kind of store is asked for its database with what it takes for a token.
func TestConnectStore(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+" "+r.FormValue("db")+" "+r.Header.Get("Authorization"))
		_, _ = w.Write([]byte(`{"results":[{"series":[{"columns":["time","count"],"values":[[0,7]]}]}]}`))
	}))
	t.Cleanup(server.Close)
	f := func(c metrics.Config, database, token string) {
		t.Helper()
		t.Setenv("EPHOR_STORE_TOKEN", token)
		c.URL = server.URL + "/"
		s, err := connectStore(c, database)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.number(t.Context(), "SELECT 1"); n != 7 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	f(metrics.Config{Bucket: "b"}, "b", "abc")
	f(metrics.Config{}, "ephor", "u:p")
	if diff := cmp.Diff([]string{"/query b Token abc", "/query ephor Basic dTpw"}, asked); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestStoreKeepsItsPlanFree: nothing in an application's plan costs what a host does.
func TestStoreKeepsItsPlanFree(t *testing.T) {
	t.Parallel()
	p := &program{app: stored()}
	plans := []*deploy.Plan{{Stack: "Shop"}}
	if err := p.noteCost(plans, monitor.Values{}); err != nil || plans[0].Note != "" {
		t.Errorf("%q, %v", plans[0].Note, err)
	}
}
