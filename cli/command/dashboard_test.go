package command

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
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
		if status != want || !strings.Contains(said, text) || out != "" || strings.Contains(said, "geheim") {
			t.Errorf("%q: status %d, want %d and no password: %s%s", args, status, want, out, said)
		}
	}
	f(shop(), 1, "one of Orders, Stock", "sales")
	f(shop(), 2, "--alerts is for all of them", "--alerts", "orders")
	f(shop(), 2, "are for --push", "--source", "x")
	f(shop(), 2, "are for --push", "--folder", "x")
	f(shop(), 2, "what it was given is empty", "--push=")
	f(shop(), 2, "what it was given is empty", "--push", "", "--source", "x")
	f(shop(), 2, "what it was given is empty", "--push", "", "--alerts")
	f(shop(), 1, "is not the address of a Grafana", "--push", "grafana")
	f(shop(), 1, "the address holds a password", "--push", "https://admin:geheim@example.com")
	f(shop(), 1, "the address holds a password", "--push", "https://admin:geheim@example.com/?orgId=7")
	for _, address := range []string{"http://127.0.0.1:1/?orgId=7&auth_token=geheim", "http://127.0.0.1:1/grafana#geheim", "http://127.0.0.1:1?geheim"} {
		f(shop(), 1, "an organisation is the one of the token", "--push", address)
	}
	for _, address := range []string{"admin:geheim@localhost:3000", "ftp://admin:geheim@localhost/", "http://admin:geh%zz:geheim@localhost", "http://admin:geheim"} {
		f(shop(), 1, "is not the address of a Grafana", "--push", address)
	}
	f(ephor.New("Shop"), 1, "app.Monitor(")
}

func TestDashboardPushIntoAStandIn(t *testing.T) {
	var grafana grafanatest.Server
	grafana.Let("pass:word", "the-token")
	grafana.LetAs("viewers", grafanatest.Viewer)
	grafana.LetAs("editors", grafanatest.Editor)
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
	version := func(uid string, want int, folder string) {
		t.Helper()
		if n, in := grafana.Version(uid); n != want || in != folder {
			t.Errorf("dashboard %s has version %d in folder %q, want %d in %q", uid, n, in, want, folder)
		}
	}
	f(1, "--ca with the certificate")
	f(1, "GRAFANA_TOKEN=…", "--ca", ca)
	t.Setenv(grafanaToken, "the-token")
	f(1, "--source with the UID", "--ca", ca)
	connect := func(s grafanatest.Source) {
		t.Helper()
		s.Name, s.Access, s.URL = s.UID, "proxy", "http://127.0.0.1:1"
		if err := grafana.Connect(s); err != nil {
			t.Fatal(err)
		}
	}
	connect(grafanatest.Source{UID: "mine", Type: "influxdb"})
	connect(grafanatest.Source{UID: "prom", Type: "prometheus"})
	connect(grafanatest.Source{UID: "flux", Type: "influxdb", JSONData: map[string]any{"version": "Flux"}})
	f(1, `its type is "prometheus"`, "--ca", ca, "--source", "prom")
	f(1, `its query language is Flux`, "--ca", ca, "--source", "flux")
	f(0, server.URL+"/d/orders/orders\n"+server.URL+"/d/stock/stock\n", "--ca", ca, "--source", "mine")
	f(0, server.URL+"/d/orders/orders\n", "--ca", ca, "--source", "mine") // over what is there
	version("orders", 1, "")                                              // and is the same
	if diff := cmp.Diff([]string{"orders", "stock"}, grafana.Dashboards()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	text, there := grafana.Dashboard("orders")
	if !there || !strings.Contains(string(text), `"uid":"mine"`) || strings.Contains(string(text), `"uid":"ephor"`) {
		t.Errorf("the panels ask another data source: %s", text)
	}

	// What somebody has put into a folder stays there, unless another is named.
	grafana.Move("orders", "team")
	connect(grafanatest.Source{UID: "other", Type: "influxdb"})
	f(0, "/d/orders/orders\n", "--ca", ca, "--source", "other")
	version("orders", 2, "team")
	version("stock", 2, "")
	f(1, "--folder with the UID", "--ca", ca, "--source", "other", "--folder", "nowhere")
	f(0, "/d/stock/stock\n", "--ca", ca, "--source", "other", "--folder", "team")
	version("orders", 2, "team")
	version("stock", 3, "team")

	// An editor's token does for dashboards, and the administrator's password for all.
	t.Setenv(grafanaToken, "viewers")
	f(1, "service account that is an editor", "--ca", ca, "--source", "mine")
	t.Setenv(grafanaToken, " editors\r\n") // as a file of secrets has it
	f(0, "/d/stock/stock\n", "--ca", ca, "--source", "mine")
	f(1, "service account that is an administrator", "--ca", ca, "--source", "mine", "--alerts")
	if groups := grafana.Groups(); len(groups) != 0 {
		t.Errorf("there are rules: %v", groups)
	}
	t.Setenv(grafanaToken, "admin:pass:word")
	for range 2 {
		f(0, "/d/stock/stock\n", "--ca", ca, "--source", "mine", "--alerts")
	}
	groups := grafana.Groups()
	if len(groups) != 1 || len(groups["ephor/Shop"].Rules) != 2 || groups["ephor/Shop"].Interval != 60 {
		t.Errorf("the rules are %+v", groups)
	}
	for _, r := range groups["ephor/Shop"].Rules {
		if !strings.HasSuffix(r.UID, "-shop") || r.Data[0].DatasourceUID != "mine" {
			t.Errorf("rule %+v", r)
		}
	}

	// One that a file has put there is the file's.
	if err := grafana.Show([]json.RawMessage{[]byte(`{"uid": "orders", "title": "Orders"}`)}); err != nil {
		t.Fatal(err)
	}
	f(1, "Cannot save provisioned dashboard", "--ca", ca, "--source", "mine")
}

// TestDashboardPushOverwritesNobodysInAStandIn: older Grafanas take what has a title in a folder for what is overwritten, whatever
// its UID.
func TestDashboardPushOverwritesNobodysInAStandIn(t *testing.T) {
	t.Parallel()
	var grafana grafanatest.Server
	grafana.LetAnybody(grafanatest.Admin)
	for _, uid := range []string{"ephor", "other"} {
		if err := grafana.Connect(grafanatest.Source{UID: uid, Name: uid, Type: "influxdb", Access: "proxy", URL: "http://127.0.0.1:1"}); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(&grafana)
	defer server.Close()
	put := func(uid, title string, overwrite bool) {
		t.Helper()
		resp, err := http.Post(server.URL+"/api/dashboards/db", "application/json", strings.NewReader(
			fmt.Sprintf(`{"overwrite": %t, "dashboard": {"uid": %q, "title": %q, "panels": []}}`, overwrite, uid, title)))
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status, err)
		}
		resp.Body.Close()
	}
	push := func(want int, text string, args ...string) {
		t.Helper()
		status, out, said := runProgram(t, shop(), append([]string{"dashboard", "--push", server.URL}, args...)...)
		if status != want || !strings.Contains(out+said, text) {
			t.Errorf("%q: status %d, want %d and %q:\n%s%s", args, status, want, text, out, said)
		}
	}
	put("theirs", "Orders", false)
	push(1, `dashboard "Orders": outside of folders there is another of that title, at `+server.URL+`/d/theirs, of the UID theirs; it is left as it is`)
	push(1, "try: another title in Go, --folder")
	// Nor is it when ours comes to where that is.
	grafana.Folder("team", "Team")
	push(0, "/d/stock/stock\n", "--folder", "team")
	grafana.Move("theirs", "team")
	grafana.Move("orders", "elsewhere")
	push(1, "in the folder team there is another of that title", "--folder", "team")
	text, _ := grafana.Dashboard("theirs")
	if version, in := grafana.Version("theirs"); version != 1 || in != "team" || strings.Contains(string(text), "influxdb") {
		t.Errorf("the other one is in its version %d, in %s, and has %d bytes", version, in, len(text))
	}
	// What somebody has made of ours is a version, over which ours comes again.
	put("orders", "Orders by hand", true)
	push(0, "/d/orders/orders\n", "--source", "other")
	if version, _ := grafana.Version("orders"); version != 3 {
		t.Errorf("ours is in its version %d", version)
	}
}

// TestDashboardPushTells: whatever an address answers, it is told with a way out.
func TestDashboardPushTells(t *testing.T) {
	t.Parallel()
	f := func(status int, kind, body, want string) {
		t.Helper()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Location", "https://grafana.example.com/login")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}))
		defer server.Close()
		got, out, said := runProgram(t, shop(), "dashboard", "--push", server.URL)
		if got != 1 || out != "" || !strings.Contains(said, want) || !strings.Contains(said, "\n  try: ") {
			t.Errorf("%d %s: status %d, %s%s, want %s", status, kind, got, out, said, want)
		}
	}
	f(200, "text/html", "<html>", `the answer is of the kind "text/html"`)
	f(302, "text/html", "<html>", "it is to be asked at https://grafana.example.com/login")
	f(401, "application/json", `{"message": "Unauthorized"}`, "Grafana answers 401: Unauthorized")
	f(403, "application/json", `{"message": "Permission denied"}`, "Grafana answers 403: Permission denied")
	f(404, "application/json", `{"message": "Data source not found"}`, "--source with the UID")
	f(404, "application/json", `{"message": "Not Found"}`, "try: the address that Grafana's own pages have")
	f(404, "application/json", `{"detail": "Not Found"}`, "try: the address that Grafana's own pages have")
	f(404, "text/html", "<html>", "with the path that it is served under")
	f(409, "application/json", `{"message": "data source with the same name already exists"}`, "another name there")
	f(429, "text/plain", "", "Grafana answers 429: Too Many Requests")
	f(502, "text/html", "<html>", "Grafana answers 502: Bad Gateway")
	// Another protocol than the address says.
	plain, secure := httptest.NewServer(http.NotFoundHandler()), httptest.NewTLSServer(http.NotFoundHandler())
	defer plain.Close()
	defer secure.Close()
	hangsUp := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer hangsUp.Close()
	for address, want := range map[string]string{
		strings.Replace(plain.URL, "http:", "https:", 1):  "try: http:// in place of https://",
		strings.Replace(secure.URL, "https:", "http:", 1): "try: https:// in place of http://, if",
		hangsUp.URL: "try: https:// in place of http://, or the other way round",
	} {
		if status, _, said := runProgram(t, shop(), "dashboard", "--push", address); status != 1 || !strings.Contains(said, want) {
			t.Errorf("%s: %d, %s, want %s", address, status, said, want)
		}
	}
	status, _, said := runProgram(t, shop(), "dashboard", "--push", "http://127.0.0.1:1")
	if status != 1 || !strings.Contains(said, "try: the address of a Grafana that runs") {
		t.Errorf("nobody there: %d, %s", status, said)
	}
}
