package monitor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
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
