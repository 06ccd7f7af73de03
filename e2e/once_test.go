package e2e

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/ephor-io/ephor/internal/uptest"
)

// report is the contract of `up --once --json`.
type report struct {
	API      string `json:"api"`
	Page     string `json:"page"`
	Store    string `json:"store"`
	Endpoint string `json:"endpoint"`
	Load     struct {
		Asked  int     `json:"asked"`
		Sent   int     `json:"sent"`
		OK     int     `json:"ok"`
		Failed int     `json:"failed"`
		P50    float64 `json:"p50_ms"`
		P99    float64 `json:"p99_ms"`
	} `json:"load"`
	Invocations  int `json:"invocations"`
	Recorded     int `json:"recorded"`
	Environments struct {
		Started int `json:"started"`
		Peak    int `json:"peak"`
	} `json:"environments"`
	Freshness struct {
		P50 float64 `json:"p50"`
		P99 float64 `json:"p99"`
	} `json:"freshness_ms"`
}

func once(t *testing.T, state string, args ...string) report {
	t.Helper()
	args = append(append([]string{"up", "--once", "--json", "--state", state}, uptest.AnyPorts()...), args...)
	status, stdout, stderr := command(t, uptest.Root(t), helloProgram(t), args...)
	var r report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("standard output is not one JSON object: %v\n%s\n%s", err, stdout, stderr)
	}
	if status != 0 {
		t.Fatalf("status %d: %+v\n%s", status, r, stderr)
	}
	return r
}

func TestOnceAddsUp(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	r := once(t, state, "--load", "2s@20,1s@20..80")
	if want := 40 + 50; r.Load.Asked != want || r.Load.Sent != want || r.Load.OK != want || r.Invocations != want || r.Recorded != want || r.Load.Failed != 0 {
		t.Errorf("not all of %d: %+v", want, r)
	}
	if r.API == "" || r.Page == "" || r.Store == "" || r.Endpoint == "" || r.Environments.Started < 1 || r.Environments.Peak < 1 ||
		r.Load.P50 <= 0 || r.Load.P99 < r.Load.P50 || r.Freshness.P50 <= 0 || r.Freshness.P99 < r.Freshness.P50 {
		t.Errorf("something is missing: %+v", r)
	}
	// Another run finds the state of this one and counts only itself.
	start := time.Now()
	again := once(t, state, "--load", "1s@10")
	took := float64(time.Since(start).Milliseconds())
	// No invocation of the run can have ended before the run began.
	if again.Invocations != 10 || again.Recorded != 10 || again.Freshness.P99 > took {
		t.Errorf("the second run, of %.0f ms: %+v", took, again)
	}
}

func TestSlowRequestsTakeManyEnvironments(t *testing.T) {
	t.Parallel()
	r := once(t, filepath.Join(t.TempDir(), "state"), "--load", "2s@50..300", "--load-url", "/hello/grafana?ms=50")
	if r.Environments.Peak <= 10 {
		t.Errorf("%d environments at most, for up to 300 requests a second of 50 ms each", r.Environments.Peak)
	}
}
