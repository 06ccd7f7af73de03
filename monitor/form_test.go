package monitor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/dashboard"
)

// TestGrafanaForm holds hello's dashboard as Grafana has it: all but the panels in full, and of each panel what it asks.
func TestGrafanaForm(t *testing.T) {
	t.Parallel()
	boards, err := GrafanaDashboards(hello())
	if err != nil {
		t.Fatal(err)
	}
	var model map[string]json.RawMessage
	if err := json.Unmarshal(boards[0].JSON, &model); err != nil {
		t.Fatal(err)
	}
	var panels []struct {
		Type, Title, Interval, Repeat string
		MaxDataPoints                 int
		GridPos                       struct{ X, Y, W, H int }
		Targets                       []struct{ RefID, Query, Alias string }
	}
	if err := json.Unmarshal(model["panels"], &panels); err != nil {
		t.Fatal(err)
	}
	delete(model, "panels")
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(model)) {
		fmt.Fprintf(&b, "%s: %s\n", key, byItem(t, model[key]))
	}
	for _, p := range panels {
		fmt.Fprintf(&b, "\n%s %q, %d by %d at %d, %d", p.Type, p.Title, p.GridPos.W, p.GridPos.H, p.GridPos.X, p.GridPos.Y)
		for _, more := range []struct {
			name  string
			value any
		}{{"interval", p.Interval}, {"points", p.MaxDataPoints}, {"repeat", p.Repeat}} {
			if more.value != "" && more.value != 0 {
				fmt.Fprintf(&b, ", %s %v", more.name, more.value)
			}
		}
		b.WriteByte('\n')
		for _, q := range p.Targets {
			fmt.Fprintf(&b, "  %s %q: %s\n", q.RefID, q.Alias, q.Query)
		}
	}
	golden(t, "sparta-hello-world-grafana.txt", []byte(b.String()))
}

// byItem is JSON on one line, but that what has a list has a line for each item.
func byItem(t *testing.T, text json.RawMessage) string {
	t.Helper()
	var has struct{ List []json.RawMessage }
	var flat bytes.Buffer
	if err := json.Compact(&flat, text); err != nil {
		t.Fatal(err)
	}
	if json.Unmarshal(text, &has) != nil || has.List == nil {
		return flat.String()
	}
	lines := ""
	for _, item := range has.List {
		lines += "\n  " + byItem(t, item)
	}
	return lines
}

// TestVariables: a reader picks any number of values or all, sees no others, and each variable is asked for again with the
// range: what is there to be picked, and what a range of that length reads, depends on it.
func TestVariables(t *testing.T) {
	t.Parallel()
	type variable struct {
		Name, Label, Type, AllValue string
		Multi, IncludeAll           bool
		Hide, Refresh               int
		Datasource                  struct{ Type, UID string }
	}
	const hidden, onRangeChange = 2, 2
	for as, ranged := range map[form][]string{forHost: rangeVariables, forStore: nil} {
		boards, err := renderAll(hello(), as)
		if err != nil {
			t.Fatal(err)
		}
		var model struct{ Templating struct{ List []variable } }
		if err := json.Unmarshal(boards[0].JSON, &model); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, v := range model.Templating.List {
			names = append(names, v.Name)
			if v.Refresh != onRangeChange || v.Type != "query" || v.Datasource.Type != "influxdb" || v.Datasource.UID != DataSourceUID {
				t.Errorf("%s is asked for another time, or elsewhere: %+v", v.Name, v)
			}
			forReaders := !slices.Contains(rangeVariables, v.Name)
			if v.Multi != forReaders || v.IncludeAll != forReaders || (v.AllValue != "") != forReaders || (v.Label != "") != forReaders || (v.Hide == hidden) == forReaders || forReaders && v.Hide != 0 {
				t.Errorf("%s is for readers: %t, and it is %+v", v.Name, forReaders, v)
			}
		}
		if diff := cmp.Diff(append([]string{"function", "version", "instance"}, ranged...), names); diff != "" {
			t.Errorf("form %d (-want +got):\n%s", as, diff)
		}
	}
}

// TestDataSource: statements go by POST. With some functions picked by their names one is longer than the 8 KB that many
// servers and proxies take of an address.
func TestDataSource(t *testing.T) {
	t.Parallel()
	files, err := View{}.Provisioning("/etc/grafana/provisioning", "http://127.0.0.1:8086")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "datasource.json", files["datasources/ephor.yaml"])
	for name, s := range map[string]influxSource{"provisioned": ownSource("http://s"), "pushed": storeSource("n", "u", "http://s")} {
		if s.JSONData["httpMode"] != "POST" || s.Access != "proxy" {
			t.Errorf("%s: %+v", name, s)
		}
	}
	picks := make([]string, 100)
	for i := range picks {
		picks[i] = strings.Repeat("a", 60) + fmt.Sprint(i)
	}
	q := targets(dashboard.Standard()[0].Queries[0], "A", forHost)[0].Query
	if n := len(strings.Replace(q, "$function", "("+strings.Join(picks, "|")+")", 1)); n < 6<<10 {
		t.Errorf("a statement has %d bytes", n)
	}
}
