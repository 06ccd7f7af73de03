package monitor

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; go test -update writes it anew):\n%s", path, diff)
	}
}

// hello is the monitoring of the hello application.
func hello() ephor.Grafana {
	return ephor.Grafana{Dashboards: []dashboard.Dashboard{{
		Title:  "Sparta Hello World",
		Panels: []dashboard.Panel{dashboard.Counter("helloWorldCounterMetric")},
	}}}
}

func TestDashboards(t *testing.T) {
	t.Parallel()
	boards, err := Dashboards(hello())
	if err != nil {
		t.Fatal(err)
	}
	if len(boards) != 1 || boards[0].UID != "sparta-hello-world" || boards[0].Title != "Sparta Hello World" {
		t.Fatalf("got %d dashboards, the first is %q with the UID %q", len(boards), boards[0].Title, boards[0].UID)
	}
	golden(t, "sparta-hello-world.json", boards[0].JSON)
	again, err := Dashboards(hello())
	if err != nil || !bytes.Equal(again[0].JSON, boards[0].JSON) {
		t.Errorf("the same dashboard came out differently the second time (%v)", err)
	}
}

func TestDashboardsRefuse(t *testing.T) {
	t.Parallel()
	f := func(want string, boards ...dashboard.Dashboard) {
		t.Helper()
		_, err := Dashboards(ephor.Grafana{Dashboards: boards})
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	f(`dashboard "": it has no title`, dashboard.Dashboard{})
	f(`dashboard "the one": its UID the-one is that of "The One": change one of the titles`,
		dashboard.Dashboard{Title: "The One"}, dashboard.Dashboard{Title: "the one"})
}

// TestPanelsMayHaveStandardTitles, because who writes a dashboard does not know them all.
func TestPanelsMayHaveStandardTitles(t *testing.T) {
	t.Parallel()
	own := dashboard.Gauge("depth")
	own.Title = "Duration"
	if _, err := Dashboards(ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "D", Panels: []dashboard.Panel{own}}}}); err != nil {
		t.Error(err)
	}
}

func TestArrange(t *testing.T) {
	t.Parallel()
	size := func(w, h int) dashboard.Panel { return dashboard.Panel{Width: w, Height: h} }
	row := dashboard.Panel{Kind: dashboard.Row}
	// The places drawn: one letter per panel and cell, in blocks of 4 columns.
	f := func(want string, panels ...dashboard.Panel) {
		t.Helper()
		got := draw(arrange(panels))
		if diff := cmp.Diff(strings.Fields(want), got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	f(`aaabcd aaaefg`, size(12, 2), size(4, 1), size(4, 1), size(4, 1), size(4, 1), size(4, 1), size(4, 1))
	f(`aaabbb aaaccc ddd...`, size(12, 2), size(12, 1), size(12, 1), size(12, 1))
	f(`aaaaaa bb....`, size(24, 1), size(8, 1))
	f(`aa.... bbbbbb cc....`, size(8, 1), row, size(8, 1))
	f(`aaaaaa`, size(99, 1))
}

func draw(places []grafana.GridPos) []string {
	var lines [][]byte
	for i, p := range places {
		for y := p.Y; y < p.Y+p.H; y++ {
			for len(lines) <= int(y) {
				lines = append(lines, []byte("......"))
			}
			for x := p.X; x < p.X+p.W; x += 4 {
				if lines[y][x/4] != '.' {
					lines[y][x/4] = '!' // two in one place
					continue
				}
				lines[y][x/4] = byte('a' + i)
			}
		}
	}
	var out []string
	for _, l := range lines {
		out = append(out, string(l))
	}
	return out
}

// TestNoPanelOverlaps, whatever the application's own panels are.
func TestNoPanelOverlaps(t *testing.T) {
	t.Parallel()
	for width := 1; width <= dashboard.Columns; width++ {
		for height := range 12 {
			own := []dashboard.Panel{{Width: width, Height: height}, {Width: 25 - width, Height: 3}}
			taken := map[[2]uint32]int{}
			for i, p := range arrange(append(own, dashboard.Standard()...)) {
				if p.X+p.W > dashboard.Columns {
					t.Fatalf("panel %d reaches column %d", i, p.X+p.W)
				}
				for x := p.X; x < p.X+p.W; x++ {
					for y := p.Y; y < p.Y+p.H; y++ {
						if other, ok := taken[[2]uint32{x, y}]; ok {
							t.Fatalf("panels %d and %d overlap", other, i)
						}
						taken[[2]uint32{x, y}] = i
					}
				}
			}
		}
	}
}

// TestGaugeIsNamedByItsTags, which the rollups do not have.
func TestGaugeIsNamedByItsTags(t *testing.T) {
	t.Parallel()
	got := targets(dashboard.Gauge("pool", "kind", "shelf").Queries[0], "A", forHost)
	if len(got) != 2 || got[0].Alias != "$tag_instance [[tag_kind]] [[tag_shelf]]" || got[1].Alias != "$tag_function" {
		t.Errorf("%+v", got)
	}
}

func TestQueryIsADataquery(t *testing.T) {
	t.Parallel()
	q := query{RefID: "A", Query: "SELECT 1", RawQuery: true}
	if !q.Equals(q) || q.Equals(query{RefID: "B", Query: "SELECT 1"}) {
		t.Error("Equals does not tell queries apart")
	}
	if _, err := (query{RefID: "A"}).Build(); err == nil {
		t.Error("a query without a statement was built")
	}
	got, err := json.Marshal(q)
	if want := `{"refId":"A","query":"SELECT 1","rawQuery":true,"resultFormat":""}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
