package influx

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// BenchmarkManyShards opens a store whose points lie in one shard or in many, and asks of all of them and of the last
// one's. Each shard has 1,000 points of 50 environments. What it reports beside that is what an open store has
// in files and in memory.
func BenchmarkManyShards(b *testing.B) {
	for _, shards := range []int{1, 30, 170, 365} {
		b.Run(fmt.Sprint(shards), func(b *testing.B) {
			dir := b.TempDir()
			config := Config{Dir: dir, Database: "ephor", Setup: []string{`ALTER RETENTION POLICY "autogen" ON "ephor" SHARD DURATION 1d`}}
			s, err := Open(config)
			if err != nil {
				b.Fatal(err)
			}
			end := time.Now().Truncate(24 * time.Hour)
			for i := range shards {
				writeBench(b, s, shardOf(end.Add(-time.Duration(i)*24*time.Hour), 1000))
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			var opened, short, all time.Duration
			for b.Loop() {
				debug.FreeOSMemory()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				began := time.Now()
				s, err := Open(config)
				if err != nil {
					b.Fatal(err)
				}
				opened += time.Since(began)
				debug.FreeOSMemory()
				runtime.ReadMemStats(&after)
				files, err := os.ReadDir("/proc/self/fd")
				if err != nil {
					b.Skip("it counts open files in /proc")
				}
				b.ReportMetric(float64(len(files)), "files")
				b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/1e6, "heap-MB")

				ask := func(from time.Time) time.Duration {
					began := time.Now()
					w := httptest.NewRecorder()
					q := fmt.Sprintf("SELECT count(duration_ms) FROM invocation WHERE time >= %d AND time < %d GROUP BY time(1d) fill(none)", from.UnixNano(), end.Add(time.Hour).UnixNano())
					s.ServeHTTP(w, httptest.NewRequest("GET", "/query?db=ephor&epoch=ms&q="+url.QueryEscape(q), nil))
					if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "error") || !strings.Contains(w.Body.String(), ",1000]") {
						b.Fatal(w.Code, w.Body)
					}
					return time.Since(began)
				}
				short += ask(end)
				all += ask(end.Add(-time.Duration(shards) * 24 * time.Hour))
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
			for name, took := range map[string]time.Duration{"open-ms": opened, "short-ms": short, "all-ms": all} {
				b.ReportMetric(float64(took.Microseconds())/1e3/float64(b.N), name)
			}
		})
	}
}

// shardOf are n points from a moment on, from 50 instances, a millisecond apart.
func shardOf(at time.Time, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "invocation,function=hello,version=1,instance=%di%02d duration_ms=%d.25,ok=true,cold=false,memory_mb=31.5 %d\n",
			at.Unix(), i%50, i%97, at.UnixNano()+int64(i)*1_000_000)
	}
	return b.String()
}
