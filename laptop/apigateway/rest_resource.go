package apigateway

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Resource is a place in a REST API's tree. Its JSON is the one of GetResource.
type Resource struct {
	ID       string            `json:"id"`
	ParentID string            `json:"parentId,omitempty"`
	PathPart string            `json:"pathPart,omitempty"`
	Path     string            `json:"path"`
	Methods  map[string]Method `json:"resourceMethods,omitempty"`
}

// MethodInput is what AWS::ApiGateway::Method takes with an integration of type AWS_PROXY or MOCK:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-method.html
type MethodInput struct {
	HTTPMethod        string // ANY, GET, …
	AuthorizationType string // "", NONE, AWS_IAM or CUSTOM, which is a Lambda authorizer
	AuthorizerID      string // of CUSTOM
	APIKeyRequired    bool   // false
	OperationName     string
	RequestParameters map[string]bool // what Integration may map, e.g. method.request.header.x-tenant-id
	Integration       MethodIntegration
	MethodResponses   []MethodResponse
}

// Method is what a resource does for an HTTP method. Its JSON is the one of GetMethod.
type Method struct {
	HTTPMethod        string                    `json:"httpMethod,omitempty"`
	AuthorizationType string                    `json:"authorizationType,omitempty"`
	AuthorizerID      string                    `json:"authorizerId,omitempty"`
	APIKeyRequired    bool                      `json:"apiKeyRequired,omitempty"`
	OperationName     string                    `json:"operationName,omitempty"`
	RequestParameters map[string]bool           `json:"requestParameters,omitempty"`
	MethodResponses   map[string]MethodResponse `json:"methodResponses,omitempty"`
	MethodIntegration MethodIntegration         `json:"methodIntegration,omitzero"`
}

// MethodResponse declares an answer: a status, and the headers that a mock may set.
type MethodResponse struct {
	StatusCode         string            `json:"statusCode"`
	ResponseParameters map[string]bool   `json:"responseParameters,omitempty"`
	ResponseModels     map[string]string `json:"responseModels,omitempty"`
}

// MethodIntegration is what stands behind a method. Its JSON is the one of GetIntegration.
type MethodIntegration struct {
	Type                string                         `json:"type"` // AWS_PROXY or MOCK
	HTTPMethod          string                         `json:"httpMethod,omitempty"`
	URI                 string                         `json:"uri,omitempty"`
	TimeoutInMillis     int                            `json:"timeoutInMillis,omitempty"` // 50 to 29000; 0 means 29000
	PassthroughBehavior string                         `json:"passthroughBehavior,omitempty"`
	RequestParameters   map[string]string              `json:"requestParameters,omitempty"` // integration.request.header.X-Amz-Tenant-Id at most
	RequestTemplates    map[string]string              `json:"requestTemplates,omitempty"`
	Responses           map[string]IntegrationResponse `json:"integrationResponses,omitempty"`
}

// IntegrationResponse is what a mock answers with.
type IntegrationResponse struct {
	StatusCode         string            `json:"statusCode"`
	SelectionPattern   string            `json:"selectionPattern,omitempty"`
	ResponseParameters map[string]string `json:"responseParameters,omitempty"`
	ResponseTemplates  map[string]string `json:"responseTemplates,omitempty"`
}

// maxRESTTimeout is an integration's quota, and its default:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
const maxRESTTimeout = 29 * time.Second

var pathPart = regexp.MustCompile(`^([A-Za-z0-9._~:$&'()*+,;=@%-]+|\{[\w.:-]+\+?\})$`)

func (in MethodInput) method() (Method, error) {
	bad := func(format string, args ...any) (Method, error) { return Method{}, badRequest(format, args...) }
	kind := cmp.Or(in.AuthorizationType, authorizationNONE)
	switch {
	case !routeMethod.MatchString(in.HTTPMethod):
		return bad("HttpMethod %q: it is ANY, GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS", in.HTTPMethod)
	case kind != authorizationNONE && kind != authorizationIAM && kind != authorizationCUSTOM:
		return bad("AuthorizationType %s: on the laptop it is NONE, AWS_IAM or CUSTOM; there are no user pools", kind)
	case (kind == authorizationCUSTOM) != (in.AuthorizerID != ""):
		return bad("AuthorizationType %s with AuthorizerId %q: CUSTOM has an authorizer, NONE and AWS_IAM have none", kind, in.AuthorizerID)
	case in.APIKeyRequired:
		return bad("ApiKeyRequired: there are no API keys on the laptop")
	}
	out := Method{HTTPMethod: in.HTTPMethod, AuthorizationType: kind, AuthorizerID: in.AuthorizerID, OperationName: in.OperationName,
		RequestParameters: in.RequestParameters, MethodIntegration: in.Integration}
	if err := in.checkParameters(); err != nil {
		return Method{}, err
	}
	for _, r := range in.MethodResponses {
		out.MethodResponses = put(out.MethodResponses, r.StatusCode, r)
	}
	integration := &out.MethodIntegration
	switch integration.Type {
	case "AWS_PROXY":
		if _, ok := function(integration.URI); !ok || !pathARN.MatchString(integration.URI) {
			return bad("Integration Uri %q: a REST API invokes a function by "+
				"arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/FUNCTION_ARN/invocations; streamed answers are not served", integration.URI)
		}
		if integration.HTTPMethod != "POST" {
			return bad("IntegrationHttpMethod %q: Lambda is invoked by POST", integration.HTTPMethod)
		}
		if integration.TimeoutInMillis == 0 {
			integration.TimeoutInMillis = int(maxRESTTimeout.Milliseconds())
		}
		if t := integration.TimeoutInMillis; t < 50 || t > int(maxRESTTimeout.Milliseconds()) {
			return bad("TimeoutInMillis is %d; a REST API takes 50 to 29000", t)
		}
	case "MOCK":
		if _, err := newMock(out); err != nil {
			return Method{}, err
		}
	default:
		return bad("Integration Type %q: on the laptop a REST API leads to Lambda functions (AWS_PROXY) or answers itself (MOCK)", integration.Type)
	}
	return out, nil
}

// CreateResource adds a resource below another.
func (s *Service) CreateResource(apiID, parentID, part string) (out Resource, err error) {
	if !pathPart.MatchString(part) {
		return Resource{}, badRequest("Resource's path part %q: a segment such as orders, {id} or {name+}", part)
	}
	err = s.changeREST(apiID, func(r *restRecord) error {
		parent, err := lookup(r.Resources, "Resource", parentID)
		if err != nil {
			return err
		}
		if strings.HasSuffix(parent.PathPart, "+}") {
			return badRequest("Cannot create a child of a resource with a greedy path variable: %s", parent.Path)
		}
		for _, other := range r.Resources {
			if other.ParentID == parentID && other.PathPart == part {
				return conflict("Another resource with the same parent already has this name: %s", part)
			}
			if other.ParentID == parentID && isVariable(other.PathPart) && isVariable(part) {
				return badRequest("A sibling (%s) of this resource already has a variable path part -- only one is allowed", other.PathPart)
			}
		}
		out = Resource{ID: newID(6), ParentID: parentID, PathPart: part, Path: strings.TrimSuffix(parent.Path, "/") + "/" + part}
		r.Resources[out.ID] = out
		return nil
	})
	return out, err
}

// isVariable says that a path part is a variable, and none that takes all that is left.
func isVariable(part string) bool {
	return strings.HasPrefix(part, "{") && !strings.HasSuffix(part, "+}")
}

// GetResource finds a resource.
func (s *Service) GetResource(apiID, id string) (Resource, error) {
	return part(s.viewREST, apiID, func(r *restRecord) map[string]Resource { return r.Resources }, "Resource", id)
}

// ListResources are a REST API's resources by their paths.
func (s *Service) ListResources(apiID string) (out []Resource, err error) {
	err = s.viewREST(apiID, func(r *restRecord) error {
		out = slices.SortedFunc(maps.Values(r.Resources), func(a, b Resource) int { return strings.Compare(a.Path, b.Path) })
		return nil
	})
	return out, err
}

// DeleteResource removes a resource and those below it.
func (s *Service) DeleteResource(apiID, id string) error {
	return s.changeREST(apiID, func(r *restRecord) error {
		resource, err := lookup(r.Resources, "Resource", id)
		if err != nil {
			return err
		}
		if id == r.API.RootResourceID {
			return badRequest("The root resource cannot be deleted")
		}
		maps.DeleteFunc(r.Resources, func(_ string, other Resource) bool {
			return other.ID == id || strings.HasPrefix(other.Path, resource.Path+"/")
		})
		return nil
	})
}

// CreateMethod adds a method with its integration to a resource.
func (s *Service) CreateMethod(apiID, resourceID string, in MethodInput) (Method, error) {
	return s.putMethod(apiID, resourceID, in, func(there bool) error {
		if there {
			return conflict("Method already exists for this resource")
		}
		return nil
	})
}

// UpdateMethod replaces a resource's method.
func (s *Service) UpdateMethod(apiID, resourceID string, in MethodInput) (Method, error) {
	return s.putMethod(apiID, resourceID, in, func(there bool) error {
		if !there {
			return notFound("Method", in.HTTPMethod)
		}
		return nil
	})
}

func (s *Service) putMethod(apiID, resourceID string, in MethodInput, check func(there bool) error) (Method, error) {
	out, err := in.method()
	if err != nil {
		return Method{}, err
	}
	return out, s.changeREST(apiID, func(r *restRecord) error {
		resource, err := lookup(r.Resources, "Resource", resourceID)
		if err != nil {
			return err
		}
		if out.AuthorizerID != "" {
			if _, err := lookup(r.Authorizers, "Authorizer", out.AuthorizerID); err != nil {
				return err
			}
		}
		_, there := resource.Methods[out.HTTPMethod]
		if err := check(there); err != nil {
			return err
		}
		resource.Methods = put(resource.Methods, out.HTTPMethod, out)
		r.Resources[resourceID] = resource
		return nil
	})
}

// GetMethod finds a resource's method.
func (s *Service) GetMethod(apiID, resourceID, method string) (out Method, err error) {
	err = s.viewREST(apiID, func(r *restRecord) error {
		resource, err := lookup(r.Resources, "Resource", resourceID)
		if err != nil {
			return err
		}
		out, err = lookup(resource.Methods, "Method", method)
		return err
	})
	return out, err
}

// DeleteMethod removes a resource's method.
func (s *Service) DeleteMethod(apiID, resourceID, method string) error {
	return s.changeREST(apiID, func(r *restRecord) error {
		resource, err := lookup(r.Resources, "Resource", resourceID)
		if err != nil {
			return err
		}
		if _, err := lookup(resource.Methods, "Method", method); err != nil {
			return err
		}
		delete(resource.Methods, method)
		return nil
	})
}
