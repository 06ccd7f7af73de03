package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkWarmRate is the rate of requests through the gateway, with monitoring and freeze, as a
// share of that of a bare net/http server in a process of its own. Clients ask as fast as they are
// answered; they turn to the two servers alternately, a quarter of a second each.
func BenchmarkWarmRate(b *testing.B) {
	a := up(b, root(b), helloProgram(b), filepath.Join(b.TempDir(), "state"))
	get := func(url string) asker {
		return func(c *http.Client) (*http.Response, error) { return c.Get(url) }
	}
	through, bare := get(a.API+"/hello/grafana"), get(bareServer(b))
	for _, clients := range []int{1, 8} {
		b.Run(fmt.Sprintf("Clients=%d", clients), func(b *testing.B) {
			ours, theirs := rates(b, clients, through, bare)
			b.ReportMetric(ours, "requests/s")
			b.ReportMetric(theirs, "bare-requests/s")
			b.ReportMetric(100*ours/theirs, "%-of-bare")
		})
	}
}

// BenchmarkEmulator compares Lambda's Invoke here with that of AWS's Runtime Interface Emulator,
// which is found on PATH as aws-lambda-rie: both run the same binary, and one client asks. Here it
// also publishes its metrics and is frozen. See docs/figures.md for how to build the emulator.
func BenchmarkEmulator(b *testing.B) {
	emulator, err := exec.LookPath("aws-lambda-rie")
	if err != nil {
		b.Skip("aws-lambda-rie is not on PATH: docs/figures.md says how to build it")
	}
	a := up(b, root(b), helloProgram(b), filepath.Join(b.TempDir(), "state"))
	if status, body := a.get("/hello/grafana"); status != http.StatusOK {
		b.Fatal(status, body)
	}
	bootstraps, err := filepath.Glob(filepath.Join(a.state, "*", "code", "*", "bootstrap"))
	if err != nil || len(bootstraps) != 1 {
		b.Fatalf("the function's executable is not found below %s: %v %v", a.state, bootstraps, err)
	}
	invoke := func(url string) asker {
		return func(c *http.Client) (*http.Response, error) {
			r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader([]byte(`{"rawPath":"/hello/grafana"}`)))
			if err != nil {
				return nil, err
			}
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=any/20261101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0")
			return c.Do(r)
		}
	}
	ours, theirs := rates(b, 1,
		invoke(a.Endpoint+"/2015-03-31/functions/SpartaGrafana-HelloWorld/invocations"),
		invoke(startEmulator(b, emulator, bootstraps[0])+"/2015-03-31/functions/function/invocations"))
	b.ReportMetric(ours, "requests/s")
	b.ReportMetric(theirs, "emulator-requests/s")
	b.ReportMetric(ours/theirs, "times-the-emulator")
}

func startEmulator(b *testing.B, emulator, bootstrap string) (url string) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	c := exec.Command(emulator, "--runtime-interface-emulator-address", address, "--runtime-api-address", "127.0.0.1:0", bootstrap)
	c.Dir = filepath.Dir(bootstrap)
	c.Env = append(os.Environ(), "AWS_LAMBDA_FUNCTION_NAME=function", "LOG_LEVEL=error")
	var text output
	c.Stdout, c.Stderr = &text, &text
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.Process.Kill() // it has nothing to lose
		_ = c.Wait()
	})
	eventually(b, "the emulator listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return "http://" + address
}

type asker func(*http.Client) (*http.Response, error)

// rates has clients ask the two in turns, b.N rounds of a quarter of a second each, and returns how
// many answers a second each gave.
func rates(b *testing.B, clients int, one, other asker) (float64, float64) {
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	round := func(ask asker, d time.Duration) float64 {
		var done atomic.Int64
		start := time.Now()
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				for time.Since(start) < d {
					response, err := ask(client)
					if err != nil {
						b.Error(err)
						return
					}
					body, err := io.ReadAll(response.Body)
					if response.Body.Close(); err != nil || response.StatusCode != http.StatusOK || strings.Contains(string(body), "errorType") {
						b.Errorf("%s %v: %s", response.Status, err, body)
						return
					}
					done.Add(1)
				}
			})
		}
		all.Wait()
		return float64(done.Load()) / time.Since(start).Seconds()
	}
	const turn = 250 * time.Millisecond
	round(one, turn)
	round(other, turn)
	var sums [2]float64
	n := 0
	for b.Loop() {
		sums[0] += round(one, turn)
		sums[1] += round(other, turn)
		n++
	}
	return sums[0] / float64(n), sums[1] / float64(n)
}
