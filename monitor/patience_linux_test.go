package monitor

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What lasts is told before the stack's wait is over, with what was said last: twice as long as the script is patient with
// anything is less than the stack waits.
func TestWhatLastsIsToldInTime(t *testing.T) {
	t.Parallel()
	k := newHost(t)
	k.env = append(k.env, "EPHOR_PATIENCE=1", "EPHOR_PAUSE=0.3")
	k.fails("waited in vain for: nope for me: because of this", `nope() { printf 'first\nbecause of this\n' >&2; return 1; }`, "waited", "1000000000", "nope", "for", "me")
	patience := regexp.MustCompile(`EPHOR_PATIENCE:-(\d+)`).FindStringSubmatch(Script())
	timeout := regexp.MustCompile(`"Timeout": "(\d+)"`).FindStringSubmatch(string(text(t)))
	if patience == nil || timeout == nil {
		t.Fatal(patience, timeout)
	}
	seconds, err := strconv.Atoi(patience[1])
	if err != nil {
		t.Fatal(err)
	}
	if waits, err := strconv.Atoi(timeout[1]); err != nil || 2*seconds >= waits {
		t.Errorf("the script is patient for %d s, the stack waits %d s (%v)", seconds, waits, err)
	}
}

// Why AWS refuses something is told.
func TestAWSsReasonsAreTold(t *testing.T) {
	t.Parallel()
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<Response><Errors><Error>\n <Code>UnauthorizedOperation</Code></Error></Errors></Response>", http.StatusForbidden)
	}))
	t.Cleanup(refuses.Close)
	k := newHost(t)
	k.env = append(k.env, "AWS_ENDPOINT_URL_EC2="+refuses.URL)
	k.fails("it answers: <Response><Errors><Error> <Code>UnauthorizedOperation</Code></Error></Errors></Response>",
		`web() { curl --silent "${on_error:---fail}" "$@"; }`, "ec2", "AttachVolume", "Device=/dev/sdf")
}

// A store that asks nobody for a password does not start again, and ends by itself, whatever becomes of the script that has
// started it; any other goes on.
func TestAnUnguardedStoreEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script, _, _ := strings.Cut(Script(), "# One at a time")
	for _, c := range []struct{ config, restart, ends string }{{"auth-enabled = false", "no", "1h"}, {"auth-enabled = true", "always", ""}} {
		if err := os.WriteFile(filepath.Join(dir, "influxdb.conf"), []byte("[http]\n  "+c.config+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		bash := exec.Command("bash", "-c", script+`
settings=$DIR
systemctl() { :; }
service ephor-store influxdb /usr/bin/influxd`)
		bash.Env = append(os.Environ(), "DIR="+dir, "units="+dir)
		if out, err := bash.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		unit, err := os.ReadFile(filepath.Join(dir, "ephor-store.service"))
		if err != nil {
			t.Fatal(err)
		}
		of := func(setting string) string {
			_, value, _ := strings.Cut(string(unit), "\n"+setting+"=")
			value, _, _ = strings.Cut(value, "\n")
			return value
		}
		if of("Restart") != c.restart || of("RuntimeMaxSec") != c.ends {
			t.Errorf("with %s:\n%s", c.config, unit)
		}
	}
}

// Lines that no test sees the effect of.
func TestScriptSays(t *testing.T) {
	t.Parallel()
	for line, why := range map[string]string{
		`max-values-per-tag = 0`:           "a tag has as many values as there are execution environments",
		`max-series-per-database = 0`:      "and a series each",
		`index-version = "tsi1"`:           "the index of so many is on disk",
		`max-index-log-file-size = "4k"`:   "and not on the heap",
		`keepalive_timeout 1h;`:            "a thawed environment finds its connection",
		`cookie_secure = true`:             "a session is for TLS alone",
		`disable_gravatar = true`:          "no address of a person goes elsewhere",
		`reporting-disabled = true`:        "nothing is told to the vendors",
		`preinstall_disabled = true`:       "Grafana runs what its package has",
		`plugin_admin_enabled = false`:     "and nobody adds to that",
		`check_for_plugin_updates = false`: "nor asks",
	} {
		if !strings.Contains("\n"+strings.ReplaceAll(Script(), "  ", "")+"\n", "\n"+line+"\n") {
			t.Errorf("no %q: %s", line, why)
		}
	}
	if !strings.Contains(Script(), "--max-time 60 --retry 8 ") {
		t.Error("a request of the script's may take for ever")
	}
}
