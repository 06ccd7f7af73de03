package monitor_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/influx"
	"github.com/ephor-io/ephor/monitor"
)

// The load of BenchmarkLongRanges: that many execution environments begin in an hour, each with an
// invocation a minute, and publishing after each.
const (
	perHour   = 10_000
	functions = 4
)

// BenchmarkLongRanges generates environments for EPHOR_LONG_RANGES (such as 168h; 1h without it) in the
// embedded engine, in shards as long as the host's. The first hour is rolled up by the statements of the continuous queries, and what came
// of it serves the other hours too. Then it asks what the overview asks
// in Grafana with everything picked, of ranges from five minutes to all of it. It reports the 95th
// percentile of the queries of each range that have something to read in milliseconds, by the clock and of the processors' time, which holds on
// a machine that has other things to do, how much of that the continuous queries of a moment take, and what each day cost in memory and on disk. EPHOR_INVOCATIONS is how many
// invocations each environment has, 10 if it is not set. EPHOR_SHARD is how long a shard of raw points is,
// if it shall be another than the host's. In EPHOR_LONG_DIR the store is kept, and the next run goes
// on with it.
//
//	EPHOR_LONG_RANGES=168h go test ./monitor -run '^$' -bench LongRanges -benchtime 1x -timeout 5h
func BenchmarkLongRanges(b *testing.B) {
	span, err := time.ParseDuration(cmp.Or(os.Getenv("EPHOR_LONG_RANGES"), "1h"))
	if err != nil {
		b.Fatal(err)
	}
	each, err := strconv.Atoi(cmp.Or(os.Getenv("EPHOR_INVOCATIONS"), "10"))
	if err != nil {
		b.Fatal(err)
	}
	dir := cmp.Or(os.Getenv("EPHOR_LONG_DIR"), b.TempDir())
	store, err := influx.Open(influx.Config{Dir: filepath.Join(dir, "store"), Database: monitor.Database})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	s := long{b, store}
	s.tell(fmt.Sprintf(`ALTER RETENTION POLICY "autogen" ON "%s" SHARD DURATION %s`, monitor.Database, cmp.Or(os.Getenv("EPHOR_SHARD"), monitor.RawShard)))
	end := s.began(dir)
	s.generate(dir, end, span, each)
	s.settle(dir)
	resident, heap := s.memory()
	server := httptest.NewServer(store)
	b.Cleanup(server.Close)
	for b.Loop() {
		// What the continuous queries do every 10 seconds and every minute, of which they have no more than
		// that time for.
		for window, back := range map[string]time.Duration{"10s": time.Minute, "1m": 10 * time.Minute} {
			worked := processor(b)
			heap := s.heap(func() {
				for _, r := range monitor.Rollups() {
					if strings.HasSuffix(r.Policy, "_"+window) {
						s.tell(r.Over(fmt.Sprintf("time >= %dms AND time < %dms", end.Add(-back).UnixMilli(), end.UnixMilli())))
					}
				}
			})
			b.ReportMetric(float64((processor(b) - worked).Milliseconds()), "rollups-"+window+"-cpu-ms")
			b.ReportMetric(heap/1e6, "rollups-"+window+"-heap-MB")
		}
		s.late(b, end, span)
		for _, r := range []struct {
			name string
			back time.Duration
		}{{"5m", 5 * time.Minute}, {"15m", 15 * time.Minute}, {"1h", time.Hour}, {"6h", 6 * time.Hour}, {"24h", 24 * time.Hour}, {"whole", span}} {
			if r.back > span {
				continue
			}
			var took, work []time.Duration // of the clock, and of the processors
			for _, statement := range overview(b, server.URL, end, r.back) {
				began, worked := time.Now(), processor(b)
				s.ask(statement)
				if strings.Contains(statement, `"`+monitor.RangesPolicy+`"`) {
					continue // the other half of a panel's query, of which there is nothing to read, or a hidden variable
				}
				work = append(work, processor(b)-worked)
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			slices.Sort(work)
			b.ReportMetric(float64(work[len(work)*95/100].Microseconds())/1e3, r.name+"-p95-cpu-ms")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1e3, r.name+"-p95-ms")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1e3, r.name+"-max-ms")
		}
	}
	b.ReportMetric(float64(s.shards("autogen")), "raw-shards")
	b.ReportMetric(resident/1e6, "resident-MB") // before anything was asked
	b.ReportMetric(heap/1e6, "heap-MB")
}

// overview is every statement that Grafana would send for the dashboard over a range up to end, with
// everything picked, variables included.
func overview(b *testing.B, store string, end time.Time, length time.Duration) []string {
	b.Helper()
	const room = 600 // points across a panel
	board := grafanaBoard(b, ephor.Grafana{Dashboards: []dashboard.Dashboard{{
		Title: "D", Panels: []dashboard.Panel{dashboard.Counter("hellos")}}}})
	r := board.at(b, store, length)
	fill := func(statement string, step time.Duration) string {
		return strings.NewReplacer("$timeFilter", fmt.Sprintf("time >= %dms AND time <= %dms", end.Add(-length).UnixMilli(), end.UnixMilli()),
			"${__to}", fmt.Sprint(end.UnixMilli()), "$__from", fmt.Sprint(end.Add(-length).UnixMilli()), "$__to", fmt.Sprint(end.UnixMilli()),
			"$__interval_ms", fmt.Sprint(step.Milliseconds()), "$__interval", fmt.Sprintf("%ds", int(step.Seconds())),
			"$function", ".*", "$version", ".*", "$instance", ".*").Replace(r.ranged.Replace(statement))
	}
	var all []string
	for _, p := range board.Panels {
		for _, t := range p.Targets {
			all = append(all, fill(t.Query, r.step(p, length, cmp.Or(p.MaxDataPoints, room))))
		}
	}
	for _, v := range board.Templating.List {
		all = append(all, fill(v.Query, 0))
	}
	return all
}

type long struct {
	testing.TB
	store http.Handler
}

// began is when the generated time ends, which a store that is kept was begun with.
func (s long) began(dir string) time.Time {
	s.Helper()
	file := filepath.Join(dir, "end")
	end := time.Now().UTC().Truncate(time.Minute)
	text, err := os.ReadFile(file)
	switch {
	case err == nil:
		err = end.UnmarshalText(text)
	case errors.Is(err, fs.ErrNotExist):
		err = os.WriteFile(file, []byte(end.Format(time.RFC3339)), 0o600)
	}
	if err != nil {
		s.Fatal(err)
	}
	return end
}

// generate fills the store backwards from end, an hour after the other, from where a run before stopped.
func (s long) generate(dir string, end time.Time, span time.Duration, each int) {
	s.Helper()
	for _, statement := range monitor.Setup() {
		if strings.HasPrefix(statement, "CREATE RETENTION POLICY") {
			s.tell(statement) // the continuous queries would roll up by themselves
		}
	}
	s.write("&rp="+monitor.RangesPolicy, []byte(monitor.Ranges("autogen")))

	began := time.Now()
	var first map[string]func(time.Time) []byte
	for done := time.Duration(0); done < span; done += time.Hour {
		at := end.Add(-done - time.Hour)
		mark := filepath.Join(dir, at.Format("2006-01-02T15"))
		if _, err := os.Stat(mark); err == nil {
			continue
		}
		s.hour(at, each)
		if first == nil {
			if done == 0 {
				began := time.Now()
				s.rollUp(end.Add(-time.Hour), end)
				s.Logf("rolling an hour up: %s", time.Since(began).Round(10*time.Millisecond))
			}
			first = s.rolled(end.Add(-time.Hour))
		}
		for policy, points := range first {
			s.write("&rp="+policy, points(at))
		}
		if err := os.WriteFile(mark, nil, 0o600); err != nil {
			s.Fatal(err)
		}
		if hours := done/time.Hour + 1; hours%24 == 0 || done+time.Hour == span {
			s.settle(dir)
			resident, heap := s.memory()
			s.Logf("after %d hours: %s of work, %.0f MB on disk, %.0f MB resident, of which %.0f MB heap",
				hours, time.Since(began).Round(time.Second), float64(s.size(dir))/1e6, resident/1e6, heap/1e6)
		}
	}
}

// settle waits until the engine has put into files what was written, as it does with an hour's shard ten minutes after
// the last point. Without it the hours, which take a second or two here, would all be in memory at once.
func (s long) settle(dir string) {
	s.Helper()
	for began := time.Now(); time.Since(began) < time.Hour; time.Sleep(5 * time.Second) {
		segments, err := filepath.Glob(filepath.Join(dir, "store", "wal", "*", "autogen", "*", "*.wal"))
		if err != nil {
			s.Fatal(err)
		}
		if !slices.ContainsFunc(segments, func(path string) bool {
			info, err := os.Stat(path)
			return err == nil && info.Size() > 0
		}) {
			return
		}
	}
	s.Fatal("for an hour the engine has kept points in memory that nobody adds to")
}

// hour writes an hour's environments.
func (s long) hour(at time.Time, invocations int) {
	s.Helper()
	var body bytes.Buffer
	flush := func() { s.write("", body.Bytes()); body.Reset() }
	random := rand.New(rand.NewPCG(1, uint64(at.Unix())))
	day := at.UTC().Format("2006/01/02/")
	for i := range perHour {
		started := at.Add(time.Duration(i) * time.Hour / perHour)
		tags := fmt.Sprintf(",function=f%d,instance=%s[$LATEST]%016x%016x,version=$LATEST ", i%functions, day, random.Uint64(), random.Uint64())
		for k := range invocations {
			now := started.Add(time.Duration(k)*time.Minute + time.Duration(random.IntN(1e9))).UnixNano()
			fmt.Fprintf(&body, "invocation%sduration_ms=%.3f,memory_mb=%d,ok=%t", tags, 5+random.ExpFloat64()*20, 30+k, random.IntN(200) > 0)
			if k == 0 {
				fmt.Fprintf(&body, ",cold=true,init_ms=%.3f", 80+random.ExpFloat64()*30)
			} else {
				body.WriteString(",cold=false")
			}
			fmt.Fprintf(&body, " %d\nhellos%scount=1i,total=%di %d\n", now, tags, k+1, now)
			final := ""
			if k == invocations-1 {
				final = ",final=true"
			}
			fmt.Fprintf(&body, "publisher%sseq=%di,points=%di,bytes=%di,flush_ms=2.5,retries=0i,dropped=0i,freezes=%di,frozen_ms=%d%s %d\n", tags, k+1, 3*k, 400*k, k, 60_000*k, final, now)
			fmt.Fprintf(&body, "runtime%sgoroutines=7i,heap_alloc=%di,gc_pause_ms=0.1 %d\n", tags, 1_000_000+1000*k, now)
		}
		if body.Len() > 1_000_000 {
			flush()
		}
	}
	flush()
}

func (s long) rollUp(from, to time.Time) {
	s.Helper()
	for _, r := range monitor.Rollups() {
		s.tell(r.Over(fmt.Sprintf("time >= %dms AND time < %dms", from.UnixMilli(), to.UnixMilli())))
	}
}

// rolled reads the rollups of an hour, by their retention policy, as points that can be written for
// another hour.
func (s long) rolled(hour time.Time) map[string]func(time.Time) []byte {
	s.Helper()
	all := map[string]func(time.Time) []byte{}
	for _, r := range monitor.Rollups() {
		if all[r.Policy] != nil {
			continue
		}
		whole := map[string]bool{} // measurement and field that hold integers
		for _, series := range s.rows(fmt.Sprintf(`SHOW FIELD KEYS FROM "%s"./.*/`, r.Policy)) {
			for _, v := range series.Values {
				whole[series.Name+"."+v[0].(string)] = v[1] == "integer"
			}
		}
		var heads []string
		var offsets []int64
		for _, series := range s.rows(fmt.Sprintf(`SELECT * FROM "%s"./.*/ WHERE time >= %dms AND time < %dms GROUP BY *`, r.Policy, hour.UnixMilli(), hour.Add(time.Hour).UnixMilli())) {
			head := series.Name
			for _, tag := range slices.Sorted(maps.Keys(series.Tags)) {
				if series.Tags[tag] != "" {
					head += "," + tag + "=" + series.Tags[tag]
				}
			}
			for _, v := range series.Values {
				var fields []string
				for i, column := range series.Columns[1:] {
					switch {
					case v[i+1] == nil:
					case whole[series.Name+"."+column]:
						fields = append(fields, fmt.Sprintf("%s=%di", column, int64(v[i+1].(float64))))
					default:
						fields = append(fields, fmt.Sprintf("%s=%g", column, v[i+1]))
					}
				}
				heads = append(heads, head+" "+strings.Join(fields, ",")+" ")
				offsets = append(offsets, int64(v[0].(float64))-hour.UnixMilli())
			}
		}
		all[r.Policy] = func(at time.Time) []byte {
			var b bytes.Buffer
			for i, head := range heads {
				fmt.Fprintf(&b, "%s%d\n", head, at.Add(time.Duration(offsets[i])*time.Millisecond).UnixNano())
			}
			return b.Bytes()
		}
	}
	return all
}

// shards is how many shards a retention policy has.
func (s long) shards(policy string) int {
	s.Helper()
	n := 0
	for _, series := range s.rows("SHOW SHARDS") {
		for _, v := range series.Values {
			if v[slices.Index(series.Columns, "retention_policy")] == policy {
				n++
			}
		}
	}
	return n
}

type rows struct {
	Name    string
	Tags    map[string]string
	Columns []string
	Values  [][]any
}

func (s long) rows(statement string) []rows {
	s.Helper()
	var answer struct{ Results []struct{ Series []rows } }
	if err := json.Unmarshal(s.send(http.MethodGet, statement), &answer); err != nil || len(answer.Results) != 1 {
		s.Fatalf("%s: %v", statement, err)
	}
	return answer.Results[0].Series
}

func (s long) write(more string, body []byte) {
	s.Helper()
	// What the engine did not take within its 10 seconds, on a machine that has much to do, is written
	// again: the same points overwrite themselves.
	for range 20 {
		w := httptest.NewRecorder()
		s.store.ServeHTTP(w, httptest.NewRequest("POST", "/write?db="+monitor.Database+more, bytes.NewReader(body)))
		switch {
		case w.Code == http.StatusNoContent:
			return
		case !strings.Contains(w.Body.String(), `"timeout"`):
			s.Fatal(w.Code, w.Body)
		}
	}
	s.Fatal("the store takes no points in 20 times its timeout")
}

// tell sends a statement that changes something, ask one that reads.
func (s long) tell(statement string) { s.Helper(); s.send(http.MethodPost, statement) }
func (s long) ask(statement string)  { s.Helper(); s.send(http.MethodGet, statement) }

func (s long) send(method, statement string) []byte {
	s.Helper()
	w := httptest.NewRecorder()
	s.store.ServeHTTP(w, httptest.NewRequest(method, "/query?"+url.Values{"db": {monitor.Database}, "epoch": {"ms"}, "q": {statement}}.Encode(), nil))
	if w.Code != http.StatusOK || strings.Contains(w.Body.String(), `"error"`) {
		s.Fatalf("%s: %d %s", statement, w.Code, w.Body)
	}
	return w.Body.Bytes()
}
