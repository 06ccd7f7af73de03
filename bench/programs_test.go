package bench

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// libraries are the programs to compare, the bare one first.
func libraries() []string {
	return []string{"bare", "ephor", "go-metrics", "victoriametrics", "prometheus", "opentelemetry"}
}

// programs are built as Lambda runs them.
func programs(b *testing.B, names ...string) (paths map[string]string) {
	b.Helper()
	paths = map[string]string{}
	dir := b.TempDir()
	for _, name := range names {
		paths[name] = filepath.Join(dir, name)
		c := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", paths[name], "./programs/"+name)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	return paths
}

// BenchmarkBinary is what each library adds to a bare handler's executable.
func BenchmarkBinary(b *testing.B) {
	var over map[string]float64
	for b.Loop() {
		names := libraries()
		paths := programs(b, names...)
		over = map[string]float64{}
		size := func(name string) float64 {
			info, err := os.Stat(paths[name])
			if err != nil {
				b.Fatal(err)
			}
			return float64(info.Size()) / 1e6
		}
		for _, name := range names[1:] {
			over[name] = size(name) - size("bare")
		}
	}
	b.ReportMetric(0, "ns/op")
	for name, mb := range over {
		b.ReportMetric(mb, name+"-MB")
	}
}

// BenchmarkInit is the time from a process's start until it asks the Runtime API for its first
// event, the programs by turns, and what each adds to the bare one's.
func BenchmarkInit(b *testing.B) {
	names := libraries()
	paths := programs(b, names...)
	asked := make(chan struct{}, 1)
	var extensions atomic.Int64
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/extension/register"):
			extensions.Add(1)
			w.Header().Set("Lambda-Extension-Identifier", "id")
			_, _ = io.WriteString(w, "{}") // to a process that is killed soon
		case strings.HasSuffix(r.URL.Path, "/invocation/next"):
			asked <- struct{}{}
			<-r.Context().Done()
		default:
			<-r.Context().Done()
		}
	}))
	defer api.Close()
	start := func(name string) float64 {
		c := exec.Command(paths[name])
		c.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"), "EPHOR_STORE_URL=http://127.0.0.1:9", "AWS_LAMBDA_FUNCTION_NAME=f"}
		began := time.Now()
		if err := c.Start(); err != nil {
			b.Fatal(err)
		}
		select {
		case <-asked:
		case <-time.After(time.Minute):
			b.Fatalf("%s asks for nothing", name)
		}
		took := time.Since(began)
		_ = c.Process.Kill() // it waits for an event that never comes
		_ = c.Wait()
		return float64(took) / float64(time.Millisecond)
	}
	took := map[string][]float64{}
	for b.Loop() {
		for range 5 {
			for _, name := range names {
				took[name] = append(took[name], start(name))
			}
		}
	}
	if extensions.Load() == 0 {
		b.Error("Ephor's publisher has registered nowhere")
	}
	b.ReportMetric(0, "ns/op")
	bare := median(took["bare"])
	b.ReportMetric(bare, "bare-ms")
	for _, name := range names[1:] {
		b.ReportMetric(median(took[name])-bare, name+"-added-ms")
	}
}
