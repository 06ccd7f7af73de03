package deploy

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// httpAPI is the HTTP API with its routes, and for each function that has one the integration and
// the permission to be called by it; address is where it answers.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func httpAPI(app *ephor.App, front ephor.API) (r map[string]cfn.Resource, address any) {
	api := map[string]any{"Name": cfn.Ref("AWS::StackName"), "ProtocolType": "HTTP"}
	if front.CORS != nil {
		api["CorsConfiguration"] = cors(front.CORS)
	}
	r = map[string]cfn.Resource{
		"Api": {Type: "AWS::ApiGatewayV2::Api", Properties: api},
		"ApiStage": {Type: "AWS::ApiGatewayV2::Stage", Properties: map[string]any{
			"ApiId":      cfn.Ref("Api"),
			"StageName":  "$default",
			"AutoDeploy": true,
		}},
	}
	for _, route := range app.Routes() {
		name := route.Function.Name
		r[name+"Integration"] = cfn.Resource{Type: "AWS::ApiGatewayV2::Integration", Properties: map[string]any{
			"ApiId":                cfn.Ref("Api"),
			"IntegrationType":      "AWS_PROXY",
			"IntegrationUri":       cfn.GetAtt(name+"Function", "Arn"),
			"PayloadFormatVersion": "2.0",
		}}
		r[name+"Permission"] = gatewayPermission(name)
		r[routeID(route.Key())] = cfn.Resource{Type: "AWS::ApiGatewayV2::Route", Properties: map[string]any{
			"ApiId":    cfn.Ref("Api"),
			"RouteKey": route.Key(),
			"Target":   cfn.Join("/", "integrations", cfn.Ref(name+"Integration")),
		}}
	}
	return r, cfn.GetAtt("Api", "ApiEndpoint")
}

func gatewayPermission(function string) cfn.Resource {
	return cfn.Resource{Type: "AWS::Lambda::Permission", Properties: map[string]any{
		"FunctionName": cfn.Ref(function + "Function"),
		"Action":       "lambda:InvokeFunction",
		"Principal":    "apigateway.amazonaws.com",
		"SourceArn":    cfn.Sub("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"),
	}}
}

// restAPI is the REST API with a resource for each part of a path, a method for each route, and a
// deployment of them, which has another name whenever they differ: a deployment never changes.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
func restAPI(app *ephor.App, front ephor.API) (r map[string]cfn.Resource, address any) {
	api := map[string]any{"Name": cfn.Ref("AWS::StackName")}
	if len(front.BinaryTypes) > 0 {
		var types []string
		for _, t := range front.BinaryTypes {
			types = append(types, strings.ReplaceAll(t, "/", "~1")) // which this property wants
		}
		api["BinaryMediaTypes"] = list(types)
	}
	r = map[string]cfn.Resource{"Api": {Type: "AWS::ApiGateway::RestApi", Properties: api}}
	methods := map[string]cfn.Resource{}
	verbs := map[string][]string{} // by path
	for _, route := range app.Routes() {
		r[route.Function.Name+"Permission"] = gatewayPermission(route.Function.Name)
		methods[routeID(route.Key())] = method(resources(r, route.Path), route)
		verbs[route.Path] = append(verbs[route.Path], route.Method)
	}
	if front.CORS != nil {
		for path, used := range verbs {
			if !slices.Contains(used, "OPTIONS") {
				methods[routeID("OPTIONS "+path)] = preflight(resources(r, path), front.CORS, used)
			}
		}
	}
	maps.Copy(r, methods)
	text, err := json.Marshal(methods)
	if err != nil {
		panic(err) // a template marshals always
	}
	deployment := fmt.Sprintf("ApiDeployment%x", sha256.Sum256(text))[:len("ApiDeployment")+10]
	r[deployment] = cfn.Resource{Type: "AWS::ApiGateway::Deployment", DependsOn: slices.Sorted(maps.Keys(methods)),
		Properties: map[string]any{"RestApiId": cfn.Ref("Api")}}
	r["ApiStage"] = cfn.Resource{Type: "AWS::ApiGateway::Stage", Properties: map[string]any{
		"RestApiId": cfn.Ref("Api"), "StageName": front.Stage, "DeploymentId": cfn.Ref(deployment),
	}}
	return r, cfn.Sub("https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/" + front.Stage)
}

// resources makes what a path needs and is not there yet, and tells the ID of its end.
func resources(r map[string]cfn.Resource, path string) any {
	var id any = cfn.GetAtt("Api", "RootResourceId")
	above := ""
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if part == "" {
			break // the root
		}
		above += "/" + part
		name := "Resource" + strings.TrimPrefix(routeID(above), "Route")
		r[name] = cfn.Resource{Type: "AWS::ApiGateway::Resource", Properties: map[string]any{
			"RestApiId": cfn.Ref("Api"), "ParentId": id, "PathPart": part,
		}}
		id = cfn.Ref(name)
	}
	return id
}

func method(resource any, route ephor.Route) cfn.Resource {
	return cfn.Resource{Type: "AWS::ApiGateway::Method", Properties: map[string]any{
		"RestApiId": cfn.Ref("Api"), "ResourceId": resource, "HttpMethod": route.Method, "AuthorizationType": "NONE",
		"Integration": map[string]any{
			"Type":                  "AWS_PROXY",
			"IntegrationHttpMethod": "POST",
			"Uri": cfn.Sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${" +
				route.Function.Name + "Function.Arn}/invocations"),
		},
	}}
}

// preflight answers what browsers ask before a request of another site's page.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-cors.html
func preflight(resource any, c *ephor.CORS, used []string) cfn.Resource {
	methods := c.Methods
	if len(methods) == 0 {
		methods = slices.Sorted(slices.Values(used))
		if slices.Contains(used, "ANY") {
			methods = []string{"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"}
		}
	}
	values := map[string]string{
		"Access-Control-Allow-Origin":  c.Origins[0],
		"Access-Control-Allow-Methods": strings.Join(methods, ","),
		"Access-Control-Allow-Headers": strings.Join(c.Headers, ","),
	}
	if c.Credentials {
		values["Access-Control-Allow-Credentials"] = "true"
	}
	if c.MaxAge > 0 {
		values["Access-Control-Max-Age"] = fmt.Sprint(int(c.MaxAge / time.Second))
	}
	declared, set := map[string]any{}, map[string]any{}
	for name, value := range values {
		if value != "" {
			declared["method.response.header."+name] = true
			set["method.response.header."+name] = "'" + value + "'"
		}
	}
	return cfn.Resource{Type: "AWS::ApiGateway::Method", Properties: map[string]any{
		"RestApiId": cfn.Ref("Api"), "ResourceId": resource, "HttpMethod": "OPTIONS", "AuthorizationType": "NONE",
		"Integration": map[string]any{
			"Type":                 "MOCK",
			"RequestTemplates":     map[string]any{"application/json": `{"statusCode": 204}`},
			"IntegrationResponses": []any{map[string]any{"StatusCode": "204", "ResponseParameters": set}},
		},
		"MethodResponses": []any{map[string]any{"StatusCode": "204", "ResponseParameters": declared}},
	}}
}

// functionURL is a function's own address and, where anybody may call, both permissions that this
// takes since October 2025.
//
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
func functionURL(f *ephor.Function) map[string]cfn.Resource {
	p := map[string]any{
		"TargetFunctionArn": cfn.GetAtt(f.Name+"Function", "Arn"),
		"AuthType":          "NONE",
		"InvokeMode":        "BUFFERED",
	}
	if f.URL.Stream {
		p["InvokeMode"] = "RESPONSE_STREAM"
	}
	if f.URL.CORS != nil {
		p["Cors"] = cors(f.URL.CORS)
	}
	r := map[string]cfn.Resource{f.Name + "Url": {Type: "AWS::Lambda::Url", Properties: p}}
	if f.URL.IAM {
		p["AuthType"] = "AWS_IAM"
		return r
	}
	r[f.Name+"UrlAccess"] = cfn.Resource{Type: "AWS::Lambda::Permission", Properties: map[string]any{
		"FunctionName": cfn.Ref(f.Name + "Function"), "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE",
	}}
	r[f.Name+"UrlInvoke"] = cfn.Resource{Type: "AWS::Lambda::Permission", Properties: map[string]any{
		"FunctionName": cfn.Ref(f.Name + "Function"), "Action": "lambda:InvokeFunction", "Principal": "*", "InvokedViaFunctionUrl": true,
	}}
	return r
}

// cors is the configuration of an HTTP API or a function URL. Both spell all methods "*", which
// goes with credentials in neither: then they are named.
func cors(c *ephor.CORS) map[string]any {
	p := map[string]any{"AllowOrigins": list(c.Origins), "AllowMethods": list(c.Methods)}
	if len(c.Methods) == 0 {
		p["AllowMethods"] = []any{"*"}
	}
	if len(c.Headers) > 0 {
		p["AllowHeaders"] = list(c.Headers)
	}
	if len(c.Expose) > 0 {
		p["ExposeHeaders"] = list(c.Expose)
	}
	if c.Credentials {
		p["AllowCredentials"] = true
	}
	if c.MaxAge > 0 {
		p["MaxAge"] = int(c.MaxAge / time.Second)
	}
	return p
}

func list(values []string) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// routeID is a logical ID for a route. It must not change when routes are added or reordered,
// and two routes must not share one: what is no letter or digit becomes Z and its code in hex.
// A key too long for the 255 characters of an ID is told by its hash.
func routeID(key string) string {
	if len(key) > 80 {
		return fmt.Sprintf("RouteZ%x", sha256.Sum256([]byte(key)))
	}
	var b strings.Builder
	b.WriteString("Route")
	for _, c := range []byte(key) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c < 'Z', c >= '0' && c <= '9':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "Z%02x", c)
		}
	}
	return b.String()
}
