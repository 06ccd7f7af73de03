package monitor

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
)

// GrafanaDashboards are Dashboards as Grafana shows them: with variables by which a reader picks
// functions, versions and execution environments, and a row for each function that is picked. The
// local page, which has no variables, shows Dashboards.
func GrafanaDashboards(g ephor.Grafana) ([]Dashboard, error) { return renderAll(g, forHost) }

// StoreDashboards are GrafanaDashboards for a store that nobody has set up to roll up as the host's does.
func StoreDashboards(g ephor.Grafana) ([]Dashboard, error) { return renderAll(g, forStore) }

// The variables, each named as the tag that it picks values of.
var variables = []struct{ tag, label string }{{"function", "Function"}, {"version", "Version"}, {"instance", "Environment"}}

// maxChoices bounds a variable's list: of execution environments there may be any number.
const maxChoices = "1000"

// everything is a pattern that series match which do not have the tag, too.
const everything = ".*"

// picked is the condition that a query's series are among those picked.
func picked(tags int) string {
	var b strings.Builder
	for _, v := range variables[:tags] {
		b.WriteString(` AND "` + v.tag + `" =~ /^$` + v.tag + `$/`)
	}
	return b.String()
}

// https://grafana.com/docs/grafana/latest/datasources/influxdb/template-variables/
func variable(i int, as form) cog.Builder[grafana.VariableModel] {
	v := variables[i]
	// The time filter leaves the shards out that are not in the range. A condition beside it has the store look
	// at every series of those that are, and of environments there may be millions. So only
	// the environments are those of what was picked before, and where long ranges do not tell them apart, those
	// at the end of the range.
	query := `SHOW TAG VALUES FROM "invocation" WITH KEY = "` + v.tag + `" WHERE $timeFilter`
	if v.tag == "instance" {
		query += picked(i)
		if as == forHost {
			query += fmt.Sprintf(" AND time >= ${__to}ms - %dm", int(spans[0].upTo.Minutes()))
		}
	}
	return grafana.NewQueryVariableBuilder(v.tag).
		Label(v.label).
		Datasource(dataSource()).
		Query(grafana.StringOrMap{String: cog.ToPtr(query + " LIMIT " + maxChoices)}).
		Multi(true).IncludeAll(true).AllValue(everything).
		Refresh(grafana.VariableRefreshOnTimeRangeChanged).
		Sort(grafana.VariableSortAlphabeticalAsc)
}

// from is a statement's measurement, with its retention policy where it names one, as dashboard.Validate wants both where
// there is a statement for long ranges.
var from = regexp.MustCompile(`FROM (?:("(?:[^"\\]|\\.)+")\.)?("(?:[^"\\]|\\.)+") WHERE \$timeFilter`)

// perFunction is a row that Grafana repeats for each function that is picked.
//
// https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/create-dashboard/#configure-repeating-rows
func perFunction() []dashboard.Panel {
	const (
		of     = ` FROM "invocation" WHERE $timeFilter GROUP BY time($__interval)`
		rolled = ` FROM "$rollup"."invocation" WHERE $timeFilter GROUP BY time($__interval)`
	)
	percentile := func(p, color string) dashboard.Query {
		return dashboard.Query{InfluxQL: `SELECT percentile("duration_ms", ` + p + `)` + of + ` fill(null)`,
			Rollup: `SELECT max("p` + p + `")` + rolled + ` fill(null)`, Alias: "p" + p, Color: color}
	}
	small := func(p dashboard.Panel) dashboard.Panel { p.Width, p.Height = 8, 7; return p }
	return []dashboard.Panel{
		{Title: "$function", Kind: dashboard.Row},
		small(dashboard.Panel{Title: "Invocations of $function", Unit: "reqps", Queries: []dashboard.Query{
			{InfluxQL: `SELECT count("duration_ms") * 1000 / $__interval_ms` + of + ` fill(0)`,
				Rollup: `SELECT sum("count") * 1000 / $__interval_ms` + rolled + ` fill(0)`, Alias: "invocations", Color: "blue"}}}),
		small(dashboard.Panel{Title: "Duration of $function", Unit: "ms", Description: "Exact percentiles over all invocations of each interval. Over more than 15 minutes: of each version's 10 seconds or minute, the highest in the interval.", Queries: []dashboard.Query{
			percentile("50", "blue"), percentile("90", "orange"), percentile("99", "purple")}}),
		small(dashboard.Panel{Title: "Errors of $function", Kind: dashboard.Bars, Unit: "short", Queries: []dashboard.Query{
			{InfluxQL: `SELECT count("duration_ms") FROM "invocation" WHERE $timeFilter AND "ok" = false GROUP BY time($__interval) fill(0)`,
				Rollup: `SELECT sum("errors")` + rolled + ` fill(0)`, Alias: "errors", Color: "red"}}}),
	}
}
