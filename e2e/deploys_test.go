package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/uptest"
)

// deployed asks the page what the dashboards' own annotation asks, of all the time that there is.
func deployed(t *testing.T, a *application) []string {
	t.Helper()
	var listing struct {
		Dashboards []struct {
			Model struct {
				Annotations struct {
					List []struct{ Target struct{ Query string } }
				}
			}
		}
	}
	get := func(address string, out any) {
		t.Helper()
		response, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if err := json.NewDecoder(response.Body).Decode(out); err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v", address, response.Status, err)
		}
	}
	get(a.Page+"/api/dashboards", &listing)
	query := strings.Replace(listing.Dashboards[0].Model.Annotations.List[0].Target.Query, "$timeFilter", "time > 0", 1)
	var answer struct {
		Results []struct {
			Series []struct{ Values [][]any }
			Error  string
		}
	}
	get(a.Page+"/query?"+url.Values{"q": {query}}.Encode(), &answer)
	if answer.Results[0].Error != "" {
		t.Fatalf("%s: %s", query, answer.Results[0].Error)
	}
	var texts []string
	for _, s := range answer.Results[0].Series {
		for _, v := range s.Values {
			texts = append(texts, v[1].(string))
		}
	}
	return texts
}

// TestDeploysAreMarked: each is marked once, with what was deployed; a restart deploys nothing.
func TestDeploysAreMarked(t *testing.T) {
	t.Parallel()
	a, dir := marketUp(t)
	state := filepath.Join(dir, "state")
	if got := deployed(t, a); len(got) != 1 || !strings.HasPrefix(got[0], "code Market/") {
		t.Fatalf("after the first deploy: %q", got)
	}
	answers := func(a *application, want string) {
		t.Helper()
		uptest.Eventually(t, "the answer "+want, func() bool { _, body := a.Get("/apples"); return body == want })
	}
	main := strings.Replace(market, "return text +", `return "ripe " + text +`, 1)
	uptest.WriteFile(t, filepath.Join(dir, "main.go"), main) // other code
	answers(a, "ripe apples")
	uptest.Eventually(t, "a second mark", func() bool { return len(deployed(t, a)) == 2 })
	writeMarket(t, dir, `apples.Environment = map[string]string{"SUFFIX": "!"}`, "") // other settings, and the first code's text
	answers(a, "apples!")
	// The code may be there before the settings are, which is a mark of its own.
	var all []string
	uptest.Eventually(t, "a mark of the other settings", func() bool {
		all = deployed(t, a)
		_, first, _ := strings.Cut(all[0], ", template ")
		return !strings.HasSuffix(all[len(all)-1], first)
	})
	seen := map[string]bool{}
	for _, text := range all {
		if seen[text] {
			t.Errorf("marked twice: %s in %q", text, all)
		}
		seen[text] = true
	}
	a.Stop(os.Interrupt)

	again := up(t, dir, uptest.Build(t, dir), state)
	answers(again, "apples!")
	if got := deployed(t, again); strings.Join(got, "\n") != strings.Join(all, "\n") {
		t.Errorf("a restart is marked as a deploy: %q, was %q", got, all)
	}
}
