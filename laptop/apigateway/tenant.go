package apigateway

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// tenantHeader is the one header of a function's invocation that a REST API may set: the tenant, for
// functions with tenant isolation. An HTTP API cannot. See
// https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-invoke.html#tenant-isolation-invoke-apigateway
const tenantHeader = "integration.request.header.X-Amz-Tenant-Id"

var (
	methodParameter = regexp.MustCompile(`^method\.request\.(header|querystring|path)\.[\w-]+$`)
	// Where a value may come from otherwise:
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
	elsewhere = regexp.MustCompile(`^('[^']*'|stageVariables\.\w+|context\.(authorizer\.[\w-]+|httpMethod|path|resourcePath|stage|identity\.sourceIp))$`)
)

// checkParameters refuses what a method's integration cannot be told here. What it takes of a request
// must be among the method's own parameters.
func (in MethodInput) checkParameters() error {
	for name := range in.RequestParameters {
		if !methodParameter.MatchString(name) {
			return badRequest("Invalid mapping expression specified: %s: a method's parameter is method.request.header, querystring or path, and a name", name)
		}
	}
	for name, source := range in.Integration.RequestParameters {
		_, declared := in.RequestParameters[source]
		switch {
		case !strings.EqualFold(name, tenantHeader) || in.Integration.Type != "AWS_PROXY":
			return badRequest("Integration RequestParameters: %s: on the laptop only a function's %s can be mapped", name, tenantHeader)
		case methodParameter.MatchString(source) && !declared:
			return badRequest("Invalid mapping expression parameter specified: %s: it is not among the method's RequestParameters", source)
		case !declared && !elsewhere.MatchString(source):
			return badRequest("Integration RequestParameters: %s: on the laptop it comes from method.request.header.NAME, method.request.querystring.NAME, "+
				"method.request.path.NAME, 'text', stageVariables.NAME, context.authorizer.NAME or context.httpMethod, path, resourcePath, stage or identity.sourceIp, not from %s", name, source)
		}
	}
	return nil
}

// tenantSource is where the tenant comes from, or "".
func (m MethodIntegration) tenantSource() string {
	for name, source := range m.RequestParameters {
		if strings.EqualFold(name, tenantHeader) {
			return source
		}
	}
	return ""
}

// mapped is what a source says in this request, "" if it says nothing.
func (r *request) mapped(source string) string {
	if text, static := strings.CutPrefix(source, "'"); static {
		return strings.TrimSuffix(text, "'")
	}
	if name, ok := strings.CutPrefix(source, "method.request.path."); ok {
		if i := slices.Index(r.route.names, name); i >= 0 {
			return r.values[i]
		}
		return ""
	}
	if name, ok := strings.CutPrefix(source, "context.authorizer."); ok {
		var said map[string]json.RawMessage
		if r.authorizer == nil || json.Unmarshal(r.authorizer, &said) != nil {
			return "" // it is an object whenever there is one
		}
		value, ok := said[name]
		if !ok {
			return ""
		}
		text, err := scalar(value)
		if err != nil {
			return "" // a REST API's authorizer says nothing else, see stringified
		}
		return text
	}
	return r.identity(strings.TrimPrefix(source, "method."))
}
