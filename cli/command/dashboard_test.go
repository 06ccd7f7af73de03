package command

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/internal/grafanatest"
)

func shop() *ephor.App {
	app := ephor.New("Shop")
	app.Monitor(ephor.Grafana{Dashboards: []dashboard.Dashboard{
		{Title: "Orders", Panels: []dashboard.Panel{dashboard.Counter("orders")}}, {Title: "Stock"}}})
	return app
}

func runProgram(t *testing.T, app *ephor.App, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	p := &program{app: app, stdout: &out, stderr: &err}
	return p.run(t.Context(), args), out.String(), err.String()
}

func TestDashboardPrints(t *testing.T) {
	t.Parallel()
	status, out, said := runProgram(t, shop(), "dashboard")
	var all []struct{ UID, Title string }
	if err := json.Unmarshal([]byte(out), &all); status != 0 || err != nil || len(all) != 2 || all[0].UID != "orders" || all[1].UID != "stock" {
		t.Errorf("status %d, %v, %+v, %s", status, err, all, said)
	}
	status, out, said = runProgram(t, shop(), "dashboard", "stock")
	var one struct{ UID, Title string }
	if err := json.Unmarshal([]byte(out), &one); status != 0 || err != nil || one.Title != "Stock" {
		t.Errorf("status %d, %v, %+v, %s", status, err, one, said)
	}
	status, out, said = runProgram(t, shop(), "dashboard", "--alerts")
	if status != 0 || !strings.Contains(out, `"uid": "ephor-error-share"`) {
		t.Errorf("status %d, %s, %s", status, out, said)
	}
}

// TestDashboardSaysWhatBecomesOfContacts, and only where there are some.
func TestDashboardSaysWhatBecomesOfContacts(t *testing.T) {
	t.Parallel()
	app := shop()
	app.Monitor(ephor.Grafana{Contacts: []ephor.Contact{{Slack: ephor.Secret{ID: "shop/slack"}}}})
	for args, want := range map[string]string{"--alerts": "the contacts are not in the file", "--push http://127.0.0.1:1": "the contacts are not put there"} {
		_, out, said := runProgram(t, app, append([]string{"dashboard"}, strings.Fields(args)...)...)
		if !strings.Contains(said, want) || strings.Contains(out+said, "shop/slack") {
			t.Errorf("%s: %s%s", args, out, said)
		}
		if _, _, said := runProgram(t, shop(), append([]string{"dashboard"}, strings.Fields(args)...)...); strings.Contains(said, "contacts") {
			t.Errorf("%s without contacts: %s", args, said)
		}
	}
}

func TestDashboardRefuses(t *testing.T) {
	t.Parallel()
	f := func(app *ephor.App, want int, text string, args ...string) {
		t.Helper()
		status, out, said := runProgram(t, app, append([]string{"dashboard"}, args...)...)
		if status != want || !strings.Contains(said, text) || out != "" {
			t.Errorf("%q: status %d, want %d: %s%s", args, status, want, out, said)
		}
	}
	f(shop(), 1, "one of Orders, Stock", "sales")
	f(shop(), 2, "--alerts only prints", "--alerts", "orders")
	f(shop(), 2, "are for --push", "--source", "x")
	f(shop(), 1, "is not the address of a Grafana", "--push", "grafana")
	f(shop(), 1, "the address holds a password", "--push", "https://admin:pw@example.com")
	f(ephor.New("Shop"), 1, "app.Monitor(")
}

func TestDashboardPush(t *testing.T) {
	var grafana grafanatest.Server
	grafana.Let("", "the-token")
	server := httptest.NewTLSServer(&grafana)
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(want int, text string, args ...string) {
		t.Helper()
		status, out, said := runProgram(t, shop(), append([]string{"dashboard", "--push", server.URL}, args...)...)
		if status != want || !strings.Contains(out+said, text) || strings.Contains(said, "the-token") {
			t.Errorf("%q: status %d, want %d and %q:\n%s%s", args, status, want, text, out, said)
		}
	}
	f(1, "--ca with the certificate")
	f(1, "GRAFANA_TOKEN=…", "--ca", ca)
	t.Setenv(grafanaToken, "the-token")
	f(1, "--source with the UID", "--ca", ca)
	if err := grafana.Connect(grafanatest.Source{Name: "Mine", UID: "mine", Type: "influxdb", Access: "proxy", URL: "http://127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	f(0, server.URL+"/d/orders/orders\n"+server.URL+"/d/stock/stock\n", "--ca", ca, "--source", "mine")
	f(0, server.URL+"/d/orders/orders\n", "--ca", ca, "--source", "mine") // over what is there
	if diff := cmp.Diff([]string{"orders", "stock"}, grafana.Dashboards()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	text, there := grafana.Dashboard("orders")
	if !there || !strings.Contains(string(text), `"uid":"mine"`) || strings.Contains(string(text), `"uid":"ephor"`) {
		t.Errorf("the panels ask another data source: %s", text)
	}
}
