package command

import (
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor/loss"
)

// What is lost is told by environment as far as logs tell it, and the rest as a number. Logs that are
// cut off, where everything is recorded, are no loss.
func TestStatusTellsLosses(t *testing.T) {
	t.Parallel()
	f := func(account loss.Report, want, not string) {
		t.Helper()
		var b strings.Builder
		if err := (report{monitored: &monitored{Since: time.Now(), Report: account}}).print(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) || not != "" && strings.Contains(b.String(), not) {
			t.Errorf("%+v: want %q and not %q in\n%s", account, want, not, b.String())
		}
	}
	one := loss.Loss{Environment: loss.Environment{Function: "f", Instance: "i"}, Served: 3, Recorded: 2}
	f(loss.Report{Served: 90_000, Recorded: 90_000}, "recorded 90000 of 90000", "lost")
	f(loss.Report{Served: 10, Recorded: 9, Losses: []loss.Loss{one}}, "1 of 3 lost: f i: ", "no log says")
	f(loss.Report{Served: 1, Recorded: 1, Losses: []loss.Loss{{Environment: one.Environment, Served: 1, Recorded: 1, Dropped: 3}}},
		"3 points lost: f i: its publisher gave up 3 points", "no log says")
	f(loss.Report{Served: 3, Recorded: 2, Losses: []loss.Loss{one, {Environment: one.Environment, Served: 2, Recorded: 2, Batches: 1}}},
		"1 batches lost: f i: 1 of its batches", "no log says")
	f(loss.Report{Served: 10, Recorded: 6, Losses: []loss.Loss{one}}, "3 lost: no log says whose", "")
}
