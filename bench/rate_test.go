package bench

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ephor-io/ephor/internal/uptest"
)

// BenchmarkWarmRate is the rate of requests through the gateway, with the freeze, as a share of that
// of a bare net/http server in a process of its own. Clients ask as fast as they are answered; they
// turn to the two servers alternately, a quarter of a second each.
func BenchmarkWarmRate(b *testing.B) {
	get := func(url string) asker {
		return func(c *http.Client) (*http.Response, error) { return c.Get(url) }
	}
	bare := get(uptest.BareServer(b))
	withAndWithoutMonitoring(b, func(b *testing.B, a *uptest.Application) {
		for _, clients := range []int{1, 8} {
			b.Run(fmt.Sprintf("Clients=%d", clients), func(b *testing.B) {
				ours, theirs, busy := rates(b, clients, a, get(a.API+"/"), bare)
				b.ReportMetric(busy, "processor-µs/request")
				b.ReportMetric(ours, "requests/s")
				b.ReportMetric(theirs, "bare-requests/s")
				b.ReportMetric(100*ours/theirs, "%-of-bare")
			})
		}
	})
}

// BenchmarkEmulator compares Lambda's Invoke here with that of AWS's Runtime Interface Emulator,
// which is found on PATH as aws-lambda-rie: both run the same binary, which publishes to the same
// store or not at all, and one client asks. Here it is also frozen. See docs/emulator.md for how to
// build the emulator.
func BenchmarkEmulator(b *testing.B) {
	emulator := uptest.FindEmulator(b)
	invoke := func(url string) asker {
		return func(c *http.Client) (*http.Response, error) {
			r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(`{"rawPath":"/"}`))
			if err != nil {
				return nil, err
			}
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=any/20261101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0")
			return c.Do(r)
		}
	}
	withAndWithoutMonitoring(b, func(b *testing.B, a *uptest.Application) {
		url := uptest.StartEmulator(b, []string{emulator}, a, "Handle")
		b.Run("Clients=1", func(b *testing.B) {
			ours, theirs, _ := rates(b, 1, a,
				invoke(a.Endpoint+"/2015-03-31/functions/Shop-Handle/invocations"),
				invoke(url+"/2015-03-31/functions/function/invocations"))
			b.ReportMetric(ours, "requests/s")
			b.ReportMetric(theirs, "emulator-requests/s")
			b.ReportMetric(ours/theirs, "times-the-emulator")
		})
	})
}

// An application that has a monitoring stack, and one that has none.
const monitored, unmonitored = "Monitoring", "Without"

// start runs one of the two.
func start(b *testing.B, which string) *uptest.Application {
	b.Helper()
	source := uptest.Shop
	if which == unmonitored {
		source = strings.Replace(source, "app.Monitor(ephor.Grafana{})", "", 1)
	}
	dir := uptest.NewModule(b, source)
	a := uptest.Up(b, dir, uptest.Build(b, dir), filepath.Join(dir, "state"))
	if status, body := a.Get("/"); status != http.StatusOK {
		b.Fatal(status, body)
	}
	return a
}

// withAndWithoutMonitoring measures both, one after the other.
func withAndWithoutMonitoring(b *testing.B, measure func(*testing.B, *uptest.Application)) {
	for _, which := range []string{monitored, unmonitored} {
		b.Run(which, func(b *testing.B) { measure(b, start(b, which)) })
	}
}

type asker func(*http.Client) (*http.Response, error)

// rates has clients ask the two in turns, b.N rounds of a quarter of a second each, and returns how
// many answers a second each gave, and the processor time that a, which is the one, had for an answer with
// all that belongs to it, in microseconds. That hardly depends on what else the machine does.
func rates(b *testing.B, clients int, a *uptest.Application, one, other asker) (ours, theirs, busy float64) {
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	round := func(ask asker, d time.Duration) (rate float64, answers int64) {
		var done atomic.Int64
		began := time.Now()
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				for time.Since(began) < d {
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
		return float64(done.Load()) / time.Since(began).Seconds(), done.Load()
	}
	const turn = 250 * time.Millisecond
	round(one, turn)
	round(other, turn)
	var answers int64
	var used time.Duration
	n := 0.0
	for b.Loop() {
		before := familyTime(b, a.Cmd.Process.Pid)
		rate, answered := round(one, turn)
		ours += rate
		rate, _ = round(other, turn) // a batch of the last answer is sent meanwhile
		theirs += rate
		used += familyTime(b, a.Cmd.Process.Pid) - before
		answers += answered
		n++
	}
	return ours / n, theirs / n, float64(used.Microseconds()) / float64(answers)
}
