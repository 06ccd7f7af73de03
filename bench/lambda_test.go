package bench

import (
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ephor-io/ephor/internal/functiontest"
	"github.com/ephor-io/ephor/internal/uptest"
	"github.com/ephor-io/ephor/laptop/lambda"
)

// archive is the function of laptop/lambda's own tests, built once.
var archive = sync.OnceValues(func() ([]byte, error) {
	return functiontest.Deployment("../laptop/lambda/testdata/function")
})

// function is what a benchmark calls.
const function = "hello"

// newLambda is a Lambda with one function. Its folder is not in /tmp, of which functions have one of
// their own.
func newLambda(b *testing.B, cfg lambda.Config) (*lambda.Service, lambda.FunctionInput) {
	b.Helper()
	code, err := archive()
	if err == nil {
		cfg.Dir, err = os.MkdirTemp("/var/tmp", "ephor-bench-*")
	}
	if err != nil {
		b.Fatal(err)
	}
	s, err := lambda.Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		closeLambda(b, s)
		if err := os.RemoveAll(cfg.Dir); err != nil {
			b.Error(err)
		}
	})
	in := lambda.FunctionInput{Name: function, Runtime: "provided.al2023", Handler: "HelloWorld", Timeout: 20 * time.Second,
		Role: "arn:aws:iam::000000000000:role/hello", Architecture: "x86_64", Code: lambda.Code{ZipFile: code}}
	if runtime.GOARCH == "arm64" {
		in.Architecture = "arm64"
	}
	if _, err := s.CreateFunction(b.Context(), in); err != nil {
		b.Fatal(err)
	}
	return s, in
}

// closeLambda may be called again.
func closeLambda(b *testing.B, s *lambda.Service) {
	b.Helper()
	if err := s.Close(b.Context()); err != nil && b.Context().Err() == nil {
		b.Error(err)
	}
}

// call invokes the function and fails on anything but success.
func call(b *testing.B, s *lambda.Service, payload string) {
	out, err := s.Invoke(b.Context(), lambda.InvokeInput{Function: function, Payload: []byte(payload)})
	if err != nil || out.FunctionError != "" {
		b.Errorf("%s: %v %s", payload, err, out.Payload)
	}
}

// burst sends n requests of a second at once and waits for all answers.
func burst(b *testing.B, s *lambda.Service, n int) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { call(b, s, `{"ms":1000}`) })
	}
	wg.Wait()
}

// BenchmarkStart is the start of an environment until its first next. Each round changes the function's
// configuration, which ends the environment before.
func BenchmarkStart(b *testing.B) {
	ready, stopped := make(chan time.Duration, 1), make(chan struct{}, 1)
	s, in := newLambda(b, lambda.Config{ScalingRate: 1e6, Events: func(e lambda.Event) {
		switch e := e.(type) {
		case lambda.EnvironmentReady:
			ready <- e.Init
		case lambda.EnvironmentStopped:
			select {
			case stopped <- struct{}{}:
			default: // at the end nobody waits
			}
		}
	}})
	var took []float64
	for b.Loop() {
		call(b, s, `{}`)
		took = append(took, float64(<-ready)/float64(time.Millisecond))
		in.Environment = map[string]string{"ROUND": strconv.Itoa(len(took))}
		if _, err := s.UpdateFunction(b.Context(), function, in); err != nil {
			b.Fatal(err)
		}
		<-stopped
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(took), "p50-ms")
}

// BenchmarkBurst is that many requests at once to a function that sleeps for 1 s and has no
// environment yet, until all are answered.
func BenchmarkBurst(b *testing.B) {
	for _, n := range []int{200, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s, _ := newLambda(b, lambda.Config{})
				b.StartTimer()
				burst(b, s, n)
				b.StopTimer()
				got := stats(b, s)
				if got.Started != int64(n) || got.Errors+got.InitErrors+got.Throttles != 0 {
					b.Errorf("%d requests: %+v", n, got)
				}
				b.ReportMetric(float64(got.Started), "environments")
				closeLambda(b, s)
				b.StartTimer()
			}
		})
	}
}

// BenchmarkIdleMemory is what this process holds for every environment that is idle: heap and
// stacks, after a collection.
func BenchmarkIdleMemory(b *testing.B) {
	const n = 200
	for b.Loop() {
		s, _ := newLambda(b, lambda.Config{})
		settled := func() {
			uptest.Eventually(b, "no environment is busy", func() bool { return stats(b, s).Busy == 0 })
		}
		burst(b, s, 1)
		settled()
		before, first := held(), stats(b, s).Running
		burst(b, s, n)
		settled()
		b.ReportMetric(float64(held()-before)/float64(stats(b, s).Running-first)/1024, "KB/environment")
		closeLambda(b, s)
	}
}

func stats(b *testing.B, s *lambda.Service) lambda.FunctionStats {
	b.Helper()
	all := s.Stats()
	if len(all) != 1 {
		b.Fatalf("figures of %d functions", len(all))
	}
	return all[0]
}

func held() int64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
