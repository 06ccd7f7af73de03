package monitor

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"
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

func panel(p dashboard.Panel, id uint32, place grafana.GridPos) cog.Builder[grafana.Panel] {
	if p.Kind == dashboard.Stat {
		b := stat.NewPanelBuilder().
			GraphMode(common.BigValueGraphModeArea).
			ColorMode(common.BigValueColorModeValue).
			ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{calculation(p.Reduce)}))
		if p.Alarm {
			b.ColorScheme(grafana.NewFieldColorBuilder().Mode(grafana.FieldColorModeIdThresholds)).
				Thresholds(grafana.NewThresholdsConfigBuilder().Mode(grafana.ThresholdsModeAbsolute).Steps([]grafana.Threshold{
					{Color: "green"}, {Value: cog.ToPtr(1.0), Color: "red"}}))
		}
		return describe(b, p, id, place)
	}
	return describe(graph(p), p, id, place)
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

// The bounds of points across a panel: a bar has to be wide enough to be seen, and the last value
// of a Stat is to stand on more than one second's invocations.
const (
	barPoints  = 150
	statPoints = 60
)

func describe[B shared[B]](b B, p dashboard.Panel, id uint32, place grafana.GridPos) B {
	b.Id(id).Title(p.Title).GridPos(place).Datasource(dataSource()).Interval("1s")
	if p.Description != "" {
		b.Description(p.Description)
	}
	if p.Unit != "" {
		b.Unit(p.Unit)
	}
	if !p.Signed {
		b.Min(0)
	}
	switch p.Kind {
	case dashboard.Bars:
		b.MaxDataPoints(barPoints)
	case dashboard.Stat:
		b.MaxDataPoints(statPoints)
		if p.Reduce == dashboard.Sum {
			b.NoValue("0")
		}
	}
	for i, q := range p.Queries {
		ref := string(rune('A' + i))
		b.WithTarget(query{RefID: ref, Query: q.InfluxQL, RawQuery: true, ResultFormat: "time_series", Alias: q.Alias})
		if q.Color != "" {
			b.OverrideByQuery(ref, []grafana.DynamicConfigValue{{
				Id: "color", Value: map[string]string{"mode": "fixed", "fixedColor": q.Color}}})
		}
	}
	return b
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
