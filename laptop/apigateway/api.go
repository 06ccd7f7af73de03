package apigateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// APIInput is what AWS::ApiGatewayV2::Api takes, as far as HTTP APIs are served here:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigatewayv2-api.html
type APIInput struct {
	Name              string
	ProtocolType      string // HTTP
	Description       string
	Version           string
	CorsConfiguration *CORS
	Tags              map[string]string
}

// API is an HTTP API. Its JSON is the one of GetApi.
type API struct {
	APIID                    string            `json:"apiId"`
	APIEndpoint              string            `json:"apiEndpoint"`
	Name                     string            `json:"name"`
	Description              string            `json:"description,omitempty"`
	Version                  string            `json:"version,omitempty"`
	ProtocolType             string            `json:"protocolType"`
	RouteSelectionExpression string            `json:"routeSelectionExpression"`
	CorsConfiguration        *CORS             `json:"corsConfiguration,omitempty"`
	CreatedDate              time.Time         `json:"createdDate"`
	Tags                     map[string]string `json:"tags,omitempty"`
}

// CreateAPI makes an API and listens for it. Without a stage it answers 404 to everything.
func (s *Service) CreateAPI(in APIInput) (API, error) {
	if err := in.validate(); err != nil {
		return API{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return API{}, errors.New("creating an API: the service is closed")
	}
	r := (&record{API: API{
		APIID:                    newID(10),
		ProtocolType:             "HTTP",
		RouteSelectionExpression: "$request.method $request.path",
		CreatedDate:              now(),
	}}).clone()
	in.apply(&r.API)
	r.Order = s.nextOrder()
	if err := s.start(r); err != nil {
		return API{}, fmt.Errorf("creating API %q: %w", in.Name, err)
	}
	return r.API, nil
}

// UpdateAPI replaces what can change of an API; its ID, address and parts stay.
func (s *Service) UpdateAPI(apiID string, in APIInput) (API, error) {
	if err := in.validate(); err != nil {
		return API{}, err
	}
	var out API
	err := s.change(apiID, func(r *record) error {
		in.apply(&r.API)
		out = r.API
		return nil
	})
	return out, err
}

// GetAPI finds an API.
func (s *Service) GetAPI(apiID string) (API, error) {
	var out API
	err := s.view(apiID, func(r *record) error { out = r.API; return nil })
	return out, err
}

// ListAPIs are the APIs in the order of their creation.
func (s *Service) ListAPIs() []API {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []API{}
	for _, a := range s.sorted() {
		out = append(out, a.record.API)
	}
	return out
}

// DeleteAPI removes an API with all its parts, closes its listener, and waits for the requests
// in flight until ctx ends or 30 s, an integration's longest, have passed.
func (s *Service) DeleteAPI(ctx context.Context, apiID string) error {
	s.mu.Lock()
	a, err := s.find(apiID)
	if err == nil {
		if err = os.Remove(a.record.path(s.config.Dir)); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		delete(s.apis, apiID)
		delete(s.fronts, apiID)
	}
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("deleting API %s: %w", apiID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, maxIntegrationTimeout)
	defer cancel()
	return a.stop(ctx)
}

func (in APIInput) validate() error {
	if in.Name == "" || len(in.Name) > 128 {
		return badRequest("Invalid name specified: an API's name has 1 to 128 characters")
	}
	if in.ProtocolType != "HTTP" {
		return badRequest("ProtocolType %q: only HTTP APIs run on the laptop", in.ProtocolType)
	}
	return in.CorsConfiguration.validate()
}

func (in APIInput) apply(a *API) {
	a.Name, a.Description, a.Version = in.Name, in.Description, in.Version
	a.CorsConfiguration, a.Tags = in.CorsConfiguration, maps.Clone(in.Tags)
}

// start listens for an API, saves where, and serves it. s.mu is held, or s is not shared yet.
func (s *Service) start(r *record) error {
	tables, err := compile(r, s.guards)
	if err != nil {
		return fmt.Errorf("API %s: %w", r.API.APIID, err)
	}
	l, err := s.listen(r.API.APIID, r.Order, r.Port)
	if err != nil {
		return fmt.Errorf("API %s: %w", r.API.APIID, err)
	}
	r.Port = portOf(l)
	r.API.APIEndpoint = endpoint(r.Port)
	if err := state.Save(r.path(s.config.Dir), r); err != nil {
		return errors.Join(err, l.Close())
	}
	a := newAPI(&s.config, r, tables)
	s.apis[r.API.APIID] = a
	s.open(r.API.APIID, r.API.Name, a.front, l)
	return nil
}

func badRequest(format string, args ...any) error {
	return awsproto.Errorf("BadRequestException", format, args...)
}

func notFound(kind, id string) error {
	return &awsproto.Error{Code: "NotFoundException", Status: 404,
		Message: fmt.Sprintf("Invalid %s identifier specified %s", kind, id)}
}

func conflict(format string, args ...any) error {
	return &awsproto.Error{Code: "ConflictException", Status: 409, Message: fmt.Sprintf(format, args...)}
}

// lookup finds one of an API's parts.
func lookup[V any](m map[string]V, kind, id string) (V, error) {
	v, ok := m[id]
	if !ok {
		return v, notFound(kind, id)
	}
	return v, nil
}

// part finds one of an API's parts, among those that all tells of the API's record.
func part[R, V any](view func(apiID string, look func(*R) error) error, apiID string, all func(*R) map[string]V, kind, id string) (out V, err error) {
	err = view(apiID, func(r *R) (err error) {
		out, err = lookup(all(r), kind, id)
		return err
	})
	return out, err
}

// parts lists them by their keys.
func parts[R, V any](view func(apiID string, look func(*R) error) error, apiID string, all func(*R) map[string]V) (out []V, err error) {
	err = view(apiID, func(r *R) error { out = values(all(r)); return nil })
	return out, err
}

// removePart removes one.
func removePart[R, V any](change func(apiID string, edit func(*R) error) error, apiID string, all func(*R) map[string]V, kind, id string) error {
	return change(apiID, func(r *R) error {
		if _, err := lookup(all(r), kind, id); err != nil {
			return err
		}
		delete(all(r), id)
		return nil
	})
}

// addStage makes a stage of a name that there is not yet, in the API's record.
func addStage[R, S any](change func(apiID string, edit func(*R) error) error, apiID string, all func(*R) map[string]S, name string, put func(*R) (S, error)) (out S, err error) {
	err = change(apiID, func(r *R) (err error) {
		if _, ok := all(r)[name]; ok {
			return conflict("Stage already exists")
		}
		out, err = put(r)
		return err
	})
	return out, err
}

// replaceStage makes a stage anew; put is given the one that there is.
func replaceStage[R, S any](change func(apiID string, edit func(*R) error) error, apiID string, all func(*R) map[string]S, name string, put func(*R, S) (S, error)) (out S, err error) {
	err = change(apiID, func(r *R) error {
		old, err := lookup(all(r), "Stage", name)
		if err != nil {
			return err
		}
		out, err = put(r, old)
		return err
	})
	return out, err
}

// values lists m by its keys.
func values[V any](m map[string]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}
