package command

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/deploy"
)

// What a program says of itself goes through JSON, and what is new and gone is told by name.
func TestApplicationSince(t *testing.T) {
	t.Parallel()
	nothing := func() error { return nil }
	say := func(app *ephor.App, stacks ...string) *application {
		t.Helper()
		a, err := describe(app)
		if err != nil {
			t.Fatal(err)
		}
		a.Stacks = stacks
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var told application
		if err := json.Unmarshal(text, &told); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(*a, told); diff != "" {
			t.Errorf("through JSON (-was +is)\n%s", diff)
		}
		return &told
	}
	one := ephor.New("Shop")
	one.Get("/old", one.Function("Old", nothing))
	one.Monitor(ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "A"}, {Title: "B"}}})
	two := ephor.New("Shop")
	f := two.Function("New", nothing)
	f.URL = &ephor.URL{}
	two.Get("/{id}", f)
	two.Get("/new", f)
	two.Monitor(ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "A", Panels: []dashboard.Panel{dashboard.Counter("sold")}}, {Title: "C"}}})
	before, after := say(one, "Shop-Monitoring", "Shop"), say(two, "Data", "Shop-Monitoring", "Shop")
	want := []string{"GET /{id} is new", "GET /new is new", "GET /old is gone", "function New is new", "function Old is gone", "stack Data is new",
		"dashboard C is new", "dashboard B is gone", "dashboard A is another"}
	if diff := cmp.Diff(want, after.since(before)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if same := after.since(after); len(same) > 0 {
		t.Errorf("the same is told to be another: %q", same)
	}
	if after.FirstGet != "/new" || after.Monitoring != "Shop-Monitoring" {
		t.Errorf("%+v", after)
	}
	after.Result = deploy.Result{Outputs: map[string]string{"ApiUrl": "http://api", "NewUrl": "http://new"}, Lower: map[string]map[string]string{"Shop-Monitoring": {"DashboardURL": "http://page"}}}
	got := after.addresses(addresses{Page: "p", API: "http://before", URLs: map[string]string{"Old": "http://old"}})
	if diff := cmp.Diff(addresses{Page: "p", API: "http://api", Dashboard: "http://page", URLs: map[string]string{"New": "http://new"}}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What goes is named whatever it is: with a queue its messages go.
func TestWhatElseIsGone(t *testing.T) {
	t.Parallel()
	with := func(name string) *application {
		app := ephor.New("Shop")
		f := app.Function("Tidy", func() error { return nil })
		app.Queue(name)
		app.Bucket(name)
		app.Topic(name)
		app.Bus(name)
		if name == "Old" {
			app.On(ephor.Schedule{Rate: 5 * time.Minute}, f)
		}
		a, err := describe(app)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	want := []string{"queue New is new", "bucket New is new", "topic New is new", "event bus New is new",
		"queue Old is gone", "bucket Old is gone", "topic Old is gone", "event bus Old is gone", "schedule rate(5 minutes) of Tidy is gone"}
	if diff := cmp.Diff(want, with("New").since(with("Old"))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
