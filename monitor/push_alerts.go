package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// provisionedRule is a rule as the API of alert rules takes it, and ruleSet a group of them.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/alerting_provisioning/
type (
	provisionedRule struct {
		rule
		OrgID     int    `json:"orgID"`
		FolderUID string `json:"folderUID"`
		RuleGroup string `json:"ruleGroup"`
	}
	ruleSet struct {
		Title     string            `json:"title"`
		FolderUID string            `json:"folderUid"`
		Interval  int               `json:"interval"` // seconds
		Rules     []provisionedRule `json:"rules"`
	}
)

// PushAlerts puts alert rules, as Alerts renders them, into a Grafana: as the one group of that name, in place of those of ours
// that were in it. A group that holds others' is left as it is, and a *GroupTakenError. Contact points and notification policies
// are left as they are. A refusal is a *RefusedError.
func PushAlerts(ctx context.Context, to Target, group string, rules []byte) error {
	g, err := to.open()
	if err != nil {
		return err
	}
	var file ruleFile
	if err := json.Unmarshal(rules, &file); err != nil {
		return fmt.Errorf("the alert rules: %w", err)
	}
	if len(file.Groups) != 1 {
		return fmt.Errorf("the alert rules: there are %d groups of them, and Alerts renders one", len(file.Groups))
	}
	from := file.Groups[0]
	if len(from.Rules) == 0 {
		return g.dropAlerts(ctx, group)
	}
	if err := g.checkSource(ctx); err != nil {
		return err
	}
	if err := g.alertFolder(ctx); err != nil {
		return err
	}
	every, err := time.ParseDuration(from.Interval)
	if err != nil {
		return fmt.Errorf("the alert rules: %w", err)
	}
	set := ruleSet{Title: group, FolderUID: g.Folder, Interval: int(every / time.Second)}
	for _, r := range from.Rules {
		// A UID is one rule's in all folders, and a title one rule's in its folder, where other applications have theirs, too.
		r.UID = ruleUID(r.UID, group)
		r.Title += " (" + group + ")"
		for i := range r.Data {
			if r.Data[i].DataSourceUID == DataSourceUID {
				r.Data[i].DataSourceUID = g.Source
			}
		}
		set.Rules = append(set.Rules, provisionedRule{rule: r, OrgID: from.OrgID, FolderUID: g.Folder, RuleGroup: group})
	}
	if err := g.checkGroup(ctx, group); err != nil {
		return err
	}
	return g.call(ctx, g.asksRules(http.MethodPut, group, set), nil)
}

// DropAlerts removes the rules that PushAlerts put there, if they are there. A group that holds others' as well is left as it
// is, and a *GroupTakenError.
func DropAlerts(ctx context.Context, to Target, group string) error {
	g, err := to.open()
	if err != nil {
		return err
	}
	return g.dropAlerts(ctx, group)
}

func (g *api) dropAlerts(ctx context.Context, group string) error {
	if found, err := g.findAlertFolder(ctx); err != nil || !found {
		return err
	}
	if err := g.checkGroup(ctx, group); err != nil {
		return err
	}
	_, err := there(g.call(ctx, g.asksRules(http.MethodDelete, group, nil), nil))
	return err
}

func (g *api) asksRules(method, group string, body any) ask {
	return ask{part: PartRules, what: "alert rules " + group, method: method,
		path: []string{"api/v1/provisioning/folder", g.Folder, "rule-groups", group}, body: body}
}
