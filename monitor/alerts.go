package monitor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
)

// Alerts renders g's alert rules as a file that Grafana is provisioned with. The same thresholds
// are the same bytes.
//
// https://grafana.com/docs/grafana/latest/alerting/set-up/provision-alerting-resources/file-provisioning/
func Alerts(g ephor.Grafana) ([]byte, error) {
	if err := g.Alerts.Validate(); err != nil {
		return nil, err
	}
	group := ruleGroup{OrgID: 1, Name: "ephor", Folder: alertFolderTitle, Interval: "1m", Rules: rules(g.Alerts)}
	text, err := json.MarshalIndent(ruleFile{APIVersion: 1, Groups: []ruleGroup{group}, DeleteRules: off(group)}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("rendering the alerts: %w", err)
	}
	return append(text, '\n'), nil
}

// off are the rules that a group could have and has not. Grafana keeps a rule that has gone from its file unless it is told
// there to delete it.
func off(group ruleGroup) []goneRule {
	var gone []goneRule
	for _, r := range rules(dashboard.Alerts{P99: time.Second, Silence: time.Hour}) {
		if !slices.ContainsFunc(group.Rules, func(is rule) bool { return is.UID == r.UID }) {
			gone = append(gone, goneRule{OrgID: group.OrgID, UID: r.UID})
		}
	}
	return gone
}

// window is what an alert looks back on.
const window = 5 * time.Minute

func rules(a dashboard.Alerts) []rule {
	const (
		byFunction = ` FROM "invocation" WHERE $timeFilter`
		group      = ` GROUP BY "function"`
	)
	var all []rule
	if a.ErrorShare >= 0 {
		share := cmp.Or(a.ErrorShare, dashboard.DefaultErrorShare)
		all = append(all, rule{
			UID: "ephor-error-share", Title: "Too many invocations fail", For: "1m", Condition: "C", NoData: "OK", Error: "Error",
			Annotations: map[string]string{"summary": fmt.Sprintf("More than %.6g %% of the invocations of {{ $labels.function }} failed in five minutes.", share*100)},
			// Where none fails there is no series of failures, hence nothing to divide, and no alert.
			Data: []step{
				asks("A", window, `SELECT count("duration_ms")`+byFunction+` AND "ok" = false`+group),
				asks("B", window, `SELECT count("duration_ms")`+byFunction+group),
				reduces("D", "A", "last"), reduces("E", "B", "last"),
				computes("F", "$D / $E"), exceeds("C", "F", share),
			},
		})
	}
	if a.P99 > 0 {
		all = append(all, one("ephor-p99", "Invocations are slow", window,
			`SELECT percentile("duration_ms", 99)`+byFunction+group, "last", float64(a.P99)/float64(time.Millisecond),
			fmt.Sprintf("One of 100 invocations of {{ $labels.function }} took longer than %s in five minutes.", a.P99), "OK"))
	}
	if a.Dropped >= 0 {
		all = append(all, one("ephor-dropped", "Measurements are lost", window,
			`SELECT max("dropped") FROM "publisher" WHERE $timeFilter`+group, "last", float64(a.Dropped),
			"An execution environment of {{ $labels.function }} gave measurements up for lost: the store did not take them in time.", "OK"))
	}
	if a.BackupAge >= 0 {
		age := cmp.Or(a.BackupAge, dashboard.DefaultBackupAge)
		// The host tells it every hour.
		all = append(all, one("ephor-backup", "The last backup is old", 3*time.Hour,
			`SELECT last("age_s") FROM "ephor_backup" WHERE $timeFilter`, "last", age.Seconds(),
			fmt.Sprintf("The store's last backup is older than %s. On the host: journalctl -u ephor-backup.", age), "OK"))
	}
	if a.Silence > 0 {
		// Nothing to count is what this one is about.
		r := one("ephor-silence", "Nothing comes in", a.Silence, `SELECT count("duration_ms")`+byFunction, "last", 0,
			fmt.Sprintf("No invocation came in for %s: nobody calls, or nobody reaches the store.", a.Silence), "Alerting")
		r.Data[2] = falls("C", "B", 1)
		all = append(all, r)
	}
	return all
}

// one is a rule of one query, of which the last value shall not exceed a limit.
func one(uid, title string, back time.Duration, influxql, reducer string, limit float64, summary, noData string) rule {
	return rule{
		UID: uid, Title: title, For: "1m", Condition: "C", NoData: noData, Error: "Error",
		Annotations: map[string]string{"summary": summary},
		Data:        []step{asks("A", back, influxql), reduces("B", "A", reducer), exceeds("C", "B", limit)},
	}
}
