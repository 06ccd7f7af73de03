// Package ephor is what a serverless application is written with: one Go program holds the
// Lambda functions, the routes, the dashboards and the deployment.
//
//	var hellos = metrics.NewCounter("helloWorldCounterMetric")
//
//	func helloWorld(ctx context.Context, r events.APIGatewayV2HTTPRequest) (string, error) {
//		hellos.Inc()
//		return "Hello World", nil
//	}
//
//	func main() {
//		app := ephor.New("SpartaGrafana")
//		hello := app.Function("HelloWorld", helloWorld)
//		app.Get("/hello/grafana", hello)
//		app.Monitor(ephor.Grafana{})
//		cli.Main(app)
//	}
//
// Everything here is plain data. What acts on it lives in packages that the deployed binary
// does not link: it is built with the tag ephor_lambda and only starts its function.
package ephor

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/iam"
)

// App is one application: two CloudFormation stacks, its own and its monitoring. An App is
// built up in main and read by everything else; it is not safe for concurrent change.
type App struct {
	name      string
	functions []*Function
	routes    []Route
	api       API
	queues    []*Queue
	buckets   []*Bucket
	topics    []*Topic
	buses     []*Bus
	triggers  []Trigger
	monitor   *Grafana
	store     *Store // in place of the monitoring stack's
	image     *Image
	hooks     []Hooks
	// instruments are panels of what the program measures.
	instruments []dashboard.Panel
}

// Function is one Lambda function. Its fields may be set until the App is handed to cli.Main.
type Function struct {
	// Name is the logical ID in the stack: letters and digits.
	Name string
	// Handler is any function that aws-lambda-go takes, or an http.Handler.
	Handler any
	// Memory is the size in MB; 0 means 128, Lambda's own default.
	Memory int
	// Timeout of one invocation; 0 means 3 s, Lambda's own default. Whole seconds, 900 at most.
	Timeout time.Duration
	// Concurrency reserves that many execution environments and is their limit; 0 reserves none.
	Concurrency int
	// Environment holds variables of the user's own. Names with the prefixes EPHOR_, AWS_ and
	// LAMBDA_ are taken.
	Environment map[string]string
	// FlushEvery publishes the metrics after every n-th invocation only; 0 and 1 mean after
	// every one. What n > 1 strands is everything since the last flush, whenever an
	// environment is frozen for good without being told to shut down.
	FlushEvery int
	// URL gives the function an address of its own; nil gives it none.
	URL *URL
	// Permissions are what the function may do on AWS beside writing its log and what Use and On give it:
	//
	//	iam.Allow("s3:GetObject").On("arn:aws:s3:::my-bucket/*")
	Permissions []iam.Statement

	decorators []Decorator
	uses       []Resource
}

// LogicalID is the function's in its application's template.
func (f *Function) LogicalID() string { return f.Name + "Function" }

// Route leads requests of the API to a function.
type Route struct {
	// Method is an HTTP method or ANY.
	Method string
	// Path is what API Gateway calls a route's path: /orders/{id}, /files/{name+}.
	Path     string
	Function *Function
}

// Key is the route as API Gateway writes it, e.g. "GET /hello".
func (r Route) Key() string { return r.Method + " " + r.Path }

// Grafana asks for a monitoring stack: a store for the metrics and Grafana in front of it.
type Grafana struct {
	// Stack names the stack; "" means the application's name with "-Monitoring" behind it.
	Stack string
	// Dashboards are shown in this order, each followed by the standard panels of every
	// application. Empty means one with the application's name and the standard panels alone.
	Dashboards []dashboard.Dashboard
	// Alerts are the thresholds of the host's alerts and of CloudWatch's alarms.
	Alerts dashboard.Alerts
	// Contacts are whom all of them reach. Where it is nil, Grafana's contact points are what somebody makes of them in
	// Grafana; where it is empty and not nil, those that were given here before are taken away.
	Contacts []Contact
}

// New makes an empty application. The name is its stack's: a letter, then letters, digits and
// hyphens, 100 characters at most.
func New(name string) *App {
	return &App{name: name}
}

// Function adds a Lambda function. handler is any function that aws-lambda-go's lambda.Start
// takes, or an http.Handler.
func (a *App) Function(name string, handler any) *Function {
	f := &Function{Name: name, Handler: handler}
	a.functions = append(a.functions, f)
	return f
}

// Route leads requests with a method and a path to f. A path may hold variables, as in
// /orders/{id}, and end in a greedy one, as in /files/{name+}.
func (a *App) Route(method, path string, f *Function) {
	a.routes = append(a.routes, Route{Method: strings.ToUpper(method), Path: path, Function: f})
}

// Get is Route for GET.
func (a *App) Get(path string, f *Function) { a.Route(http.MethodGet, path, f) }

// Post is Route for POST.
func (a *App) Post(path string, f *Function) { a.Route(http.MethodPost, path, f) }

// Monitor gives the application a place to which every execution environment publishes its metrics: a Grafana, which is
// a monitoring stack, or a Store that is there already.
func (a *App) Monitor(m Monitoring) { m.monitors(a) }

// Instruments offers a panel for each instrument that the program declares. Those that no dashboard
// shows yet stand on the first, behind its own panels. cli.Main calls it.
func (a *App) Instruments(panels ...dashboard.Panel) { a.instruments = slices.Clone(panels) }

// Hook adds hooks to the deployment. They run in the order in which they were added.
func (a *App) Hook(h Hooks) { a.hooks = append(a.hooks, h) }

// Name is the application's name and that of its stack.
func (a *App) Name() string { return a.name }

// Functions are the functions in the order in which they were added.
func (a *App) Functions() []*Function { return slices.Clone(a.functions) }

// Routes are the routes in the order in which they were added.
func (a *App) Routes() []Route { return slices.Clone(a.routes) }

// Hooks are the hooks in the order in which they were added.
func (a *App) Hooks() []Hooks { return slices.Clone(a.hooks) }

// Monitoring is what Monitor was given, with its defaults filled in; ok is false without one. Where a Store was given
// it is what the laptop runs in its place, and has its dashboards.
func (a *App) Monitoring() (g Grafana, ok bool) {
	if a.monitor == nil {
		return Grafana{}, false
	}
	g = *a.monitor
	g.Stack = cmp.Or(g.Stack, a.name+"-Monitoring")
	if len(g.Dashboards) == 0 {
		g.Dashboards = []dashboard.Dashboard{{Title: a.name}}
	}
	g.Dashboards = a.withInstruments(g.Dashboards)
	return g, true
}
