package cloudwatch

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func open(t *testing.T, dir string) *Service {
	t.Helper()
	s, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func silent() Alarm {
	return Alarm{Name: "silent: the host", Namespace: "Ephor/a", MetricName: "HostAlive", Statistic: "Sum", ComparisonOperator: "LessThanThreshold",
		Threshold: new(1.0), Period: 60, EvaluationPeriods: 5, TreatMissingData: "breaching", Dimensions: map[string]string{"a": "b"}, ClientToken: "token"}
}

// TestAlarmsOutliveTheService: what was made and changed is there after a restart, under the token of its making.
func TestAlarmsOutliveTheService(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.CreateAlarm(silent()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateAlarm(silent()); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("a second of the name: %v", err)
	}
	changed := silent()
	changed.ClientToken, changed.EvaluationPeriods = "other", 10
	if _, err := s.ChangeAlarm(changed); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, dir).Alarm("silent: the host")
	if err != nil {
		t.Fatal(err)
	}
	want := silent()
	want.EvaluationPeriods, want.State = 10, StateInsufficientData
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := s.ARN("a"); got != "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a" {
		t.Errorf("the ARN is %s", got)
	}
	if err := s.DeleteAlarm("silent: the host"); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	for what, err := range map[string]error{"deleting": again.DeleteAlarm("silent: the host"), "changing": second(again.ChangeAlarm(silent())), "finding": second(again.Alarm("x"))} {
		if err == nil || !strings.Contains(err.Error(), "there is no alarm") {
			t.Errorf("%s what is not there: %v", what, err)
		}
	}
}

func second(_ Alarm, err error) error { return err }

func TestAlarmsRefuse(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	f := func(want string, change func(*Alarm)) {
		t.Helper()
		a := silent()
		change(&a)
		if _, err := s.CreateAlarm(a); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	f("1 to 255 characters", func(a *Alarm) { a.Name = "" })
	f("a Namespace and a MetricName", func(a *Alarm) { a.Namespace = "" })
	f(`ComparisonOperator "Greater"`, func(a *Alarm) { a.ComparisonOperator = "Greater" })
	f(`TreatMissingData "bad"`, func(a *Alarm) { a.TreatMissingData = "bad" })
	f(`Statistic "sum"`, func(a *Alarm) { a.Statistic = "sum" })
	f("a Statistic and an ExtendedStatistic", func(a *Alarm) { a.ExtendedStatistic = "p99" })
	f("needs a Threshold", func(a *Alarm) { a.Threshold = nil })
	f("the Period is 45 seconds", func(a *Alarm) { a.Period = 45 })
	f("the Period is 90 seconds", func(a *Alarm) { a.Period = 90 })
	f("1441 periods", func(a *Alarm) { a.EvaluationPeriods = 1441 })
	f("0 periods", func(a *Alarm) { a.EvaluationPeriods = 0 })
	f("DatapointsToAlarm is 6 of 5", func(a *Alarm) { a.DatapointsToAlarm = 6 })
	f("more than 5 actions", func(a *Alarm) { a.OKActions = make([]string, 6) })
	f("more than 30 dimensions", func(a *Alarm) {
		for i := range 31 {
			a.Dimensions[strings.Repeat("a", i+2)] = "b"
		}
	})
}
