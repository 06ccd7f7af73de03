package ephor

import (
	"slices"

	"github.com/ephor-io/ephor/dashboard"
)

// withInstruments is the dashboards, the first with a panel for each instrument that none of them
// shows. A title that the dashboard has already is left alone.
func (a *App) withInstruments(boards []dashboard.Dashboard) []dashboard.Dashboard {
	var shown []dashboard.Panel
	for _, b := range boards {
		shown = append(shown, b.Panels...)
	}
	first := boards[0]
	first.Panels = slices.Clone(first.Panels)
	for _, p := range a.instruments {
		titled := slices.ContainsFunc(first.Panels, func(own dashboard.Panel) bool { return own.Title == p.Title })
		if !titled && !dashboard.Shows(shown, p.Title) {
			first.Panels = append(first.Panels, p)
		}
	}
	boards = slices.Clone(boards)
	boards[0] = first
	return boards
}
