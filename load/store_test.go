package load

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A database keeps what it is sent with an answer of 204.
type database struct {
	status func(call int) int
	calls  int
	lines  []string
	auth   string
}

func (d *database) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if got, want := r.Method+" "+r.URL.String(), "POST http://store/base/write?db=ephor&precision=ns"; got != want {
		return nil, fmt.Errorf("the store was asked %s, want %s", got, want)
	}
	d.calls++
	code := d.status(d.calls)
	if code == http.StatusNoContent {
		d.auth = r.Header.Get("Authorization")
		d.lines = append(d.lines, strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")...)
	}
	text := fmt.Sprintf("%d %s", code, http.StatusText(code))
	return &http.Response{StatusCode: code, Status: text, Body: io.NopCloser(strings.NewReader("the store's own words"))}, nil
}

func always(status int) func(int) int { return func(int) int { return status } }

// storing runs a plan and returns the report and what was told of the store.
func storing(t *testing.T, plan string, c Config, w http.RoundTripper) (Report, []StoreTrouble) {
	t.Helper()
	with := fake(t, plan, takes(20*time.Millisecond))
	with.Store = Store{URL: "http://store/base", Database: "ephor", Token: c.Store.Token, transport: w}
	if c.Targets != nil {
		with.Targets = c.Targets
	}
	var troubles []StoreTrouble
	with.Events = func(e Event) {
		if trouble, ok := e.(StoreTrouble); ok {
			troubles = append(troubles, trouble)
		} else if c.Events != nil {
			c.Events(e)
		}
	}
	r := run(t, t.Context(), with)
	if r.OK != r.Asked {
		t.Errorf("the store disturbed the load: %+v", r)
	}
	return r, troubles
}

func TestPointsReachTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &database{status: always(http.StatusNoContent)}
		var want []string
		c := Config{
			Store:   Store{Token: "writer:secret"},
			Targets: []Target{{URL: "http://localhost/hello"}, {Name: "of bad", URL: "http://localhost", Method: "PUT"}},
			Events: func(e Event) {
				s := e.(Second)
				want = append(want, fmt.Sprintf(`load,target=%s asked=%di,sent=%di,ok=%di,failed=%di… %d`,
					strings.ReplaceAll(s.Target, " ", `\ `), s.Asked, s.Sent, s.OK, s.Failed, s.Start.UnixNano()))
			},
		}
		r, troubles := storing(t, "1500ms@20,1s@0", c, d)
		var got []string
		times := regexp.MustCompile(`(,\w*p50_ms=[0-9.]+,\w*p90_ms=[0-9.]+,\w*p99_ms=[0-9.]+,\w*p999_ms=[0-9.]+,\w*max_ms=[0-9.]+)+ `)
		for _, line := range d.lines {
			got = append(got, times.ReplaceAllString(line, "… "))
		}
		// Where nothing was sent there are no times.
		for i := range want {
			if strings.Contains(want[i], "sent=0i") {
				want[i] = strings.ReplaceAll(want[i], "…", "")
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("points (-want +got):\n%s\n%s", diff, d.lines)
		}
		for _, field := range []string{",p99_ms=20.", ",service_p999_ms=20.", ",lag_max_ms=0"} {
			if !strings.Contains(d.lines[0], field) {
				t.Errorf("no %s in %s", field, d.lines[0])
			}
		}
		if r.Points != (Points{Written: 6}) || len(troubles) != 0 {
			t.Errorf("points %+v, want 6 written; troubles %v", r.Points, troubles)
		}
		if d.auth != "Basic d3JpdGVyOnNlY3JldA==" {
			t.Errorf("Authorization: %s", d.auth)
		}
	})
}

func TestStoreThatFailsForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &database{status: func(call int) int { return []int{0, 503, 429, 204}[min(call, 3)] }}
		r, troubles := storing(t, "4s@10", Config{Store: Store{Token: "token"}}, d)
		if r.Points != (Points{Written: 5}) || len(d.lines) != 5 || d.auth != "Token token" {
			t.Errorf("points %+v, of which the store has %q by %q", r.Points, d.lines, d.auth)
		}
		if len(troubles) != 1 || !strings.Contains(troubles[0].Err.Error(), "503 Service Unavailable") {
			t.Errorf("troubles %v, want one that tells of the 503", troubles)
		}
	})
}

func TestStoreThatRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &database{status: always(http.StatusBadRequest)}
		r, troubles := storing(t, "100ms@50", Config{}, d)
		if r.Points != (Points{Lost: 1}) || d.calls != 1 {
			t.Errorf("points %+v after %d calls, want one call and one loss", r.Points, d.calls)
		}
		if len(troubles) != 1 || !strings.Contains(troubles[0].Err.Error(), "the store's own words") {
			t.Errorf("troubles %v, want one in the store's words", troubles)
		}
	})
}

func TestStoreThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r, troubles := storing(t, "3m@1", Config{}, takes(24*time.Hour))
		if r.Points != (Points{Lost: 181}) {
			t.Errorf("points %+v, want all lost", r.Points)
		}
		if len(troubles) != 1 || !strings.Contains(troubles[0].Err.Error(), "deadline exceeded") {
			t.Errorf("troubles %v, want one that tells of the timeout", troubles)
		}
		if took := time.Since(start); took > 3*time.Minute+closeWithin+time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestStoreThatFailsForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &database{status: func(call int) int {
			if call <= maxAttempts {
				return http.StatusBadGateway
			}
			return http.StatusNoContent
		}}
		r, troubles := storing(t, "2m@1", Config{}, d)
		if r.Points != (Points{Written: 120, Lost: 1}) || len(d.lines) != 120 {
			t.Errorf("points %+v, of which the store has %d, want the oldest lost after %d attempts", r.Points, len(d.lines), maxAttempts)
		}
		if len(troubles) != 1 {
			t.Errorf("troubles %v, want one", troubles)
		}
	})
}

func TestQueueForTheStoreIsBounded(t *testing.T) {
	t.Parallel()
	var troubles []Event
	w := &writer{url: "x", trouble: func(e Event) { troubles = append(troubles, e) }, batches: make(chan batch, maxBatches)}
	target, err := newTarget(Target{URL: "http://127.0.0.1"}, false)
	if err != nil {
		t.Fatal(err)
	}
	for range maxBatches + 3 {
		w.write(target.series, Second{Start: time.Now()})
		w.flush()
	}
	if w.points.Lost != 3 || len(troubles) != 1 {
		t.Errorf("%d points were lost, want 3; troubles %v", w.points.Lost, troubles)
	}
}

func TestReportAsJSON(t *testing.T) {
	t.Parallel()
	r := Report{Seconds: 2, Points: Points{Written: 3}}
	r.Counts = Counts{Asked: 4, Sent: 3, OK: 2, Failed: 2}
	r.Times = Times{P50: 1.5, P90: 2, P99: 2.5, P999: 3, Max: 3.5}
	r.Reasons = map[string]int64{"status 502": 1, "too many waiting": 1}
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"asked":4,"sent":3,"ok":2,"failed":2,` +
		`"p50_ms":1.5,"p90_ms":2,"p99_ms":2.5,"p999_ms":3,"max_ms":3.5,` +
		`"service":{"p50_ms":0,"p90_ms":0,"p99_ms":0,"p999_ms":0,"max_ms":0},` +
		`"lag":{"p50_ms":0,"p90_ms":0,"p99_ms":0,"p999_ms":0,"max_ms":0},` +
		`"reasons":{"status 502":1,"too many waiting":1},` +
		`"seconds":2,"points":{"written":3,"lost":0}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
