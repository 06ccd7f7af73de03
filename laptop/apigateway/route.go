package apigateway

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

const (
	defaultRoute      = "$default"
	integrationTarget = "integrations/"
)

// RouteInput is what AWS::ApiGatewayV2::Route takes:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigatewayv2-route.html
type RouteInput struct {
	RouteKey          string // "GET /orders/{id}", "ANY /files/{proxy+}" or "$default"
	Target            string // "integrations/" and the integration's ID
	AuthorizationType string // "", NONE, AWS_IAM, CUSTOM, which is a Lambda authorizer, or JWT
	AuthorizerID      string // of CUSTOM and JWT
	// AuthorizationScopes are of JWT: the token must have one of them; 10 at most.
	AuthorizationScopes []string
	OperationName       string
}

// Route leads requests to an integration. Its JSON is the one of GetRoute.
type Route struct {
	RouteID             string   `json:"routeId"`
	RouteKey            string   `json:"routeKey"`
	Target              string   `json:"target,omitempty"`
	AuthorizationType   string   `json:"authorizationType"`
	AuthorizerID        string   `json:"authorizerId,omitempty"`
	AuthorizationScopes []string `json:"authorizationScopes,omitempty"`
	OperationName       string   `json:"operationName,omitempty"`
	APIKeyRequired      bool     `json:"apiKeyRequired"`
}

var (
	routeMethod = regexp.MustCompile(`^(ANY|GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$`)
	routePath   = regexp.MustCompile(`^/$|^(/([^/{}\s]+|\{[\w.:-]+\}))*(/|/\{[\w.:-]+\+\})?$`)
)

// splitKey takes a route key apart. Both parts are "" for $default.
func splitKey(key string) (method, path string, err error) {
	if key == defaultRoute {
		return "", "", nil
	}
	method, path, ok := strings.Cut(key, " ")
	if !ok || !routeMethod.MatchString(method) || path == "" || !routePath.MatchString(path) {
		return "", "", badRequest("The provided route key is not formatted properly for HTTP protocol: %q. "+
			`Format should be "<HTTP METHOD> /<RESOURCE PATH>" or "$default"`, key)
	}
	return method, path, nil
}

func (in RouteInput) route(id string) (Route, error) {
	if _, _, err := splitKey(in.RouteKey); err != nil {
		return Route{}, err
	}
	kind := cmp.Or(in.AuthorizationType, authorizationNONE)
	authorized := kind == authorizationCUSTOM || kind == authorizationJWT
	switch {
	case kind != authorizationNONE && kind != authorizationIAM && !authorized:
		return Route{}, badRequest("AuthorizationType %q: it is NONE, AWS_IAM, CUSTOM or JWT", kind)
	case authorized != (in.AuthorizerID != ""):
		return Route{}, badRequest("AuthorizationType %s with AuthorizerId %q: CUSTOM and JWT have an authorizer, NONE and AWS_IAM have none", kind, in.AuthorizerID)
	case len(in.AuthorizationScopes) > 0 && kind != authorizationJWT:
		return Route{}, badRequest("AuthorizationType %s with AuthorizationScopes %v: scopes are of JWT; give it none ([])", kind, in.AuthorizationScopes)
	case len(in.AuthorizationScopes) > maxScopes:
		return Route{}, badRequest("AuthorizationScopes are %d; a route has %d at most", len(in.AuthorizationScopes), maxScopes)
	}
	return Route{RouteID: id, RouteKey: in.RouteKey, Target: in.Target, AuthorizationType: kind, AuthorizerID: in.AuthorizerID,
		AuthorizationScopes: slices.Clone(in.AuthorizationScopes), OperationName: in.OperationName}, nil
}

// put stores a route if its key is the only one of its kind and its target is there.
func (r *record) put(route Route) error {
	for _, other := range r.Routes {
		if other.RouteKey == route.RouteKey && other.RouteID != route.RouteID {
			return conflict("Route with key %s already exists for this API", route.RouteKey)
		}
	}
	if route.Target != "" {
		id, ok := strings.CutPrefix(route.Target, integrationTarget)
		if _, found := r.Integrations[id]; !ok || !found {
			return badRequest("Target %q: it is %q and the ID of one of the API's integrations", route.Target, integrationTarget)
		}
	}
	if route.AuthorizerID != "" {
		a, err := lookup(r.Authorizers, "Authorizer", route.AuthorizerID)
		if err != nil {
			return err
		}
		if (a.AuthorizerType == authorizerJWT) != (route.AuthorizationType == authorizationJWT) {
			return badRequest("AuthorizationType %s: the authorizer %s is of type %s", route.AuthorizationType, a.AuthorizerID, a.AuthorizerType)
		}
	}
	r.Routes[route.RouteID] = route
	return nil
}

// CreateRoute adds a route to an API.
func (s *Service) CreateRoute(apiID string, in RouteInput) (Route, error) {
	out, err := in.route(newID(7))
	if err != nil {
		return Route{}, err
	}
	return out, s.change(apiID, func(r *record) error { return r.put(out) })
}

// UpdateRoute replaces a route.
func (s *Service) UpdateRoute(apiID, routeID string, in RouteInput) (Route, error) {
	out, err := in.route(routeID)
	if err != nil {
		return Route{}, err
	}
	return out, s.change(apiID, func(r *record) error {
		if _, err := lookup(r.Routes, "Route", routeID); err != nil {
			return err
		}
		return r.put(out)
	})
}

// GetRoute finds a route.
func (s *Service) GetRoute(apiID, routeID string) (Route, error) {
	return part(s.view, apiID, func(r *record) map[string]Route { return r.Routes }, "Route", routeID)
}

// ListRoutes are an API's routes, by their IDs.
func (s *Service) ListRoutes(apiID string) ([]Route, error) {
	return parts(s.view, apiID, func(r *record) map[string]Route { return r.Routes })
}

// DeleteRoute removes a route.
func (s *Service) DeleteRoute(apiID, routeID string) error {
	return removePart(s.change, apiID, func(r *record) map[string]Route { return r.Routes }, "Route", routeID)
}
