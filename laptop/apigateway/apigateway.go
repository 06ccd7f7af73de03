// Package apigateway is Amazon API Gateway's HTTP APIs (version 2) on this machine: every API
// has a listener of its own on 127.0.0.1 and turns requests into Lambda invocations with payload
// format 2.0.
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
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	// Middleware wraps every listener's handler, e.g. with checks of Host and Origin; nil wraps nothing.
	Middleware func(http.Handler) http.Handler
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

// Call is one invocation.
type Call struct {
	// Function is the ARN, possibly with a version or an alias.
	Function string
	// Payload is the event; the callee may keep it.
	Payload []byte
	// Principal and SourceARN are what the function's resource policy is asked for:
	// apigateway.amazonaws.com and arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH.
	Principal, SourceARN string
	// TraceID is the X-Ray header of the request.
	TraceID string
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

	mu       sync.Mutex
	apis     map[string]*api
	reserved map[int]bool // ports that APIs had when the service was opened
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
		config.Middleware = func(h http.Handler) http.Handler { return h }
	}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening API Gateway: %w", err)
	}
	s := &Service{config: config, apis: map[string]*api{}, reserved: map[int]bool{}}
	records, err := loadRecords(config.Dir)
	if err != nil {
		return nil, fmt.Errorf("opening API Gateway: %w", err)
	}
	for _, r := range records {
		s.reserved[r.Port] = true
	}
	for _, r := range records {
		if err := s.start(r); err != nil {
			return nil, errors.Join(fmt.Errorf("opening API Gateway: %w", err), s.Close(context.Background()))
		}
	}
	return s, nil
}

// Close stops the listeners and waits for the requests in flight until ctx ends. The APIs stay
// in the state.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	apis := s.sorted()
	s.mu.Unlock()
	errs := make([]error, len(apis))
	var wg sync.WaitGroup
	for i, a := range apis {
		wg.Go(func() { errs[i] = a.stop(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Endpoint is the API's URL without a slash at the end, e.g. http://127.0.0.1:8080, or "" if there
// is no such API.
func (s *Service) Endpoint(apiID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.apis[apiID]; a != nil {
		return a.record.API.APIEndpoint
	}
	return ""
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
}

func (r *record) path(dir string) string { return filepath.Join(dir, r.API.APIID+".json") }

// clone copies r as far as a change may reach.
func (r *record) clone() *record {
	c := *r
	c.Integrations = cloneMap(r.Integrations)
	c.Routes = cloneMap(r.Routes)
	c.Stages = cloneMap(r.Stages)
	c.Deployments = cloneMap(r.Deployments)
	return &c
}

func cloneMap[V any](m map[string]V) map[string]V {
	c := make(map[string]V, len(m)+1)
	for k, v := range m {
		c[k] = v
	}
	return c
}

func loadRecords(dir string) ([]*record, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var records []*record
	for _, e := range entries {
		// What a crash left half written begins with a dot.
		if !strings.HasSuffix(e.Name(), ".json") || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		r := &record{}
		if err := state.Load(filepath.Join(dir, e.Name()), r); err != nil {
			return nil, err
		}
		if r.API.APIID == "" {
			return nil, fmt.Errorf("reading state %s: it names no API", filepath.Join(dir, e.Name()))
		}
		records = append(records, r)
	}
	slices.SortFunc(records, func(a, b *record) int { return cmp.Compare(a.Order, b.Order) })
	return records, nil
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
	tables, err := compile(next)
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
