package apigateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// RestAPIInput is what AWS::ApiGateway::RestApi takes, as far as REST APIs are served here:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-restapi.html
type RestAPIInput struct {
	Name             string
	Description      string
	BinaryMediaTypes []string
	EndpointTypes    []string // EDGE or REGIONAL, one at most
	Tags             map[string]string
}

// RestAPI is a REST API. Its JSON is the one of GetRestApi; dates are seconds since 1970.
type RestAPI struct {
	ID                    string            `json:"id"`
	Name                  string            `json:"name"`
	Description           string            `json:"description,omitempty"`
	CreatedDate           int64             `json:"createdDate"`
	BinaryMediaTypes      []string          `json:"binaryMediaTypes,omitempty"`
	APIKeySource          string            `json:"apiKeySource"`
	EndpointConfiguration EndpointTypes     `json:"endpointConfiguration"`
	RootResourceID        string            `json:"rootResourceId"`
	Tags                  map[string]string `json:"tags,omitempty"`
}

// EndpointTypes are where a REST API is served from on AWS; here it makes no difference.
type EndpointTypes struct {
	Types []string `json:"types"`
}

// restRecord is all that is kept of one REST API: one file.
type restRecord struct {
	Order, Port int
	API         RestAPI
	Resources   map[string]Resource
	Stages      map[string]RestStage
	Deployments map[string]RestDeployment
	Authorizers map[string]RestAuthorizer
}

func (r *restRecord) clone() *restRecord {
	c := *r
	c.Resources = make(map[string]Resource, len(r.Resources))
	for id, resource := range r.Resources {
		resource.Methods = maps.Clone(resource.Methods)
		c.Resources[id] = resource
	}
	c.Stages = cloneMap(r.Stages)
	c.Deployments = cloneMap(r.Deployments)
	c.Authorizers = cloneMap(r.Authorizers)
	return &c
}

func (s *Service) restFolder() state.Folder[*restRecord] {
	return state.Folder[*restRecord]{Dir: filepath.Join(s.config.Dir, "rest")}
}

func (in RestAPIInput) validate() error {
	if in.Name == "" {
		return badRequest("a REST API needs a name")
	}
	if len(in.EndpointTypes) > 1 {
		return badRequest("EndpointConfiguration: a REST API has one type, not %d", len(in.EndpointTypes))
	}
	for _, t := range in.EndpointTypes {
		if t != "EDGE" && t != "REGIONAL" {
			return badRequest("EndpointConfiguration: the laptop has no %s endpoints; it is EDGE or REGIONAL", t)
		}
	}
	for _, t := range in.BinaryMediaTypes {
		if !strings.Contains(t, "/") {
			return badRequest("BinaryMediaTypes: %q is no media type", t)
		}
	}
	return nil
}

func (in RestAPIInput) apply(a *RestAPI) {
	a.Name, a.Description, a.Tags = in.Name, in.Description, maps.Clone(in.Tags)
	a.BinaryMediaTypes = slices.Clone(in.BinaryMediaTypes)
	a.EndpointConfiguration.Types = []string{"EDGE"}
	if len(in.EndpointTypes) > 0 {
		a.EndpointConfiguration.Types = slices.Clone(in.EndpointTypes)
	}
}

// CreateRestAPI makes a REST API with its root resource and listens for it. Until it has a stage
// it answers 403 to everything.
func (s *Service) CreateRestAPI(in RestAPIInput) (RestAPI, error) {
	if err := in.validate(); err != nil {
		return RestAPI{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return RestAPI{}, errors.New("creating a REST API: the service is closed")
	}
	root := Resource{ID: newID(10), Path: "/"}
	r := (&restRecord{Order: s.nextOrder(), API: RestAPI{ID: newID(10), CreatedDate: now().Unix(), APIKeySource: "HEADER", RootResourceID: root.ID}}).clone()
	r.Resources[root.ID] = root
	in.apply(&r.API)
	if err := s.startREST(r); err != nil {
		return RestAPI{}, fmt.Errorf("creating REST API %q: %w", in.Name, err)
	}
	return r.API, nil
}

// startREST listens for a REST API, saves where, and serves it. s.mu is held, or s is not shared yet.
func (s *Service) startREST(r *restRecord) error {
	tables, err := compileREST(&s.config, r)
	if err != nil {
		return fmt.Errorf("REST API %s: %w", r.API.ID, err)
	}
	l, err := s.listen(r.API.ID, r.Order, r.Port)
	if err != nil {
		return fmt.Errorf("REST API %s: %w", r.API.ID, err)
	}
	r.Port = portOf(l)
	if err := s.restFolder().Save(r.API.ID, r); err != nil {
		return errors.Join(err, l.Close())
	}
	a := newREST(&s.config, r, tables)
	s.rests[r.API.ID] = a
	s.open(r.API.ID, r.API.Name, a.front, l)
	return nil
}

// UpdateRestAPI replaces what can change of a REST API; its ID, address and parts stay.
func (s *Service) UpdateRestAPI(id string, in RestAPIInput) (out RestAPI, err error) {
	if err := in.validate(); err != nil {
		return RestAPI{}, err
	}
	err = s.changeREST(id, func(r *restRecord) error {
		in.apply(&r.API)
		out = r.API
		return nil
	})
	return out, err
}

// GetRestAPI finds a REST API.
func (s *Service) GetRestAPI(id string) (out RestAPI, err error) {
	err = s.viewREST(id, func(r *restRecord) error { out = r.API; return nil })
	return out, err
}

// ListRestAPIs are the REST APIs in the order of their creation.
func (s *Service) ListRestAPIs() []RestAPI {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.SortedFunc(maps.Values(s.rests), func(a, b *rest) int { return a.record.Order - b.record.Order })
	out := []RestAPI{}
	for _, a := range all {
		out = append(out, a.record.API)
	}
	return out
}

// DeleteRestAPI removes a REST API with all its parts, closes its listener, and waits for the
// requests in flight until ctx ends or an integration's longest time has passed.
func (s *Service) DeleteRestAPI(ctx context.Context, id string) error {
	s.mu.Lock()
	a, err := s.findREST(id)
	if err == nil {
		err = s.restFolder().Remove(id)
	}
	if err == nil {
		delete(s.rests, id)
		delete(s.fronts, id)
	}
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("deleting REST API %s: %w", id, err)
	}
	ctx, cancel := context.WithTimeout(ctx, maxIntegrationTimeout)
	defer cancel()
	return a.stop(ctx)
}

// changeREST lets edit alter a copy of the record, saves it, and serves by it from then on.
func (s *Service) changeREST(id string, edit func(*restRecord) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.findREST(id)
	if err != nil {
		return err
	}
	next := a.record.clone()
	if err := edit(next); err != nil {
		return err
	}
	tables, err := compileREST(&s.config, next)
	if err != nil {
		return err
	}
	if err := s.restFolder().Save(id, next); err != nil {
		return err
	}
	a.record = next
	a.tables.Store(tables)
	return nil
}

func (s *Service) viewREST(id string, look func(*restRecord) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.findREST(id)
	if err != nil {
		return err
	}
	return look(a.record)
}

func (s *Service) findREST(id string) (*rest, error) {
	if a := s.rests[id]; a != nil {
		return a, nil
	}
	return nil, notFound("API", id)
}

// Account is what AWS::ApiGateway::Account sets: the role with which API Gateway would write to
// CloudWatch. It is kept and told; the laptop needs none.
type Account struct {
	CloudWatchRoleARN string `json:"cloudwatchRoleArn,omitempty"`
}

func (s *Service) accountFile() string { return filepath.Join(s.config.Dir, "account", "account.json") }

// UpdateAccount replaces the account's settings.
func (s *Service) UpdateAccount(a Account) error {
	if a.CloudWatchRoleARN != "" && !strings.HasPrefix(a.CloudWatchRoleARN, "arn:") {
		return awsproto.Errorf("BadRequestException", "CloudWatchRoleArn %q is no ARN", a.CloudWatchRoleARN)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := state.Save(s.accountFile(), a); err != nil {
		return err
	}
	s.account = a
	return nil
}

// GetAccount tells the account's settings.
func (s *Service) GetAccount() Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.account
}
