package ephor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
)

func handler() error { return nil }

// refused expects an error with want in it; "" means none.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want an error with %q", err, want)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	// f changes a good application and names what the error must say; "" means it stays good.
	f := func(want string, change func(*ephor.App, *ephor.Function)) {
		t.Helper()
		app := ephor.New("Shop")
		orders := app.Function("Orders", handler)
		app.Get("/orders/{id}", orders)
		app.Monitor(ephor.Grafana{})
		change(app, orders)
		err := app.Validate()
		refused(t, err, want)
	}
	f("", func(*ephor.App, *ephor.Function) {})
	f("", func(a *ephor.App, o *ephor.Function) { a.Route("any", "/files/{name+}", o); a.Get("/", o) })
	f("", func(_ *ephor.App, o *ephor.Function) { o.Memory, o.Timeout = 10240, 900*time.Second })

	f(`function "orders": there are two`, func(a *ephor.App, _ *ephor.Function) { a.Function("orders", handler) })
	f(`function "two words": a name is`, func(a *ephor.App, _ *ephor.Function) { a.Function("two words", handler) })
	f(`function "Nil": the handler is nil`, func(a *ephor.App, _ *ephor.Function) { a.Function("Nil", nil) })
	f(`function "Orders": memory is 64 MB`, func(_ *ephor.App, o *ephor.Function) { o.Memory = 64 })
	f(`function "Orders": timeout is 1.5s`, func(_ *ephor.App, o *ephor.Function) { o.Timeout = 1500 * time.Millisecond })
	f(`function "Orders": timeout is 15m1s`, func(_ *ephor.App, o *ephor.Function) { o.Timeout = 901 * time.Second })
	f(`function "Orders": reserved concurrency is -1`, func(_ *ephor.App, o *ephor.Function) { o.Concurrency = -1 })
	f(`function "Orders": FlushEvery is -1`, func(_ *ephor.App, o *ephor.Function) { o.FlushEvery = -1 })
	f(`environment variable EPHOR_X`, func(_ *ephor.App, o *ephor.Function) { o.Environment = map[string]string{"EPHOR_X": "1"} })
	f(`environment variable "1A"`, func(_ *ephor.App, o *ephor.Function) { o.Environment = map[string]string{"1A": "1"} })
	f(`route "GET /orders/{id}": there are two`, func(a *ephor.App, o *ephor.Function) { a.Get("/orders/{id}", o) })
	f(`does not know the method "FETCH"`, func(a *ephor.App, o *ephor.Function) { a.Route("fetch", "/x", o) })
	f(`a path begins with "/"`, func(a *ephor.App, o *ephor.Function) { a.Get("x", o) })
	f(`only at the end`, func(a *ephor.App, o *ephor.Function) { a.Get("/{a+}/b", o) })
	f(`does not belong to this application`, func(a *ephor.App, _ *ephor.Function) { a.Get("/x", &ephor.Function{Name: "Other"}) })
	f(`does not belong to this application`, func(a *ephor.App, _ *ephor.Function) { a.Get("/x", nil) })
	f(`has the application's own name`, func(a *ephor.App, _ *ephor.Function) { a.Monitor(ephor.Grafana{Stack: "Shop"}) })

	shop := &ephor.CORS{Origins: []string{"https://shop.example"}}
	f("", func(a *ephor.App, o *ephor.Function) {
		a.API(ephor.API{REST: true, CORS: shop, BinaryTypes: []string{"*/*"}})
		a.Post("/orders/{id}/items/{item}", o)
		a.Get("/{rest+}", o)
		o.URL = &ephor.URL{Stream: true, CORS: shop}
	})
	f("", func(a *ephor.App, _ *ephor.Function) {
		a.API(ephor.API{CORS: &ephor.CORS{Origins: []string{"http://a.example:5173", "https://b.example"}, Methods: []string{"GET"}, Credentials: true, MaxAge: time.Hour}})
	})
	f(`the stage "v1" is a REST API's`, func(a *ephor.App, _ *ephor.Function) { a.API(ephor.API{Stage: "v1"}) })
	f(`binary types are a REST API's`, func(a *ephor.App, _ *ephor.Function) { a.API(ephor.API{BinaryTypes: []string{"*/*"}}) })
	f(`stage "a/b"`, func(a *ephor.App, _ *ephor.Function) { a.API(ephor.API{REST: true, Stage: "a/b"}) })
	f(`with one origin, or *; 2 are given`, func(a *ephor.App, _ *ephor.Function) {
		a.API(ephor.API{REST: true, CORS: &ephor.CORS{Origins: []string{"https://a.example", "https://b.example"}}})
	})
	f(`Access-Control-Expose-Headers`, func(a *ephor.App, _ *ephor.Function) {
		a.API(ephor.API{REST: true, CORS: &ephor.CORS{Origins: []string{"*"}, Expose: []string{"X-A"}}})
	})
	f(`route "PUT /orders/{number}": below /orders/ there is {id} already`, func(a *ephor.App, o *ephor.Function) {
		a.API(ephor.API{REST: true})
		a.Route("PUT", "/orders/{number}", o)
	})
	f(`no paths that end in a slash`, func(a *ephor.App, o *ephor.Function) { a.API(ephor.API{REST: true}); a.Get("/x/", o) })
	f(`function "Orders": CORS without an origin`, func(_ *ephor.App, o *ephor.Function) { o.URL = &ephor.URL{CORS: &ephor.CORS{}} })
	f(`origin "shop.example"`, func(a *ephor.App, _ *ephor.Function) {
		a.API(ephor.API{CORS: &ephor.CORS{Origins: []string{"shop.example"}}})
	})
	f(`with credentials nothing may be *`, func(a *ephor.App, _ *ephor.Function) {
		a.API(ephor.API{CORS: &ephor.CORS{Origins: []string{"*"}, Credentials: true, Methods: []string{"GET"}}})
	})
	f(`the methods must be named`, func(a *ephor.App, _ *ephor.Function) {
		a.API(ephor.API{CORS: &ephor.CORS{Origins: shop.Origins, Credentials: true}})
	})
	f(`MaxAge is 25h0m0s`, func(a *ephor.App, _ *ephor.Function) {
		a.API(ephor.API{CORS: &ephor.CORS{Origins: shop.Origins, MaxAge: 25 * time.Hour}})
	})
	f(`ApiUrl, which is taken`, func(a *ephor.App, _ *ephor.Function) { a.Function("Api", handler).URL = &ephor.URL{} })

	long := ephor.New(strings.Repeat("a", 30))
	long.Function(strings.Repeat("x", 34), handler)
	if err := long.Validate(); err == nil || !strings.Contains(err.Error(), "65 characters; Lambda takes 64") {
		t.Errorf("a name too long for Lambda: %v", err)
	}
	if err := ephor.New("1").Validate(); err == nil || !strings.Contains(err.Error(), `application "1"`) || !strings.Contains(err.Error(), "has no function") {
		t.Errorf("a bad name and no function: %v", err)
	}
}

func TestMonitoringDefaults(t *testing.T) {
	t.Parallel()
	app := ephor.New("Shop")
	if _, ok := app.Monitoring(); ok {
		t.Error("monitoring that nobody asked for")
	}
	app.Monitor(ephor.Grafana{})
	g, ok := app.Monitoring()
	if !ok || g.Stack != "Shop-Monitoring" || len(g.Dashboards) != 1 || g.Dashboards[0].Title != "Shop" {
		t.Errorf("defaults: %+v, %v", g, ok)
	}
	app.Monitor(ephor.Grafana{Stack: "Eyes", Dashboards: []dashboard.Dashboard{{Title: "A"}, {Title: "B"}}})
	if g, _ := app.Monitoring(); g.Stack != "Eyes" || len(g.Dashboards) != 2 {
		t.Errorf("given: %+v", g)
	}
}
