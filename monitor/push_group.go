package monitor

import (
	"context"
	"fmt"
	"strings"

	"github.com/ephor-io/ephor/dashboard"
)

// A GroupTakenError is that a group of the name that our alert rules' has holds rules that are none of ours, in the folder
// that they go to. Whoever puts a group there replaces all that is in it.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/alerting_provisioning/#route-put-alert-rule-group
type GroupTakenError struct {
	Group string
	// Folder is the UID of the folder.
	Folder string
	// UIDs are those of the rules that are not ours, in the group's order.
	UIDs []string
}

func (e *GroupTakenError) Error() string {
	return fmt.Sprintf("alert rules %s: the group of that name in the folder %s has rules in it that are none of ours, of the UIDs %s; it is left as it is",
		e.Group, e.Folder, strings.Join(e.UIDs, ", "))
}

// checkGroup looks whether all that is in a group of g.Folder is ours. Groups have no versions: what somebody puts there
// between this and what comes next is not seen.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/alerting_provisioning/#route-get-alert-rule-group
func (g *api) checkGroup(ctx context.Context, group string) error {
	var now struct{ Rules []struct{ UID string } }
	if found, err := there(g.call(ctx, g.asksRules("", group, nil), &now)); err != nil || !found {
		return err
	}
	var others []string
	for _, r := range now.Rules {
		if !ourRule(r.UID, group) {
			others = append(others, r.UID)
		}
	}
	if len(others) > 0 {
		return &GroupTakenError{Group: group, Folder: g.Folder, UIDs: others}
	}
	return nil
}

// ruleUID is the UID, in a Grafana that others use, too, of the rule that is called name in a file's group.
func ruleUID(name, group string) string { return dashboard.Dashboard{Title: name + " " + group}.UID() }

// ruleNames is what the names of all rules that Alerts renders begin with.
const ruleNames = "ephor-"

// ourRule reports whether ruleUID made a UID for a group: of a rule of today's or of another version's, since its name is
// what stands before one of the hyphens.
func ourRule(uid, group string) bool {
	for i, c := range uid {
		if c == '-' && i >= len(ruleNames) && strings.HasPrefix(uid, ruleNames) && ruleUID(uid[:i], group) == uid {
			return true
		}
	}
	return false
}
