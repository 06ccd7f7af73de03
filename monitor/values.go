package monitor

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ephor-io/ephor"
)

// Values are what the parameters of a monitoring stack's template have.
type Values struct {
	// Given are put into the stack.
	Given map[string]string
	// Kept are those that the stack has already and goes on with where none is given.
	Kept map[string]string
}

// Of is the value of a parameter: as it is given, else as the stack has it, else its default.
func (v Values) Of(name string) string {
	if value, ok := v.Given[name]; ok {
		return value
	}
	if value, ok := v.Kept[name]; ok {
		return value
	}
	return fmt.Sprint(parameters()[name].Default)
}

// Check reports what g asks of a host with these values that it cannot do. Values that the template itself refuses are
// CloudFormation's affair.
func (v Values) Check(g ephor.Grafana) error {
	days, err := strconv.Atoi(v.Of(paramRawDays))
	if keeps := time.Duration(days) * 24 * time.Hour; err == nil && days > 0 && g.Alerts.Silence > keeps {
		return &SilenceError{g.Alerts.Silence, keeps}
	}
	return nil
}

// A SilenceError is a Silence longer than the host keeps each invocation: who is called before that, and not since, would
// be called silent too early.
type SilenceError struct{ Silence, Keeps time.Duration }

func (e *SilenceError) Error() string {
	return fmt.Sprintf("alerts: a silence of %s is longer than the %s for which the host's store keeps each invocation", e.Silence, e.Keeps)
}

// Days is what RawDays has to be at least.
func (e *SilenceError) Days() int { return int((e.Silence + 24*time.Hour - 1) / (24 * time.Hour)) }

// booted are the parameters that the host acts on when it boots, and the one whose change makes it boot.
func booted() []string {
	names := map[string]bool{paramInstanceType: true}
	known := parameters()
	for _, s := range settings() {
		if name := strings.TrimSuffix(strings.TrimPrefix(s.value, "${"), "}"); name != s.value && known[name].Type != "" {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
