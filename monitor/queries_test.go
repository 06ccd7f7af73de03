package monitor_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/internal/influxdtest"
	"github.com/ephor-io/ephor/monitor"
)

// What the store holds: three intervals of 10 s. Environment a is at work in all of them, b in the
// first two, c in the last, where an invocation of its fails. Somebody else wrote elsewhere, without our tags.
const points = `
invocation,function=f,instance=a,version=1 cold=true,duration_ms=10,init_ms=40,memory_mb=20,ok=true 1700000001000000000
invocation,function=f,instance=a,version=1 cold=false,duration_ms=30,memory_mb=21,ok=true 1700000002000000000
invocation,function=f,instance=b,version=1 cold=true,duration_ms=20,init_ms=60,memory_mb=30,ok=true 1700000003000000000
invocation,function=f,instance=a,version=1 cold=false,duration_ms=11,memory_mb=22,ok=true 1700000011000000000
invocation,function=f,instance=b,version=1 cold=false,duration_ms=12,memory_mb=31,ok=true 1700000012000000000
invocation,function=f,instance=a,version=1 cold=false,duration_ms=13,memory_mb=23,ok=true 1700000021000000000
invocation,function=g,instance=c,version=1 cold=true,duration_ms=99,init_ms=50,memory_mb=40,ok=false,error="boom" 1700000022000000000
hellos,function=f,instance=a,version=1 count=2i,total=2i 1700000002000000000
hellos,function=f,instance=b,version=1 count=1i,total=1i 1700000003000000000
hellos,function=f,instance=a,version=1 count=3i,total=5i 1700000021000000000
depth,function=f,instance=a,version=1 value=-4 1700000002000000000
depth,function=f,instance=a,version=1 value=7 1700000003000000000
pool,function=f,instance=a,kind=x,version=1 value=100 1700000003000000000
pool,function=f,instance=a,kind=y,version=1 value=1 1700000003000000000
sizes,function=f,instance=a,version=1 count=2i,sum=30,min=10,max=20,p50=10,p90=20,p99=20 1700000002000000000
sizes,function=f,instance=b,version=1 count=1i,sum=60,min=60,max=60,p50=60,p90=60,p99=60 1700000003000000000
publisher,function=f,instance=a,version=1 seq=1i,points=3i,bytes=9i,flush_ms=1,retries=0i,dropped=0i,freezes=0i,frozen_ms=0 1700000002000000000
publisher,function=f,instance=b,version=1 seq=1i,points=3i,bytes=9i,flush_ms=1,retries=2i,dropped=5i,freezes=0i,frozen_ms=0 1700000012000000000
publisher,function=f,instance=a,version=1 seq=4i,points=9i,bytes=9i,flush_ms=1,retries=0i,dropped=0i,freezes=0i,frozen_ms=0,final=true 1700000021000000000
publisher,function=f,instance=a,version=1 seq=1i,points=3i,bytes=9i,flush_ms=1,retries=0i,dropped=0i,freezes=0i,frozen_ms=0 1700000023000000000
publisher,function=f,instance=a,version=1 seq=3i,points=3i,bytes=9i,flush_ms=1,retries=0i,dropped=0i,freezes=0i,frozen_ms=0 1700000025000000000
publisher,function=g,instance=c,version=2 seq=1i,points=3i,bytes=9i,flush_ms=1,retries=0i,dropped=0i,freezes=0i,frozen_ms=0 1700000013000000000
publisher,function=g,instance=c,version=2 seq=1i,points=3i,bytes=9i,flush_ms=1,retries=0i,dropped=0i,freezes=0i,frozen_ms=0 1700000014000000000
publisher,function=g,instance=c,version=2 seq=1i,points=3i,bytes=9i,flush_ms=1,retries=0i,dropped=0i,freezes=0i,frozen_ms=0 1700000015000000000
publisher,function=g,instance=c,version=2 seq=1i,points=3i,bytes=9i,flush_ms=1,retries=0i,dropped=0i,freezes=0i,frozen_ms=0 1700000016000000000
publisher,function=g,instance=c,version=2 seq=3i,points=3i,bytes=9i,flush_ms=1,retries=0i,dropped=0i,freezes=0i,frozen_ms=0 1700000017000000000
runtime,function=f,instance=a,version=1 goroutines=8i,heap_alloc=1000i,gc_pause_ms=0.25 1700000001000000000
load,target=t asked=50i,sent=50i,ok=49i,failed=1i,p50_ms=8,p99_ms=20 1700000001000000000
load,target=t asked=50i,sent=50i,ok=50i,failed=0i,p50_ms=9,p99_ms=30 1700000002000000000
elsewhere count=4i 1700000012000000000
ephor_backup age_s=3600i 1700000002000000000
ephor_backup age_s=7200i 1700000012000000000
`

// TestEveryQueryAnswers asks the embedded engine what Grafana and the page would ask.
func TestEveryQueryAnswers(t *testing.T) {
	t.Parallel()
	everyQueryAnswers(t, embedded(t))
}

// TestEveryQueryAnswersOnInfluxd asks Debian's InfluxDB the same.
func TestEveryQueryAnswersOnInfluxd(t *testing.T) {
	t.Parallel()
	everyQueryAnswers(t, influxdtest.Start(t, monitor.Database))
}

func everyQueryAnswers(t *testing.T, store string) {
	write(t, store, "", points)
	rollUp(t, store)

	boards, err := monitor.Dashboards(ephor.Grafana{Dashboards: []dashboard.Dashboard{{
		Title:  "D",
		Panels: []dashboard.Panel{dashboard.Counter("hellos"), dashboard.Gauge("depth"), dashboard.Gauge("pool", "kind"), dashboard.Histogram("sizes"), dashboard.Counter("elsewhere")},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct {
				RefID, Query string
				Rollups      []struct{ Query string }
			}
		}
	}
	if err := json.Unmarshal(boards[0].JSON, &board); err != nil {
		t.Fatal(err)
	}
	got, long := map[string]string{}, map[string]string{}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			at := p.Title + "/" + target.RefID
			got[at] = ask(t, store, target.Query)
			if len(target.Rollups) != 2 {
				t.Errorf("%s has %d rollups", at, len(target.Rollups))
				continue
			}
			long[at] = ask(t, store, target.Rollups[0].Query)
		}
	}
	// Each row is a series: its tag, and its values of the three intervals.
	want := map[string]string{
		"hellos/A":                             "a: 2 - 3\nb: 1 - -",
		"depth/A":                              "a: 7 - -",
		"pool/A":                               "a: x: 100 - -\na: y: 1 - -", // by the gauge's own tag, too
		"elsewhere/A":                          ": - 4 -",
		"sizes/A":                              "60 - -",
		"sizes/B":                              "30 - -",
		"sizes/C":                              "10 - -",
		"Invocations/A":                        "3 2 2",
		"Errors/A":                             "0 0 1",
		"p99 duration/A":                       "30 12 99",
		"Environments/A":                       "2 2 2",
		"Cold starts/A":                        "2 0 1",
		"Points dropped/A":                     "0 5 0",
		"Invocations a second/A":               "f: 0.3 0.2 0.1\ng: 0 0 0.1",
		"Duration/A":                           "20 11 13",
		"Duration/B":                           "30 12 99",
		"Duration/C":                           "30 12 99",
		"Durations/C":                          "1 0 0", // up to 10 ms
		"Durations/D":                          "2 2 1",
		"Durations/E":                          "0 0 1",
		"Errors by function/A":                 "g: - - 1",
		"Execution environments alive/A":       "1 2 1",
		"Execution environments at work/A":     "2 2 2",
		"Cold starts by function/A":            "f: 2 - -\ng: - - 1",
		"Init time/A":                          "40 - 50",
		"Init time/B":                          "60 - 50",
		"Memory used/A":                        "f: 30 31 23\ng: - - 40",
		"Requests a second/A":                  "10 - -",
		"Requests a second/B":                  "9.9 - -",
		"Requests a second/C":                  "0.1 - -",
		"Time to answer/A":                     "9 - -",
		"Time to answer/B":                     "30 - -",
		"Goroutines/A":                         "a: 8 - -",
		"Heap/A":                               "a: 1000 - -",
		"GC pause/A":                           "a: 0.25 - -",
		"Points dropped and batches retried/A": "0 5 0",
		"Points dropped and batches retried/B": "0 2 0",
		"Batches missing/A":                    "f: - - 3\ng: - 1 -", // 2 and 3 of one process, 2 of the next
		"Processes begun and ended/A":          "1 5 1",
		"Processes begun and ended/B":          "0 0 1",
		"Flushes a second/A":                   "0.1 0.6 0.3",
	}
	for _, row := range "ABFGHIJ" {
		want["Durations/"+string(row)] = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for policy, want := range map[string]string{"rollup_10s": "5 - -", "rollup_1m": "5 in a minute"} { // which keep versions apart
		if got := ask(t, store, `SELECT sum("flushes") FROM "`+policy+`"."publisher" WHERE $timeFilter AND "version" = '2'`); got != want {
			t.Errorf("%s has %q of the version, want %q", policy, got, want)
		}
	}
	everyAlertAnswers(t, store)
	deploysAreMarked(t, store)

	// Over long ranges the answers are the same but for what the rollups do not have: execution
	// environments, the numbers of their batches, one function's percentiles beside another's, and the heat map's rows of less than a minute.
	for at, answer := range map[string]string{
		"hellos/A": "f: 3 - 3", "depth/A": "f: 7 - -", "pool/A": "f: 100 - -", "Goroutines/A": "f: 8 - -", "Heap/A": "f: 1000 - -", "GC pause/A": "f: 0.25 - -",
		"Durations/C": "1 in a minute", "Durations/D": "5 in a minute", "Durations/E": "1 in a minute",
		"Duration/A": "20 11 99", "Batches missing/A": "",
	} {
		want[at] = answer
	}
	if diff := cmp.Diff(want, long); diff != "" {
		t.Errorf("rolled up (-want +got):\n%s", diff)
	}
	variablesPick(t, store, got, long)
}

// variablesPick asks what Grafana would ask with everything picked, which is what the page gets, and
// with one function picked, and for the values to pick from.
func variablesPick(t *testing.T, store string, page, long map[string]string) {
	t.Helper()
	board := grafanaBoard(t, ephor.Grafana{Dashboards: []dashboard.Dashboard{{
		Title:  "D",
		Panels: []dashboard.Panel{dashboard.Counter("hellos"), dashboard.Gauge("depth"), dashboard.Gauge("pool", "kind"), dashboard.Histogram("sizes"), dashboard.Counter("elsewhere")},
	}}})
	repeated := false
	everything := map[string]string{}
	for _, v := range board.Templating.List {
		everything[v.Name] = v.AllValue // "" of those that depend on the range
	}
	// What a range that long shows, with functions picked. Of the two queries that a panel's is, one is for
	// the other ranges and has no answer.
	shows := func(length time.Duration, function, suffix string) map[string]string {
		v := board.at(t, store, length)
		pick := strings.NewReplacer("$function", function, "$version", everything["version"], "$instance", everything["instance"])
		out := map[string]string{}
		for _, p := range board.Panels {
			repeated = repeated || p.Type == "row" && p.Repeat == "function"
			for _, target := range p.Targets {
				if strings.HasSuffix(p.Title, " of $function") != (suffix != "") {
					continue
				}
				answer := ask(t, store, pick.Replace(v.ranged.Replace(target.Query)))
				at := p.Title + "/" + strings.TrimSuffix(target.RefID, "L")
				if out[at] != "" && answer != "" {
					t.Errorf("%s over %s answers twice: %q and %q", at, length, out[at], answer)
				}
				out[at] += answer
			}
		}
		return out
	}
	if diff := cmp.Diff(page, shows(5*time.Minute, everything["function"], "")); diff != "" {
		t.Errorf("with everything picked (-page +grafana):\n%s", diff)
	}
	if diff := cmp.Diff(long, shows(time.Hour, everything["function"], "")); diff != "" {
		t.Errorf("with everything picked, rolled up (-page +grafana):\n%s", diff)
	}
	of := map[string]string{
		"Invocations of $function/A": "0 0 0.1",
		"Duration of $function/A":    "- - 99", "Duration of $function/B": "- - 99", "Duration of $function/C": "- - 99",
		"Errors of $function/A": "0 0 1",
	}
	if diff := cmp.Diff(of, shows(5*time.Minute, "g", "of")); diff != "" || !repeated {
		t.Errorf("the row of g, repeated: %t (-want +got):\n%s", repeated, diff)
	}
	if diff := cmp.Diff(of, shows(time.Hour, "g", "of")); diff != "" {
		t.Errorf("the row of g, rolled up (-want +got):\n%s", diff)
	}
	picks := strings.NewReplacer("$function", "(f|g)", "$version", ".*", "$instance", ".*", "$timeFilter", timeFilter, "${__to}", "1700000029999")
	var found []string
	for _, v := range board.Templating.List {
		if v.AllValue == "" {
			continue
		}
		found = append(found, v.Name+": "+column(t, store, picks.Replace(v.Query)))
	}
	if diff := cmp.Diff([]string{"function: f g", "version: 1", "instance: a b c"}, found); diff != "" {
		t.Errorf("what there is to pick (-want +got):\n%s", diff)
	}
}

// everyAlertAnswers asks what the alert rules ask, of the whole time.
func everyAlertAnswers(t *testing.T, store string) {
	text, err := monitor.Alerts(ephor.Grafana{Alerts: dashboard.Alerts{P99: time.Second, Silence: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				UID  string
				Data []struct {
					RefID string
					Model struct{ Query string }
				}
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range file.Groups[0].Rules {
		for _, d := range r.Data {
			if d.Model.Query != "" {
				got[r.UID+"/"+d.RefID] = ask(t, store, d.Model.Query)
			}
		}
	}
	// A value of a function that picks a point has that point's time.
	want := map[string]string{
		"ephor-error-share/A": "g: 1 - -",
		"ephor-error-share/B": "f: 6 - -\ng: 1 - -",
		"ephor-p99/A":         "f: 30 - -\ng: - - 99",
		"ephor-dropped/A":     "f: - 5 -\ng: - 0 -",
		"ephor-backup/A":      "- 7200 -",
		"ephor-silence/A":     "7 - -",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

// deploysAreMarked asks what the annotation of each kind of dashboard asks, of a deploy before the range and two within it.
func deploysAreMarked(t *testing.T, store string) {
	t.Helper()
	mark := func(app, value string, at int64) {
		t.Helper()
		point, policy, ok := monitor.Mark("/ephor/Shop-Monitoring/deploys/"+app, value, time.UnixMilli(at))
		if !ok {
			t.Fatalf("%s marks no deploy", value)
		}
		write(t, store, "&rp="+policy, point+point) // twice, as a host does that looks again
	}
	mark("Shop", "v1", 1_699_999_999_000)
	mark("Shop", `v2, "two", \2`, 1_700_000_005_250)
	mark("Other", "v1", 1_700_000_015_500)
	// Into a store without a host they come otherwise, and say the same.
	write(t, store, "", monitor.MarkPoint("Shop", "", "v1", time.UnixMilli(1_699_999_999_000))+
		monitor.MarkPoint("Shop", `v2`, `"two", \2`, time.UnixMilli(1_700_000_005_250))+monitor.MarkPoint("Other", "", "v1", time.UnixMilli(1_700_000_015_500)))
	g := ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "D"}}}
	for name, render := range map[string]func(ephor.Grafana) ([]monitor.Dashboard, error){"the page": monitor.Dashboards, "Grafana": monitor.GrafanaDashboards, "a store": monitor.StoreDashboards} {
		boards, err := render(g)
		if err != nil {
			t.Fatal(err)
		}
		var board struct {
			Annotations struct {
				List []struct {
					Name   string
					Target struct{ Query string }
				}
			}
		}
		if err := json.Unmarshal(boards[0].JSON, &board); err != nil || len(board.Annotations.List) != 1 {
			t.Fatalf("%s: %v, %+v", name, err, board)
		}
		got := answered(t, store, strings.Replace(board.Annotations.List[0].Target.Query, "$timeFilter", timeFilter, 1))
		want := [][]any{{1_700_000_005_250.0, `v2, "two", \2`}, {1_700_000_015_500.0, "v1"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, %s (-want +got):\n%s", name, board.Annotations.List[0].Name, diff)
		}
	}
}
