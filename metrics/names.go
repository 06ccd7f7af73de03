package metrics

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/line"
)

// The publisher's own measurements and tags. Together with the fields of each they are a contract
// with every dashboard.
const (
	invocationName = "invocation"
	publisherName  = "publisher"
	runtimeName    = "runtime"
	loadName       = "load" // written by package load

	functionTag = "function"
	versionTag  = "version"
	instanceTag = "instance"
)

// check returns the series of an instrument as a text that no other series has.
func check(name string, tags []Tag) (string, error) {
	switch name {
	case invocationName, publisherName, runtimeName, loadName:
		return "", fmt.Errorf("instrument %q: the measurement of that name is the publisher's own", name)
	case "time":
		return "", fmt.Errorf("instrument %q: the name is the timestamp's", name)
	}
	for _, t := range tags {
		switch {
		case t.Key == functionTag || t.Key == versionTag || t.Key == instanceTag:
			return "", fmt.Errorf("instrument %q: tag %q: the publisher sets it on every point", name, t.Key)
		case isField(t.Key):
			return "", fmt.Errorf("instrument %q: tag %q: a field of instruments has that name", name, t.Key)
		}
	}
	s, err := line.NewSeries(name, tags...)
	if err != nil {
		return "", fmt.Errorf("instrument %q: %w", name, err)
	}
	return s.String(), nil
}

// isField reports whether instruments of any kind publish a field of that name.
func isField(key string) bool {
	if i, ok := strings.CutPrefix(key, "b_"); ok {
		return len(i) == 3 && strings.Trim(i, "0123456789") == ""
	}
	return slices.Contains([]string{"count", "total", "value", "sum", "min", "max", "p50", "p90", "p99", "clamped"}, key)
}
