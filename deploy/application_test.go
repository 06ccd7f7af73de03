package deploy

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/iam"
	"github.com/ephor-io/ephor/monitor"
)

var update = flag.Bool("update", false, "write the golden files anew")

func handler() error { return nil }

func TestTemplate(t *testing.T) {
	t.Parallel()
	code := Code{Bucket: "ephor-app-${AWS::AccountId}-${AWS::Region}", Key: "app/1-abc.zip", GOARCH: "arm64"}
	f := func(name string, app *ephor.App) {
		t.Helper()
		if err := app.Validate(); err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		e := json.NewEncoder(&got)
		e.SetIndent("", "  ")
		made := Template(app, code)
		w := NewWorkflow(WorkflowConfig{App: app})
		g, monitored := app.Monitoring()
		if s, ok := app.Store(); ok {
			w.Hooks = []ephor.Hooks{monitor.StoreHooks(g, s)}
		} else if monitored {
			w.Hooks = []ephor.Hooks{monitor.Hooks(g, monitor.Values{})}
		}
		if err := w.decorate(t.Context(), &made); err != nil {
			t.Fatal(err)
		}
		if err := e.Encode(made); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name+".json")
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}

	bare := ephor.New("Bare")
	bare.Function("Job", handler)
	f("bare", bare)

	full := ephor.New("Shop")
	orders := full.Function("Orders", handler)
	orders.Memory, orders.Timeout, orders.Concurrency, orders.FlushEvery = 512, 30*time.Second, 7, 10
	orders.Environment = map[string]string{"CURRENCY": "EUR"}
	files := full.Function("Files", handler)
	files.Permissions = []iam.Statement{iam.Allow("s3:GetObject").On("arn:aws:s3:::shop-files/*")}
	full.Get("/orders/{id}", orders)
	full.Post("/orders", orders)
	full.Route("any", "/files/{name+}", files)
	full.Monitor(ephor.Grafana{})
	f("monitored", full)

	own := ephor.New("Stored")
	own.Function("Job", handler).FlushEvery = 5
	own.Monitor(ephor.Store{URL: "https://store.example.com:8086", Organization: "shop", Bucket: "metrics", Token: ephor.Secret{ID: "shop/writer"}})
	f("stored-2", own)
	own.Monitor(ephor.Store{URL: "https://store.example.com:8086", User: "writer", Token: ephor.Secret{ID: "shop/writer", Key: "password"}})
	f("stored-1", own)

	rest := ephor.New("Rest")
	orders = rest.Function("Orders", handler)
	orders.URL = &ephor.URL{Stream: true, CORS: &ephor.CORS{Origins: []string{"*"}, Headers: []string{"X-A"}, Expose: []string{"X-B"}, MaxAge: time.Minute}}
	rest.Function("Admin", handler).URL = &ephor.URL{IAM: true}
	rest.API(ephor.API{REST: true, BinaryTypes: []string{"image/*"}, CORS: &ephor.CORS{Origins: []string{"https://shop.example"}, Methods: []string{"GET"},
		Credentials: true, MaxAge: time.Hour}})
	rest.Get("/", orders)
	rest.Get("/orders/{id}", orders)
	rest.Post("/orders", orders)
	rest.Route("OPTIONS", "/orders", orders)
	f("rest", rest)

	cors := ephor.New("Cors")
	cors.Get("/", cors.Function("Job", handler))
	cors.API(ephor.API{CORS: &ephor.CORS{Origins: []string{"https://shop.example"}}})
	f("cors", cors)

	events := ephor.New("Shop")
	queue, dead, images := events.Queue("Orders"), events.Queue("Failed"), events.Bucket("Images")
	queue.DeadLetters, queue.Tries, queue.Retention = dead, 3, time.Hour
	strict := events.Queue("Strict")
	strict.FIFO, strict.ContentDedup, strict.Visibility, strict.Delay = true, true, time.Minute, time.Second
	images.Versioned = true
	ship, tidy := events.Function("Ship", handler), events.Function("Tidy", handler)
	ship.Timeout = 10 * time.Second
	ship.Use(dead, images)
	events.On(ephor.Messages{Queue: queue, Batch: 100, Window: 5 * time.Second, Filters: []string{`{"body": {"kind": ["book"]}}`}, Partial: true, Concurrency: 4}, ship)
	events.On(ephor.Messages{Queue: strict}, ship)
	events.On(ephor.Schedule{Rate: 2 * time.Hour}, tidy)
	events.On(ephor.Schedule{Cron: "0 8 ? * MON-FRI *", Zone: "Europe/Berlin", Input: `{"why": "morning"}`, Flexible: 5 * time.Minute}, tidy)
	events.On(ephor.Objects{Bucket: images, Suffix: ".png"}, ship)
	events.On(ephor.Objects{Bucket: images, Removed: true, Prefix: "in/"}, ship)
	f("sources", events)

	topics := ephor.New("Shop")
	lost, news, shop, stored := topics.Queue("Lost"), topics.Topic("News"), topics.Bus("Inner"), topics.Bucket("Files")
	stored.EventBridge = true
	tell := topics.Function("Tell", handler)
	tell.Use(news, shop)
	topics.On(ephor.Notifications{Topic: news, Filter: `{"kind": ["book"]}`, DeadLetters: lost}, tell)
	topics.On(ephor.Notifications{Topic: news}, topics.Function("All", handler))
	topics.On(ephor.Events{Bus: shop, Pattern: `{"source": ["shop"]}`, DeadLetters: lost}, tell)
	topics.On(ephor.Events{Pattern: `{"source": ["aws.s3"], "detail": {"bucket": {"name": [{"prefix": "shop-"}]}}}`}, tell)
	f("topics", topics)
}

func TestRouteID(t *testing.T) {
	t.Parallel()
	alphanumeric := regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)
	long := "GET /" + string(bytes.Repeat([]byte("a"), 600))
	seen := map[string]string{}
	for _, key := range []string{"GET /", "GET /a", "GET /Z", "GET /z", "GET /Z2f", "GET /{a}", "GET /{a+}", "GET /a/", "ANY /a", long, long + "b"} {
		id := routeID(key)
		if !alphanumeric.MatchString(id) {
			t.Errorf("routeID(%q) = %q is no logical ID", key, id)
		}
		if other, ok := seen[id]; ok {
			t.Errorf("routeID(%q) = routeID(%q)", key, other)
		}
		seen[id] = key
	}
}
