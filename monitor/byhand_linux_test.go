package monitor_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/influxdtest"
	"github.com/ephor-io/ephor/monitor"
)

// TestRolledUpByHand does what the documentation says to do for points that came too late.
func TestRolledUpByHand(t *testing.T) {
	t.Parallel()
	rolledUpByHand(t, embedded(t, monitor.Setup()...), "")
}

func TestRolledUpByHandOnInfluxd(t *testing.T) {
	t.Parallel()
	url := influxdtest.Start(t, monitor.Database)
	for _, statement := range monitor.Setup() {
		tell(t, url, statement)
	}
	rolledUpByHand(t, url, "geheim")
}

func rolledUpByHand(t *testing.T, store, password string) {
	for program, pack := range map[string]string{"bash": "bash", "curl": "curl", "jq": "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed: apt-get install %s", program, pack)
		}
	}
	for _, policy := range []string{"rollup_10s", "rollup_1m"} { // the points are older than what is kept
		tell(t, store, fmt.Sprintf(`ALTER RETENTION POLICY "%s" ON "%s" DURATION INF`, policy, monitor.Database))
	}
	write(t, store, "", points)
	page, err := os.ReadFile("../docs/monitoring-host.md")
	if err != nil {
		t.Fatal(err)
	}
	_, recipe, ok := strings.Cut(string(page), "### Rolled up by hand\n")
	var lines []string
	for line := range strings.Lines(recipe) {
		if code, is := strings.CutPrefix(line, "    "); is {
			lines = append(lines, code)
		} else if len(lines) > 0 {
			break
		}
	}
	if !ok || len(lines) == 0 {
		t.Fatal("the documentation does not say how")
	}
	script := strings.NewReplacer("http://127.0.0.1:8087", store, "2026-11-23T09:00:00Z", "2023-11-14T22:00:00Z", "2026-11-23T12:00:00Z", "2023-11-14T23:00:00Z").Replace(strings.Join(lines, ""))
	c := exec.Command("bash", "-euo", "pipefail", "-c", script)
	c.Stdin = strings.NewReader(password + "\n")
	said, err := c.CombinedOutput()
	if err != nil || strings.Contains(string(said), "error") || strings.Contains(string(said), "geheim") {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, policy := range []string{"rollup_10s", "rollup_1m"} {
		for at, want := range map[[2]string]string{{"invocation", "count"}: "7", {"invocation", "errors"}: "1", {"publisher", "begun"}: "7", {"publisher", "ended"}: "1", {"hellos", "count"}: "6"} {
			if got := sum(t, store, policy, at[0], at[1]); got != want {
				t.Errorf("%s %s: %q, want %s\n%s", policy, at, got, want, said)
			}
		}
	}
	if got := sum(t, store, "rollup_1m", "invocation", "upto_30"); got != "5" {
		t.Errorf("upto_30: %q", got)
	}
}
