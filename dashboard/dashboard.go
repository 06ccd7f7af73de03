// Package dashboard holds dashboards as plain values: panels and the InfluxQL behind them. It
// draws nothing; package monitor turns a dashboard into Grafana's JSON, which Grafana and the
// local page show alike.
//
//	dashboard.Dashboard{
//		Title:  "Sparta Hello World",
//		Panels: []dashboard.Panel{dashboard.Counter("helloWorldCounterMetric")},
//	}
package dashboard

// Dashboard is one dashboard.
type Dashboard struct {
	// Title is what its readers see. The UID, by which links find it, is derived from it.
	Title string
	// Panels stand in reading order, from left to right and from top to bottom.
	Panels []Panel
}

// Kind is how a panel draws.
type Kind string

// The kinds of panel.
const (
	Lines Kind = "" // one line per series
	Bars  Kind = "bars"
	Stat  Kind = "stat" // the last value, in large figures
)

// Panel is one graph.
type Panel struct {
	Title       string
	Description string
	Kind        Kind
	// Unit is one of Grafana's unit identifiers: "short", "ms", "reqps", "decbytes", "percentunit".
	Unit string
	// Stack puts the series on top of one another.
	Stack bool
	// Width and Height are in Grafana's grid of 24 columns; 0 means 12 by 8.
	Width, Height int
	Queries       []Query
}

// Query is one InfluxQL statement, with Grafana's $timeFilter and $__interval.
type Query struct {
	InfluxQL string
	// Alias names the series, with Grafana's patterns such as $tag_instance; "" shows the
	// measurement and its tags.
	Alias string
}
