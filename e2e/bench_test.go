package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor/internal/uptest"
)

// The figures of docs/figures.md:
//
//	go test ./e2e -run '^$' -bench . -benchtime 3x

// BenchmarkFirstAnswer is the time from `go run` to the first answer, the module and build caches
// being warm: a fresh clone where an earlier one lay, one in a folder that Go has never built in, an
// application of one's own, and the same folder once more.
func BenchmarkFirstAnswer(b *testing.B) {
	helloProgram(b) // so that the caches are warm
	b.Run("FreshClone", func(b *testing.B) {
		dir := filepath.Join(b.TempDir(), "ephor")
		clone(b, dir)
		c := exec.Command("go", "build", "./...")
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		for b.Loop() {
			b.StopTimer()
			if err := os.RemoveAll(dir); err != nil {
				b.Fatal(err)
			}
			clone(b, dir)
			b.StartTimer()
			firstAnswer(b, dir)
		}
	})
	b.Run("FreshCloneElsewhere", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			dir := filepath.Join(b.TempDir(), "ephor")
			clone(b, dir)
			b.StartTimer()
			firstAnswer(b, dir)
		}
	})
	b.Run("FreshApplication", func(b *testing.B) {
		uptest.Build(b, uptest.NewModule(b, uptest.Shop))
		for b.Loop() {
			b.StopTimer()
			dir := uptest.NewModule(b, uptest.Shop)
			script := filepath.Join(dir, "go-run")
			uptest.WriteFile(b, script, "#!/bin/sh\nexec go run . \"$@\"\n")
			if err := os.Chmod(script, 0o755); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			answer(b, up(b, dir, script, filepath.Join(dir, "state")), "/")
		}
	})
	b.Run("Again", func(b *testing.B) {
		dir := filepath.Join(b.TempDir(), "ephor")
		clone(b, dir)
		firstAnswer(b, dir)
		for b.Loop() {
			firstAnswer(b, dir)
		}
	})
}

func clone(b *testing.B, dir string) {
	b.Helper()
	if out, err := exec.Command("git", "clone", "-q", uptest.Root(b), dir).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
}

// firstAnswer runs `go run ./examples/hello up` in dir until it has answered once.
func firstAnswer(b *testing.B, dir string) {
	b.Helper()
	answer(b, up(b, dir, goRunScript(b), filepath.Join(dir, ".ephor", "bench")), "/hello/grafana")
}

// answer asks once, and ends the application while the clock stands still.
func answer(b *testing.B, a *application, path string) {
	b.Helper()
	if status, body := a.Get(path); status != http.StatusOK {
		b.Fatalf("%d %s", status, body)
	}
	b.StopTimer()
	a.Stop(os.Kill)
	uptest.Eventually(b, "no process of it is left", func() bool { return len(processesWith(b, a.State)) == 0 })
	b.StartTimer()
}

// BenchmarkSourceSaved is the time from a change that is saved until the new code answers.
func BenchmarkSourceSaved(b *testing.B) {
	a, dir := shopUp(b)
	n := 1
	for b.Loop() {
		n++
		version := "version " + strings.Repeat("i", n)
		uptest.WriteFile(b, filepath.Join(dir, "main.go"), strings.Replace(uptest.Shop, "version 1", version, 1))
		for {
			if _, body := a.Get("/"); body == version {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// BenchmarkWarmRequest compares a request through the gateway with one to a bare net/http server,
// both from one client, one after the other, and both servers in a process of their own.
func BenchmarkWarmRequest(b *testing.B) {
	a := up(b, uptest.Root(b), helloProgram(b), filepath.Join(b.TempDir(), "state"))
	bare := uptest.BareServer(b)
	const requests = 2000
	var through, direct []time.Duration
	measure := func(url string) time.Duration {
		start := time.Now()
		response, err := http.Get(url)
		if err != nil {
			b.Fatal(err)
		}
		_, err = io.Copy(io.Discard, response.Body)
		if response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
			b.Fatal(response.Status, err)
		}
		return time.Since(start)
	}
	for range 50 {
		measure(a.API + "/hello/grafana")
		measure(bare)
	}
	for b.Loop() {
		// In turns, so that both meet the same machine.
		for range requests / 100 {
			for range 100 {
				through = append(through, measure(a.API+"/hello/grafana"))
			}
			for range 100 {
				direct = append(direct, measure(bare))
			}
		}
	}
	p50 := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(d[len(d)/2]) / float64(time.Microsecond)
	}
	b.ReportMetric(p50(through), "µs/gateway-p50")
	b.ReportMetric(p50(direct), "µs/bare-p50")
	b.ReportMetric(p50(through)/p50(direct), "times-bare")
}

// BenchmarkFreshness is how long it takes from an invocation's end until /query shows it, at 200 a
// second.
func BenchmarkFreshness(b *testing.B) {
	var p50, p99 []float64
	for b.Loop() {
		args := append([]string{"up", "--once", "--json", "--load", "10s@200", "--state", filepath.Join(b.TempDir(), "state")}, uptest.AnyPorts()...)
		status, stdout, stderr := command(b, uptest.Root(b), helloProgram(b), args...)
		var r report
		if err := json.Unmarshal([]byte(stdout), &r); err != nil || status != 0 {
			b.Fatalf("status %d, %v\n%s", status, err, stderr)
		}
		p50, p99 = append(p50, r.Freshness.P50), append(p99, r.Freshness.P99)
	}
	slices.Sort(p50)
	slices.Sort(p99)
	b.ReportMetric(p50[len(p50)/2], "ms/p50")
	b.ReportMetric(p99[len(p99)-1], "ms/p99-worst")
}

// BenchmarkBinary is the size that Ephor adds to a bare handler's executable.
func BenchmarkBinary(b *testing.B) {
	var delta int64
	for b.Loop() {
		delta = executableSize(b, "./examples/hello") - executableSize(b, "./e2e/testdata/bare.go")
	}
	b.ReportMetric(float64(delta)/1e6, "MB-over-bare")
}
