package ephor

import (
	"slices"

	"github.com/ephor-io/ephor/dashboard"
)

// withInstruments is the dashboards, the first that is written in Go with a panel for each instrument that none of
// them shows. A title that the dashboard has already is left alone. Where all are Grafana's JSON and some instrument is in
// none, the application's own comes behind them.
func (a *App) withInstruments(boards []dashboard.Dashboard) []dashboard.Dashboard {
	var missing []string
	for _, p := range a.instruments {
		missing = append(missing, p.Title)
	}
	for _, d := range boards {
		missing = d.Missing(missing)
	}
	if len(missing) == 0 {
		return boards
	}
	boards = slices.Clone(boards)
	at := slices.IndexFunc(boards, func(b dashboard.Dashboard) bool { return b.JSON == nil })
	if at < 0 {
		at, boards = len(boards), append(boards, a.ownDashboard(boards))
	}
	first := &boards[at]
	first.Panels = slices.Clone(first.Panels)
	for _, p := range a.instruments {
		if slices.Contains(missing, p.Title) && !slices.ContainsFunc(first.Panels, func(own dashboard.Panel) bool { return own.Title == p.Title }) {
			first.Panels = append(first.Panels, p)
		}
	}
	return boards
}

// ownDashboard is the one of the application's name, or of another where that is taken.
func (a *App) ownDashboard(beside []dashboard.Dashboard) dashboard.Dashboard {
	own := dashboard.Dashboard{Title: a.name}
	for slices.ContainsFunc(beside, func(d dashboard.Dashboard) bool { return d.UID() == own.UID() }) {
		own.Title += " instruments"
	}
	return own
}
