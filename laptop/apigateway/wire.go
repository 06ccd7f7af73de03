package apigateway

import (
	"net/http"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// ServeHTTP answers the calls that read APIs over the wire (service apigatewayv2, REST JSON):
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/api-reference.html
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := s.read(r)
	if err == nil {
		err = awsproto.WriteJSON(w, http.StatusOK, out)
	}
	if err != nil {
		awsproto.WriteJSONError(w, err)
	}
}

func (s *Service) read(r *http.Request) (any, error) {
	part := strings.Split(strings.TrimPrefix(r.URL.Path, "/v2/apis"), "/")[1:]
	unknown := &awsproto.Error{Code: "UnknownOperationException", Status: http.StatusNotFound,
		Message: r.Method + " " + r.URL.Path + ": on the laptop the API reads APIs, routes, integrations and stages; change them through CloudFormation"}
	if r.Method != http.MethodGet || !strings.HasPrefix(r.URL.Path, "/v2/apis") || len(part) > 3 {
		return nil, unknown
	}
	for len(part) < 3 {
		part = append(part, "")
	}
	id, kind, name := part[0], part[1], part[2]
	switch {
	case id == "":
		return list(s.ListAPIs(), nil)
	case kind == "":
		return one(s.GetAPI(id))
	case kind == "routes" && name == "":
		return list(s.ListRoutes(id))
	case kind == "routes":
		return one(s.GetRoute(id, name))
	case kind == "integrations" && name == "":
		return list(s.ListIntegrations(id))
	case kind == "integrations":
		return one(s.GetIntegration(id, name))
	case kind == "stages" && name == "":
		return list(s.ListStages(id))
	case kind == "stages":
		return one(s.GetStage(id, name))
	}
	return nil, unknown
}

func one[V any](v V, err error) (any, error) { return v, err }

func list[V any](v []V, err error) (any, error) {
	return struct {
		Items []V `json:"items"`
	}{v}, err
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
