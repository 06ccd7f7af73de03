package apigateway

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
)

// RestAuthorizerInput is what AWS::ApiGateway::Authorizer takes for a function that decides who may call:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-authorizer.html
type RestAuthorizerInput struct {
	Name string
	Type string // TOKEN or REQUEST
	// AuthorizerURI names the function in the form of an integration's Uri.
	AuthorizerURI string
	// IdentitySource is what a request must have to be asked about at all, and the key of the cache:
	// of TOKEN the one header method.request.header.NAME, of REQUEST any number, separated by commas.
	IdentitySource string
	// IdentityValidationExpression is a regular expression that a TOKEN must match; "" takes any.
	IdentityValidationExpression string
	// AuthorizerResultTTLInSeconds keeps answers that long, 3600 at most; nil is 300, 0 keeps none.
	AuthorizerResultTTLInSeconds *int
}

// RestAuthorizer decides who may call a REST API's methods. Its JSON is the one of GetAuthorizer.
type RestAuthorizer struct {
	ID                           string `json:"id"`
	Name                         string `json:"name"`
	Type                         string `json:"type"`
	AuthType                     string `json:"authType"`
	AuthorizerURI                string `json:"authorizerUri"`
	IdentitySource               string `json:"identitySource,omitempty"`
	IdentityValidationExpression string `json:"identityValidationExpression,omitempty"`
	AuthorizerResultTTLInSeconds int    `json:"authorizerResultTtlInSeconds"`
}

const defaultRESTAuthorizerTTL = 300

var (
	restIdentity = regexp.MustCompile(`^(method\.request\.(header|querystring)\.[\w-]+|stageVariables\.\w+|context\.(httpMethod|path|resourcePath|stage|identity\.sourceIp))$`)
	tokenSource  = regexp.MustCompile(`^method\.request\.header\.[\w-]+$`)
)

func (in RestAuthorizerInput) authorizer(id string) (RestAuthorizer, error) {
	bad := func(format string, args ...any) (RestAuthorizer, error) {
		return RestAuthorizer{}, badRequest(format, args...)
	}
	ttl := defaultRESTAuthorizerTTL
	if in.AuthorizerResultTTLInSeconds != nil {
		ttl = *in.AuthorizerResultTTLInSeconds
	}
	switch m := pathARN.FindStringSubmatch(in.AuthorizerURI); {
	case in.Name == "":
		return bad("an authorizer needs a Name")
	case in.Type != authorizerTOKEN && in.Type != authorizerREQUEST:
		return bad("authorizer %q: Type %q: on the laptop it is TOKEN or REQUEST; there are no user pools", in.Name, in.Type)
	case m == nil || !functionARN.MatchString(m[1]):
		return bad("authorizer %q: AuthorizerUri %q: it is arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/FUNCTION_ARN/invocations", in.Name, in.AuthorizerURI)
	case ttl < 0 || ttl > maxAuthorizerTTL:
		return bad("authorizer %q: AuthorizerResultTtlInSeconds is %d; it may be 0 to %d", in.Name, ttl, maxAuthorizerTTL)
	case in.Type == authorizerTOKEN && !tokenSource.MatchString(in.IdentitySource):
		return bad("authorizer %q: IdentitySource %q: of TOKEN it is method.request.header.NAME", in.Name, in.IdentitySource)
	case in.Type == authorizerREQUEST && ttl > 0 && in.IdentitySource == "":
		return bad("authorizer %q keeps answers (AuthorizerResultTtlInSeconds, 300 unless it is 0) but has no IdentitySource to know them by", in.Name)
	case in.Type == authorizerREQUEST && in.IdentityValidationExpression != "":
		return bad("authorizer %q: IdentityValidationExpression is of the type TOKEN", in.Name)
	}
	if _, err := regexp.Compile(in.IdentityValidationExpression); err != nil {
		return bad("authorizer %q: IdentityValidationExpression: %v", in.Name, err)
	}
	out := RestAuthorizer{ID: id, Name: in.Name, Type: in.Type, AuthType: "custom", AuthorizerURI: in.AuthorizerURI, IdentitySource: in.IdentitySource,
		IdentityValidationExpression: in.IdentityValidationExpression, AuthorizerResultTTLInSeconds: ttl}
	for _, source := range out.sources() {
		if !restIdentity.MatchString(source) {
			return bad("authorizer %q: IdentitySource %q: on the laptop it is method.request.header.NAME, method.request.querystring.NAME, "+
				"stageVariables.NAME or context.httpMethod, path, resourcePath, stage or identity.sourceIp", in.Name, source)
		}
	}
	return out, nil
}

// sources are the identity sources, one by one.
func (a RestAuthorizer) sources() (out []string) {
	for source := range strings.SplitSeq(a.IdentitySource, ",") {
		if source = strings.TrimSpace(source); source != "" {
			out = append(out, source)
		}
	}
	return out
}

// guard is the authorizer at work, for one stage.
func (a RestAuthorizer) guard(c *Config, apiID string) guard {
	arn, _ := function(a.AuthorizerURI)
	g := &lambdaGuard{config: c, id: a.ID, name: a.Name, apiID: apiID, function: arn, timeout: maxRESTTimeout,
		kind:     lambdaAuthorizer{rest: true, token: a.Type == authorizerTOKEN, format1: true},
		verdicts: verdicts{ttl: time.Duration(a.AuthorizerResultTTLInSeconds) * time.Second}}
	for _, source := range a.sources() {
		g.sources = append(g.sources, strings.TrimPrefix(source, "method."))
	}
	if a.IdentityValidationExpression != "" {
		g.valid = regexp.MustCompile("^(?:" + a.IdentityValidationExpression + ")$") // the whole token, as Java's matches
	}
	return g
}

// restGuard is what guards a method, nil if everybody may.
func restGuard(c *Config, m Method, shared map[string]guard) guard {
	switch g := shared[m.AuthorizerID]; {
	case m.AuthorizationType == authorizationIAM:
		return iam{service: executeAPI, account: c.Account}
	case m.AuthorizerID == "":
		return nil
	case g == nil:
		return noGuard(m.AuthorizerID)
	default:
		return g
	}
}

// CreateRestAuthorizer adds an authorizer to a REST API.
func (s *Service) CreateRestAuthorizer(apiID string, in RestAuthorizerInput) (RestAuthorizer, error) {
	out, err := in.authorizer(newID(6))
	if err != nil {
		return RestAuthorizer{}, err
	}
	return out, s.changeREST(apiID, func(r *restRecord) error { r.Authorizers[out.ID] = out; return nil })
}

// UpdateRestAuthorizer replaces an authorizer. Stages have it from their next deployment on.
func (s *Service) UpdateRestAuthorizer(apiID, id string, in RestAuthorizerInput) (RestAuthorizer, error) {
	out, err := in.authorizer(id)
	if err != nil {
		return RestAuthorizer{}, err
	}
	return out, s.changeREST(apiID, func(r *restRecord) error {
		if _, err := lookup(r.Authorizers, "Authorizer", id); err != nil {
			return err
		}
		r.Authorizers[id] = out
		return nil
	})
}

// GetRestAuthorizer finds an authorizer.
func (s *Service) GetRestAuthorizer(apiID, id string) (RestAuthorizer, error) {
	return part(s.viewREST, apiID, func(r *restRecord) map[string]RestAuthorizer { return r.Authorizers }, "Authorizer", id)
}

// ListRestAuthorizers are a REST API's authorizers by their names.
func (s *Service) ListRestAuthorizers(apiID string) ([]RestAuthorizer, error) {
	all, err := parts(s.viewREST, apiID, func(r *restRecord) map[string]RestAuthorizer { return r.Authorizers })
	slices.SortStableFunc(all, func(a, b RestAuthorizer) int { return cmp.Compare(a.Name, b.Name) })
	return all, err
}

// DeleteRestAuthorizer removes an authorizer that no method has.
func (s *Service) DeleteRestAuthorizer(apiID, id string) error {
	return s.changeREST(apiID, func(r *restRecord) error {
		if _, err := lookup(r.Authorizers, "Authorizer", id); err != nil {
			return err
		}
		for _, resource := range r.Resources {
			for _, m := range resource.Methods {
				if m.AuthorizerID == id {
					return conflict("Cannot delete authorizer %q, because it is referenced by %s %s", id, m.HTTPMethod, resource.Path)
				}
			}
		}
		delete(r.Authorizers, id)
		return nil
	})
}
