package monitor

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/ephor-io/ephor/dashboard"
)

// Ranges of time, by their length, and what panels read for them. Above a quarter of an hour they
// read the rollups. least is the shortest interval of such a panel: a multiple of the window, as every longer
// interval is that Grafana and the page choose, so that no interval has a window more than the next.
type span struct {
	upTo          time.Duration // and no longer
	rollup        tier          // the zero value: the raw points
	least, coarse string
}

// slack is by how much a range of 15 minutes or 12 hours may be longer: Grafana reads the clock for both of its ends.
const slack = time.Second

var spans = []span{
	{upTo: 15*time.Minute + slack, least: "1s", coarse: "5s"},
	{upTo: 12*time.Hour + slack, rollup: tiers[0], least: "20s", coarse: "1m"},
	{upTo: 100 * 365 * 24 * time.Hour, rollup: tiers[1], least: "1m", coarse: "1m"},
}

// RawShard is how long a shard of raw points is. What a query of raw points costs depends on how many
// series its shards have, whether or not they have points in its range, and each execution environment
// is one.
const RawShard = "1h"

// laptopShard is the same on the laptop, where points are kept for ever and a shard is some milliseconds of each start: a
// day's load makes that day slow and not the week, as InfluxDB would have it.
const laptopShard = "1d"

// minutesPolicy is the retention policy that $minutes stands for.
const minutesPolicy = "rollup_" + dashboard.DurationsWindow

// RangesPolicy is the retention policy of the points that tell Grafana which rollup a range reads.
// Nothing else is in it, so that what is read from it instead is empty.
const RangesPolicy = "ranges"

// Ranges are the points of RangesPolicy, in line protocol. raw is the retention policy of the
// raw points. Grafana has no variable that depends on how long the time range is, but a query
// variable may ask the store with the range's ends:
//
// https://grafana.com/docs/grafana/latest/dashboards/variables/add-template-variables/#global-variables
func Ranges(raw string) string {
	var b strings.Builder
	from := time.Duration(0)
	for i, s := range spans {
		raw, rollup, minutes, window := raw, RangesPolicy, RangesPolicy, tiers[0].window
		if s.rollup.window != "" {
			raw, rollup, minutes, window = RangesPolicy, s.rollup.policy(), minutesPolicy, s.rollup.window
		}
		fmt.Fprintf(&b, "%s raw=%q,rollup=%q,minutes=%q,window=%q,least=%q,coarse=%q,over=%di,upto=%di %d\n",
			RangesPolicy, raw, rollup, minutes, window, s.least, s.coarse, from.Milliseconds(), s.upTo.Milliseconds(), i+1)
		from = s.upTo
	}
	return b.String()
}

// policy is a retention policy: its name, how long points are kept, and how long a shard is.
type policy struct{ name, keeps, shard string }

// policies are those of the rollups and of Ranges, which the raw points' one does not depend on.
func policies(keeps string) []policy {
	var all []policy
	for _, t := range tiers {
		all = append(all, policy{t.policy(), keeps, fmt.Sprintf("%dd", leastRollupDays)})
	}
	return append(all, policy{RangesPolicy, "INF", "520w"})
}

// text is what stands behind CREATE or ALTER RETENTION POLICY.
func (p policy) text() string {
	return fmt.Sprintf(`"%s" ON "%s" DURATION %s REPLICATION 1 SHARD DURATION %s`, p.name, Database, p.keeps, p.shard)
}

// Setup are the statements that make the laptop's store roll up, for as long as the host does by
// default.
func Setup() []string {
	all := []string{fmt.Sprintf(`ALTER RETENTION POLICY "autogen" ON "%s" SHARD DURATION %s`, Database, laptopShard)}
	for _, p := range policies(rollupDays + "d") {
		all = append(all, "CREATE RETENTION POLICY "+p.text())
	}
	for _, q := range ContinuousQueries() {
		all = append(all, q.Create)
	}
	return all
}

// The variables that depend on the range's length. A reader does not see them.
var rangeVariables = []string{"raw", "rollup", "minutes", "window", leastVariable, coarseVariable}

const leastVariable, coarseVariable = "least", "coarse"

func rangeVariable(name string) cog.Builder[grafana.VariableModel] {
	return grafana.NewQueryVariableBuilder(name).
		Datasource(dataSource()).
		Query(grafana.StringOrMap{String: cog.ToPtr(fmt.Sprintf(
			`SELECT "%s" FROM "%s"."%s" WHERE ($__to - $__from) > "over" AND ($__to - $__from) <= "upto"`, name, RangesPolicy, RangesPolicy))}).
		Hide(grafana.VariableHideHideVariable).
		Refresh(grafana.VariableRefreshOnTimeRangeChanged)
}

// least is the variable with the shortest interval of a panel.
func least(p dashboard.Panel) string {
	if slices.ContainsFunc(p.Queries, func(q dashboard.Query) bool { return strings.Contains(q.Rollup, `"$minutes"`) }) {
		return coarseVariable
	}
	return leastVariable
}

// fixedWindow stands in statements of raw points whose window does not grow with the range. Where there are no rollups, these are
// asked for long ranges too, and would answer with as many rows as the range has windows.
const fixedWindow = "time(" + dashboard.AliveWindow + ")"

// targets are a panel's query as the page has it, with the statements for long ranges beside it, or as
// Grafana has it: as one for the raw points and one for the rollups, of which one is empty. Where the store has no
// rollups, there is the first alone.
func targets(q dashboard.Query, ref string, as form) []query {
	t := query{RefID: ref, Query: q.InfluxQL, RawQuery: true, ResultFormat: "time_series", Alias: q.Alias}
	rolledAlias := rolledUp(q)
	if as == forPage {
		for i, s := range spans {
			if q.Rollup == "" || s.rollup.window == "" {
				continue
			}
			l := longer{Over: spans[i-1].upTo.Milliseconds(), Least: s.least, Alias: rolledAlias, Query: strings.NewReplacer(
				"$rollup", s.rollup.policy(), "$minutes", minutesPolicy, "$window", s.rollup.window).Replace(q.Rollup)}
			if least(dashboard.Panel{Queries: []dashboard.Query{q}}) == coarseVariable {
				l.Least = s.coarse
			}
			t.Rollups = append(t.Rollups, l)
		}
		return []query{t}
	}
	t.Query = filtered(t.Query)
	if as == forStore {
		t.Query = strings.ReplaceAll(t.Query, fixedWindow, "time($__interval)")
	}
	if q.Rollup == "" || as == forStore {
		return []query{t}
	}
	long := t
	long.RefID += "L"
	long.Query = filtered(q.Rollup)
	long.Alias = rolledAlias
	t.Query = from.ReplaceAllString(t.Query, `FROM "$$raw".$2 WHERE $$timeFilter`)
	return []query{t, long}
}

// rolledUp is the alias for long ranges: the rollups have the function where the points have the instance, and no tag
// of an instrument's.
func rolledUp(q dashboard.Query) string {
	alias := strings.ReplaceAll(q.Alias, "$tag_instance", "$tag_function")
	return strings.TrimSpace(ownTag.ReplaceAllStringFunc(alias, func(pattern string) string {
		if strings.Contains(q.Rollup, `"`+ownTag.FindStringSubmatch(pattern)[1]+`"`) {
			return pattern
		}
		return ""
	}))
}

// ownTag is Grafana's pattern of a tag, with the space before it.
var ownTag = regexp.MustCompile(` ?\[\[tag_([^\]]+)\]\]`)
