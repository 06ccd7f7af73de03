package page

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/influx"
	"github.com/ephor-io/ephor/internal/browsertest"
)

// tapped is a store that can be away, and that keeps what it was asked.
type tapped struct {
	store http.Handler
	mu    sync.Mutex
	away  bool
	asked []string
}

func (s *tapped) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	away := s.away
	if r.URL.Path == "/query" {
		s.asked = append(s.asked, r.URL.Query().Get("q"))
	}
	s.mu.Unlock()
	if away {
		panic(http.ErrAbortHandler)
	}
	s.store.ServeHTTP(w, r)
}

func (s *tapped) set(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

// take returns what was asked and forgets it.
func (s *tapped) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

const (
	counted = `SELECT sum("count") FROM "hellos" WHERE $timeFilter GROUP BY time($__interval), "instance" fill(none)`
	total   = `SELECT count("count") FROM "hellos" WHERE $timeFilter GROUP BY time($__interval) fill(0)`
)

// model is a dashboard of a stack of bars, a stat and, beyond the screen, a line.
func model(t *testing.T) []byte {
	t.Helper()
	panel := func(title, kind, query string, y int, custom map[string]any) map[string]any {
		return map[string]any{
			"type": kind, "title": title, "gridPos": map[string]int{"x": 0, "y": y, "w": 24, "h": 8}, "interval": "1s",
			"targets":     []any{map[string]any{"refId": "A", "query": query, "alias": "$tag_instance"}},
			"fieldConfig": map[string]any{"defaults": map[string]any{"unit": "short", "min": 0, "custom": custom}},
			"options":     map[string]any{"reduceOptions": map[string]any{"calcs": []string{"sum"}}},
		}
	}
	b, err := json.Marshal(map[string]any{"title": "Hello", "time": map[string]string{"from": "now-5m", "to": "now"}, "panels": []any{
		panel("hellos", "timeseries", counted, 0, map[string]any{"drawStyle": "bars", "fillOpacity": 90, "stacking": map[string]any{"mode": "normal"}}),
		panel("total", "stat", total, 8, nil),
		panel("far below", "timeseries", strings.ReplaceAll(counted, `"hellos"`, `"far"`), 200, map[string]any{"drawStyle": "line"}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// live is a page over an engine of its own.
func live(t *testing.T) (address string, store *tapped, write func(lines ...string)) {
	t.Helper()
	return liveWith(t, model(t))
}

// liveWith is one with another dashboard.
func liveWith(t *testing.T, model []byte) (address string, store *tapped, write func(lines ...string)) {
	t.Helper()
	engine, err := influx.Open(influx.Config{Dir: t.TempDir(), Database: "ephor"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	store = &tapped{store: engine}
	behind := httptest.NewServer(store)
	t.Cleanup(behind.Close)
	direct := httptest.NewServer(engine)
	t.Cleanup(direct.Close)
	server := serve(t, Config{
		Title: "App", Database: "ephor", Store: func() string { return behind.URL },
		Dashboards: []Dashboard{{UID: "hello", Title: "Hello", JSON: model}},
		Status: func() Status {
			return Status{
				Figures: []Figure{{Label: "Functions", Value: 1}}, Try: "curl http://127.0.0.1:8080/hello",
				Links: []Link{{Text: "API", URL: "http://127.0.0.1:8080"}, {Text: "trap", URL: "javascript:alert(1)"}},
			}
		},
	})
	return server.URL + "/d/hello/hello", store, func(lines ...string) {
		t.Helper()
		resp, err := http.Post(direct.URL+"/write?db=ephor", "text/plain", strings.NewReader(strings.Join(lines, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			t.Fatalf("writing points: %s", resp.Status)
		}
	}
}

// point is one of the counter's points, so long ago.
func point(instance string, count int, ago time.Duration) string {
	escape := strings.NewReplacer(" ", `\ `, ",", `\,`, "=", `\=`)
	return fmt.Sprintf("hellos,function=f,instance=%s count=%di %d", escape.Replace(instance), count, time.Now().Add(-ago).UnixNano())
}

// sums is what the first panel draws: by series, the sum of its values.
const sums = `globalThis.ephor && Object.fromEntries(ephor.panels[0].series.map(s => [s.name, s.values.reduce((a, b) => a + b, 0)]).sort())`

func TestPageMoves(t *testing.T) {
	address, store, write := live(t)
	tab := browsertest.Open(t)
	if err := chromedp.Run(tab, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	browsertest.Until(t, tab, `document.querySelector(".calm code")?.textContent`, `"curl http://127.0.0.1:8080/hello"`)
	browsertest.Until(t, tab, `document.getElementById("strip").textContent`, `"Functions1APItrap"`)
	browsertest.Until(t, tab, `document.querySelectorAll("#strip a").length`, "1")

	// What arrives is drawn without anybody asking for it, and the hint goes.
	write(point("a", 2, 5*time.Second), point("a", 3, 0), point("b", 4, time.Second))
	browsertest.Until(t, tab, sums, `{"a":5,"b":4}`)
	browsertest.Until(t, tab, `document.querySelectorAll(".calm").length`, "0")
	browsertest.Until(t, tab, `document.querySelector(".big").textContent`, `"3"`)
	browsertest.Until(t, tab, `ephor.panels[0].chart.plot !== null && ephor.panels[0].chart.plot.data.length`, "3")

	// From now on only the last seconds are asked for, but for a look at everything every 15 s, and
	// of what nobody can see, nothing.
	store.take()
	began := time.Now()
	write(point("b", 10, 0), point("c", 1, 0))
	browsertest.Until(t, tab, sums, `{"a":5,"b":14,"c":1}`)
	write(point("c", 1, 0))
	browsertest.Until(t, tab, sums, `{"a":5,"b":14,"c":2}`)
	asked := store.take()
	short, long := 0, 0
	for _, q := range asked {
		var from, to int64
		if _, err := fmt.Sscanf(q[strings.Index(q, "time >= "):], "time >= %dms AND time <= %dms", &from, &to); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		if time.Duration(to-from)*time.Millisecond < time.Minute {
			short++
		} else {
			long++
		}
		if strings.Contains(q, `"far"`) {
			t.Errorf("a panel out of sight was asked for: %s", q)
		}
	}

	if most := 2 * (1 + int(time.Since(began)/(15*time.Second))); short == 0 || long > most {
		t.Errorf("%d short and %d long ranges were asked for, at most %d long ones were due", short, long, most)
	}

	// The newest bars stand where the data say: the stack's top is the sum.
	browsertest.Until(t, tab, `(() => { const { data } = ephor.panels[0].chart.plot; return Math.max(...data[data.length - 1]) >= 10 })()`, "true")
}

// TestPageHeats draws a heat map: of three rows the lowest has the most and is the darkest, the highest has nothing.
func TestPageHeats(t *testing.T) {
	row := func(ref, bound, where string) map[string]any {
		return map[string]any{"refId": ref, "alias": bound, "query": `SELECT count("ms") FROM "m" WHERE $timeFilter AND ` + where + ` GROUP BY time($__interval) fill(none)`}
	}
	text, err := json.Marshal(map[string]any{"title": "Hello", "time": map[string]string{"from": "now-5m", "to": "now"}, "panels": []any{map[string]any{
		"type": "heatmap", "title": "Durations", "gridPos": map[string]int{"x": 0, "y": 0, "w": 24, "h": 8}, "interval": "1s", "maxDataPoints": 6,
		"fieldConfig": map[string]any{"defaults": map[string]any{"unit": "ms"}},
		"targets":     []any{row("A", "10", `"ms" <= 10`), row("B", "1000", `"ms" > 10 AND "ms" <= 1000`), row("C", "900000", `"ms" > 1000`)},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	address, _, write := liveWith(t, text)
	tab := browsertest.Open(t)
	browsertest.Go(t, tab, address)
	at := time.Now().Add(-2 * time.Minute).UnixNano()
	var lines []string
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("m ms=%d %d", []int{5, 5, 5, 50}[i%4], at+int64(i)))
	}
	write(lines...)
	browsertest.Until(t, tab, `globalThis.ephor?.panels[0].series.map(s => [s.name, s.values.reduce((a, b) => a + b, 0)])`, `[["10",15],["1000",5],["900000",0]]`)
	// How dark the darkest of each row's pixels is, of 255.
	browsertest.Until(t, tab, `(() => {
		const u = ephor.panels[0].chart.plot;
		if (!u) return null;
		const darkest = (i) => {
			const y = Math.round(u.valToPos(i + 0.5, "y", true));
			const { data } = u.ctx.getImageData(u.bbox.left, y, u.bbox.width, 1);
			let most = 0;
			for (let k = 3; k < data.length; k += 4) most = Math.max(most, data[k]);
			return most;
		};
		const rows = [0, 1, 2].map(darkest);
		return rows[0] > rows[1] && rows[1] > rows[2];
	})()`, "true")
}

// A page whose dashboards have changed shows what they are now, and keeps its range.
func TestPageFollowsItsDashboards(t *testing.T) {
	var now atomic.Pointer[http.Handler]
	show := func(boards ...Dashboard) {
		t.Helper()
		h, err := New(Config{Title: "App", Database: "ephor", Store: func() string { return "" }, Dashboards: boards})
		if err != nil {
			t.Fatal(err)
		}
		now.Store(&h)
	}
	board := Dashboard{UID: "hello", Title: "Hello", JSON: model(t)}
	show(board)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*now.Load()).ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	tab := browsertest.Open(t)
	if err := chromedp.Run(tab, chromedp.Navigate(server.URL+"/d/hello/hello?from=now-1h&to=now")); err != nil {
		t.Fatal(err)
	}
	const titles = `[...document.querySelectorAll("#boards a")].map(a => a.textContent).join()`
	browsertest.Until(t, tab, titles, `"Hello"`)
	show(board, Dashboard{UID: "more", Title: "More", JSON: model(t)})
	browsertest.Until(t, tab, titles, `"Hello,More"`)
	browsertest.Until(t, tab, `location.search`, `"?from=now-1h&to=now"`)
}

func TestPageCatchesUp(t *testing.T) {
	address, store, write := live(t)
	tab := browsertest.Open(t)
	write(point("a", 1, 30*time.Second))
	if err := chromedp.Run(tab, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	browsertest.Until(t, tab, sums, `{"a":1}`)
	store.set(true)
	browsertest.Until(t, tab, `document.getElementById("live").dataset.state`, `"failing"`)
	browsertest.Until(t, tab, `/does not answer.*Trying again in \d+ s/.test(document.getElementById("trouble").textContent)`, "true")
	if got := browsertest.JS(t, tab, sums); got != `{"a":1}` {
		t.Errorf("while the store is away the page shows %s", got)
	}
	write(point("a", 7, 0))
	store.set(false)
	browsertest.Until(t, tab, sums, `{"a":8}`)
	browsertest.Until(t, tab, `document.getElementById("live").dataset.state`, `"live"`)
	browsertest.Until(t, tab, `document.getElementById("trouble").hidden`, "true")
}

func TestPageStopsAndZooms(t *testing.T) {
	address, store, write := live(t)
	tab := browsertest.Open(t)
	write(point("a", 1, 30*time.Second), point("a", 5, 400*time.Second))
	if err := chromedp.Run(tab, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	browsertest.Until(t, tab, sums, `{"a":1}`)
	browsertest.JS(t, tab, `[...document.querySelectorAll(".segments button")].find(b => b.textContent === "15m").click()`)
	browsertest.Until(t, tab, sums, `{"a":6}`)
	browsertest.Until(t, tab, `location.search`, `"?from=now-15m&to=now"`)

	browsertest.JS(t, tab, `document.getElementById("live").click()`)
	browsertest.Until(t, tab, `document.getElementById("live").textContent`, `"Paused"`)
	browsertest.Until(t, tab, `ephor.live.running`, "false")
	store.take()
	write(point("a", 100, 0))
	browsertest.JS(t, tab, `new Promise(r => setTimeout(r, 2500))`)
	if asked := store.take(); len(asked) > 0 {
		t.Errorf("a page that was stopped asked %d times", len(asked))
	}
	browsertest.JS(t, tab, `document.getElementById("live").click()`)
	browsertest.Until(t, tab, sums, `{"a":106}`)

	// From one moment to another, as a drag over a graph gives.
	now := time.Now().UnixMilli()
	browsertest.JS(t, tab, fmt.Sprintf(`ephor.look("%d", "%d")`, now-420e3, now-350e3))
	browsertest.Until(t, tab, sums, `{"a":5}`)
	browsertest.Until(t, tab, `document.getElementById("live").textContent`, `"Paused"`)
	browsertest.JS(t, tab, `history.back()`)
	browsertest.Until(t, tab, sums, `{"a":106}`)
}

func TestPageRestsWhileNobodyLooks(t *testing.T) {
	address, store, write := live(t)
	tab := browsertest.Open(t)
	write(point("a", 1, 30*time.Second))
	if err := chromedp.Run(tab, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	browsertest.Until(t, tab, sums, `{"a":1}`)
	hide := func(hidden string) {
		browsertest.JS(t, tab, `(Object.defineProperty(document, "hidden", { configurable: true, value: `+hidden+` }), document.dispatchEvent(new Event("visibilitychange")), 1)`)
	}
	hide("true")
	browsertest.JS(t, tab, `new Promise(r => setTimeout(r, 1500))`)
	browsertest.Until(t, tab, `ephor.live.running`, "false")
	store.take()
	write(point("a", 2, 0))
	browsertest.JS(t, tab, `new Promise(r => setTimeout(r, 2500))`)
	if asked := store.take(); len(asked) > 0 {
		t.Errorf("a page that nobody looks at asked %d times", len(asked))
	}
	hide("false")
	browsertest.Until(t, tab, sums, `{"a":3}`)
}

func TestPageShowsNamesAsText(t *testing.T) {
	const hostile = `<img src=x onerror="globalThis.harmed=1"><script>globalThis.harmed=1</script>`
	address, _, write := live(t)
	tab := browsertest.Open(t)
	write(point(hostile, 1, 30*time.Second))
	if err := chromedp.Run(tab, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	browsertest.Until(t, tab, `document.querySelector(".legend .name")?.textContent.slice(0, 4)`, `"<img"`)
	browsertest.JS(t, tab, `ephor.panels[0].page.tooltip.show(9, 9, { time: 0, step: 1000, series: [{ name: ephor.panels[0].series[0].name, color: "red", value: 1 }] })`)
	if got := browsertest.JS(t, tab, `[document.querySelectorAll("#main img, #main script, #tip img").length, globalThis.harmed ?? 0]`); got != "[0,0]" {
		t.Errorf("elements made of a tag's value, and harm done: %s", got)
	}
}

func TestPageIsLightAndDark(t *testing.T) {
	address, _, write := live(t)
	tab := browsertest.Open(t)
	write(point("a", 1, 30*time.Second))
	if err := chromedp.Run(tab, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	browsertest.Until(t, tab, sums, `{"a":1}`)
	before := browsertest.JS(t, tab, `[getComputedStyle(document.body).backgroundColor, ephor.panels[0].series[0].color]`)
	browsertest.JS(t, tab, `document.querySelector('[aria-label="Light or dark"]').click()`)
	after := browsertest.JS(t, tab, `[getComputedStyle(document.body).backgroundColor, ephor.panels[0].series[0].color]`)
	if before == after {
		t.Errorf("light and dark are both %s", before)
	}
	if err := chromedp.Run(tab, chromedp.Reload()); err != nil {
		t.Fatal(err)
	}
	browsertest.Until(t, tab, sums, `{"a":1}`)
	if again := browsertest.JS(t, tab, `[getComputedStyle(document.body).backgroundColor, ephor.panels[0].series[0].color]`); again != after {
		t.Errorf("after a reload %s, before %s", again, after)
	}
}

func TestPageWithoutItsDashboard(t *testing.T) {
	server := serve(t, Config{Title: "App", Dashboards: boards()})
	bare := serve(t, Config{Title: "App"})
	tab := browsertest.Open(t)
	for address, want := range map[string]string{
		server.URL + "/d/nope/nope": `"There is nothing at this address"`,
		bare.URL + "/":              `"This application has no dashboard"`,
	} {
		if err := chromedp.Run(tab, network.Enable(), chromedp.Navigate(address)); err != nil {
			t.Fatal(err)
		}
		browsertest.Until(t, tab, `document.querySelector("#main h1")?.textContent`, want)
	}
}

// TestPageMarks: what an annotation asks is a line in every graph, also one that comes while the page is open, and the
// pointer tells its text.
func TestPageMarks(t *testing.T) {
	var board map[string]any
	if err := json.Unmarshal(model(t), &board); err != nil {
		t.Fatal(err)
	}
	board["annotations"] = map[string]any{"list": []any{map[string]any{
		"name": "Deploys", "enable": true, "datasource": map[string]any{"type": "influxdb", "uid": "ephor"},
		"target": map[string]any{"query": `SELECT "text" FROM "deploy" WHERE $timeFilter`, "textColumn": "text"},
	}}}
	text, err := json.Marshal(board)
	if err != nil {
		t.Fatal(err)
	}
	address, _, write := liveWith(t, text)
	at := time.Now().Add(-2 * time.Minute)
	deploy := func(what string, at time.Time) string {
		return fmt.Sprintf("deploy,stack=Shop text=%q %d", what, at.UnixNano())
	}
	write(point("a", 2, 100*time.Second), point("a", 3, time.Second), deploy("v1 <b>", at), deploy("long ago", at.Add(-time.Hour)))
	tab := browsertest.Open(t)
	if err := chromedp.Run(tab, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	const marks = `globalThis.ephor && ephor.marks.all.map(m => m.text)`
	browsertest.Until(t, tab, marks, `["v1 <b>"]`)
	// The line is drawn: at its place there is ink from the top of the graph to its bottom, dashed, and beside it none.
	const ink = `(() => {
		const u = ephor.panels[0].chart.plot;
		if (!u) return null;
		const column = x => {
			const { top, height } = u.bbox;
			const d = u.ctx.getImageData(x, top, 1, height).data;
			let n = 0;
			for (let i = 3; i < d.length; i += 4) if (d[i] > 120) n++;
			return n / height;
		};
		const x = Math.round(u.valToPos(ephor.marks.all[0].time, "x", true));
		return [Math.max(column(x), column(x - 1)) > 0.4, column(x + 5) < 0.3];
	})()`
	browsertest.Until(t, tab, ink, `[true,true]`)
	browsertest.JS(t, tab, `(() => {
		const u = ephor.panels[0].chart.plot, box = u.over.getBoundingClientRect();
		ephor.panels[0].page.tooltip.show(box.left, box.top, { time: ephor.marks.all[0].time, step: 1000, series: [], unit: "short", marks: ephor.marks.near(u, u.valToPos(ephor.marks.all[0].time, "x") + 3) });
	})()`)
	browsertest.Until(t, tab, `document.querySelector("#tip .event").textContent`, `"Deploys: v1 <b>"`)
	browsertest.Until(t, tab, `document.querySelectorAll("#tip b").length`, "0")
	browsertest.Until(t, tab, `(() => { const u = ephor.panels[0].chart.plot; return ephor.marks.near(u, u.valToPos(ephor.marks.all[0].time, "x") + 20).length })()`, "0")
	write(deploy("v2", time.Now()))
	browsertest.Until(t, tab, marks, `["v1 <b>","v2"]`)
}

// TestScripts calls functions of the page's modules, which keep no state.
func TestScripts(t *testing.T) {
	server := serve(t, Config{Title: "App"})
	tab := browsertest.Open(t)
	if err := chromedp.Run(tab, chromedp.Navigate(server.URL+"/")); err != nil {
		t.Fatal(err)
	}
	for module, cases := range scripts {
		for _, c := range cases {
			got := browsertest.JS(t, tab, `import("/assets/js/`+module+`").then(m => `+c.call+`)`)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", module, c.call, diff)
			}
		}
	}
}
