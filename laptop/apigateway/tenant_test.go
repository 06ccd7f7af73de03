package apigateway

import (
	"context"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// Where a method's integration says that the tenant is, it is taken from there.
func TestTheTenantOfAMethod(t *testing.T) {
	t.Parallel()
	j := &judge{}
	s := openService(t, Config{Invoker: j})
	api := newTestREST(t, s, RestAPIInput{}, "GET /of/{id}")
	place := resourceAt(t, s, api, "/of/{id}").ID
	auth, err := s.CreateRestAuthorizer(api.ID, RestAuthorizerInput{Name: "asker", AuthorizerURI: askerURI, Type: "TOKEN", IdentitySource: "method.request.header.Authorization"})
	must(t, err)
	j.say(policyFor("Allow", "*"))
	f := func(source, want string) {
		t.Helper()
		in := MethodInput{HTTPMethod: "GET", AuthorizationType: "CUSTOM", AuthorizerID: auth.ID,
			Integration: MethodIntegration{Type: "AWS_PROXY", HTTPMethod: "POST", URI: helloURI, RequestParameters: map[string]string{tenantHeader: source}}}
		if strings.HasPrefix(source, "method.") {
			in.RequestParameters = map[string]bool{source: false}
		}
		_, err := s.UpdateMethod(api.ID, place, in)
		must(t, err)
		_, err = s.CreateRestDeployment(api.ID, "", "prod")
		must(t, err)
		res, body := get(t, "GET", s.Endpoint(api.ID)+"/prod/of/7?tenant=red&other=1", nil, "X-Tenant-Id", "blue", "Authorization", "x", "X-Amz-Tenant-Id", "forged")
		if res.StatusCode != 200 || j.event().Tenant != want {
			t.Errorf("%s: %d %s, the tenant is %q, want %q", source, res.StatusCode, body, j.event().Tenant, want)
		}
	}
	f("method.request.header.x-tenant-id", "blue")
	f("method.request.header.missing", "")
	f("method.request.querystring.tenant", "red")
	f("method.request.path.id", "7")
	f("method.request.path.other", "")
	f("context.authorizer.user", "7")
	f("context.authorizer.principalId", "p")
	f("context.authorizer.missing", "")
	f("context.stage", "prod")
	f("'always'", "always")
	f("stageVariables.none", "")

	// Without a mapping the caller has no say: the header is the function's, and no tenant.
	_, err = s.UpdateMethod(api.ID, place, MethodInput{HTTPMethod: "GET", Integration: MethodIntegration{Type: "AWS_PROXY", HTTPMethod: "POST", URI: helloURI}})
	must(t, err)
	_, err = s.CreateRestDeployment(api.ID, "", "prod")
	must(t, err)
	if res, _ := get(t, "GET", s.Endpoint(api.ID)+"/prod/of/7", nil, "X-Amz-Tenant-Id", "forged"); res.StatusCode != 200 || j.event().Tenant != "" {
		t.Errorf("%d, the tenant is %q", res.StatusCode, j.event().Tenant)
	}
}

// untenanted refuses as Lambda refuses an invocation without a tenant.
type untenanted struct{}

func (untenanted) Invoke(context.Context, Call) (Result, error) {
	return Result{}, awsproto.Errorf("InvalidParameterValueException", "Add a valid tenant ID in your request and try again.")
}

func TestAMissingTenant(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: untenanted{}})
	rest, api := newTestREST(t, s, RestAPIInput{}, "GET /a"), newTestAPI(t, s, "GET /a")
	res, body := get(t, "GET", s.Endpoint(rest.ID)+"/prod/a", nil)
	if res.StatusCode != 400 || body != `{"message":"Add a valid tenant ID in your request and try again."}` {
		t.Errorf("a REST API answers %d %s", res.StatusCode, body)
	}
	// An HTTP API cannot set the header.
	if res, body = get(t, "GET", s.Endpoint(api.APIID)+"/a", nil); res.StatusCode != 500 || body != `{"message":"Internal Server Error"}` {
		t.Errorf("an HTTP API answers %d %s", res.StatusCode, body)
	}
}

func TestWhatAMethodCannotMap(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: untenanted{}})
	api := newTestREST(t, s, RestAPIInput{}, "GET /a")
	f := func(want string, declared map[string]bool, mapped map[string]string) {
		t.Helper()
		_, err := s.CreateMethod(api.ID, api.RootResourceID, MethodInput{HTTPMethod: "GET", RequestParameters: declared,
			Integration: MethodIntegration{Type: "AWS_PROXY", HTTPMethod: "POST", URI: helloURI, RequestParameters: mapped}})
		if err == nil || awsproto.From(err).Code != "BadRequestException" || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f("method.request.body", map[string]bool{"method.request.body.a": true}, nil)
	f("only a function's integration.request.header.X-Amz-Tenant-Id", nil, map[string]string{"integration.request.header.X-Amz-Invocation-Type": "'Event'"})
	f("it is not among the method's RequestParameters", nil, map[string]string{tenantHeader: "method.request.header.x-tenant-id"})
	f("not from context.identity.userAgent", nil, map[string]string{tenantHeader: "context.identity.userAgent"})
}
