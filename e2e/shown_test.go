package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor/monitor"
)

// row is one series of an answer: its tags, and its values that are not null.
type row struct {
	Tags   map[string]string
	Values []float64
}

// shown is what a Grafana shows before a store: the answers by look, panel and query, as in "14m Duration/C", rounded as
// far as two engines may add up in another order.
type shown map[string][]row

// look is a range of time that somebody looks at, and the interval that a panel has then.
type look struct {
	name           string
	long, interval time.Duration
}

// looks read the points, the rollups of 10 s, and those of a minute.
var looks = []look{{"14m", 14 * time.Minute, 10 * time.Second}, {"1h", time.Hour, time.Minute}, {"24h", 24 * time.Hour, 10 * time.Minute}}

type series struct {
	Name    string
	Tags    map[string]string
	Columns []string
	Values  [][]any
}

// selected runs a statement.
func selected(t *testing.T, store, statement string) []series {
	t.Helper()
	response, err := http.PostForm(store+"/query", url.Values{"db": {monitor.Database}, "epoch": {"ns"}, "q": {statement}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Results []struct {
			Series []series
			Error  string
		}
	}
	d := json.NewDecoder(response.Body)
	d.UseNumber() // of nanoseconds
	if err := d.Decode(&answer); err != nil || response.StatusCode != http.StatusOK || len(answer.Results) != 1 || answer.Results[0].Error != "" {
		t.Fatalf("%s: %s %+v %v", statement, response.Status, answer, err)
	}
	return answer.Results[0].Series
}

var escaped = strings.NewReplacer(",", `\,`, " ", `\ `, "=", `\=`)

// exported are all points of a store, in line protocol.
func exported(t *testing.T, store string) string {
	t.Helper()
	var b strings.Builder
	for _, name := range selected(t, store, "SHOW MEASUREMENTS")[0].Values {
		measurement := name[0].(string)
		kinds := map[string]string{}
		for _, k := range selected(t, store, fmt.Sprintf("SHOW FIELD KEYS FROM %q", measurement)) {
			for _, v := range k.Values {
				kinds[v[0].(string)] = v[1].(string)
			}
		}
		for _, s := range selected(t, store, fmt.Sprintf("SELECT * FROM %q GROUP BY *", measurement)) {
			key := escaped.Replace(measurement)
			for _, tag := range slices.Sorted(maps.Keys(s.Tags)) {
				if s.Tags[tag] != "" {
					key += "," + escaped.Replace(tag) + "=" + escaped.Replace(s.Tags[tag])
				}
			}
			for _, v := range s.Values {
				var fields []string
				for i, field := range v[1:] {
					if field == nil {
						continue
					}
					text := fmt.Sprint(field)
					switch kinds[s.Columns[i+1]] {
					case "integer":
						text += "i"
					case "string":
						text = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
					}
					fields = append(fields, escaped.Replace(s.Columns[i+1])+"="+text)
				}
				fmt.Fprintf(&b, "%s %s %s\n", key, strings.Join(fields, ","), v[0])
			}
		}
	}
	return b.String()
}

// filled writes points into an empty store and makes it roll them up, as the host's continuous queries do in the end.
func filled(t *testing.T, store, lines string, now time.Time) string {
	t.Helper()
	for policy, text := range map[string]string{"": lines, "&rp=" + monitor.RangesPolicy: monitor.Ranges("autogen")} {
		if policy != "" {
			for _, statement := range monitor.Setup() {
				selected(t, store, statement)
			}
		}
		response, err := http.Post(store+"/write?db="+monitor.Database+policy, "text/plain", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusNoContent {
			t.Fatalf("%s %s %v", response.Status, said, err)
		}
	}
	from, to := now.Add(-time.Hour).Truncate(time.Minute), now.Add(time.Minute).Truncate(time.Minute)
	for _, r := range monitor.Rollups() {
		selected(t, store, r.Over(fmt.Sprintf("time >= %ds AND time < %ds", from.Unix(), to.Unix())))
	}
	return store
}

// ask completes a statement as Grafana does.
func (s shown) ask(t *testing.T, at, store, statement string, now time.Time, r look, variables ...string) {
	t.Helper()
	q := strings.NewReplacer(append(variables, "$timeFilter", fmt.Sprintf("time >= %dms AND time <= %dms", now.Add(-r.long).UnixMilli(), now.UnixMilli()),
		"$__interval_ms", fmt.Sprint(r.interval.Milliseconds()), "$__interval", fmt.Sprintf("%ds", int(r.interval.Seconds())),
		"$version", ".*", "$instance", ".*")...).Replace(statement)
	for _, answer := range selected(t, store, q) {
		is := row{Tags: answer.Tags}
		for _, v := range answer.Values {
			if n, ok := v[1].(json.Number); ok {
				f, err := n.Float64()
				if err != nil {
					t.Fatal(err)
				}
				is.Values = append(is.Values, math.Round(f*1e6)/1e6)
			}
		}
		s[at] = append(s[at], is)
	}
}

// panels asks what a dashboard asks, and those of the repeated row for each function.
func (s shown) panels(t *testing.T, store, printed string, functions []string, now time.Time, r look) {
	t.Helper()
	var board struct {
		Panels []struct {
			Type, Title string
			Targets     []struct{ RefID, Query string }
		}
		Templating struct {
			List []struct{ Name, AllValue, Query string }
		}
	}
	if err := json.Unmarshal([]byte(printed), &board); err != nil {
		t.Fatal(err)
	}
	var variables []string
	for _, v := range board.Templating.List {
		if v.AllValue != "" {
			continue
		}
		q := strings.NewReplacer("$__to", fmt.Sprint(now.UnixMilli()), "$__from", fmt.Sprint(now.Add(-r.long).UnixMilli())).Replace(v.Query)
		variables = append(variables, "$"+v.Name, selected(t, store, q)[0].Values[0][1].(string))
	}
	for _, p := range board.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s asks nothing", p.Title)
		}
		picks := []string{".*"}
		if strings.Contains(p.Title, "$function") {
			picks = functions
		}
		for _, pick := range picks {
			title := r.name + " " + strings.ReplaceAll(p.Title, "$function", pick)
			if len(p.Targets) > 0 {
				s[title+"/"] = nil // it is there, whatever is answered
			}
			for _, q := range p.Targets {
				s.ask(t, title+"/"+strings.TrimSuffix(q.RefID, "L"), store, q.Query, now, r, append([]string{"$function", pick}, variables...)...)
			}
		}
	}
}

// alerts asks what the alert rules ask.
func (s shown) alerts(t *testing.T, store, printed string, now time.Time) {
	t.Helper()
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
	if err := json.Unmarshal([]byte(printed), &file); err != nil {
		t.Fatal(err)
	}
	for _, r := range file.Groups[0].Rules {
		for _, d := range r.Data {
			if d.Model.Query != "" {
				s.ask(t, "alert "+r.UID+"/"+d.RefID, store, d.Model.Query, now, looks[0])
			}
		}
	}
}

// sum adds up all that a panel or a query of its shows; of is a function's, or "" for all.
func (s shown) sum(at, of string) (sum float64) {
	for key, rows := range s {
		if key != at && !(strings.HasSuffix(at, "/") && strings.HasPrefix(key, at)) {
			continue
		}
		for _, r := range rows {
			if of != "" && r.Tags["function"] != of {
				continue
			}
			for _, v := range r.Values {
				sum += v
			}
		}
	}
	return sum
}

// check compares what is shown with what was counted.
func (s shown) check(t *testing.T, counts lambdaCounts) {
	t.Helper()
	var invoked, failed, started float64
	for _, c := range counts {
		invoked, failed, started = invoked+c.Invocations, failed+c.Errors, started+c.Started
	}
	is := func(at, of string, want float64) {
		t.Helper()
		if got := s.sum(at, of); math.Abs(got-want) > 0.001 {
			t.Errorf("%s of %q: %g, want %g", at, of, got, want)
		}
	}
	for _, r := range looks {
		in, seconds := r.name+" ", r.interval.Seconds()
		is(in+"Invocations/A", "", invoked)
		is(in+"Errors/A", "", failed)
		is(in+"Durations/", "", invoked) // all rows of the heat map
		is(in+"Points dropped/A", "", 0)
		is(in+"Requests a second/A", "", 60/seconds)
		is(in+"Requests a second/B", "", 60/seconds)
		is(in+"Requests a second/C", "", 0)
		is(in+"sold/A", "", 3*counts["Fair-Quick"].Invocations)
		if cold := s.sum(in+"Cold starts/A", ""); cold < float64(len(counts)) || cold > started || cold != s.sum(in+"Cold starts by function/A", "") {
			t.Errorf("%s%g cold starts of %g environments", in, cold, started)
		}
		is(in+"Batches missing/A", "", 0)
		is(in+"Processes begun and ended/A", "", s.sum(in+"Cold starts/A", ""))
		if ended := s.sum(in+"Processes begun and ended/B", ""); ended > started {
			t.Errorf("%s%g of %g environments have ended", in, ended, started)
		}
		for row, least := range map[string]float64{"F": 2, "G": 1, "H": 1} { // up to 300, 1,000 and 3,000 ms
			if got := s.sum(in+"Durations/"+row, ""); got < least {
				t.Errorf("%srow %s of the heat map: %g", in, row, got)
			}
		}
		for name, c := range counts {
			is(in+"Invocations a second/A", name, c.Invocations/seconds)
			is(in+"Errors by function/A", name, c.Errors)
			is(in+"Invocations of "+name+"/A", "", c.Invocations/seconds)
			is(in+"Errors of "+name+"/A", "", c.Errors)
		}
		for _, at := range []string{"sizes/A", "sizes/B", "sizes/C", "depth/A", "Duration/C"} {
			for _, r := range s[in+at] {
				want := map[string]float64{"s": 100, "d": 7}[at[:1]]
				if slices.ContainsFunc(r.Values, func(v float64) bool { return want != 0 && v != want }) {
					t.Errorf("%s%s shows %v, want %g", in, at, r.Values, want)
				}
			}
		}
	}
	is("alert ephor-error-share/A", "", failed)
	is("alert ephor-dropped/A", "", 0)
	is("alert ephor-silence/A", "", invoked)
	for name, c := range counts {
		is("alert ephor-error-share/B", name, c.Invocations)
	}
	if len(s["alert ephor-p99/A"]) != len(counts) {
		t.Errorf("p99 of %v", s["alert ephor-p99/A"])
	}
	s.complete(t)
}

// complete: no panel is empty but the one that shows what is missing.
func (s shown) complete(t *testing.T) {
	t.Helper()
	panels := 0
	for key := range s {
		if !strings.HasSuffix(key, "/") {
			continue
		}
		panels++
		shows := false
		for at, rows := range s {
			shows = shows || strings.HasPrefix(at, key) && slices.ContainsFunc(rows, func(r row) bool { return len(r.Values) > 0 })
		}
		if title := strings.TrimSuffix(key, "/"); strings.HasSuffix(title, " Batches missing") {
			if shows {
				t.Errorf("%s shows some, and none is", title)
			}
		} else if !shows {
			t.Errorf("%s shows nothing", strings.TrimSuffix(key, "/"))
		}
	}
	if panels < 80 {
		t.Errorf("only %d panels were asked", panels)
	}
}
