// Package dashboard holds dashboards as plain values: panels and the InfluxQL behind them. It
// draws nothing; package monitor turns a dashboard into Grafana's JSON, which Grafana and the
// local page show alike.
//
//	dashboard.Dashboard{
//		Title: "Sparta Hello World",
//		Panels: []dashboard.Panel{
//			dashboard.Counter("helloWorldCounterMetric"),
//			{
//				Title:   "Longest invocation",
//				Unit:    "ms",
//				Queries: []dashboard.Query{{InfluxQL: `SELECT max("duration_ms") FROM "invocation" WHERE $timeFilter GROUP BY time($__interval) fill(null)`}},
//			},
//		},
//	}
//
// The values are linked into the deployed binary and cost it a few KB.
package dashboard

// Dashboard is one dashboard.
type Dashboard struct {
	// Title is what its readers see. The UID, by which links find it, is derived from it.
	Title string
	// Panels stand in reading order: each takes the highest place that is free, and of those the
	// one furthest to the left.
	Panels []Panel
	// JSON is a dashboard's JSON model, as Grafana exports it, in place of Panels and of what every
	// application has. Its title and UID are those here. A file beside the program gets here by
	// //go:embed, and is linked into the deployed binary then.
	JSON []byte
}

// Kind is how a panel draws.
type Kind string

// The kinds of panel.
const (
	Lines Kind = ""     // one line per series
	Bars  Kind = "bars" // one bar per interval and series
	Stat  Kind = "stat" // one value, in large figures: what Reduce makes of the series
	// Heat is a heat map: each query is a row, the first lowest, and its alias the row's upper bound on
	// the axis, a number in Unit. The colour of a cell is the value of its interval, and each query has every
	// interval: fill(0). Grafana draws all cells as wide as the first.
	Heat Kind = "heat"
	Row  Kind = "row" // a heading over the panels after it; it has a title and nothing else
)

// Reduce is how a Stat makes one value of a series.
type Reduce string

// The ways to reduce a series.
const (
	Last Reduce = ""    // the last value that is not null
	Sum  Reduce = "sum" // all values of the time range added up
	Max  Reduce = "max" // the largest value of the time range
)

// Panel is one graph.
type Panel struct {
	Title string
	// Description is shown with the panel. What it says of long ranges, as in "By environment; over more than 15
	// minutes, by function.", is left out before a store that has no rollups, if there is a Rollup.
	Description string
	Kind        Kind
	// Unit is one of Grafana's unit identifiers: "short", "ms", "reqps", "decbytes", "percentunit".
	Unit string
	// Stack puts the series on top of one another.
	Stack bool
	// Signed lets the axis go below 0. Without it, it starts there.
	Signed bool
	// Reduce is for a Stat.
	Reduce Reduce
	// Alarm is for a Stat that is good at 0: it is green there, and red from 1 on.
	Alarm bool
	// Width and Height are in Grafana's grid of 24 columns; 0 means 12 by 8, and of a Stat 4 by 4.
	Width, Height int
	Queries       []Query
}

// Query is one InfluxQL statement, with Grafana's $timeFilter and $__interval. Where every
// value depends on the points of its own interval alone (no difference(), no fill(previous)),
// the local page asks only for what is new.
type Query struct {
	InfluxQL string
	// Rollup is the statement that answers the same for ranges of more than 15 minutes, from what the
	// store put together: FROM "$rollup"."invocation", where $rollup is the retention policy and
	// $window the 10s or 1m that each of its points stands for; $minutes in its place is always the one
	// of a minute, and then no interval is shorter. The rollups have no tag instance; where
	// Alias names that, it names the function instead. Both are spelled FROM "orders" WHERE $timeFilter, with "$rollup". before
	// the measurement here, because what a reader picks in Grafana is put there. Where Rollup is "", InfluxQL is asked whatever
	// the range.
	Rollup string
	// Alias names the series, with Grafana's patterns: $measurement, $col, $tag_instance. ""
	// shows the measurement, the field and the tags.
	Alias string
	// Color is the same in Grafana and on the page: "red", "green", "blue", "orange", "yellow",
	// "purple". "" gives each series its own.
	Color string
}

// Size is the panel's width and height in Grafana's grid, with the defaults filled in.
func (p Panel) Size() (width, height int) {
	width, height = p.Width, p.Height
	switch p.Kind {
	case Row:
		return Columns, 1
	case Stat:
		if width == 0 {
			width = 4
		}
		if height == 0 {
			height = 4
		}
	default:
		if width == 0 {
			width = Columns / 2
		}
		if height == 0 {
			height = 8
		}
	}
	return width, height
}

// Columns is the width of Grafana's grid.
const Columns = 24
