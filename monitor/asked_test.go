package monitor_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/influx"
	"github.com/ephor-io/ephor/monitor"
)

// embedded is the address of a store of the embedded engine, set up by those statements.
func embedded(t *testing.T, setup ...string) string {
	t.Helper()
	store, err := influx.Open(influx.Config{Dir: t.TempDir(), Database: monitor.Database, Setup: setup})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	return server.URL
}

func write(t *testing.T, store, more, lines string) {
	t.Helper()
	resp, err := http.Post(store+"/write?db="+monitor.Database+more, "text/plain", strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatalf("writing the points: %s %s %v", resp.Status, text, err)
	}
}

// rollUp sets the store up and rolls the points up, which are too old for the continuous queries and
// for the policies' retention.
func rollUp(t *testing.T, store string) {
	t.Helper()
	statements := slices.Concat(monitor.Setup(), monitor.Setup()) // there already, it is no error
	for _, policy := range []string{"rollup_10s", "rollup_1m"} {
		statements = append(statements, fmt.Sprintf(`ALTER RETENTION POLICY "%s" ON "%s" DURATION INF`, policy, monitor.Database))
	}
	for _, r := range monitor.Rollups() {
		statements = append(statements, r.Over("time >= 1699999980s AND time < 1700000040s"))
	}
	for _, statement := range statements {
		tell(t, store, statement)
	}
	write(t, store, "&rp="+monitor.RangesPolicy, monitor.Ranges("autogen"))
}

// tell has the store execute a statement that changes something.
func tell(t *testing.T, store, statement string) {
	t.Helper()
	resp, err := http.PostForm(store+"/query", url.Values{"db": {monitor.Database}, "q": {statement}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK || strings.Contains(string(text), `"error"`) {
		t.Fatalf("%s: %s %s %v", statement, resp.Status, text, err)
	}
}

func column(t testing.TB, store, statement string) string {
	t.Helper()
	var values []string
	for _, v := range answered(t, store, statement) {
		values = append(values, fmt.Sprint(v[1]))
	}
	return strings.Join(values, " ")
}

// answered are the rows of the one series that a statement answers with, the time in milliseconds.
func answered(t testing.TB, store, statement string) [][]any {
	t.Helper()
	var answer struct {
		Results []struct {
			Series []struct{ Values [][]any }
		}
	}
	resp, err := http.Get(store + "/query?" + url.Values{"db": {monitor.Database}, "epoch": {"ms"}, "q": {statement}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || len(answer.Results) != 1 || len(answer.Results[0].Series) != 1 {
		t.Fatalf("%s: %v, %+v", statement, err, answer)
	}
	return answer.Results[0].Series[0].Values
}

const timeFilter = "time >= 1700000000000ms AND time <= 1700000029999ms"

// ask sends one statement as Grafana would complete it for the 30 s of the points.
func ask(t *testing.T, store, statement string) string {
	t.Helper()
	filter, interval := timeFilter, "10s"
	minutes := strings.Contains(statement, `"rollup_1m"`)
	if minutes {
		filter, interval = "time >= 1699999980s AND time < 1700000040s", "1m"
	}
	q := strings.NewReplacer("$timeFilter", filter, "$__interval_ms", "10000", "$__interval", interval).Replace(statement)
	resp, err := http.Get(store + "/query?" + url.Values{"db": {monitor.Database}, "epoch": {"s"}, "q": {q}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Results []struct {
			Series []struct {
				Tags   map[string]string
				Values [][]any
			}
			Error string
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || resp.StatusCode != http.StatusOK || len(answer.Results) != 1 || answer.Results[0].Error != "" {
		t.Fatalf("%s\n%s: %s (%v)", q, resp.Status, body, err)
	}
	var rows []string
	for _, s := range answer.Results[0].Series {
		row := ""
		for _, key := range slices.Sorted(maps.Keys(s.Tags)) {
			row += s.Tags[key] + ": "
		}
		if minutes {
			rows = append(rows, fmt.Sprint(s.Values[0][1], " in a minute"))
			continue
		}
		cells := []string{"-", "-", "-"}
		for _, v := range s.Values {
			if v[1] != nil {
				cells[(int(v[0].(float64))-1700000000)/10] = fmt.Sprint(v[1])
			}
		}
		rows = append(rows, row+strings.Join(cells, " "))
	}
	return strings.Join(rows, "\n")
}
