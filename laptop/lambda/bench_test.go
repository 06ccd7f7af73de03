package lambda

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"
)

// percentiles adds p50 and p99 to what a benchmark reports.
func percentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkBareServer is the yardstick: a request to a net/http server that does nothing.
func BenchmarkBareServer(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") }))
	defer server.Close()
	took := make([]time.Duration, 0, b.N)
	for b.Loop() {
		start := time.Now()
		resp, err := http.Get(server.URL)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		took = append(took, time.Since(start))
	}
	percentiles(b, took)
}

// BenchmarkWarmInvoke is an invocation of a warm environment, which is frozen before each; with
// an extension, and by several callers.
func BenchmarkWarmInvoke(b *testing.B) {
	for _, extension := range []string{"", "0s"} {
		b.Run("extension="+extension, func(b *testing.B) {
			s := open(b, Config{requestRate: 1e6})
			create(b, s, hello(b, func(in *FunctionInput) { in.Environment = map[string]string{"EXTENSION": extension} }))
			call(b, s, `{}`)
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				start := time.Now()
				call(b, s, `{}`)
				took = append(took, time.Since(start))
			}
			percentiles(b, took)
		})
	}
	for _, callers := range []int{1, 8} {
		b.Run("callers="+strconv.Itoa(callers), func(b *testing.B) {
			s := open(b, Config{requestRate: 1e6})
			create(b, s, hello(b))
			b.SetParallelism(callers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					call(b, s, `{}`)
				}
			})
		})
	}
}
