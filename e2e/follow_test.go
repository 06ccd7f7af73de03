package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor/internal/uptest"
)

// market is an application whose main is put together: what its functions are built of stands in main.go, and
// what the commands alone know in setup.go.
const market = `package main

import (
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli"
	"github.com/ephor-io/ephor/dashboard"
)

var (
	_ = time.Second
	_ = dashboard.Counter
)

func answer(text string) func(events.APIGatewayV2HTTPRequest) (string, error) {
	return func(r events.APIGatewayV2HTTPRequest) (string, error) {
		if r.QueryStringParameters["process"] != "" {
			return strconv.Itoa(os.Getpid()), nil
		}
		return text + os.Getenv("SUFFIX"), nil
	}
}

func main() {
	app := ephor.New("Market")
	apples := app.Function("Apples", answer("apples"))
	app.Get("/apples", apples)
	// more
	setup(app, apples)
	cli.Main(app)
}
`

// beside is setup.go, which the functions are not built of.
const beside = `//go:build !ephor_lambda

package main

import (
	"context"
	"errors"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/dashboard"
)

var (
	_ = cfn.Ref
	_ = errors.New
	_ = context.Background
	_ = dashboard.Counter
)

func setup(app *ephor.App, apples *ephor.Function) {
	app.Monitor(ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "Market"}}})
	// more
}
`

// writeMarket writes both files, each with what is put in the place of "// more".
func writeMarket(t testing.TB, dir, main, host string) {
	t.Helper()
	uptest.WriteFile(t, filepath.Join(dir, "setup.go"), strings.Replace(beside, "// more", host, 1))
	uptest.WriteFile(t, filepath.Join(dir, "main.go"), strings.Replace(market, "// more", main, 1))
}

func marketUp(t testing.TB, args ...string) (a *application, dir string) {
	t.Helper()
	dir = uptest.NewModule(t, market)
	uptest.WriteFile(t, filepath.Join(dir, "deployed.go"), "//go:build ephor_lambda\n\npackage main\n\nimport \"github.com/ephor-io/ephor\"\n\nfunc setup(*ephor.App, *ephor.Function) {}\n")
	writeMarket(t, dir, "", "")
	return up(t, dir, uptest.Build(t, dir), filepath.Join(dir, "state"), args...), dir
}

// All that a program says of itself is followed while up runs: routes, functions, panels, settings, further
// stacks. What is wrong is told and changes nothing, and the next save is tried again.
func TestTheProgramIsFollowed(t *testing.T) {
	t.Parallel()
	a, dir := marketUp(t)
	answers := func(path, want string) {
		t.Helper()
		uptest.Eventually(t, path+" answers "+want, func() bool { _, body := a.Get(path); return body == want })
	}
	says := func(want string) {
		t.Helper()
		uptest.Eventually(t, want, func() bool { return strings.Contains(a.Stderr.String(), want) })
	}
	page := func() string {
		response, err := http.Get(a.Page + "/api/dashboards")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	answers("/apples", "apples")
	answered := keepAsking(t, a, "/apples", 1, 20*time.Millisecond)

	// A function, a route, an event source and a panel more, and settings of the function that is there.
	const pears = `app.Get("/pears", app.Function("Pears", answer("pears")))
	`
	writeMarket(t, dir, pears+`apples.Environment = map[string]string{"SUFFIX": "!"}
	apples.Memory = 256
	app.On(ephor.Messages{Queue: app.Queue("Crates")}, apples)`, `app.Monitor(ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "Market", Panels: []dashboard.Panel{dashboard.Counter("sold")}}}})`)
	answers("/pears", "pears")
	answers("/apples", "apples!")
	says("GET /pears is new, function Pears is new, queue Crates is new, dashboard Market is another")
	says("ApplesFromCratesQueue")
	if !strings.Contains(page(), `sold`) {
		t.Errorf("the page has no panel of the new counter: %s", page())
	}

	// What does not compile, and what is not valid, changes nothing.
	writeMarket(t, dir, pears+"nonsense()", "")
	says("undefined: nonsense")
	writeMarket(t, dir, pears, "nonsense()")
	says("setup.go")
	writeMarket(t, dir, pears+`app.Get("/apples", apples)`, "")
	says(`route "GET /apples": there are two of it`)
	writeMarket(t, dir, pears, `app.Hook(ephor.Hooks{Validate: func(context.Context, *ephor.Deployment, cfn.Template) error { return errors.New("not on a Friday") }})`)
	says("hook Validate: not on a Friday")
	// CloudFormation refuses the one, and rolls the other back.
	further := func(resource string) string {
		return `app.Hook(ephor.Hooks{Stacks: func(context.Context, *ephor.Deployment) ([]ephor.Stack, error) {
			return []ephor.Stack{{Name: "Market-Data", Template: cfn.Template{Resources: map[string]cfn.Resource{` + resource + `}}}}, nil
		}})`
	}
	writeMarket(t, dir, pears, further(`"Fridge": {Type: "AWS::Kitchen::Fridge"}`))
	says("AWS::Kitchen::Fridge")
	writeMarket(t, dir, pears, `app.Hook(ephor.Hooks{Service: func(_ context.Context, _ *ephor.Deployment, t *cfn.Template) error {
		t.Resources["Taken"] = cfn.Resource{Type: "AWS::Lambda::Alias", Properties: map[string]any{"FunctionName": "nobody", "FunctionVersion": "1", "Name": "live"}}
		return nil
	}})`)
	says("running: stack Market, resource Taken (AWS::Lambda::Alias)")
	writeMarket(t, dir, `panic("the market burns")`, "")
	says("the market burns")
	answers("/apples", "apples!")
	answers("/pears", "pears")

	// Mended, with a function and its route gone and a stack more.
	writeMarket(t, dir, "", further(`"Bucket": {Type: "AWS::S3::Bucket"}`))
	uptest.Eventually(t, "GET /pears is gone", func() bool { status, _ := a.Get("/pears"); return status == http.StatusNotFound })
	answers("/apples", "apples")
	says("stack Market-Data is new")

	// What the functions are not built of does not touch their environments.
	before := map[string]bool{}
	for range 20 {
		_, process := a.Get("/apples?process=1")
		before[process] = true
	}
	writeMarket(t, dir, "", `app.Monitor(ephor.Grafana{Dashboards: []dashboard.Dashboard{{Title: "Cellar"}}})`)
	says("dashboard Cellar is new")
	says("stack Market-Data is no stack of the program any more")
	if !strings.Contains(page(), "Cellar") {
		t.Error("the page does not show the new dashboard")
	}
	uptest.Eventually(t, "an environment from before answers", func() bool { _, process := a.Get("/apples?process=1"); return before[process] })

	// An application of another name is another one.
	uptest.WriteFile(t, filepath.Join(dir, "main.go"), strings.Replace(market, `"Market"`, `"Bazaar"`, 1))
	says("that is another one")

	answered()
	if status, _, stderr := command(t, dir, a.Cmd.Path, "status", "--state", a.State); status != 0 {
		t.Errorf("status: %s", stderr)
	}
	a.Stop(os.Interrupt)
}

// BenchmarkRouteSaved is the time from a saved change that adds a route until the route answers.
func BenchmarkRouteSaved(b *testing.B) {
	a, dir := marketUp(b)
	n := 0
	for b.Loop() {
		n++
		path := "/" + strings.Repeat("i", n) + b.Name() // one that no run before has linked
		uptest.WriteFile(b, filepath.Join(dir, "main.go"), strings.Replace(market, "// more", fmt.Sprintf("app.Get(%q, apples) // %v", path, time.Now()), 1))
		for {
			if status, _ := a.Get(path); status == http.StatusOK {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}
