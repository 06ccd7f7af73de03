// Package apigateway is Amazon API Gateway on this machine, its HTTP APIs (version 2) and its REST
// APIs (version 1), and the front of Lambda's function URLs: each API and each URL has a listener
// of its own on 127.0.0.1 and turns requests into Lambda invocations.
//
//	gateway, err := apigateway.Open(apigateway.Config{Dir: dir, Port: 8080, Invoker: functions})
//	api, err := gateway.CreateAPI(apigateway.APIInput{Name: "orders", ProtocolType: "HTTP"})
//	in, err := gateway.CreateIntegration(api.APIID, apigateway.IntegrationInput{
//		IntegrationType: "AWS_PROXY", IntegrationURI: functionARN, PayloadFormatVersion: "2.0"})
//	_, err = gateway.CreateRoute(api.APIID, apigateway.RouteInput{
//		RouteKey: "GET /orders/{id}", Target: "integrations/" + in.IntegrationID})
//	_, err = gateway.CreateStage(api.APIID, apigateway.StageInput{StageName: "$default", AutoDeploy: true})
//	// curl http://127.0.0.1:8080/orders/7
//
// The gateway follows https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html,
// and where that is silent, the answers of the real service as AWS recorded them for its Lambda
// test tool (github.com/aws/aws-lambda-dotnet, Tools/LambdaTestTool-v2, Snapshots).
package apigateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"sync"

	"github.com/ephor-io/ephor/laptop/internal/state"
)

// Config says where a Service keeps its APIs and whom it calls.
type Config struct {
	// Dir holds the state; it is made if missing.
	Dir string
	// Region and Account stand in ARNs; "" means us-east-1 and 000000000000.
	Region, Account string
	// Port is the first API's; later ones try the ports above it. 0 means any. An API keeps
	// its port over restarts as long as that is free.
	Port int
	// PortFixed makes a taken Port an error instead of a reason to try the next.
	PortFixed bool
	// Invoker runs the functions behind the integrations.
	Invoker Invoker
	// Streamer runs those behind function URLs that stream; without one there can be none.
	Streamer Streamer
	// Middleware wraps every listener's handler, e.g. with checks of Host and Origin; nil wraps
	// nothing. admits tells whether the CORS configuration of what stands behind the listener lets
	// the page in that a request comes from.
	Middleware func(h http.Handler, admits func(*http.Request) bool) http.Handler
	// Events is told what happens; nil tells nobody. It is called from many goroutines at
	// once and must not block.
	Events func(Event)
}

// Invoker runs Lambda functions. Invoke returns when the function has answered or ctx ends; an
// invocation that has begun goes on without its caller, as Lambda's do. An error that carries an
// awsproto.Error is what Lambda's Invoke would answer instead of a payload, e.g.
// AccessDeniedException or TooManyRequestsException.
type Invoker interface {
	Invoke(ctx context.Context, call Call) (Result, error)
}

// Streamer runs Lambda functions whose answer is wanted as it comes, otherwise as Invoker does.
type Streamer interface {
	// InvokeStream gives what the function answers to stream and returns when it is complete. What
	// Result.Payload holds is only ever the description of a failure.
	InvokeStream(ctx context.Context, call Call, stream Stream) (Result, error)
}

// Stream takes an answer as it comes. Its methods are called by InvokeStream's goroutine and not
// after InvokeStream has returned.
type Stream interface {
	// Start comes once, before the first Write, with the content type that the function declared;
	// it does not come if the function fails before it has begun to answer.
	Start(contentType string)
	io.Writer
}

// Call is one invocation.
type Call struct {
	// Function is the ARN, possibly with a version or an alias.
	Function string
	// Payload is the event; the callee may keep it.
	Payload []byte
	// Principal and SourceARN are what the function's resource policy is asked for:
	// apigateway.amazonaws.com and arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH. Of a
	// function URL Principal is *, anybody.
	Principal, SourceARN string
	// URLAuthType is NONE or AWS_IAM for a call through a function URL and "" for any other: the
	// policy is asked for lambda:InvokeFunctionUrl then.
	URLAuthType string
	// TraceID is the X-Ray header of the request.
	TraceID string
	// Tenant is X-Amz-Tenant-Id, which a function with tenant isolation wants and no other takes.
	Tenant string
}

// Result is what a function answered. FunctionError is "" or the kind of its failure, e.g.
// Unhandled, and Payload then describes the failure.
type Result struct {
	Payload       []byte
	FunctionError string
}

// Service is API Gateway. It is safe for concurrent use.
type Service struct {
	config Config
	guards guards

	mu       sync.Mutex
	fronts   map[string]*front // of all that follow, by their IDs
	apis     map[string]*api
	rests    map[string]*rest
	urls     map[string]*urlFront
	account  Account
	reserved map[int]bool // ports that were had when the service was opened
	closed   bool
}

// Open loads the APIs that Dir holds and listens for each.
func Open(config Config) (*Service, error) {
	config.Region = cmp.Or(config.Region, "us-east-1")
	config.Account = cmp.Or(config.Account, "000000000000")
	if config.Invoker == nil {
		panic("apigateway: Config.Invoker is nil")
	}
	if config.Events == nil {
		config.Events = func(Event) {}
	}
	if config.Middleware == nil {
		config.Middleware = func(h http.Handler, _ func(*http.Request) bool) http.Handler { return h }
	}
	s := &Service{config: config, reserved: map[int]bool{}, fronts: map[string]*front{},
		apis: map[string]*api{}, rests: map[string]*rest{}, urls: map[string]*urlFront{}}
	s.guards = guards{config: &s.config, keys: newKeyring()}
	if err := s.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening API Gateway: %w", err), s.Close(context.Background()))
	}
	return s, nil
}

// load brings back what Dir holds.
func (s *Service) load() error {
	records, err := state.Folder[*record]{Dir: s.config.Dir}.Load()
	if err != nil {
		return err
	}
	rests, err := s.restFolder().Load()
	if err != nil {
		return err
	}
	urls, err := s.urlFolder().Load()
	if err != nil {
		return err
	}
	if err := state.Load(s.accountFile(), &s.account); err != nil {
		return err
	}
	// All in the order of their creation, so that the first API is the first again.
	type start struct {
		order int
		run   func() error
	}
	var starts []start
	for _, r := range records {
		if r.API.APIID == "" {
			return fmt.Errorf("reading state in %s: a file names no API", s.config.Dir)
		}
		s.reserved[r.Port] = true
		starts = append(starts, start{r.Order, func() error { return s.start(r) }})
	}
	for _, r := range rests {
		s.reserved[r.Port] = true
		starts = append(starts, start{r.Order, func() error { return s.startREST(r) }})
	}
	for _, u := range urls {
		s.reserved[u.Port] = true
	}
	slices.SortStableFunc(starts, func(a, b start) int { return cmp.Compare(a.order, b.order) })
	for _, st := range starts {
		if err := st.run(); err != nil {
			return err
		}
	}
	return nil
}

// open serves what has been made. s.mu is held, or s is not shared yet.
func (s *Service) open(id, name string, f *front, l net.Listener) {
	s.fronts[id] = f
	f.serve(l)
	s.config.Events(Listening{APIID: id, Name: name, Endpoint: f.endpoint()})
}

// nextOrder is the place of the next API to be made. s.mu is held.
func (s *Service) nextOrder() int {
	next := 0
	for _, f := range s.fronts {
		if f.order != noOrder {
			next = max(next, f.order+1)
		}
	}
	return next
}

// Close stops the listeners and waits for the requests in flight until ctx ends. The APIs stay
// in the state.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	fronts := slices.Collect(maps.Values(s.fronts))
	s.mu.Unlock()
	errs := make([]error, len(fronts))
	var wg sync.WaitGroup
	for i, f := range fronts {
		wg.Go(func() { errs[i] = f.stop(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Endpoint is the URL of an API or of a function URL by its ID, without a slash at the end, e.g.
// http://127.0.0.1:8080, or "" if there is none.
func (s *Service) Endpoint(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.fronts[id]; f != nil {
		return f.endpoint()
	}
	return ""
}

var awsAddress = regexp.MustCompile(`^https://([a-z0-9]+)\.(execute-api|lambda-url)\.[a-z0-9-]+\.(amazonaws\.com|amazonaws\.com\.cn|on\.aws)(/.*)?$`)

// LocalAddress is the address on this machine of what answers on AWS at an address such as
// https://ID.execute-api.us-east-1.amazonaws.com/prod: templates put such an address together for a
// REST API, which has no attribute that tells it. Any other value stays as it is.
func (s *Service) LocalAddress(value string) string {
	m := awsAddress.FindStringSubmatch(value)
	if m == nil {
		return value
	}
	if here := s.Endpoint(m[1]); here != "" {
		return here + m[4]
	}
	return value
}

// record is all that is kept of one API: one file.
type record struct {
	// Order is the API's place in the order of creation; the smallest one has Config.Port.
	Order        int
	Port         int
	API          API
	Integrations map[string]Integration
	Routes       map[string]Route
	Stages       map[string]Stage
	Deployments  map[string]Deployment
	Authorizers  map[string]Authorizer
}

func (r *record) path(dir string) string { return filepath.Join(dir, r.API.APIID+".json") }

// clone copies r as far as a change may reach.
func (r *record) clone() *record {
	c := *r
	c.Integrations = cloneMap(r.Integrations)
	c.Routes = cloneMap(r.Routes)
	c.Stages = cloneMap(r.Stages)
	c.Deployments = cloneMap(r.Deployments)
	c.Authorizers = cloneMap(r.Authorizers)
	return &c
}

func cloneMap[V any](m map[string]V) map[string]V {
	c := make(map[string]V, len(m)+1)
	for k, v := range m {
		c[k] = v
	}
	return c
}

// sorted lists the APIs in the order of their creation. s.mu is held.
func (s *Service) sorted() []*api {
	apis := make([]*api, 0, len(s.apis))
	for _, a := range s.apis {
		apis = append(apis, a)
	}
	slices.SortFunc(apis, func(a, b *api) int { return cmp.Compare(a.record.Order, b.record.Order) })
	return apis
}

// change lets edit alter a copy of the API's record, saves it, and serves by it from then on.
func (s *Service) change(apiID string, edit func(*record) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.find(apiID)
	if err != nil {
		return err
	}
	next := a.record.clone()
	if err := edit(next); err != nil {
		return err
	}
	tables, err := compile(next, s.guards)
	if err != nil {
		return err
	}
	if err := state.Save(next.path(s.config.Dir), next); err != nil {
		return err
	}
	a.record = next
	a.tables.Store(tables)
	return nil
}

// view lets look read the API's record.
func (s *Service) view(apiID string, look func(*record) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.find(apiID)
	if err != nil {
		return err
	}
	return look(a.record)
}

func (s *Service) find(apiID string) (*api, error) {
	if a := s.apis[apiID]; a != nil {
		return a, nil
	}
	return nil, notFound("API", apiID)
}
