package lambda

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"sync"
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

// BenchmarkStart is the start of an environment until its first next.
func BenchmarkStart(b *testing.B) {
	r := &recorder{}
	s := open(b, Config{Events: r.add, ScalingRate: 1e6})
	create(b, s, hello(b))
	f, err := s.lookup("hello")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		call(b, s, `{}`)
		b.StopTimer()
		for n := stats(b, s, "hello").Started; int64(len(eventsOf[EnvironmentStopped](r))) < n; time.Sleep(100 * time.Microsecond) {
			f.reap(time.Now().Add(time.Hour))
		}
		b.StartTimer()
	}
	var took []time.Duration
	for _, e := range eventsOf[EnvironmentReady](r) {
		took = append(took, e.Init)
	}
	percentiles(b, took)
}

// BenchmarkBurst is that many requests at once to a function that sleeps for 1 s and has no
// environment yet, until all are answered.
func BenchmarkBurst(b *testing.B) {
	for _, n := range []int{200, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := open(b, Config{})
				create(b, s, hello(b))
				b.StartTimer()
				burst(b, s, n)
				b.StopTimer()
				if got := stats(b, s, "hello"); got.Started != int64(n) || got.Errors+got.InitErrors+got.Throttles != 0 {
					b.Errorf("%d requests: %+v", n, got)
				}
				if err := s.Close(b.Context()); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(n), "environments")
		})
	}
}

// burst sends n requests of a second at once and waits for all answers.
func burst(b *testing.B, s *Service, n int) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { call(b, s, `{"ms":1000}`) })
	}
	wg.Wait()
}

// BenchmarkIdleMemory is what this process holds for every environment that is idle: heap and
// stacks, after a collection.
func BenchmarkIdleMemory(b *testing.B) {
	const n = 200
	for b.Loop() {
		s := open(b, Config{})
		create(b, s, hello(b))
		burst(b, s, 1)
		settled(b, s, "hello")
		before := held()
		burst(b, s, n)
		settled(b, s, "hello")
		b.ReportMetric(float64(held()-before)/float64(stats(b, s, "hello").Running-1)/1024, "KB/environment")
		if err := s.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func held() int64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
