package monitor

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
)

func TestAlerts(t *testing.T) {
	t.Parallel()
	all := ephor.Grafana{Alerts: dashboard.Alerts{ErrorShare: 0.01, P99: 800 * time.Millisecond, Dropped: 2, Silence: 10 * time.Minute}}
	text, err := Alerts(all)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "alerts.json", text)
}

// TestAlertsAreChains: the condition is the last step, each step rests on one before it, and no UID
// is there twice or longer than Grafana takes.
func TestAlertsAreChains(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range rules(dashboard.Alerts{P99: time.Second, Silence: time.Hour}) {
		if seen[r.UID] || len(r.UID) > 40 {
			t.Errorf("the UID %q", r.UID)
		}
		seen[r.UID] = true
		there := map[string]bool{}
		for _, s := range r.Data {
			of, _ := s.Model["expression"].(string)
			for _, ref := range strings.FieldsFunc(of, func(c rune) bool { return c < 'A' || c > 'Z' }) {
				if !there[ref] {
					t.Errorf("%s: step %s rests on %s, which is not before it", r.UID, s.RefID, ref)
				}
			}
			if there[s.RefID] {
				t.Errorf("%s has two steps %s", r.UID, s.RefID)
			}
			there[s.RefID] = true
		}
		if last := r.Data[len(r.Data)-1].RefID; r.Condition != last {
			t.Errorf("%s: the condition is %s, the last step %s", r.UID, r.Condition, last)
		}
	}
}

func TestAlertsAreTurnedOff(t *testing.T) {
	t.Parallel()
	f := func(a dashboard.Alerts, want ...string) {
		t.Helper()
		text, err := Alerts(ephor.Grafana{Alerts: a})
		if err != nil {
			t.Fatal(err)
		}
		var file ruleFile
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range file.Groups[0].Rules {
			got = append(got, r.UID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", a, diff)
		}
		// What was on before is taken away.
		all := []string{"ephor-error-share", "ephor-p99", "ephor-dropped", "ephor-silence", "ephor-backup"}
		for _, r := range file.DeleteRules {
			got = append(got, r.UID)
		}
		slices.Sort(got)
		slices.Sort(all)
		if diff := cmp.Diff(all, got); diff != "" {
			t.Errorf("%+v: there and gone (-want +got):\n%s", a, diff)
		}
	}
	f(dashboard.Alerts{}, "ephor-error-share", "ephor-dropped", "ephor-backup")
	f(dashboard.Alerts{ErrorShare: -1, Dropped: -1, BackupAge: -1})
	f(dashboard.Alerts{ErrorShare: -1, Dropped: -1, BackupAge: -1, P99: time.Second}, "ephor-p99")
	f(dashboard.Alerts{ErrorShare: -1, Dropped: -1, BackupAge: -1, P99: -1, Silence: time.Minute}, "ephor-silence")
}

// TestAlertsSayTheirShare as it was given.
func TestAlertsSayTheirShare(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]string{0.07: "More than 7 % of", 0.29: "More than 29 % of", 0.001: "More than 0.1 % of", 0: "More than 5 % of"} {
		if got := rules(dashboard.Alerts{ErrorShare: share})[0].Annotations["summary"]; !strings.HasPrefix(got, want) {
			t.Errorf("%g: %s", share, got)
		}
	}
}

func TestAlertsRefuse(t *testing.T) {
	t.Parallel()
	f := func(a dashboard.Alerts, want string) {
		t.Helper()
		if _, err := Alerts(ephor.Grafana{Alerts: a}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	f(dashboard.Alerts{ErrorShare: 5}, "alerts: an error share of 5 is never exceeded: it is a part, such as 0.05")
	f(dashboard.Alerts{ErrorShare: math.NaN()}, "alerts: an error share that is no number: it is a part, such as 0.05")
	f(dashboard.Alerts{P99: 20 * time.Minute}, "alerts: a P99 of 20m0s is never exceeded: Lambda ends an invocation after 15m0s")
	f(dashboard.Alerts{P99: 15 * time.Minute}, "alerts: a P99 of 15m0s is never exceeded: Lambda ends an invocation after 15m0s")
	f(dashboard.Alerts{P99: 5}, "alerts: a P99 of 5ns is less than the millisecond that durations are shown in")
	f(dashboard.Alerts{BackupAge: time.Hour}, "alerts: a backup age of 1h0m0s is exceeded always: one is made every 6h0m0s")
	f(dashboard.Alerts{Silence: time.Second}, "alerts: a silence of 1s is less than the minute in which alerts are looked at")
	for _, silence := range []time.Duration{time.Minute, 150 * time.Second, 25 * time.Hour} {
		f(dashboard.Alerts{HostSilence: silence}, "alerts: a silence of the host of "+silence.String()+": it speaks once a minute, and CloudWatch looks back a day: whole minutes from 2m to 24h")
	}
}

// TestBundleComesBack: what the host unpacks is what was packed, in pieces that a parameter holds.
func TestBundleComesBack(t *testing.T) {
	t.Parallel()
	pieces, err := bundle(hello())
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range pieces {
		if len(p) > MaxParameter || i < len(pieces)-1 && len(p) != MaxParameter {
			t.Errorf("piece %d of %d has %d bytes", i, len(pieces), len(p))
		}
	}
	again, err := bundle(hello())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pieces, again); diff != "" {
		t.Errorf("the same dashboards are packed differently:\n%s", diff)
	}
	var names []string
	for name := range bundled(pieces) {
		names = append(names, name)
	}
	if len(names) != len(pieces) {
		t.Errorf("%d pieces in the parameters %s", len(pieces), names)
	}
	if text, _ := json.Marshal(bundled(pieces)); len(text) > 40<<10 {
		t.Errorf("hello's dashboards take %d bytes of the template", len(text))
	}
}
