package influx

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// invocations are n points as functions write them, from 50 instances, one millisecond apart.
func invocations(from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, "invocation,function=hello,version=1,instance=i%02d duration_ms=%d.25,ok=true,cold=false,memory_mb=31.5 %d\n",
			i%50, i%97, 1_700_000_000_000_000_000+int64(i)*1_000_000)
	}
	return b.String()
}

func openBench(b *testing.B) *Server {
	b.Helper()
	s, err := Open(Config{Dir: b.TempDir(), Database: "ephor"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

func writeBench(b *testing.B, s *Server, points string) {
	b.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("POST", "/write?db=ephor", strings.NewReader(points)))
	if w.Code != 204 {
		b.Fatal(w.Code, w.Body)
	}
}

func BenchmarkWrite5000(b *testing.B) {
	s := openBench(b)
	const batch = 5000
	at := 0
	for b.Loop() {
		b.StopTimer()
		points := invocations(at, batch)
		at += batch
		b.StartTimer()
		writeBench(b, s, points)
	}
	b.ReportMetric(float64(at)/b.Elapsed().Seconds(), "points/s")
}

// BenchmarkWriteAtOnce is many clients that each write a few points at a time, as functions do.
func BenchmarkWriteAtOnce(b *testing.B) {
	s := openBench(b)
	var at atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			writeBench(b, s, invocations(int(at.Add(3)), 3))
		}
	})
}

func BenchmarkWriteOne(b *testing.B) {
	s := openBench(b)
	at := 0
	for b.Loop() {
		writeBench(b, s, invocations(at, 1))
		at++
	}
}

func BenchmarkQuery(b *testing.B) {
	s := openBench(b)
	for at := 0; at < 100_000; at += 5000 {
		writeBench(b, s, invocations(at, 5000))
	}
	for _, q := range []struct{ name, text string }{
		{"count", "SELECT count(duration_ms) FROM invocation"},
		{"last10s", "SELECT count(duration_ms) FROM invocation WHERE time >= 1700000090s AND time < 1700000100s GROUP BY time(1s)"},
		{"p99by5s", "SELECT percentile(duration_ms,99) FROM invocation WHERE time >= 1700000000s AND time < 1700000100s GROUP BY time(5s)"},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				w := httptest.NewRecorder()
				s.ServeHTTP(w, httptest.NewRequest("GET", "/query?db=ephor&epoch=ms&q="+url.QueryEscape(q.text), nil))
				if w.Code != 200 || strings.Contains(w.Body.String(), "error") {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}

// Opening is part of the time until the first answer of `up`; after kill -9 the log is read.
func BenchmarkOpen(b *testing.B) {
	for _, after := range []struct {
		name   string
		points int
		close  func(*Server) error
	}{
		{"empty", 0, (*Server).Close},
		{"1", 1, (*Server).Close},
		{"100000", 100_000, (*Server).Close},
		{"100000 after a kill", 100_000, func(s *Server) error { return s.engine.close() }},
	} {
		b.Run(after.name, func(b *testing.B) {
			dir := b.TempDir()
			s, err := Open(Config{Dir: dir, Database: "ephor"})
			if err != nil {
				b.Fatal(err)
			}
			for at := 0; at < after.points; at += 5000 {
				writeBench(b, s, invocations(at, min(5000, after.points-at)))
			}
			after.close(s)
			for b.Loop() {
				s, err := Open(Config{Dir: dir, Database: "ephor"})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				after.close(s)
				b.StartTimer()
			}
		})
	}
}
