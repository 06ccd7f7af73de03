package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ephor-io/ephor/internal/grafanatest"
	"github.com/ephor-io/ephor/internal/uptest"
)

const soldPanel = `app.Monitor(ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "Market", Panels: []dashboard.Panel{dashboard.Counter("sold")}}, {Title: "Crates"}}})`

// countIn asks the store through a Grafana's data source, as its panels do; "" is nobody's token.
func countIn(t *testing.T, grafana, source, token, statement string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, grafana+"/api/datasources/proxy/uid/"+source+"/query?"+url.Values{"db": {"ephor"}, "q": {statement}}.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Results []struct {
			Series []struct{ Values [][]any }
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Results) != 1 {
		t.Fatalf("%s: %v", text, err)
	}
	if len(answer.Results[0].Series) == 0 {
		return 0
	}
	return int(answer.Results[0].Series[0].Values[0][1].(float64))
}

// invokedIsSeen waits until what is invoked is seen through a Grafana. Where a busy machine's store has not answered in
// time, what waits goes out with the next invocation.
func invokedIsSeen(t *testing.T, a *application, grafana, source, token string) {
	t.Helper()
	asked := 0
	uptest.Eventually(t, "what was invoked is seen through Grafana", func() bool {
		if asked%100 == 0 {
			a.Get("/apples")
		}
		asked++
		return countIn(t, grafana, source, token, recorded) > 0
	})
}

// shownBy is what anybody gets from a Grafana.
func shownBy(grafana, path string) string {
	response, err := http.Get(grafana + path)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// TestUpRunsAStandInForGrafana: up --grafana runs a program that speaks Grafana's documented API and reads the files that up
// provisions it with, since Debian has no package of Grafana.
func TestUpRunsAStandInForGrafana(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "grafana")
	if err := grafanatest.Install(home, "13.2.3"); err != nil {
		t.Fatal(err)
	}
	a, dir := marketUp(t, "--grafana", home, "--grafana-port", "0")
	if len(a.Grafana) != 1 || !strings.HasSuffix(a.Grafana[0], "/d/market/market") {
		t.Fatalf("the dashboards are at %q", a.Grafana)
	}
	grafana := strings.TrimSuffix(a.Grafana[0], "/d/market/market")
	invokedIsSeen(t, a, grafana, "ephor", "")
	// The rollups are picked by what the store says of ranges.
	if n := countIn(t, grafana, "ephor", "", `SELECT count("least") FROM "ranges"."ranges"`); n != 3 {
		t.Errorf("the store tells of %d kinds of ranges", n)
	}
	if text := shownBy(grafana, "/api/dashboards/uid/market"); !strings.Contains(text, `"Invocations of $function"`) || strings.Contains(text, "sold") {
		t.Errorf("Grafana shows %s", text)
	}

	// It follows the source, and is where it was when it has died.
	writeMarket(t, dir, "", soldPanel)
	uptest.Eventually(t, "Grafana shows the new panel", func() bool {
		return strings.Contains(shownBy(grafana, "/api/dashboards/uid/market"), "sold") && strings.Contains(shownBy(grafana, "/api/search"), `"crates"`)
	})
	process := grafanaProcess(t, a.State)
	if err := syscall.Kill(process, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	uptest.Eventually(t, "it is told", func() bool {
		return strings.Contains(a.Stderr.String(), "Grafana ended: signal: killed") && strings.Contains(a.Stderr.String(), "it is started again")
	})
	uptest.Eventually(t, "Grafana is back", func() bool { return strings.Contains(shownBy(grafana, "/api/search"), `"crates"`) })

	a.Stop(syscall.SIGKILL)
	uptest.Eventually(t, "Grafana ends with up", func() bool { return len(processesWith(t, a.State)) == 0 })
	b := up(t, dir, a.Cmd.Path, a.State, "--grafana="+home)
	if text := shownBy(strings.TrimSuffix(b.Grafana[0], "/d/market/market"), "/api/search"); !strings.Contains(text, `"market"`) {
		t.Errorf("with its old database Grafana shows %s", text)
	}
	b.Stop(os.Interrupt)
	if left := processesWith(t, b.State); len(left) > 0 {
		t.Errorf("Ctrl-C left %v", left)
	}
	if code := b.Cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("Ctrl-C ended with status %d:\n%s", code, b.Stderr)
	}
}

// grafanaProcess is the Grafana of an up with that state.
func grafanaProcess(t *testing.T, state string) int {
	t.Helper()
	settings := filepath.Join(state, "grafana", "grafana.ini")
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(processes) == 0 {
		t.Skip("this system has no /proc to look for processes in")
	}
	for _, p := range processes {
		cmdline, _ := os.ReadFile(filepath.Join(p, "cmdline")) // gone meanwhile: not it
		if slices.Contains(strings.Split(string(cmdline), "\x00"), settings) {
			pid, err := strconv.Atoi(filepath.Base(p))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatal("no process has Grafana's settings")
	return 0
}

// TestUpInAStandInForGrafana: up --grafana=URL puts all into one that runs, by its documented API.
func TestUpInAStandInForGrafana(t *testing.T) {
	t.Setenv("GRAFANA_TOKEN", "the-token")
	var grafana grafanatest.Server
	grafana.Let("", "the-token")
	server := httptest.NewServer(&grafana)
	t.Cleanup(server.Close)
	a, dir := marketUp(t, "--grafana="+server.URL)
	if want := []string{server.URL + "/d/market/market"}; !slices.Equal(a.Grafana, want) {
		t.Errorf("the dashboards are at %q, want %q", a.Grafana, want)
	}
	invokedIsSeen(t, a, server.URL, "ephor-laptop-market", "the-token")
	text, _ := grafana.Dashboard("market")
	if !strings.Contains(string(text), `"uid":"ephor-laptop-market"`) || strings.Contains(string(text), `"uid":"ephor"`) {
		t.Errorf("the panels ask another data source: %s", text)
	}
	writeMarket(t, dir, "", soldPanel)
	uptest.Eventually(t, "Grafana shows the new panel", func() bool {
		text, _ := grafana.Dashboard("market")
		_, there := grafana.Dashboard("crates")
		return strings.Contains(string(text), "sold") && there
	})
	groups := grafana.Groups()
	if g := groups["ephor/Market on this machine"]; len(groups) != 1 || len(g.Rules) == 0 || g.Rules[0].Data[0].DatasourceUID != "ephor-laptop-market" {
		t.Errorf("the alert rules are %+v", groups)
	}
	// Nobody shall be told that up has ended.
	a.Stop(os.Interrupt)
	if groups := grafana.Groups(); len(groups) != 0 || !slices.Equal(grafana.Dashboards(), []string{"crates", "market"}) {
		t.Errorf("up has left the rules %v and the dashboards %q", groups, grafana.Dashboards())
	}
	if strings.Contains(a.Stderr.String(), "the-token") {
		t.Error("up tells the token")
	}
}
