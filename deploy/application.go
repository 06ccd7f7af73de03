package deploy

import (
	"cmp"
	"maps"
	"strconv"
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

// OutputURL is the output with the URL of a function's own.
func OutputURL(function string) string { return function + "Url" }

// Template is the application's stack: its functions, the role they share, the API in front of
// them, and what they import from the monitoring stack.
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
		if f.URL != nil {
			maps.Copy(t.Resources, functionURL(f))
			t.Outputs[OutputURL(f.Name)] = cfn.Output{Description: "Where " + f.Name + " answers", Value: cfn.GetAtt(f.Name+"Url", "FunctionUrl")}
		}
	}
	if front := app.Front(); len(app.Routes()) > 0 {
		resources, address := httpAPI(app, front)
		if front.REST {
			resources, address = restAPI(app, front)
		}
		maps.Copy(t.Resources, resources)
		t.Outputs[OutputAPI] = cfn.Output{Description: "Where the application answers", Value: address}
	}
	sources(app, t)
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
