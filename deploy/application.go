package deploy

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// Code says where the deployment package lies and for which processor it was built.
type Code struct {
	Bucket, Key string
	// GOARCH is amd64 or arm64.
	GOARCH string
}

// The outputs of an application's stack.
const (
	OutputAPI       = "ApiUrl"
	OutputDashboard = "DashboardUrl"
)

// Template is the application's stack: its functions, the role they share, the HTTP API in front
// of them, and what they import from the monitoring stack.
func Template(app *ephor.App, code Code) cfn.Template {
	t := cfn.Template{
		AWSTemplateFormatVersion: cfn.FormatVersion,
		Description:              app.Name() + ", an Ephor application",
		Resources:                map[string]cfn.Resource{"Role": executionRole()},
		Outputs:                  map[string]cfn.Output{},
	}
	monitoring, monitored := app.Monitoring()
	for _, f := range app.Functions() {
		r := function(f, code)
		if monitored {
			maps.Copy(environment(r), storeEnvironment(monitoring.Stack, f))
		}
		t.Resources[f.Name+"Function"] = r
	}
	if len(app.Routes()) > 0 {
		maps.Copy(t.Resources, api(app))
		t.Outputs[OutputAPI] = cfn.Output{Description: "Where the application answers", Value: cfn.GetAtt("Api", "ApiEndpoint")}
	}
	if monitored {
		t.Outputs[OutputDashboard] = cfn.Output{
			Description: "The dashboard",
			Value:       cfn.Join("", cfn.ImportValue(monitoring.Stack+"-GrafanaURL"), monitoring.Dashboards[0].Path()),
		}
	}
	return t
}

// executionRole lets a function do nothing but write its logs.
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
func executionRole() cfn.Resource {
	return cfn.Resource{Type: "AWS::IAM::Role", Properties: map[string]any{
		"AssumeRolePolicyDocument": map[string]any{
			"Version": "2012-10-17",
			"Statement": []any{map[string]any{
				"Effect":    "Allow",
				"Principal": map[string]any{"Service": "lambda.amazonaws.com"},
				"Action":    "sts:AssumeRole",
			}},
		},
		"ManagedPolicyArns": []any{cfn.Sub("arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")},
	}}
}

// function is the resource of f.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
func function(f *ephor.Function, code Code) cfn.Resource {
	variables := map[string]any{}
	for name, value := range f.Environment {
		variables[name] = value
	}
	p := map[string]any{
		"FunctionName":  cfn.Sub("${AWS::StackName}-" + f.Name),
		"Runtime":       "provided.al2023",
		"Handler":       f.Name,
		"Architectures": []any{architecture(code.GOARCH)},
		"Code":          map[string]any{"S3Bucket": code.Bucket, "S3Key": code.Key},
		"MemorySize":    cmp.Or(f.Memory, 128),
		"Timeout":       int(cmp.Or(f.Timeout, 3*time.Second) / time.Second),
		"Role":          cfn.GetAtt("Role", "Arn"),
		"Environment":   map[string]any{"Variables": variables},
	}
	if f.Concurrency > 0 {
		p["ReservedConcurrentExecutions"] = f.Concurrency
	}
	return cfn.Resource{Type: "AWS::Lambda::Function", Properties: p}
}

func architecture(goarch string) string {
	if goarch == "amd64" {
		return "x86_64"
	}
	return goarch
}

func environment(function cfn.Resource) map[string]any {
	return function.Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
}

// storeEnvironment tells a function's publisher where its store is. The address comes from the
// monitoring stack's exports, which ties the stacks together: while it is imported, the
// monitoring stack cannot be deleted. The secret is a dynamic reference, because exports are
// plain text.
func storeEnvironment(stack string, f *ephor.Function) map[string]any {
	env := map[string]any{
		"EPHOR_STORE_URL":      cfn.ImportValue(stack + "-StoreURL"),
		"EPHOR_STORE_DATABASE": cfn.ImportValue(stack + "-StoreDatabase"),
		"EPHOR_STORE_CA":       cfn.ImportValue(stack + "-StoreCA"),
		"EPHOR_STORE_TOKEN": cfn.Join("", "writer:{{resolve:secretsmanager:",
			cfn.ImportValue(stack+"-StoreSecret"), ":SecretString:password}}"),
	}
	if f.FlushEvery > 1 {
		env["EPHOR_FLUSH_EVERY"] = strconv.Itoa(f.FlushEvery)
	}
	return env
}

// api is the HTTP API with its routes, and for each function that has one the integration and
// the permission to be called by it.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func api(app *ephor.App) map[string]cfn.Resource {
	r := map[string]cfn.Resource{
		"Api": {Type: "AWS::ApiGatewayV2::Api", Properties: map[string]any{
			"Name":         cfn.Ref("AWS::StackName"),
			"ProtocolType": "HTTP",
		}},
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
		r[name+"Permission"] = cfn.Resource{Type: "AWS::Lambda::Permission", Properties: map[string]any{
			"FunctionName": cfn.Ref(name + "Function"),
			"Action":       "lambda:InvokeFunction",
			"Principal":    "apigateway.amazonaws.com",
			"SourceArn":    cfn.Sub("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"),
		}}
		r[routeID(route.Key())] = cfn.Resource{Type: "AWS::ApiGatewayV2::Route", Properties: map[string]any{
			"ApiId":    cfn.Ref("Api"),
			"RouteKey": route.Key(),
			"Target":   cfn.Join("/", "integrations", cfn.Ref(name+"Integration")),
		}}
	}
	return r
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
