package load

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A wire answers requests within a test's own time.
type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

func answer(status int) *http.Response {
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Body: io.NopCloser(strings.NewReader("Hello"))}
}

// takes answers after a while.
func takes(d time.Duration) wire {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return answer(200), nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

func mustParse(t testing.TB, text string) Plan {
	t.Helper()
	plan, err := ParsePlan(text)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// fake is a Config on the clock of a synctest bubble.
func fake(t *testing.T, plan string, w wire) Config {
	return Config{
		Plan: mustParse(t, plan), Targets: []Target{{URL: "http://127.0.0.1/hello"}},
		transport: w, nap: time.Sleep,
	}
}

func run(t *testing.T, ctx context.Context, c Config) Report {
	t.Helper()
	r, err := Run(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Asked != r.OK+r.Failed {
		t.Errorf("asked %d, but ok %d and failed %d", r.Asked, r.OK, r.Failed)
	}
	var reasons int64
	for _, n := range r.Reasons {
		reasons += n
	}
	if reasons != r.Failed {
		t.Errorf("failed %d, but for reasons %v", r.Failed, r.Reasons)
	}
	return r
}

// equal compares figures of which the histograms keep three digits.
func equal(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0.002, 0)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSlowAnswersSlowNothingDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sent []time.Duration
		start := time.Now()
		slow := takes(20 * time.Second)
		c := fake(t, "2s@5,2s@5..50", func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			sent = append(sent, time.Since(start))
			mu.Unlock()
			return slow(r)
		})
		r := run(t, t.Context(), c)
		if diff := cmp.Diff(slices.Collect(c.Plan.Arrivals()), sent); diff != "" {
			t.Errorf("sent at other times than planned (-want +got):\n%s", diff)
		}
		equal(t, Counts{Asked: 65, Sent: 65, OK: 65}, r.Counts)
		all := Times{P50: 20000, P90: 20000, P99: 20000, P999: 20000, Max: 20000}
		equal(t, all, r.Times)
		equal(t, all, r.Service)
		equal(t, Times{}, r.Lag)
		if r.Seconds != 24 {
			t.Errorf("it took %v s", r.Seconds)
		}
	})
}

// A server stands still for a second in the middle. A loop that waits for its answer before it
// asks again would see one slow answer in a thousand; here everybody whose turn came has waited.
func TestStallIsSeenByAllWhoseTurnCame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := fake(t, "10s@100", func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Millisecond)
			if now := time.Since(start); now > 5*time.Second && now < 6*time.Second {
				time.Sleep(6*time.Second - now)
			}
			return answer(200), nil
		})
		c.MaxConnections = 1
		r := run(t, t.Context(), c)
		equal(t, Counts{Asked: 1000, Sent: 1000, OK: 1000}, r.Counts)
		if r.P50 > 2 || r.P99 < 900 || r.Max < 980 {
			t.Errorf("response times %+v, want a p99 of the stall", r.Times)
		}
		if r.Service.P99 > 2 || r.Lag.P99 < 900 {
			t.Errorf("service %+v, lag %+v: want the wait to be told from the service", r.Service, r.Lag)
		}
	})
}

func TestTooManyWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := fake(t, "1s@10", takes(10*time.Second))
		c.MaxConnections, c.MaxWaiting = 2, 3
		r := run(t, t.Context(), c)
		equal(t, Counts{Asked: 10, Sent: 5, OK: 5, Failed: 5}, r.Counts)
		equal(t, map[string]int64{"too many waiting": 5}, r.Reasons)
		if !strings.Contains(r.FirstFailure, "not sent") {
			t.Errorf("the first failure says %q", r.FirstFailure)
		}
	})
}

func TestTimeoutCountsFromTheIntendedStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := fake(t, "1s@4", takes(10*time.Second))
		c.MaxConnections, c.Timeout = 1, 2*time.Second
		r := run(t, t.Context(), c)
		// One fails at 2.25 s, the next gets the connection for the quarter of a second left to it.
		equal(t, Counts{Asked: 4, Sent: 4, Failed: 4}, r.Counts)
		equal(t, map[string]int64{"timeout": 4}, r.Reasons)
		equal(t, Times{P50: 2000, P90: 2000, P99: 2000, P999: 2000, Max: 2000}, r.Times)
		if r.Seconds != 3 {
			t.Errorf("it took %v s", r.Seconds)
		}
	})
}

func TestTimeoutWhileWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// This one does not heed the context.
		c := fake(t, "1s@4", func(*http.Request) (*http.Response, error) {
			time.Sleep(2900 * time.Millisecond)
			return answer(200), nil
		})
		c.MaxConnections, c.Timeout = 1, 2*time.Second
		r := run(t, t.Context(), c)
		equal(t, Counts{Asked: 4, Sent: 1, OK: 1, Failed: 3}, r.Counts)
		equal(t, map[string]int64{"timeout": 3}, r.Reasons)
	})
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		takes time.Duration
		conns int
		want  Counts
		why   map[string]int64
		took  float64
	}{
		{"what is under way ends well", 4 * time.Second, 100, Counts{Asked: 25, Sent: 25, OK: 25}, nil, 6.5},
		{"or is given up", time.Minute, 100, Counts{Asked: 25, Sent: 25, Failed: 25}, map[string]int64{"cancelled": 25}, 7.5},
		{"what waits is not sent", 4 * time.Second, 5, Counts{Asked: 25, Sent: 5, OK: 5, Failed: 20}, map[string]int64{"cancelled": 20}, 4.5},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 2550*time.Millisecond)
				defer cancel()
				c := fake(t, "1h@10", takes(test.takes))
				c.MaxConnections = test.conns
				r := run(t, ctx, c)
				equal(t, test.want, r.Counts)
				equal(t, test.why, r.Reasons)
				if !r.Interrupted || math.Abs(r.Seconds-test.took) > 0.1 {
					t.Errorf("interrupted: %v, after %v s", r.Interrupted, r.Seconds)
				}
			})
		})
	}
}

func TestRestAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if r := run(t, t.Context(), fake(t, "1s@10,5s@0", takes(0))); r.Seconds != 6 || r.Interrupted {
			t.Errorf("the plan of 6 s took %v s", r.Seconds)
		}
	})
}

func TestTargetsInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := fake(t, "1s@10", func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/bad" {
				return answer(503), nil
			}
			return answer(204), nil
		})
		c.Targets = []Target{{Name: "good", URL: "http://localhost/good"}, {URL: "http://localhost/bad", Method: "PUT"}}
		seconds := map[string]Counts{}
		c.Events = func(e Event) {
			s := e.(Second)
			n := seconds[s.Target]
			seconds[s.Target] = Counts{n.Asked + s.Asked, n.Sent + s.Sent, n.OK + s.OK, n.Failed + s.Failed}
		}
		r := run(t, t.Context(), c)
		good, bad := Counts{Asked: 5, Sent: 5, OK: 5}, Counts{Asked: 5, Sent: 5, Failed: 5}
		if len(r.Targets) != 2 || r.Targets[0].Target != "good" || r.Targets[1].Target != "PUT /bad" {
			t.Fatalf("targets %+v", r.Targets)
		}
		equal(t, good, r.Targets[0].Counts)
		equal(t, bad, r.Targets[1].Counts)
		equal(t, Counts{Asked: 10, Sent: 10, OK: 5, Failed: 5}, r.Counts)
		equal(t, map[string]int64{"status 503": 5}, r.Reasons)
		equal(t, map[string]Counts{"good": good, "PUT /bad": bad}, seconds)
		if r.FirstFailure != `Service Unavailable: "Hello"` {
			t.Errorf("the first failure says %q", r.FirstFailure)
		}
	})
}

func TestSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := fake(t, "3s@10", takes(1500*time.Millisecond))
		c.MaxConnections = 12
		var got []Second
		c.Events = func(e Event) { got = append(got, e.(Second)) }
		run(t, t.Context(), c)

		var sum Counts
		for i, s := range got {
			if want := start.Add(time.Duration(i) * time.Second); !s.Start.Equal(want) {
				t.Errorf("second %d begins at %v, want %v", i, s.Start, want)
			}
			sum = Counts{sum.Asked + s.Asked, sum.Sent + s.Sent, sum.OK + s.OK, sum.Failed + s.Failed}
		}
		equal(t, Counts{Asked: 30, Sent: 30, OK: 30}, sum)
		// What is sent at 0.1 s is answered at 1.6 s; at 2 s the 12 connections are taken.
		if len(got) < 4 || got[0].OK != 0 || got[1].OK == 0 || got[1].Flying != 12 || got[1].Waiting == 0 {
			t.Errorf("seconds %+v", got)
		}
		if got[0].Times != (Times{}) || got[1].P50 == 0 {
			t.Errorf("times of the first two seconds: %+v, %+v", got[0].Times, got[1].Times)
		}
	})
}

func TestConfigRefused(t *testing.T) {
	t.Parallel()
	good := func() Config {
		return Config{Plan: Plan{{time.Second, 1, 1}}, Targets: []Target{{URL: "http://127.0.0.1:1/"}}}
	}
	for _, test := range []struct {
		says   string
		change func(*Config)
	}{
		{"asks for no request", func(c *Config) { c.Plan = nil }},
		{"there are 0 targets", func(c *Config) { c.Targets = nil }},
		{"MaxConnections is -1", func(c *Config) { c.MaxConnections = -1 }},
		{"MaxWaiting is -1", func(c *Config) { c.MaxWaiting = -1 }},
		{"Timeout is 1h", func(c *Config) { c.Timeout = time.Hour }},
		{"Grace is -1s", func(c *Config) { c.Grace = -time.Second }},
		{"no absolute http or https URL", func(c *Config) { c.Targets[0].URL = "/hello" }},
		{"no absolute http or https URL", func(c *Config) { c.Targets[0].URL = "ftp://localhost/" }},
		{"two targets", func(c *Config) { c.Targets = append(c.Targets, c.Targets[0]) }},
		{"invalid method", func(c *Config) { c.Targets[0].Method = "G T" }},
		{`"a\nb"`, func(c *Config) { c.Targets[0].Name = "a\nb" }},
		{"name of a database", func(c *Config) { c.Store.URL = "http://127.0.0.1:8086" }},
	} {
		c := good()
		test.change(&c)
		if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("Run: %v, want %q", err, test.says)
		}
	}
}

func TestRemoteTargets(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"example.com", "10.0.0.1:8080", "localhost.example.com", "[2001:db8::1]", "0.0.0.0", "169.254.169.254"} {
		c := Config{Plan: Plan{{time.Second, 1, 1}}, Targets: []Target{{Name: "x", URL: "http://" + host + "/"}}}
		_, err := Run(t.Context(), c)
		var remote *RemoteError
		if !errors.As(err, &remote) || remote.Host != host || !strings.Contains(err.Error(), "AllowRemote") {
			t.Errorf("%s: %v, want a RemoteError", host, err)
		}
	}
	for _, host := range []string{"localhost", "127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"} {
		if !local(host) {
			t.Errorf("%s is this machine", host)
		}
	}
	if refuseRemote("127.0.0.1:80") != nil || refuseRemote("[::1]:80") != nil || refuseRemote("93.184.216.34:80") == nil {
		t.Error("connections are not checked")
	}
	synctest.Test(t, func(t *testing.T) {
		c := fake(t, "1s@1", takes(0))
		c.Targets[0].URL, c.AllowRemote = "http://example.com/", true
		equal(t, Counts{Asked: 1, Sent: 1, OK: 1}, run(t, t.Context(), c).Counts)
	})
}
