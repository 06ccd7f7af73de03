package storetest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ephor-io/ephor/metrics"
)

// version: the store answers a ping and says which it is.
//
// https://docs.influxdata.com/influxdb/v1/tools/api/#ping-http-endpoint, and InfluxDB 3 with a body
// and for a token: https://docs.influxdata.com/influxdb3/core/api/v3/
func version(s *suite) {
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.store.Config.URL+"/ping", nil)
	if err != nil {
		s.Fatal(err)
	}
	if s.store.Authorization != "" {
		r.Header.Set("Authorization", s.store.Authorization)
	}
	response, err := s.client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		s.Fatal(response.Status)
	}
	v := cmp.Or(response.Header.Get("X-Influxdb-Version"), response.Header.Get("X-Geminidb-Version"))
	if v == "" {
		var body struct{ Version string }
		if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
			s.Fatalf("neither a header nor a body says the version: %v", err)
		}
		v = body.Version
	}
	if v == "" {
		s.Error("no version")
	}
	s.Logf("version %s", v)
}

// measurements: what the publisher writes of its own, as docs/metrics.md has it.
func measurements(s *suite) {
	e := s.environment("one", nil)
	e.invoke()
	e.fails = errors.New("the handler said no")
	e.takes = 250 * time.Millisecond
	e.invoke()
	if err := e.flush(); err != nil {
		s.Fatal(err)
	}
	e.fails = nil
	e.invoke()
	e.finish()
	const from = ` FROM "invocation" WHERE`
	s.want(`SELECT "duration_ms", "ok", "cold"`+from, "5,true,true 250,false,false 250,true,false")
	s.want(`SELECT count("duration_ms"), count("error"), count("init_ms"), count("memory_mb")`+from, "3,1,1,3")
	s.want(`SELECT count("duration_ms")`+from+` AND "ok" = false`, "1")
	s.want(`SELECT "error"`+from, `"the handler said no"`)
	s.want(`SELECT count("duration_ms")`+from+` AND "instance" = 'one' AND "version" = '7'`, "3")
	var points int
	for _, w := range s.wire.seen()[:len(s.wire.seen())-1] {
		points += strings.Count(w.points, "\n")
	}
	s.want(`SELECT max("seq"), max("points"), max("dropped"), max("retries"), count("final"), count("flush_ms"), count("freezes"), count("frozen_ms") FROM "publisher" WHERE`,
		fmt.Sprintf("%d,%d,0,0,1,%[1]d,%[1]d,%[1]d", len(s.wire.seen()), points))
	s.want(`SELECT count("seq"), min("seq") FROM "publisher" WHERE`, fmt.Sprintf("%d,1", len(s.wire.seen())))
	s.until(func() string {
		if n := s.rows(`SELECT count("goroutines") FROM "runtime" WHERE`); n == "" || n == "0" {
			return "no point of the runtime"
		}
		return ""
	})
}

// instruments: each kind's fields, and a series for each set of tags.
func instruments(s *suite) {
	e := s.environment("one", nil)
	books := counter(s, e.set, "orders", metrics.With("kind", "book"))
	pens := counter(s, e.set, "orders", metrics.With("kind", "pen"))
	seconds, err1 := e.set.FloatCounter("cpu_seconds")
	busy, err2 := e.set.UpDownCounter("busy")
	pool, err3 := e.set.Gauge("pool_size")
	_, err4 := e.set.GaugeFunc("queued", func() float64 { return 2.5 })
	queries, err5 := e.set.Histogram("query_ms")
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		s.Fatal(err)
	}
	books.Add(3)
	pens.Inc()
	seconds.Add(0.5)
	busy.Add(4)
	pool.Set(7)
	queries.Observe(20)
	queries.Observe(65536) // outside the grid
	if err := e.flush(); err != nil {
		s.Fatal(err)
	}
	books.Add(2)
	seconds.Add(0.25)
	busy.Add(-3)
	pool.Set(8.5)
	e.finish()
	s.want(`SELECT "count", "total" FROM "orders" WHERE AND "kind" = 'book'`, "3,3 2,5")
	s.want(`SELECT sum("count") FROM "orders" WHERE GROUP BY "kind"`, "5 1")
	s.want(`SELECT sum("count") FROM "orders" WHERE`, "6")
	s.want(`SELECT "count", "total" FROM "cpu_seconds" WHERE`, "0.5,0.5 0.25,0.75")
	s.want(`SELECT "count", "total" FROM "busy" WHERE`, "4,4 -3,1")
	s.want(`SELECT "value" FROM "pool_size" WHERE`, "7 8.5")
	s.want(`SELECT "value" FROM "queued" WHERE`, "2.5")
	s.want(`SELECT "count", "sum", "min", "max", "clamped" FROM "query_ms" WHERE`, "2,65556,20,65536,1")
}

// text: tags and messages that need escaping arrive as they are.
func text(s *suite) {
	const tag = `a=b, "ünï" \c`
	const reason = `no "such" book, it said: \n is µ=0`
	e := s.environment("2026/11/22/[7]abc", nil)
	counter(s, e.set, "odd name", metrics.With("the kind, of=it", tag)).Inc()
	e.fails = errors.New(reason)
	e.invoke()
	e.finish()
	s.want(`SELECT "error" FROM "invocation" WHERE AND "instance" = '2026/11/22/[7]abc'`, strconv.Quote(reason))
	s.want(`SELECT "count" FROM "odd name" WHERE AND "the kind, of=it" = '`+strings.ReplaceAll(tag, `\`, `\\`)+`'`, "1")
	s.want(`SELECT "the kind, of=it", "count" FROM "odd name" WHERE`, strconv.Quote(tag)+",1")
}

// names: so do names of instruments.
func names(s *suite) {
	e := s.environment("one", nil)
	const name = `odd, name=x "y"`
	counter(s, e.set, name).Inc()
	e.finish()
	s.want(`SELECT "count" FROM "`+strings.ReplaceAll(name, `"`, `\"`)+`" WHERE`, "1")
}

// percentiles: counts and percentiles are exact, also of batches that are sent compressed.
func percentiles(s *suite) {
	e := s.environment("one", func(c *metrics.Config) { c.FlushEvery = 100 })
	order := rand.New(rand.NewPCG(1, 2)).Perm(300)
	for _, i := range order {
		e.takes = time.Duration(i+1) * time.Millisecond
		e.invoke()
	}
	e.finish()
	const from = ` FROM "invocation" WHERE`
	s.want(`SELECT count("duration_ms"), sum("duration_ms"), min("duration_ms"), max("duration_ms")`+from, "300,45150,1,300")
	for p, want := range map[string]string{"50": "150", "90": "270", "99": "297", "99.9": "300"} {
		s.want(`SELECT percentile("duration_ms", `+p+`)`+from, want)
	}
	s.want(`SELECT sum("count") FROM "hits_percentiles" WHERE`, "300")
	gzipped := slices.ContainsFunc(s.wire.seen(), func(w write) bool { return w.gzipped && w.status/100 == 2 })
	plain := slices.ContainsFunc(s.wire.seen(), func(w write) bool { return !w.gzipped && w.status/100 == 2 })
	if !gzipped || !plain {
		s.Errorf("stored with gzip: %v, without: %v", gzipped, plain)
	}
}

// histograms: buckets of several environments add up, and the quantiles of the sum err by 5 % at most.
func histograms(s *suite) {
	r := rand.New(rand.NewPCG(3, 4))
	var all []float64
	for _, instance := range []string{"one", "two", "three"} {
		e := s.environment(instance, nil)
		h, err := e.set.Histogram("wait_ms")
		if err != nil {
			s.Fatal(err)
		}
		for range 500 {
			v := math.Exp(r.NormFloat64()*1.5 + 2)
			all = append(all, v)
			h.Observe(v)
		}
		e.finish()
	}
	s.want(`SELECT sum("count") FROM "wait_ms" WHERE`, "1500")
	series, err := s.ask(s.Context(), `SELECT sum(/^b_\d+$/) FROM "wait_ms" WHERE "function" = 'histograms'`)
	if err != nil || len(series) != 1 {
		s.Fatalf("%+v, %v", series, err)
	}
	var buckets [metrics.Buckets]int64
	for i, column := range series[0].Columns {
		if number, ok := strings.CutPrefix(column, "sum_b_"); ok {
			n, err := strconv.Atoi(number)
			if err == nil {
				err = json.Unmarshal(series[0].Values[0][i], &buckets[n])
			}
			if err != nil {
				s.Fatalf("column %s: %v", column, err)
			}
		}
	}
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.1, 0.5, 0.9, 0.99, 0.999} {
		want := all[int(math.Ceil(q*float64(len(all))))-1]
		if got := metrics.Quantile(q, &buckets); math.Abs(got-want) > 0.05*want {
			s.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}

// nanoseconds: the store keeps times to the nanosecond, and points that are one apart.
func nanoseconds(s *suite) {
	e := s.environment("one", func(c *metrics.Config) { c.FlushEvery = 10 })
	e.takes = 0
	wall, _ := s.clock.now()
	e.invoke()
	e.invoke()
	e.finish()
	want := fmt.Sprintf("%d %d", wall.UnixNano(), wall.UnixNano()+1)
	s.until(func() string {
		if got := s.times(`SELECT "duration_ms" FROM "invocation" WHERE`); got != want {
			return "times " + got + ", want " + want
		}
		return ""
	})
}
