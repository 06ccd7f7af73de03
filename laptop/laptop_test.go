package laptop

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// start starts a laptop that ends with the test.
func start(t *testing.T, c Config) *Laptop {
	t.Helper()
	l, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, l) })
	return l
}

func stop(t *testing.T, l *Laptop) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		t.Error(err)
	}
}

func client(l *Laptop) *cloudformation.Client {
	endpoint := l.Addresses().Endpoint
	return cloudformation.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")})
}

// every is a template with a resource of every type that needs no code, each in use by another.
const every = `{
  "Parameters": {"Description": {"Type": "String", "Default": "one"}},
  "Resources": {
    "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {
      "BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
      "PublicAccessBlockConfiguration": {"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true},
      "LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpirationInDays": "14", "NoncurrentVersionExpiration": {"NoncurrentDays": 7}}]},
      "Tags": [{"Key": "what", "Value": {"Ref": "Description"}}]}},
    "BucketPolicy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Version": "2012-10-17", "Id": {"Ref": "Description"},
      "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": {"Fn::Sub": "${Bucket.Arn}/*"}, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}}},
    "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7, "Tags": [{"Key": "what", "Value": {"Ref": "Description"}}]}},
    "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Description": {"Ref": "Description"},
      "GenerateSecretString": {"SecretStringTemplate": "{\"username\":\"u\"}", "GenerateStringKey": "password", "PasswordLength": 20}}},
    "Role": {"Type": "AWS::IAM::Role", "Properties": {"Description": {"Ref": "Description"},
      "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]},
      "Policies": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": {"Fn::GetAtt": ["Bucket", "Arn"]}}]}}]}},
    "Profile": {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "Role"}]}},
    "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "g",
      "SecurityGroupIngress": [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "10.0.0.0/8", "Description": {"Ref": "Description"}}]}},
    "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
    "Association": {"Type": "AWS::EC2::EIPAssociation", "Properties": {"AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]}, "InstanceId": {"Ref": "Host"}}},
    "Dead": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": true}},
    "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": true, "ContentBasedDeduplication": "true", "VisibilityTimeout": "60", "Tags": [{"Key": "what", "Value": {"Ref": "Description"}}],
      "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3}}},
    "QueuePolicy": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {"Version": "2012-10-17", "Id": {"Ref": "Description"},
      "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Queue", "Arn"]}}]}}},
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
    "Host": {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": "ami-1", "IamInstanceProfile": {"Ref": "Profile"},
      "SecurityGroupIds": [{"Fn::GetAtt": ["Group", "GroupId"]}],
      "UserData": {"Fn::Base64": {"Fn::Sub": "#!/bin/sh\nEPHOR_SIGNAL='${Handle}'\n"}}}},
    "Ready": {"Type": "AWS::CloudFormation::WaitCondition", "DependsOn": "Host", "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "60"}},
    "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "a", "ProtocolType": "HTTP", "Description": {"Ref": "Description"},
      "CorsConfiguration": {"AllowOrigins": ["https://shop.example"], "AllowMethods": ["*"], "MaxAge": 60}}},
    "Authorizer": {"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": {"ApiId": {"Ref": "Api"}, "Name": {"Ref": "Description"}, "AuthorizerType": "REQUEST",
      "AuthorizerUri": "arn:aws:lambda:us-east-1:000000000000:function:none", "AuthorizerPayloadFormatVersion": "2.0", "EnableSimpleResponses": true,
      "IdentitySource": ["$request.header.Authorization"]}},
    "Jwt": {"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": {"ApiId": {"Ref": "Api"}, "Name": {"Ref": "Description"}, "AuthorizerType": "JWT",
      "IdentitySource": ["$request.header.Authorization"], "JwtConfiguration": {"Audience": ["me"], "Issuer": "http://127.0.0.1:1"}}},
    "JwtRoute": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "GET /jwt", "OperationName": {"Ref": "Description"},
      "AuthorizationType": "JWT", "AuthorizerId": {"Ref": "Jwt"}, "AuthorizationScopes": ["read"], "Target": {"Fn::Sub": "integrations/${Integration}"}}},
    "RestAuthorizer": {"Type": "AWS::ApiGateway::Authorizer", "Properties": {"RestApiId": {"Ref": "Rest"}, "Name": {"Ref": "Description"}, "Type": "TOKEN",
      "AuthorizerUri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:none/invocations",
      "IdentitySource": "method.request.header.Authorization", "IdentityValidationExpression": ".+", "AuthorizerResultTtlInSeconds": 0}},
    "GuardedMethod": {"Type": "AWS::ApiGateway::Method", "Properties": {"RestApiId": {"Ref": "Rest"}, "ResourceId": {"Ref": "RestResource"}, "HttpMethod": "POST",
      "AuthorizationType": "CUSTOM", "AuthorizerId": {"Ref": "RestAuthorizer"}, "Integration": {"Type": "MOCK", "RequestTemplates": {"application/json": "{ statusCode: 200 }"},
        "IntegrationResponses": [{"StatusCode": "200"}]}, "MethodResponses": [{"StatusCode": "200"}]}},
    "Rest": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "r", "Description": {"Ref": "Description"}, "BinaryMediaTypes": ["image~1png"],
      "EndpointConfiguration": {"Types": ["REGIONAL"]}}},
    "RestAccount": {"Type": "AWS::ApiGateway::Account", "Properties": {"CloudWatchRoleArn": {"Fn::GetAtt": ["Role", "Arn"]}}},
    "RestResource": {"Type": "AWS::ApiGateway::Resource", "Properties": {"RestApiId": {"Ref": "Rest"}, "ParentId": {"Fn::GetAtt": ["Rest", "RootResourceId"]}, "PathPart": "{id}"}},
    "RestMethod": {"Type": "AWS::ApiGateway::Method", "Properties": {"RestApiId": {"Ref": "Rest"}, "ResourceId": {"Ref": "RestResource"}, "HttpMethod": "GET",
      "AuthorizationType": "NONE", "OperationName": {"Ref": "Description"}, "Integration": {"Type": "MOCK", "RequestTemplates": {"application/json": "{ statusCode: 200 }"},
        "IntegrationResponses": [{"StatusCode": "200", "ResponseParameters": {"method.response.header.X-A": "'a'"}, "ResponseTemplates": {"application/json": "mocked"}}]},
      "MethodResponses": [{"StatusCode": "200", "ResponseParameters": {"method.response.header.X-A": true}}]}},
    "RestDeployment": {"Type": "AWS::ApiGateway::Deployment", "DependsOn": ["RestMethod", "GuardedMethod"], "Properties": {"RestApiId": {"Ref": "Rest"}}},
    "RestStage": {"Type": "AWS::ApiGateway::Stage", "Properties": {"RestApiId": {"Ref": "Rest"}, "StageName": "prod", "DeploymentId": {"Ref": "RestDeployment"},
      "Description": {"Ref": "Description"}, "MethodSettings": [{"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 100}]}},
    "Integration": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": {"ApiId": {"Ref": "Api"}, "IntegrationType": "AWS_PROXY",
      "IntegrationUri": "arn:aws:lambda:us-east-1:000000000000:function:none", "PayloadFormatVersion": "2.0", "Description": {"Ref": "Description"}}},
    "Route": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "GET /", "OperationName": {"Ref": "Description"},
      "AuthorizationType": "CUSTOM", "AuthorizerId": {"Ref": "Authorizer"}, "Target": {"Fn::Sub": "integrations/${Integration}"}}},
    "Deployment": {"Type": "AWS::ApiGatewayV2::Deployment", "DependsOn": ["Route", "JwtRoute"], "Properties": {"ApiId": {"Ref": "Api"}, "Description": {"Ref": "Description"}}},
    "Stage": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "$default", "DeploymentId": {"Ref": "Deployment"}}}
  },
  "Outputs": {
    "Api": {"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}},
    "Rest": {"Value": {"Fn::Sub": "https://${Rest}.execute-api.${AWS::Region}.${AWS::URLSuffix}/prod/7"}},
    "Store": {"Value": {"Fn::GetAtt": ["Ready", "Data"]}, "Export": {"Name": "store"}},
    "Log": {"Value": {"Fn::GetAtt": ["Log", "Arn"]}},
    "Queue": {"Value": {"Ref": "Queue"}},
    "Address": {"Value": {"Ref": "Address"}}
  }
}`

// ready is the signal of the host above.
func ready(userData, storeURL, _ string) (string, []byte, error) {
	script, err := base64.StdEncoding.DecodeString(userData)
	if err != nil {
		return "", nil, err
	}
	_, rest, ok := strings.Cut(string(script), "EPHOR_SIGNAL='")
	if !ok {
		return "", nil, errors.New("no signal")
	}
	target, _, _ := strings.Cut(rest, "'")
	return target, []byte(`{"Status":"SUCCESS","UniqueId":"u","Data":"` + storeURL + `","Reason":"r"}`), nil
}

// life is a stack's.
type life struct {
	t      *testing.T
	client *cloudformation.Client
	id     string
}

func (tc *life) becomes(want types.StackStatus) map[string]string {
	tc.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		out, err := tc.client.DescribeStacks(tc.t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(tc.id)})
		if err != nil {
			tc.t.Fatal(err)
		}
		s := out.Stacks[0]
		if s.StackStatus == want {
			m := map[string]string{}
			for _, o := range s.Outputs {
				m[*o.OutputKey] = *o.OutputValue
			}
			return m
		}
		if time.Now().After(deadline) || strings.Contains(string(s.StackStatus), "ROLLBACK") || strings.Contains(string(s.StackStatus), "FAILED") {
			tc.t.Fatalf("the stack is %s (%s), want %s", s.StackStatus, aws.ToString(s.StackStatusReason), want)
		}
	}
}

// Every type is made, changed, found again by another laptop on the same state, and deleted.
func TestEveryResourceType(t *testing.T) {
	t.Parallel()
	c := Config{Dir: t.TempDir(), HostReady: ready, Page: func(store string) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page over "+store) }), nil
	}}
	l, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	tc := &life{t: t, client: client(l)}
	created, err := tc.client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("every"),
		TemplateBody: aws.String(every), Capabilities: []types.Capability{types.CapabilityCapabilityIam}})
	if err != nil {
		t.Fatal(err)
	}
	tc.id = *created.StackId
	o := tc.becomes(types.StackStatusCreateComplete)
	if o["Store"] != `{"u":"`+l.Addresses().Store+`"}` || o["Address"] != "127.0.0.1" ||
		!strings.HasPrefix(o["Log"], "arn:aws:logs:us-east-1:000000000000:log-group:every-Log-") || !strings.HasSuffix(o["Log"], ":*") {
		t.Errorf("outputs: %v", o)
	}
	if got := get(t, l.Addresses().Page); got != "page over "+l.Addresses().Store {
		t.Errorf("the page says %q", got)
	}
	if got := get(t, o["Api"]); !strings.Contains(got, "Unauthorized") { // it has an authorizer
		t.Errorf("the API says %q", got)
	}
	if got := get(t, o["Api"]+"/jwt"); !strings.Contains(got, "Unauthorized") {
		t.Errorf("the API says %q to what brings no token", got)
	}
	if got := get(t, o["Rest"]); got != "mocked" {
		t.Errorf("the REST API at %s says %q", o["Rest"], got)
	}
	if response, err := http.Post(o["Rest"], "", nil); err != nil || response.StatusCode != http.StatusUnauthorized {
		t.Errorf("the REST API's guarded method: %v, %v", response, err)
	} else {
		response.Body.Close()
	}
	update := func(tc *life, description string) {
		t.Helper()
		if _, err := tc.client.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{StackName: aws.String("every"), UsePreviousTemplate: aws.Bool(true),
			Parameters:   []types.Parameter{{ParameterKey: aws.String("Description"), ParameterValue: &description}},
			Capabilities: []types.Capability{types.CapabilityCapabilityIam}}); err != nil {
			t.Fatal(err)
		}
		tc.becomes(types.StackStatusUpdateComplete)
	}
	update(tc, "two")
	stop(t, l)

	// On other ports: what is told of its own addresses is told anew.
	second := start(t, c)
	tc = &life{t: t, client: client(second), id: tc.id}
	o = tc.becomes(types.StackStatusUpdateComplete)
	if !strings.HasPrefix(o["Queue"], second.Addresses().Endpoint+"/000000000000/every-Queue-") || !strings.HasSuffix(o["Queue"], ".fifo") {
		t.Errorf("the queue's URL of the second start is %s", o["Queue"])
	}
	if o["Store"] != `{"u":"`+second.Addresses().Store+`"}` || second.Addresses().Store == l.Addresses().Store {
		t.Errorf("outputs of the second start: %v", o)
	}
	update(tc, "three")
	if got := get(t, tc.becomes(types.StackStatusUpdateComplete)["Rest"]); got != "mocked" {
		t.Errorf("the REST API of the second start says %q", got)
	}
	if _, err := tc.client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("every")}); err != nil {
		t.Fatal(err)
	}
	tc.becomes(types.StackStatusDeleteComplete)
	if got := get(t, second.Addresses().Page); !strings.Contains(got, "no monitoring host") {
		t.Errorf("after the deletion the page says %q", got)
	}
	if _, err := os.Stat(filepath.Join(c.Dir, "store")); !os.IsNotExist(err) {
		t.Errorf("the metrics are still there (%v)", err)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestPorts(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	n := portOf(taken)
	moved := make(chan PortMoved, 1)
	l := start(t, Config{Dir: t.TempDir(), Ports: Ports{Page: Port{Number: n}}, Events: func(e Event) {
		if e, ok := e.(PortMoved); ok {
			moved <- e
		}
	}})
	if m := <-moved; m.Name != "page" || m.Wanted != n || m.Got <= n || !strings.HasSuffix(l.Addresses().Page, ":"+strconv.Itoa(m.Got)) {
		t.Errorf("moved: %+v, %+v", m, l.Addresses())
	}
	for _, p := range []Ports{{Page: Port{n, true}}, {Store: Port{n, true}}, {Endpoint: Port{n, true}}, {Gateway: Port{n, true}}} {
		_, err := Start(t.Context(), Config{Dir: t.TempDir(), Ports: p})
		var e *PortTakenError
		if !errors.As(err, &e) || e.Number != n {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestEndpointRoutesBySignature(t *testing.T) {
	t.Parallel()
	service := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
	}
	e := &endpoint{}
	f := func(target, authorization, want string) {
		t.Helper()
		r := httptest.NewRequest("GET", target, nil)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if got := w.Body.String(); !strings.Contains(got, want) {
			t.Errorf("%s with %q: %d %s, want %s", target, authorization, w.Code, got, want)
		}
	}
	scope := func(service string) string {
		return "AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=00"
	}
	f("/b/k", scope("s3"), "the laptop is starting")
	e.services.Store(&map[string]http.Handler{"s3": service("s3"), "lambda": service("lambda"), signals: service("signal")})
	f("/b/k", scope("s3"), "s3")
	f("/", scope("lambda"), "lambda")
	f("/", scope("neptune"), "the laptop has no service neptune")
	f("/b/k?X-Amz-Credential=AKID%2F20261122%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=00", "", "s3")
	f("/x?X-Amz-Signature=00", "", "signal")
	f("/", "", "MissingAuthenticationToken")
	f("/", "Basic dTpw", "MissingAuthenticationToken")
	f("/", "AWS4-HMAC-SHA256 Credential=nonsense, Signature=00", "MissingAuthenticationToken")
	f("/?X-Amz-Credential=AKID%2F20261122%2Fus-east-1%2Fs3%2Faws4_request", "", "MissingAuthenticationToken")
}
