package monitor

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/dashboard"
)

// waitsWith are the names of the wait condition and its handle in the stack that the hooks make for these values.
func waitsWith(t *testing.T, values Values) (ready, handle string) {
	t.Helper()
	g := hello()
	g.Stack = "Hello-Monitoring"
	stacks, err := Hooks(g, values).Stacks(t.Context(), &ephor.Deployment{})
	if err != nil {
		t.Fatal(err)
	}
	for id, r := range stacks[0].Template.Resources {
		switch r.Type {
		case "AWS::CloudFormation::WaitCondition":
			ready = id
		case "AWS::CloudFormation::WaitConditionHandle":
			handle = id
		}
	}
	data, err := json.Marshal(stacks[0].Template.Resources[HostResource].Properties["UserData"])
	if err != nil || !strings.Contains(string(data), "${"+handle+"}") || !cmp.Equal(cfn.Ref(handle), stacks[0].Template.Resources[ready].Properties["Handle"]) {
		t.Errorf("%+v: the host does not signal to %s: %v", values, handle, err)
	}
	return ready, handle
}

// TestUpdateWaitsForWhatTheHostBoots: another value of what the host acts on at boot makes another wait condition, with another
// handle, and what it does not boot for makes none.
func TestUpdateWaitsForWhatTheHostBoots(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"BackupDays", "GrafanaVersion", "InfluxDBVersion", "InstanceType", "RawDays", "RestoreFrom", "RollupDays"}, booted()); diff != "" {
		t.Errorf("what the host boots for (-want +got):\n%s", diff)
	}
	ready, handle := waitsWith(t, Values{})
	seen := []string{ready}
	for _, name := range booted() {
		r, h := waitsWith(t, Values{Given: map[string]string{name: "9"}})
		if slices.Contains(seen, r) || h == handle {
			t.Errorf("an update of %s waits with %s, %s, as one before did", name, r, h)
		}
		seen = append(seen, r)
		if kept, _ := waitsWith(t, Values{Kept: map[string]string{name: "9"}}); kept != r {
			t.Errorf("%s: the next update, which keeps the value, waits again: %s, %s", name, kept, r)
		}
		if back, _ := waitsWith(t, Values{Given: map[string]string{name: Values{}.Of(name)}, Kept: map[string]string{name: "9"}}); back != ready {
			t.Errorf("%s: back at its default it waits with %s", name, back)
		}
	}
	for name := range parameters() {
		if slices.Contains(booted(), name) {
			continue
		}
		if r, _ := waitsWith(t, Values{Given: map[string]string{name: "9"}}); r != ready {
			t.Errorf("an update of %s waits for a host that does not boot for it", name)
		}
	}
}

// TestSilenceIsNoLongerThanTheStoreRemembers, however long that is.
func TestSilenceIsNoLongerThanTheStoreRemembers(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	f := func(silence time.Duration, v Values, want string) {
		t.Helper()
		g := ephor.Grafana{Alerts: dashboard.Alerts{Silence: silence}}
		if err := Check(g); err != nil {
			t.Errorf("the thresholds alone: %v", err)
		}
		got := ""
		if err := v.Check(g); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s with %v: %q, want %q", silence, v, got, want)
		}
	}
	f(0, Values{}, "")
	f(7*day, Values{}, "")
	f(8*day, Values{}, "alerts: a silence of 192h0m0s is longer than the 168h0m0s for which the host's store keeps each invocation")
	f(30*day, Values{Given: map[string]string{paramRawDays: "30"}}, "")
	f(30*day, Values{Kept: map[string]string{paramRawDays: "30"}}, "")
	f(2*day, Values{Given: map[string]string{paramRawDays: "1"}, Kept: map[string]string{paramRawDays: "30"}},
		"alerts: a silence of 48h0m0s is longer than the 24h0m0s for which the host's store keeps each invocation")
	f(2*day, Values{Given: map[string]string{paramRawDays: "none"}}, "")
	if days := (&SilenceError{Silence: 49 * time.Hour}).Days(); days != 3 {
		t.Errorf("%d days hold 49 hours", days)
	}
}
