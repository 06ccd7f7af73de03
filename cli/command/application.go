package command

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/monitor"
)

// application is what a program says, as data: all that a running up knows of it, whichever process has said
// it. It goes through JSON.
type application struct {
	Name string `json:"name"`
	// Monitoring is the monitoring stack; "" without one.
	Monitoring string              `json:"monitoring,omitempty"`
	Boards     []monitor.Dashboard `json:"boards,omitempty"`
	View       monitor.View        `json:"view,omitzero"` // what a Grafana shows in the page's place
	Functions  []string            `json:"functions"`
	URLs       []string            `json:"urls,omitempty"` // the functions with one of their own
	Routes     []string            `json:"routes,omitempty"`
	// Others are what else it has of its own, each by what it is and its name: queues, buckets, topics, event buses, schedules.
	Others []string `json:"others,omitempty"`
	// FirstGet is the path of the first GET route without variables, "" if there is none.
	FirstGet string `json:"firstGet,omitempty"`

	// What follows is known when it has been converged.

	// Stacks are the names of all stacks in the order of their convergence, the application's last.
	Stacks   []string        `json:"stacks,omitempty"`
	Deployed deploy.Deployed `json:"deployed,omitzero"`
	Result   deploy.Result   `json:"result,omitzero"`
}

// describe is what app says before its stacks are there.
func describe(app *ephor.App) (*application, error) {
	a := &application{Name: app.Name(), FirstGet: firstGet(app)}
	for _, f := range app.Functions() {
		a.Functions = append(a.Functions, f.Name)
		if f.URL != nil {
			a.URLs = append(a.URLs, f.Name)
		}
	}
	for _, r := range app.Routes() {
		a.Routes = append(a.Routes, r.Key())
	}
	a.Others = others(app)
	g, ok := app.Monitoring()
	if !ok {
		return a, nil
	}
	a.Monitoring = g.Stack
	var err error
	if a.Boards, err = monitor.Dashboards(g); err != nil {
		return a, err
	}
	a.View, err = monitor.ViewOf(g)
	return a, err
}

// others are what an application has beside functions and routes. With most of them data goes.
func others(app *ephor.App) []string {
	var all []string
	for _, q := range app.Queues() {
		all = append(all, "queue "+q.Name)
	}
	for _, b := range app.Buckets() {
		all = append(all, "bucket "+b.Name)
	}
	for _, t := range app.Topics() {
		all = append(all, "topic "+t.Name)
	}
	for _, b := range app.Buses() {
		all = append(all, "event bus "+b.Name)
	}
	for _, t := range app.Triggers() {
		if s, ok := t.Source.(ephor.Schedule); ok {
			all = append(all, "schedule "+s.Expression()+" of "+t.Function.Name)
		}
	}
	return all
}

// firstGet is the path of the first GET route without variables, "" if there is none.
func firstGet(app *ephor.App) string {
	for _, r := range app.Routes() {
		if (r.Method == http.MethodGet || r.Method == "ANY") && !strings.Contains(r.Path, "{") {
			return r.Path
		}
	}
	return ""
}

// addresses are where the application answers; at are the laptop's own.
func (a *application) addresses(at addresses) addresses {
	at.API, at.URLs = a.Result.Outputs[deploy.OutputAPI], nil
	at.Dashboard = a.Result.Lower[a.Monitoring][monitor.OutputDashboard]
	for _, f := range a.URLs {
		if at.URLs == nil {
			at.URLs = map[string]string{}
		}
		at.URLs[f] = a.Result.Outputs[deploy.OutputURL(f)]
	}
	return at
}

// since says in words what is new and what is gone since it was before.
func (a *application) since(before *application) []string {
	var words []string
	compare := func(what string, was, is []string) {
		for _, name := range is {
			if !slices.Contains(was, name) {
				words = append(words, what+name+" is new")
			}
		}
		for _, name := range was {
			if !slices.Contains(is, name) {
				words = append(words, what+name+" is gone")
			}
		}
	}
	compare("", before.Routes, a.Routes)
	compare("function ", before.Functions, a.Functions)
	compare("", before.Others, a.Others)
	compare("stack ", before.Stacks, a.Stacks)
	was, is := titles(before.Boards), titles(a.Boards)
	compare("dashboard ", slices.Sorted(maps.Keys(was)), slices.Sorted(maps.Keys(is)))
	for _, b := range a.Boards {
		if text, ok := was[b.Title]; ok && text != string(b.JSON) {
			words = append(words, "dashboard "+b.Title+" is another")
		}
	}
	return words
}

// titles are the models of dashboards by their titles.
func titles(boards []monitor.Dashboard) map[string]string {
	m := map[string]string{}
	for _, b := range boards {
		m[b.Title] = string(b.JSON)
	}
	return m
}
