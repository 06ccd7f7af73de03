package apigateway

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/awstest"
)

// python runs a script against the service's wire API, with a client of each of both APIs.
func python(t *testing.T, s *Service, script string, args ...string) {
	t.Helper()
	if exec.Command("python3", "-c", "import boto3").Run() != nil {
		t.Skip("boto3 is not installed: pip install boto3")
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	cmd := exec.CommandContext(t.Context(), "python3", append([]string{"-c", `
import boto3, sys
api = boto3.client("apigatewayv2")
rest = boto3.client("apigateway")
def fails(call, code, text="", **args):
    try:
        call(**args)
    except Exception as e:
        assert e.response["Error"]["Code"] == code and text in e.response["Error"]["Message"], e
    else:
        assert False, "no error"
` + script}, args...)...)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestBoto3ReadsAPIs(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: answer(`1`)})
	api := newTestAPI(t, s, "GET /a")
	python(t, s, `
id = sys.argv[1]
assert [a["ApiId"] for a in api.get_apis()["Items"]] == [id]
assert api.get_api(ApiId=id)["ApiEndpoint"] == sys.argv[2] and api.get_api(ApiId=id)["CreatedDate"].year > 2000
assert [r["RouteKey"] for r in api.get_routes(ApiId=id)["Items"]] == ["GET /a"]
assert api.get_integrations(ApiId=id)["Items"][0]["IntegrationType"] == "AWS_PROXY"
assert api.get_stages(ApiId=id)["Items"][0]["AutoDeploy"] and api.get_stage(ApiId=id, StageName="$default")["StageName"] == "$default"
fails(api.get_api, "NotFoundException", ApiId="nope")
`, api.APIID, s.Endpoint(api.APIID))
}

func TestBoto3MakesAnAPI(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: answer(`"made over the wire"`)})
	python(t, s, `
import urllib.request
a = api.create_api(Name="orders", ProtocolType="HTTP", CorsConfiguration={"AllowOrigins": ["https://shop.example"]}, Tags={"a": "b"})
id = a["ApiId"]
i = api.create_integration(ApiId=id, IntegrationType="AWS_PROXY", IntegrationUri=sys.argv[1], PayloadFormatVersion="2.0")["IntegrationId"]
z = api.create_authorizer(ApiId=id, Name="z", AuthorizerType="REQUEST", AuthorizerUri=sys.argv[1], AuthorizerPayloadFormatVersion="2.0",
    EnableSimpleResponses=True, IdentitySource=["$request.header.Authorization"])["AuthorizerId"]
r = api.create_route(ApiId=id, RouteKey="GET /a", Target="integrations/" + i, AuthorizationType="CUSTOM", AuthorizerId=z)["RouteId"]
s = api.create_stage(ApiId=id, StageName="v1", StageVariables={"x": "1"}, DefaultRouteSettings={"ThrottlingRateLimit": 100.5})
assert s["DefaultRouteSettings"]["ThrottlingRateLimit"] == 100.5 and not s["AutoDeploy"]
fails(api.delete_authorizer, "ConflictException", "GET /a", ApiId=id, AuthorizerId=z)
assert api.update_route(ApiId=id, RouteId=r, AuthorizationType="NONE", AuthorizerId="")["Target"] == "integrations/" + i
api.delete_authorizer(ApiId=id, AuthorizerId=z)
j = api.create_authorizer(ApiId=id, Name="j", AuthorizerType="JWT", IdentitySource=["$request.header.Authorization"],
    JwtConfiguration={"Audience": ["me"], "Issuer": "http://127.0.0.1:1"})
assert j["JwtConfiguration"] == {"Audience": ["me"], "Issuer": "http://127.0.0.1:1"} == api.get_authorizer(ApiId=id, AuthorizerId=j["AuthorizerId"])["JwtConfiguration"]
assert api.update_authorizer(ApiId=id, AuthorizerId=j["AuthorizerId"], Name="k")["JwtConfiguration"]["Audience"] == ["me"]
fails(api.create_authorizer, "BadRequestException", "not on this machine", ApiId=id, Name="c", AuthorizerType="JWT", IdentitySource=["$request.header.Authorization"],
    JwtConfiguration={"Audience": ["me"], "Issuer": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_x"})
assert api.update_route(ApiId=id, RouteId=r, AuthorizationType="JWT", AuthorizerId=j["AuthorizerId"], AuthorizationScopes=["a"])["AuthorizationScopes"] == ["a"]
fails(api.update_route, "BadRequestException", "give it none", ApiId=id, RouteId=r, AuthorizationType="AWS_IAM", AuthorizerId="")
assert api.update_route(ApiId=id, RouteId=r, AuthorizationType="AWS_IAM", AuthorizerId="", AuthorizationScopes=[])["AuthorizationType"] == "AWS_IAM"
assert api.update_route(ApiId=id, RouteId=r, AuthorizationType="NONE")["AuthorizationType"] == "NONE"
api.delete_authorizer(ApiId=id, AuthorizerId=j["AuthorizerId"])
d = api.create_deployment(ApiId=id, StageName="v1")["DeploymentId"]
assert [x["DeploymentId"] for x in api.get_deployments(ApiId=id)["Items"]] == [d]
assert urllib.request.urlopen(a["ApiEndpoint"] + "/v1/a").read() == b"made over the wire"
b = api.update_api(ApiId=id, Description="changed")
assert b["Name"] == "orders" and b["Description"] == "changed" and b["CorsConfiguration"]["AllowOrigins"] == ["https://shop.example"] and b["Tags"] == {"a": "b"}
assert api.update_stage(ApiId=id, StageName="v1", StageVariables={"y": "2"})["DeploymentId"] == d
assert api.update_integration(ApiId=id, IntegrationId=i, TimeoutInMillis=100)["TimeoutInMillis"] == 100
fails(api.create_api, "BadRequestException", "disableExecuteApiEndpoint", Name="x", ProtocolType="HTTP", DisableExecuteApiEndpoint=True)
fails(api.create_api, "BadRequestException", "WEBSOCKET", Name="x", ProtocolType="WEBSOCKET")
fails(api.create_model, "UnknownOperationException", "CloudFormation", ApiId=id, Name="m", Schema="{}")
fails(api.update_deployment, "UnknownOperationException", ApiId=id, DeploymentId=d)
fails(api.delete_integration, "ConflictException", ApiId=id, IntegrationId=i)
api.delete_route(ApiId=id, RouteId=r)
api.delete_integration(ApiId=id, IntegrationId=i)
api.delete_stage(ApiId=id, StageName="v1")
api.delete_deployment(ApiId=id, DeploymentId=d)
api.delete_api(ApiId=id)
assert api.get_apis()["Items"] == []
`, hello)
}

func TestBoto3ReadsRESTAPIs(t *testing.T) {
	t.Parallel()
	s := openService(t, Config{Invoker: answer(`1`)})
	api := newTestREST(t, s, RestAPIInput{BinaryMediaTypes: []string{"image/png"}}, "GET /a/{id}", "POST /a/{id}")
	auth, err := s.CreateRestAuthorizer(api.ID, RestAuthorizerInput{Name: "asker", Type: "TOKEN", AuthorizerURI: helloURI, IdentitySource: "method.request.header.A"})
	must(t, err)
	must(t, s.UpdateAccount(Account{CloudWatchRoleARN: "arn:aws:iam::000000000000:role/r"}))
	stage, err := s.GetRestStage(api.ID, "prod")
	must(t, err)
	_, err = s.UpdateRestStage(api.ID, RestStageInput{StageName: "prod", DeploymentID: stage.DeploymentID, MethodSettings: []MethodSetting{
		{ResourcePath: "/*", HTTPMethod: "*", RouteSettings: RouteSettings{ThrottlingBurstLimit: new(7)}}}})
	must(t, err)
	python(t, s, `
id = sys.argv[1]
a = rest.get_rest_api(restApiId=id)
assert rest.get_rest_apis()["items"] == [{**a, }] or rest.get_rest_apis()["items"][0]["id"] == id
assert a["binaryMediaTypes"] == ["image/png"] and a["createdDate"].year > 2000 and a["endpointConfiguration"]["types"] == ["EDGE"]
all = rest.get_resources(restApiId=id)["items"]
assert [r["path"] for r in all] == ["/", "/a", "/a/{id}"], all
assert sorted(all[2]["resourceMethods"]) == ["GET", "POST"] and all[2]["resourceMethods"]["GET"] == {}, all[2]
full = rest.get_resources(restApiId=id, embed=["methods"])["items"][2]["resourceMethods"]["GET"]
assert full["methodIntegration"]["type"] == "AWS_PROXY" and full["httpMethod"] == "GET"
r = rest.get_resource(restApiId=id, resourceId=all[2]["id"])
assert r["parentId"] == all[1]["id"] and all[0]["id"] == a["rootResourceId"]
assert rest.get_method(restApiId=id, resourceId=r["id"], httpMethod="POST")["methodIntegration"]["uri"] == sys.argv[2]
assert rest.get_integration(restApiId=id, resourceId=r["id"], httpMethod="POST")["timeoutInMillis"] == 29000
s = rest.get_stages(restApiId=id)["item"]
assert [x["stageName"] for x in s] == ["prod"] and s[0]["methodSettings"]["*/*"]["throttlingBurstLimit"] == 7, s
assert rest.get_stage(restApiId=id, stageName="prod")["deploymentId"] == rest.get_deployments(restApiId=id)["items"][0]["id"]
z = rest.get_authorizer(restApiId=id, authorizerId=sys.argv[3])
assert z["type"] == "TOKEN" and z["authorizerResultTtlInSeconds"] == 300 and z["authType"] == "custom", z
assert [x["name"] for x in rest.get_authorizers(restApiId=id)["items"]] == ["asker"]
assert rest.get_account()["cloudwatchRoleArn"].endswith("role/r")
fails(rest.get_rest_api, "NotFoundException", restApiId="nope")
fails(rest.get_method, "NotFoundException", restApiId=id, resourceId=r["id"], httpMethod="PUT")
fails(rest.create_rest_api, "UnknownOperationException", "CloudFormation", name="x")
fails(rest.get_models, "UnknownOperationException", restApiId=id)
`, api.ID, helloURI, auth.ID)
}

// The commands that people look with.
func TestTheCommandLineReadsBothAPIs(t *testing.T) {
	t.Parallel()
	program := awstest.Program(t)
	s := openService(t, Config{Invoker: answer(`1`)})
	api, rest := newTestAPI(t, s, "GET /a"), newTestREST(t, s, RestAPIInput{}, "GET /b")
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	for _, c := range [][2]string{
		{"apigatewayv2 get-apis --query Items[].ApiId", api.APIID},
		{"apigatewayv2 get-routes --query Items[].RouteKey --api-id " + api.APIID, "GET /a"},
		{"apigatewayv2 get-integrations --query Items[].IntegrationUri --api-id " + api.APIID, hello},
		{"apigatewayv2 get-stages --query Items[].StageName --api-id " + api.APIID, "$default"},
		{"apigateway get-rest-apis --query items[].id", rest.ID},
		{"apigateway get-resources --query items[1].path --rest-api-id " + rest.ID, "/b"},
		{"apigateway get-stages --query item[].stageName --rest-api-id " + rest.ID, "prod"},
	} {
		cmd := awstest.Command(t, program, server.URL, append(strings.Fields(c[0]), "--output", "text")...)
		if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != c[1] {
			t.Errorf("aws %s: %v\n%s", c[0], err, out)
		}
	}
}
