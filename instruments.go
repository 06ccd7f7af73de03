package ephor

import (
	"slices"

	"github.com/ephor-io/ephor/dashboard"
)

// withInstruments is the dashboards, the first that is written in Go with a panel for each instrument that none of them
// shows. A title that the dashboard has already is left alone.
func (a *App) withInstruments(boards []dashboard.Dashboard) []dashboard.Dashboard {
	var shown []dashboard.Panel
	for _, b := range boards {
		shown = append(shown, b.Panels...)
	}
	at := slices.IndexFunc(boards, func(b dashboard.Dashboard) bool { return b.JSON == nil })
	if at < 0 {
		return boards
	}
	first := boards[at]
	first.Panels = slices.Clone(first.Panels)
	for _, p := range a.instruments {
		titled := slices.ContainsFunc(first.Panels, func(own dashboard.Panel) bool { return own.Title == p.Title })
		if !titled && !dashboard.Shows(shown, p.Title) {
			first.Panels = append(first.Panels, p)
		}
	}
	boards = slices.Clone(boards)
	boards[at] = first
	return boards
}
