package apigateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// AuthorizerInput is what AWS::ApiGatewayV2::Authorizer takes for a function that decides who may
// call, with simple responses of payload format 2.0:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
type AuthorizerInput struct {
	Name           string
	AuthorizerType string // REQUEST
	AuthorizerURI  string // as an integration's URI
	// AuthorizerPayloadFormatVersion is 2.0, and EnableSimpleResponses is true.
	AuthorizerPayloadFormatVersion string
	EnableSimpleResponses          bool
	// IdentitySource are what a request must have to be asked about at all, such as
	// $request.header.Authorization; they are the key of the cache, too.
	IdentitySource []string
	// AuthorizerResultTTLInSeconds keeps answers that long, 3600 at most; 0 keeps none.
	AuthorizerResultTTLInSeconds int
}

// Authorizer is a function that decides who may call. Its JSON is the one of GetAuthorizer.
type Authorizer struct {
	AuthorizerID                   string   `json:"authorizerId"`
	Name                           string   `json:"name"`
	AuthorizerType                 string   `json:"authorizerType"`
	AuthorizerURI                  string   `json:"authorizerUri"`
	AuthorizerPayloadFormatVersion string   `json:"authorizerPayloadFormatVersion"`
	EnableSimpleResponses          bool     `json:"enableSimpleResponses"`
	IdentitySource                 []string `json:"identitySource,omitempty"`
	AuthorizerResultTTLInSeconds   int      `json:"authorizerResultTtlInSeconds"`
}

var identitySource = regexp.MustCompile(`^\$(request\.(header|querystring)\.[\w-]+|stageVariables\.\w+|context\.(httpMethod|path|routeKey|stage))$`)

func (in AuthorizerInput) authorizer(id string) (Authorizer, error) {
	bad := func(format string, args ...any) (Authorizer, error) { return Authorizer{}, badRequest(format, args...) }
	switch _, ok := function(in.AuthorizerURI); {
	case in.Name == "":
		return bad("an authorizer needs a Name")
	case in.AuthorizerType != "REQUEST":
		return bad("AuthorizerType %q: the laptop has Lambda authorizers (REQUEST) only; of JWT there are none", in.AuthorizerType)
	case !ok:
		return bad("AuthorizerUri %q does not name a Lambda function", in.AuthorizerURI)
	case in.AuthorizerPayloadFormatVersion != "2.0" || !in.EnableSimpleResponses:
		return bad("authorizer %q: the laptop has authorizers with AuthorizerPayloadFormatVersion 2.0 and EnableSimpleResponses only; it evaluates no IAM policies", in.Name)
	case in.AuthorizerResultTTLInSeconds < 0 || in.AuthorizerResultTTLInSeconds > 3600:
		return bad("AuthorizerResultTtlInSeconds is %d; it may be 0 to 3600", in.AuthorizerResultTTLInSeconds)
	case in.AuthorizerResultTTLInSeconds > 0 && len(in.IdentitySource) == 0:
		return bad("authorizer %q keeps answers (AuthorizerResultTtlInSeconds) but has no IdentitySource to know them by", in.Name)
	}
	for _, source := range in.IdentitySource {
		if !identitySource.MatchString(source) {
			return bad("IdentitySource %q: on the laptop it is $request.header.NAME, $request.querystring.NAME, $stageVariables.NAME or "+
				"$context.httpMethod, path, routeKey or stage", source)
		}
	}
	return Authorizer{AuthorizerID: id, Name: in.Name, AuthorizerType: in.AuthorizerType, AuthorizerURI: in.AuthorizerURI,
		AuthorizerPayloadFormatVersion: in.AuthorizerPayloadFormatVersion, EnableSimpleResponses: true,
		IdentitySource: slices.Clone(in.IdentitySource), AuthorizerResultTTLInSeconds: in.AuthorizerResultTTLInSeconds}, nil
}

// authorizer asks a function who may call, and remembers what it said.
type authorizer struct {
	Authorizer
	function string

	mu    sync.Mutex
	known map[string]verdict // by the values of the identity sources
}

// verdict is what a function said about a request.
type verdict struct {
	allowed bool
	context json.RawMessage // an object, or nil
	until   time.Time
}

// maxVerdicts bounds what one authorizer remembers.
const maxVerdicts = 1000

func newAuthorizer(a Authorizer) *authorizer {
	arn, _ := function(a.AuthorizerURI)
	return &authorizer{Authorizer: a, function: arn, known: map[string]verdict{}}
}

// authorize asks the route's authorizer about the request.
func (a *api) authorize(req *request) *failure {
	g := req.route.guard
	if g == nil {
		return nil
	}
	identity := make([]string, len(g.IdentitySource))
	for i, source := range g.IdentitySource {
		if identity[i] = req.identity(source); identity[i] == "" {
			return &failure{http.StatusUnauthorized, "the request has no " + source}
		}
	}
	key := req.route.key + "\x00" + strings.Join(identity, "\x00")
	v, ok := g.remembered(key, req.start)
	if !ok {
		var fail *failure
		if v, fail = a.ask(g, req, identity); fail != nil {
			return fail
		}
		g.remember(key, v)
	}
	if !v.allowed {
		return &failure{http.StatusForbidden, fmt.Sprintf("the authorizer %s does not allow it", g.Name)}
	}
	if len(v.context) == 0 {
		return nil
	}
	// Format 1.0 has the context's members where 2.0 has them below lambda.
	if req.route.format1 {
		req.authorizer = v.context
	} else {
		req.authorizer = []byte(`{"lambda":` + string(v.context) + `}`)
	}
	return nil
}

// ask invokes the authorizer's function.
func (a *api) ask(g *authorizer, req *request, identity []string) (verdict, *failure) {
	req.trace = traceID(req.Header, req.start)
	sources, err := json.Marshal(identity)
	if err != nil {
		panic(err) // strings marshal always
	}
	b := append([]byte(nil), `{"version":"2.0","type":"REQUEST",`...)
	b = appendMember(b, "routeArn", a.sourceARN(req))
	b = append(b, `,"identitySource":`...)
	b = append(b, sources...)
	b = append(b, ',')
	b = req.appendRequest(b)
	b = append(b, req.stage.variables...)
	b = append(b, '}')
	payload, p := a.config.invoke(req.Request, maxIntegrationTimeout, Call{
		Function: g.function, Payload: b, TraceID: req.trace, Principal: gatewayPrincipal,
		SourceARN: a.config.executeARN(a.id, "authorizers") + "/" + g.AuthorizerID,
	})
	if p != nil {
		return verdict{}, &failure{http.StatusInternalServerError, fmt.Sprintf("the authorizer %s: %s", g.Name, p.reason)}
	}
	var said struct {
		IsAuthorized *bool                      `json:"isAuthorized"`
		Context      map[string]json.RawMessage `json:"context"`
	}
	if err := json.Unmarshal(payload, &said); err != nil || said.IsAuthorized == nil {
		return verdict{}, &failure{http.StatusInternalServerError,
			fmt.Sprintf(`the authorizer %s answered %s; expected {"isAuthorized": true or false, "context": {…}}`, g.Name, cut(payload))}
	}
	v := verdict{allowed: *said.IsAuthorized, until: req.start.Add(time.Duration(g.AuthorizerResultTTLInSeconds) * time.Second)}
	if said.Context != nil {
		if v.context, err = json.Marshal(said.Context); err != nil {
			return verdict{}, &failure{http.StatusInternalServerError, fmt.Sprintf("the authorizer %s: its context: %v", g.Name, err)}
		}
	}
	return v, nil
}

func (g *authorizer) remembered(key string, now time.Time) (verdict, bool) {
	if g.AuthorizerResultTTLInSeconds == 0 {
		return verdict{}, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	v, ok := g.known[key]
	return v, ok && now.Before(v.until)
}

func (g *authorizer) remember(key string, v verdict) {
	if g.AuthorizerResultTTLInSeconds == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) >= maxVerdicts {
		clear(g.known)
	}
	g.known[key] = v
}

// identity is the value of an identity source.
func (r *request) identity(source string) string {
	kind, name, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(source, "$"), "request."), ".")
	switch kind {
	case "header":
		return strings.Join(r.Header.Values(name), ",")
	case "querystring":
		return query(r.URL.RawQuery)[name]
	case "stageVariables":
		return r.stage.given[name]
	}
	return map[string]string{"httpMethod": r.Method, "path": r.URL.Path, "routeKey": r.route.key, "stage": r.stage.name}[name]
}

// CreateAuthorizer adds an authorizer to an API.
func (s *Service) CreateAuthorizer(apiID string, in AuthorizerInput) (Authorizer, error) {
	out, err := in.authorizer(newID(6))
	if err != nil {
		return Authorizer{}, err
	}
	return out, s.change(apiID, func(r *record) error { r.Authorizers[out.AuthorizerID] = out; return nil })
}

// UpdateAuthorizer replaces an authorizer.
func (s *Service) UpdateAuthorizer(apiID, authorizerID string, in AuthorizerInput) (Authorizer, error) {
	out, err := in.authorizer(authorizerID)
	if err != nil {
		return Authorizer{}, err
	}
	return out, s.change(apiID, func(r *record) error {
		if _, err := lookup(r.Authorizers, "Authorizer", authorizerID); err != nil {
			return err
		}
		r.Authorizers[authorizerID] = out
		return nil
	})
}

// GetAuthorizer finds an authorizer.
func (s *Service) GetAuthorizer(apiID, authorizerID string) (Authorizer, error) {
	return part(s.view, apiID, func(r *record) map[string]Authorizer { return r.Authorizers }, "Authorizer", authorizerID)
}

// ListAuthorizers are an API's authorizers, by their IDs.
func (s *Service) ListAuthorizers(apiID string) ([]Authorizer, error) {
	return parts(s.view, apiID, func(r *record) map[string]Authorizer { return r.Authorizers })
}

// DeleteAuthorizer removes an authorizer that no route has.
func (s *Service) DeleteAuthorizer(apiID, authorizerID string) error {
	return s.change(apiID, func(r *record) error {
		if _, err := lookup(r.Authorizers, "Authorizer", authorizerID); err != nil {
			return err
		}
		for _, route := range r.Routes {
			if route.AuthorizerID == authorizerID {
				return conflict("Cannot delete authorizer %q, because it is referenced by route %q", authorizerID, route.RouteKey)
			}
		}
		delete(r.Authorizers, authorizerID)
		return nil
	})
}
