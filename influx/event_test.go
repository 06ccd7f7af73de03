package influx

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/zap"
)

func TestLoggerTurnsTroubleIntoEvents(t *testing.T) {
	t.Parallel()
	var got []Event
	log := newLogger(func(e Event) { got = append(got, e) }).With(zap.String("service", "store"), zap.String("path", "/data"))
	failed := errors.New("failed")
	log.Info("opened a file")
	log.Debug("looked at a file", zap.Error(failed))
	log.Info("tried", zap.String("query", "SELECT"), zap.Error(failed))
	log.Warn("careful\nwith a stack", zap.Int("n", 1))
	want := []Event{
		{Message: "tried query=SELECT", Path: "/data", Err: failed},
		{Message: "careful", Path: "/data"},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
