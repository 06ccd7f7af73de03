package monitor

import (
	"strings"
	"testing"
)

func TestCheckInstrument(t *testing.T) {
	t.Parallel()
	f := func(name, want string) {
		t.Helper()
		switch err := CheckInstrument(name); {
		case want == "" && err != nil:
			t.Error(err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	for _, name := range []string{"orders", "deploys", "ephor", "price in $", "$price", "${price}", "a[[b]]", "range", `a "quoted" $ one`, "p$99"} {
		f(name, "")
	}
	for _, name := range []string{"deploy", "ranges", "ephor_backup", "ephor_alive"} {
		f(name, "the monitoring host's own measurements")
	}
	for _, name := range []string{"$function", "calls of $function now", "${instance:raw}", "[[version]]", "$timeFilter", "$__interval", "cost $least"} {
		f(name, "Grafana puts the value of its variable")
	}
}

// TestHostsMeasurementsAreRefused, those that its scripts write.
func TestHostsMeasurementsAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ephor_check", "ephor_alive", "ephor_backup"} {
		if !strings.Contains(Script(), name+" ") || CheckInstrument(name) == nil {
			t.Errorf("%s is not the host's, or anybody's", name)
		}
	}
}
