package monitor

import (
	"regexp"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"

	"github.com/ephor-io/ephor/dashboard"
)

// shared is what the builders of both kinds of panel have in common.
type shared[B any] interface {
	cog.Builder[grafana.Panel]
	Id(uint32) B
	Title(string) B
	Description(string) B
	GridPos(grafana.GridPos) B
	Datasource(common.DataSourceRef) B
	Interval(string) B
	MaxDataPoints(float64) B
	Unit(string) B
	Min(float64) B
	NoValue(string) B
	WithTarget(cog.Builder[variants.Dataquery]) B
	OverrideByQuery(string, []grafana.DynamicConfigValue) B
}

func panel(p dashboard.Panel, id uint32, place grafana.GridPos, as form) cog.Builder[grafana.Panel] {
	switch p.Kind {
	case dashboard.Heat:
		return describe(heatMap(p), p, id, place, as)
	case dashboard.Stat:
		b := stat.NewPanelBuilder().
			GraphMode(common.BigValueGraphModeArea).
			ColorMode(common.BigValueColorModeValue).
			ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{calculation(p.Reduce)}))
		if p.Alarm {
			b.ColorScheme(grafana.NewFieldColorBuilder().Mode(grafana.FieldColorModeIdThresholds)).
				Thresholds(grafana.NewThresholdsConfigBuilder().Mode(grafana.ThresholdsModeAbsolute).Steps([]grafana.Threshold{
					{Color: "green"}, {Value: cog.ToPtr(1.0), Color: "red"}}))
		}
		return describe(b, p, id, place, as)
	}
	return describe(graph(p), p, id, place, as)
}

func graph(p dashboard.Panel) *timeseries.PanelBuilder {
	b := timeseries.NewPanelBuilder().
		ShowPoints(common.VisibilityModeAuto).
		LineWidth(1.5).
		Legend(common.NewVizLegendOptionsBuilder().
			DisplayMode(common.LegendDisplayModeList).
			Placement(common.LegendPlacementBottom).
			ShowLegend(true).
			Calcs([]string{"lastNotNull"})).
		Tooltip(common.NewVizTooltipOptionsBuilder().
			Mode(common.TooltipDisplayModeMulti).
			Sort(common.SortOrderDescending)).
		ColorScheme(grafana.NewFieldColorBuilder().Mode(grafana.FieldColorModeIdPaletteClassicByName))
	switch {
	case p.Kind == dashboard.Bars:
		// A bar stands on the interval that it counts: from its timestamp on.
		b.DrawStyle(common.GraphDrawStyleBars).FillOpacity(90).BarAlignment(common.BarAlignmentAfter)
	case p.Stack:
		b.DrawStyle(common.GraphDrawStyleLine).FillOpacity(35)
	default:
		// Figures that come every 10 s, and requests now and then, are lines all the same.
		b.DrawStyle(common.GraphDrawStyleLine).FillOpacity(8).
			SpanNulls(common.BoolOrFloat64{Float64: cog.ToPtr(30_000.0)})
	}
	if p.Stack {
		b.Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A"))
	}
	return b
}

// heatMap has its rows from the store, each a series that is called after its upper bound, which is what
// Grafana calls time series buckets.
//
// InfluxDB answers with no series where a row has no invocation in the whole range, and Grafana draws the rows that there are one
// above the other, each from the bound of the one below to its own: the row that is left out has become a part of
// the next, and since nothing was in it, what is drawn is true. The page draws all rows.
//
// https://github.com/grafana/grafana/blob/main/public/app/features/transformers/calculateHeatmap/heatmap.ts (rowsToCellsHeatmap)
//
// https://grafana.com/docs/grafana/latest/panels-visualizations/visualizations/heatmap/
func heatMap(p dashboard.Panel) *heatmap.PanelBuilder {
	return heatmap.NewPanelBuilder().
		Calculate(false).
		RowsFrame(heatmap.NewRowsHeatmapOptionsBuilder().Layout(common.HeatmapCellLayoutLe).Value("invocations")).
		YAxis(heatmap.NewYAxisConfigBuilder().Unit(p.Unit)).
		CellGap(1).
		Color(heatmap.NewHeatmapColorOptionsBuilder().
			Mode(heatmap.HeatmapColorModeScheme).Scheme("Blues").Scale(heatmap.HeatmapColorScaleExponential).Exponent(0.5).Steps(64).Reverse(false)).
		FilterValues(heatmap.NewFilterValueRangeBuilder().Le(1e-9)).
		Tooltip(heatmap.NewHeatmapTooltipBuilder().Mode(common.TooltipDisplayModeSingle).YHistogram(true))
}

// The bounds of points across a panel: a bar has to be wide enough to be seen, and the last value
// of a Stat is to stand on more than one second's invocations.
const (
	barPoints  = 150
	heatPoints = 120
	statPoints = 60
)

func describe[B shared[B]](b B, p dashboard.Panel, id uint32, place grafana.GridPos, as form) B {
	b.Id(id).Title(p.Title).GridPos(place).Datasource(dataSource()).Interval("1s")
	if as == forHost && slices.ContainsFunc(p.Queries, func(q dashboard.Query) bool { return q.Rollup != "" }) {
		b.Interval("$" + least(p))
	}
	if as == forStore && slices.ContainsFunc(p.Queries, func(q dashboard.Query) bool { return strings.Contains(q.InfluxQL, fixedWindow) }) {
		b.Interval(dashboard.AliveWindow)
	}
	if text := description(p, as); text != "" {
		b.Description(text)
	}
	if p.Unit != "" {
		b.Unit(p.Unit)
	}
	if !p.Signed && p.Kind != dashboard.Heat {
		b.Min(0)
	}
	switch p.Kind {
	case dashboard.Bars:
		b.MaxDataPoints(barPoints)
	case dashboard.Heat:
		b.MaxDataPoints(heatPoints)
	case dashboard.Stat:
		b.MaxDataPoints(statPoints)
		if p.Reduce == dashboard.Sum {
			b.NoValue("0")
		}
	}
	for i, q := range p.Queries {
		for _, t := range targets(q, string(rune('A'+i)), as) {
			b.WithTarget(t)
			if q.Color != "" {
				b.OverrideByQuery(t.RefID, []grafana.DynamicConfigValue{{
					Id: "color", Value: map[string]string{"mode": "fixed", "fixedColor": q.Color}}})
			}
		}
	}
	return b
}

// unfilteredNote is said of a panel that the variables do nothing to.
const unfilteredNote = "It shows everything, whatever is picked above."

// ofLongRanges is what a description says of panels that read rollups.
var ofLongRanges = regexp.MustCompile(`(; o|\. O)ver more than 15 minutes[,:] [^.]*\.`)

// description says what is true of a panel where it is shown.
func description(p dashboard.Panel, as form) string {
	text := p.Description
	if as == forStore && slices.ContainsFunc(p.Queries, func(q dashboard.Query) bool { return q.Rollup != "" }) {
		text = ofLongRanges.ReplaceAllString(text, ".")
	}
	if as != forPage && slices.ContainsFunc(p.Queries, func(q dashboard.Query) bool { _, whole := filter(q.InfluxQL); return !whole }) {
		text = strings.TrimSpace(text + " " + unfilteredNote)
	}
	return text
}

func calculation(r dashboard.Reduce) string {
	switch r {
	case dashboard.Sum:
		return "sum"
	case dashboard.Max:
		return "max"
	default:
		return "lastNotNull"
	}
}
