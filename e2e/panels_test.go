package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/influx"
	"github.com/ephor-io/ephor/internal/influxdtest"
	"github.com/ephor-io/ephor/internal/uptest"
	"github.com/ephor-io/ephor/monitor"
)

// fair has two functions: one that is loaded, and fails when it is asked to, and one that takes its time. It has an
// instrument of each kind.
const fair = `package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli"
	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/metrics"
)

var (
	sold  = metrics.NewCounter("sold")
	depth = metrics.NewGauge("depth")
	sizes = metrics.NewHistogram("sizes")
)

func main() {
	app := ephor.New("Fair")
	quick := app.Function("Quick", func(_ context.Context, r events.APIGatewayV2HTTPRequest) (string, error) {
		ms, _ := strconv.Atoi(r.QueryStringParameters["ms"])
		time.Sleep(time.Duration(ms) * time.Millisecond)
		sold.Add(3)
		depth.Set(7)
		sizes.Observe(100)
		if r.QueryStringParameters["fail"] != "" {
			return "", errors.New("sold out")
		}
		return "sold", nil
	})
	slow := app.Function("Slow", func(_ context.Context, r events.APIGatewayV2HTTPRequest) (string, error) {
		ms, err := strconv.Atoi(r.QueryStringParameters["ms"])
		time.Sleep(time.Duration(ms) * time.Millisecond)
		return "slow", err
	})
	quick.Timeout, slow.Timeout = time.Minute, time.Minute // whatever else the machine does
	app.Get("/quick", quick)
	app.Get("/slow", slow)
	app.Monitor(ephor.Grafana{
		Dashboards: []dashboard.Dashboard{{Title: "Fair", Panels: []dashboard.Panel{dashboard.Counter("sold"), dashboard.Gauge("depth"), dashboard.Histogram("sizes")}}},
		Alerts:     dashboard.Alerts{P99: time.Second, Silence: time.Hour},
	})
	cli.Main(app)
}
`

// lambdaCounts are what the Lambda service counted, by function.
type lambdaCounts map[string]lambdaCount

type lambdaCount struct {
	Name                         string
	Invocations, Errors, Started float64
	Environments                 int // that there are
}

func countedBy(t *testing.T, a *application) (counts lambdaCounts, invoked float64) {
	t.Helper()
	response, err := http.Get(a.Page + "/api/lambda")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var all struct{ Functions []lambdaCount }
	if err := json.NewDecoder(response.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	counts = lambdaCounts{}
	for _, f := range all.Functions {
		counts[f.Name] = f
		invoked += f.Invocations
	}
	return counts, invoked
}

// thaw invokes all environments at once. On a busy machine the store has not answered in time, and what an environment
// has measured goes out with its next invocation.
func thaw(t *testing.T, a *application, counts lambdaCounts) {
	t.Helper()
	var clients sync.WaitGroup
	for name, path := range map[string]string{"Fair-Quick": "/quick?ms=1000", "Fair-Slow": "/slow?ms=1000"} {
		for range counts[name].Environments {
			clients.Go(func() {
				response, err := http.Get(a.API + path)
				if err != nil {
					t.Error(err)
					return
				}
				response.Body.Close()
			})
		}
	}
	clients.Wait()
}

// TestEveryPanelShowsWhatLambdaCounted: after a real load every query of every panel, and of every alert rule, is asked of
// the embedded engine and of Debian's influxd, over short ranges and long, as Grafana completes it. Both answer the same,
// and what can be added up is what the Lambda service counted.
func TestEveryPanelShowsWhatLambdaCounted(t *testing.T) {
	t.Parallel()
	dir := uptest.NewModule(t, fair)
	program := uptest.Build(t, dir)
	a := up(t, dir, program, filepath.Join(dir, "state"), "--load", "2s@20..40")
	uptest.Eventually(t, "the load is over", func() bool { return a.count(`SELECT sum("asked") FROM "load"`) == 60 })
	for range 7 {
		a.Get("/quick?fail=1")
	}
	for _, ms := range []string{"120", "150", "400", "1200", "none"} { // the last fails
		a.Get("/slow?ms=" + ms)
	}
	// A Grafana of one's own asks this store, too, which rollup a range reads.
	if n := a.count(`SELECT count("least") FROM "ranges"."ranges"`); n != 3 {
		t.Errorf("the store tells of %d kinds of ranges", n)
	}
	var counts lambdaCounts
	asked := 0
	uptest.Within(t, 5*time.Minute, "all is recorded", func() bool {
		var invoked float64
		counts, invoked = countedBy(t, a)
		if a.busy() == 0 && invoked >= 72 && float64(a.count(recorded)) == invoked && a.count(`SELECT count("value") FROM "depth"`) > 0 {
			return true
		}
		if asked++; asked%100 == 0 {
			thaw(t, a, counts)
		}
		return false
	})
	var printed, alerts string
	for out, args := range map[*string][]string{&printed: {"dashboard"}, &alerts: {"dashboard", "--alerts"}} {
		status, stdout, stderr := command(t, dir, program, append(args, "--state", a.State)...)
		if status != 0 {
			t.Fatalf("%q: %d %s", args, status, stderr)
		}
		*out = stdout
	}
	lines := exported(t, a.Store)

	engine, err := influx.Open(influx.Config{Dir: t.TempDir(), Database: monitor.Database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	server := httptest.NewServer(engine)
	t.Cleanup(server.Close)
	now := time.Now()
	var first shown
	for name, store := range map[string]func() string{
		"the engine": func() string { return server.URL },
		"influxd":    func() string { return influxdtest.Start(t, monitor.Database) },
	} {
		t.Run(name, func(t *testing.T) {
			at := filled(t, store(), lines, now)
			got := shown{}
			for _, r := range looks {
				got.panels(t, at, printed, slices.Sorted(maps.Keys(counts)), now, r)
			}
			got.alerts(t, at, alerts, now)
			got.check(t, counts)
			if first == nil {
				first = got
			} else if diff := cmp.Diff(first, got); diff != "" {
				t.Errorf("the two stores answer otherwise:\n%s", diff)
			}
		})
	}
}
