package apigateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// ServeHTTP answers the calls of both APIs of API Gateway (REST JSON), that of HTTP APIs below /v2
// and that of REST APIs, which is for reading only:
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/api-reference.html
// https://docs.aws.amazon.com/apigateway/latest/api/API_Operations.html
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, out, err := s.call(r)
	switch {
	case err != nil:
	case status == http.StatusNoContent || out == nil:
		w.Header().Set("X-Amzn-Requestid", awsproto.NewID())
		w.WriteHeader(status)
	default:
		err = awsproto.WriteJSON(w, status, out)
	}
	if err != nil {
		awsproto.WriteJSONError(w, err)
	}
}

func (s *Service) call(r *http.Request) (status int, out any, err error) {
	// A path may have an escaped slash in a name, so it is taken apart before it is decoded.
	path := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	for i, p := range path {
		if path[i], err = url.PathUnescape(p); err != nil {
			return 0, nil, badRequest("the path %s: %v", r.URL.EscapedPath(), err)
		}
	}
	if r.Method == http.MethodGet {
		status = http.StatusOK
		switch {
		case path[0] == "v2" && len(path) > 1 && path[1] == "apis":
			out, err = s.read2(path[2:])
		case path[0] == "restapis":
			out, err = s.read1(path[1:], r.URL.Query())
		case len(path) == 1 && path[0] == "account":
			out = s.GetAccount()
		}
		if out != nil || err != nil {
			return status, out, err
		}
	} else if path[0] == "v2" && len(path) > 1 && path[1] == "apis" {
		if status, out, err = s.write2(r, path[2:]); status != 0 || err != nil {
			return status, out, err
		}
	}
	return 0, nil, &awsproto.Error{Code: "UnknownOperationException", Status: http.StatusNotFound,
		Message: r.Method + " " + r.URL.Path + ": on the laptop API Gateway reads and changes HTTP APIs with their routes, integrations, authorizers, " +
			"stages and deployments, and reads REST APIs; change those through CloudFormation"}
}

// read2 answers GET below /v2/apis; nothing means that there is no such call.
func (s *Service) read2(part []string) (any, error) {
	if len(part) == 0 {
		return list(s.ListAPIs(), nil)
	}
	id := part[0]
	switch len(part) {
	case 1:
		return one(s.GetAPI(id))
	case 2:
		switch part[1] {
		case "routes":
			return list(s.ListRoutes(id))
		case "integrations":
			return list(s.ListIntegrations(id))
		case "stages":
			return list(s.ListStages(id))
		case "deployments":
			all, err := s.ListDeployments(id)
			for i := range all {
				all[i] = all[i].told()
			}
			return list(all, err)
		case "authorizers":
			return list(s.ListAuthorizers(id))
		}
	case 3:
		switch part[1] {
		case "routes":
			return one(s.GetRoute(id, part[2]))
		case "integrations":
			return one(s.GetIntegration(id, part[2]))
		case "stages":
			return one(s.GetStage(id, part[2]))
		case "deployments":
			d, err := s.GetDeployment(id, part[2])
			return one(d.told(), err)
		case "authorizers":
			return one(s.GetAuthorizer(id, part[2]))
		}
	}
	return nil, nil
}

// write2 answers POST, PATCH and DELETE below /v2/apis; status 0 means that there is no such call.
func (s *Service) write2(r *http.Request, part []string) (int, any, error) {
	kind, id, name := "", "", ""
	if len(part) > 0 {
		id = part[0]
	}
	if len(part) > 1 {
		kind = part[1]
	}
	if len(part) > 2 {
		name = part[2]
	}
	switch {
	case r.Method == http.MethodPost && len(part) == 0, r.Method == http.MethodPost && len(part) == 2:
		out, err := s.create2(r, id, kind)
		if out == nil && err == nil {
			return 0, nil, nil
		}
		return http.StatusCreated, out, err
	case r.Method == http.MethodPatch && len(part) == 1, r.Method == http.MethodPatch && len(part) == 3:
		out, err := s.update2(r, id, kind, name)
		if out == nil && err == nil {
			return 0, nil, nil
		}
		return http.StatusOK, out, err
	case r.Method == http.MethodDelete && (len(part) == 1 || len(part) == 3):
		known, err := s.delete2(r, id, kind, name)
		if !known {
			return 0, nil, nil
		}
		return http.StatusNoContent, nil, err
	}
	return 0, nil, nil
}

func (s *Service) delete2(r *http.Request, id, kind, name string) (known bool, err error) {
	switch kind {
	case "":
		return true, s.DeleteAPI(r.Context(), id)
	case "routes":
		return true, s.DeleteRoute(id, name)
	case "integrations":
		return true, s.DeleteIntegration(id, name)
	case "stages":
		return true, s.DeleteStage(id, name)
	case "deployments":
		return true, s.DeleteDeployment(id, name)
	case "authorizers":
		return true, s.DeleteAuthorizer(id, name)
	}
	return false, nil
}

// decodeBody reads a call's body into the input of a call. What the input has no member for is refused.
func decodeBody(r *http.Request, in any) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil && !errors.Is(err, io.EOF) {
		return badRequest("%s %s: %v: on the laptop this call takes no such input", r.Method, r.URL.Path, err)
	}
	return nil
}

func one[V any](v V, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func list[V any](v []V, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return struct {
		Items []V `json:"items"`
	}{v}, nil
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
