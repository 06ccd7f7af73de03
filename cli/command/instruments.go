package command

import (
	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/metrics"
)

// instrumentPanels is one panel per instrument that the program declares. This program and the
// functions have the same main, hence the same instruments, as far as those are package variables.
func instrumentPanels(declared []metrics.Declared) []dashboard.Panel {
	var panels []dashboard.Panel
	for _, d := range declared {
		switch d.Kind {
		case "counter":
			panels = append(panels, dashboard.Counter(d.Name))
		case "gauge":
			panels = append(panels, dashboard.Gauge(d.Name, d.Tags...))
		default:
			panels = append(panels, dashboard.Histogram(d.Name))
		}
	}
	return panels
}
