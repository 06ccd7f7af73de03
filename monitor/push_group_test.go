package monitor

import (
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor/dashboard"
)

// TestOurRule: whatever an application is called, the rules that it has put there are its own, and no others.
func TestOurRule(t *testing.T) {
	t.Parallel()
	for _, group := range []string{"Shop", "Shop on this machine", "Überblick", "日本", "A/B", "x-y", strings.Repeat("long ", 12)} {
		all := rules(dashboard.Alerts{P99: time.Second, Silence: time.Hour})
		if len(all) != 5 {
			t.Fatalf("there are %d rules", len(all))
		}
		for _, r := range append(all, rule{UID: "ephor-of-a-former-version"}) {
			if !strings.HasPrefix(r.UID, ruleNames) {
				t.Errorf("%s does not begin with %s", r.UID, ruleNames)
			}
			uid := ruleUID(r.UID, group)
			if !ourRule(uid, group) {
				t.Errorf("%s is not of the group %q", uid, group)
			}
			if ourRule(uid, "Market") || ourRule(r.UID, group) {
				t.Errorf("%s is of the group Market, or %s of %q", uid, r.UID, group)
			}
		}
	}
	for _, uid := range []string{"", "ephor-", "ephor-shop", "disk-shop", "dfx3k2a", "ephor-error-share-workshop"} {
		if ourRule(uid, "Shop") {
			t.Errorf("%q is the Shop's", uid)
		}
	}
}
