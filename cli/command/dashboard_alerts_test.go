package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/internal/grafanatest"
	"github.com/ephor-io/ephor/monitor"
)

// TestDashboardPushAlertsBesideOthersInAStandIn: two applications' rules are in one folder, the one that a file has made
// there, and go from it.
func TestDashboardPushAlertsBesideOthersInAStandIn(t *testing.T) {
	t.Parallel()
	f := func(in string) {
		t.Helper()
		var grafana grafanatest.Server
		grafana.LetAnybody(grafanatest.Admin)
		for i := range 1500 { // more than are on one page, the one among the last
			grafana.Folder(fmt.Sprintf("a%04d", i), fmt.Sprintf("Folder %d", i))
		}
		if in != "ephor" {
			grafana.Folder(in, "Ephor")
		}
		if err := grafana.Connect(grafanatest.Source{UID: "ephor", Name: "Ephor", Type: "influxdb", Access: "proxy", URL: "http://127.0.0.1:1"}); err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(&grafana)
		defer server.Close()
		push := func(name string, a dashboard.Alerts) {
			t.Helper()
			app := ephor.New(name)
			app.Monitor(ephor.Grafana{Alerts: a})
			if status, out, said := runProgram(t, app, "dashboard", "--push", server.URL, "--alerts"); status != 0 {
				t.Errorf("%s: %s%s", name, out, said)
			}
		}
		push("Shop", dashboard.Alerts{})
		push("Market", dashboard.Alerts{})
		push("Market", dashboard.Alerts{}) // over its own
		groups := grafana.Groups()
		if len(groups) != 2 || len(groups[in+"/Shop"].Rules) != 2 || len(groups[in+"/Market"].Rules) != 2 {
			t.Errorf("in %s: the rules are %+v", in, groups)
		}
		push("Shop", dashboard.Alerts{ErrorShare: -1, Dropped: -1})
		if groups := grafana.Groups(); len(groups) != 1 || len(groups[in+"/Market"].Rules) != 2 {
			t.Errorf("in %s: with the Shop's off, the rules are %+v", in, groups)
		}
	}
	f("ephor")
	f("provisioned")
}

// TestDashboardPushAlertsReplacesNobodysInAStandIn: a group of the application's name that holds rules of others stays as it is,
// whether ours would come or go.
func TestDashboardPushAlertsReplacesNobodysInAStandIn(t *testing.T) {
	t.Parallel()
	var grafana grafanatest.Server
	grafana.LetAnybody(grafanatest.Admin)
	grafana.Folder("team", "Team")
	if err := grafana.Connect(grafanatest.Source{UID: "ephor", Name: "Ephor", Type: "influxdb", Access: "proxy", URL: "http://127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&grafana)
	defer server.Close()
	put := func(uids ...string) {
		t.Helper()
		putRules(t, server.URL, "team", "Shop", uids...)
	}
	push := func(a dashboard.Alerts, want int, texts ...string) {
		t.Helper()
		app := ephor.New("Shop")
		app.Monitor(ephor.Grafana{Alerts: a})
		status, out, said := runProgram(t, app, "dashboard", "--push", server.URL, "--alerts", "--folder", "team")
		for _, text := range texts {
			if status != want || !strings.Contains(said, text) {
				t.Errorf("status %d, want %d and %q:\n%s%s", status, want, text, out, said)
			}
		}
	}
	rules := func(want ...string) {
		t.Helper()
		var got []string
		for _, r := range grafana.Groups()["team/Shop"].Rules {
			got = append(got, r.UID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rules (-want +got):\n%s", diff)
		}
	}
	off := dashboard.Alerts{ErrorShare: -1, Dropped: -1}
	const refusal = "alert rules Shop: the group of that name in the folder team has rules in it that are none of ours, of the UIDs disk, cpu; it is left as it is"
	put("disk", "ephor-error-share-shop", "cpu")
	for _, a := range []dashboard.Alerts{{}, off} {
		push(a, 1, refusal, "try: --folder with the UID of another folder")
		rules("disk", "ephor-error-share-shop", "cpu")
	}
	// A rule that another version has put there is ours.
	put("ephor-error-share-shop", "ephor-of-a-former-version-shop")
	push(dashboard.Alerts{}, 0, "")
	rules("ephor-error-share-shop", "ephor-dropped-shop")
	push(off, 0, "")
	rules()
}

// TestGuestLeavesRulesOfOthersInAStandIn, and has none of its own to take away then.
func TestGuestLeavesRulesOfOthersInAStandIn(t *testing.T) {
	t.Parallel()
	shown, _ := shop().Monitoring()
	view, err := monitor.ViewOf(shown)
	if err != nil {
		t.Fatal(err)
	}
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"results": [{"statement_id": 0}]}`)
	}))
	defer store.Close()
	var there grafanatest.Server
	there.LetAnybody(grafanatest.Admin)
	there.Folder(monitor.AlertFolder, "Ephor")
	if err := there.Connect(grafanatest.Source{UID: "ephor", Name: "Ephor", Type: "influxdb", Access: "proxy", URL: store.URL}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&there)
	defer server.Close()
	g := newGuest("Shop", server.URL)
	putRules(t, server.URL, monitor.AlertFolder, g.group, "disk")
	_, err = g.show(t.Context(), view, store.URL)
	var others *monitor.GroupTakenError
	if !errors.As(err, &others) || !slices.Equal(others.UIDs, []string{"disk"}) {
		t.Errorf("got %v", err)
	}
	if err := g.close(t.Context()); err != nil {
		t.Errorf("nothing was put there, and taking it away: %v", err)
	}
	if n := len(there.Groups()["ephor/"+g.group].Rules); n != 1 {
		t.Errorf("there are %d rules", n)
	}
}

// putRules makes a group of rules in a folder of a Grafana that lets anybody in and has the data source ephor.
func putRules(t *testing.T, at, folder, name string, uids ...string) {
	t.Helper()
	group := grafanatest.Group{Title: name, FolderUID: folder, Interval: 60}
	for _, uid := range uids {
		r := grafanatest.Rule{UID: uid, Title: uid, Condition: "A", For: "1m", NoDataState: "OK", ExecErrState: "Error", OrgID: 1, FolderUID: folder, RuleGroup: name}
		r.Data = append(r.Data, struct {
			RefID, DatasourceUID string
			Model                map[string]any
		}{RefID: "A", DatasourceUID: "ephor"})
		group.Rules = append(group.Rules, r)
	}
	text, err := json.Marshal(group)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, at+"/api/v1/provisioning/folder/"+folder+"/rule-groups/"+url.PathEscape(name), bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
}
