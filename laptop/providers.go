package laptop

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/ephor-io/ephor/cfn/eval"
	"github.com/ephor-io/ephor/laptop/apigateway"
	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/ec2"
	"github.com/ephor-io/ephor/laptop/eventbridge"
	"github.com/ephor-io/ephor/laptop/iam"
	"github.com/ephor-io/ephor/laptop/lambda"
	"github.com/ephor-io/ephor/laptop/logs"
	"github.com/ephor-io/ephor/laptop/s3"
	"github.com/ephor-io/ephor/laptop/scheduler"
	"github.com/ephor-io/ephor/laptop/secretsmanager"
	"github.com/ephor-io/ephor/laptop/sns"
	"github.com/ephor-io/ephor/laptop/sqs"
	"github.com/ephor-io/ephor/laptop/ssm"
)

// services are what resources are made of.
type services struct {
	objects  *s3.Service
	roles    *iam.Service
	secrets  *secretsmanager.Service
	store    *ssm.Service
	machines *ec2.Service
	lambda   *lambda.Service
	gateway  *apigateway.Service
	logs     *logs.Service
	queues   *sqs.Service
	topics   *sns.Service
	events   *eventbridge.Service
	times    *scheduler.Service
}

// providers are the resource types that a stack on the laptop can have, beside CloudFormation's
// own. Any other fails the stack by name.
func providers(s services, region string) map[string]cloudformation.Provider {
	return map[string]cloudformation.Provider{
		"AWS::ApiGateway::Account":            gatewayAccount(s.gateway),
		"AWS::ApiGateway::Authorizer":         restAuthorizers(s.gateway),
		"AWS::ApiGateway::Deployment":         restDeployments(s.gateway),
		"AWS::ApiGateway::Method":             restMethods(s.gateway),
		"AWS::ApiGateway::Resource":           restResources(s.gateway),
		"AWS::ApiGateway::RestApi":            restAPIs(s.gateway),
		"AWS::ApiGateway::Stage":              restStages(s.gateway),
		"AWS::ApiGatewayV2::Api":              apis(s.gateway),
		"AWS::ApiGatewayV2::Authorizer":       authorizers(s.gateway),
		"AWS::ApiGatewayV2::Deployment":       deployments(s.gateway),
		"AWS::ApiGatewayV2::Integration":      integrations(s.gateway),
		"AWS::ApiGatewayV2::Route":            routes(s.gateway),
		"AWS::ApiGatewayV2::Stage":            stages(s.gateway),
		"AWS::EC2::EIP":                       addresses(s.machines),
		"AWS::EC2::EIPAssociation":            addressAssociations(s.machines),
		"AWS::EC2::Instance":                  instances(s.machines),
		"AWS::EC2::SecurityGroup":             securityGroups(s.machines),
		"AWS::EC2::Volume":                    volumes(s.machines),
		"AWS::Events::EventBus":               eventBuses(s.events),
		"AWS::Events::Rule":                   rules(s.events),
		"AWS::IAM::InstanceProfile":           instanceProfiles(s.roles),
		"AWS::IAM::Role":                      roles(s.roles),
		"AWS::Lambda::Alias":                  aliases(s.lambda),
		"AWS::Lambda::EventInvokeConfig":      eventInvokeConfigs(s.lambda),
		"AWS::Lambda::EventSourceMapping":     eventSources(s.lambda),
		"AWS::Lambda::Function":               functions(s.lambda),
		"AWS::Lambda::LayerVersion":           layerVersions(s.lambda),
		"AWS::Lambda::LayerVersionPermission": layerVersionPermissions(s.lambda),
		"AWS::Lambda::Permission":             permissions(s.lambda),
		"AWS::Lambda::Url":                    functionURLs(s.lambda),
		"AWS::Lambda::Version":                versions(s.lambda),
		"AWS::Logs::LogGroup":                 logGroups(s.logs),
		"AWS::S3::Bucket":                     buckets(s.objects, region),
		"AWS::S3::BucketPolicy":               bucketPolicies(s.objects),
		"AWS::Scheduler::Schedule":            schedules(s.times),
		"AWS::SecretsManager::Secret":         secrets(s.secrets),
		"AWS::SNS::Subscription":              subscriptions(s.topics),
		"AWS::SNS::Topic":                     topics(s.topics),
		"AWS::SNS::TopicPolicy":               topicPolicies(s.topics),
		"AWS::SQS::Queue":                     queues(s.queues),
		"AWS::SQS::QueuePolicy":               queuePolicies(s.queues),
		"AWS::SSM::Parameter":                 parameters(s.store),
	}
}

// invoker lets API Gateway call functions.
type invoker struct{ lambda *lambda.Service }

func (i invoker) Invoke(ctx context.Context, c apigateway.Call) (apigateway.Result, error) {
	out, err := i.lambda.Invoke(ctx, invocation(c))
	return apigateway.Result{Payload: out.Payload, FunctionError: out.FunctionError}, err
}

func (i invoker) InvokeStream(ctx context.Context, c apigateway.Call, to apigateway.Stream) (apigateway.Result, error) {
	out, err := i.lambda.InvokeStream(ctx, invocation(c), stream{to})
	return apigateway.Result{Payload: out.Payload, FunctionError: out.FunctionError}, err
}

func invocation(c apigateway.Call) lambda.InvokeInput {
	return lambda.InvokeInput{Function: c.Function, Payload: c.Payload, Principal: c.Principal, SourceARN: c.SourceARN,
		URLAuthType: c.URLAuthType, TraceID: c.TraceID, TenantID: c.Tenant}
}

// stream lets Lambda hand an answer to API Gateway as it comes.
type stream struct{ apigateway.Stream }

func (s stream) Start(head lambda.StreamHead) { s.Stream.Start(head.ContentType) }

// openURL serves a function URL as Lambda has it.
func openURL(gateway *apigateway.Service, u lambda.FunctionURL) error {
	return gateway.OpenURL(apigateway.FunctionURL{ID: u.ID, Function: u.ARN, AuthType: u.AuthType, InvokeMode: u.InvokeMode, CORS: (*apigateway.CORS)(u.CORS)})
}

// templates lets CloudFormation read templates from S3.
type templates struct{ objects *s3.Service }

// Template reads https://s3.REGION.amazonaws.com/BUCKET/KEY and https://BUCKET.s3.REGION.amazonaws.com/KEY,
// whatever the host behind s3 is.
func (t templates) Template(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("template URL %q: %w", address, err)
	}
	key := strings.TrimPrefix(u.Path, "/")
	bucket, _, virtual := strings.Cut(u.Hostname(), ".s3.")
	if !virtual {
		bucket, key, _ = strings.Cut(key, "/")
	}
	return t.objects.GetObject(ctx, bucket, key, u.Query().Get("versionId"))
}

// secretReader resolves dynamic references to Secrets Manager.
type secretReader struct{ secrets *secretsmanager.Service }

func (s secretReader) Secret(_ context.Context, id, stage, version string) (string, error) {
	return s.secrets.Text(id, version, stage)
}

// parameterReader tells CloudFormation the parameters of Systems Manager: those that are kept here, and
// those that AWS's partners publish in every region, as far as templates name images by them. An image
// boots nothing here, so one ID stands for all.
type parameterReader struct{ store *ssm.Service }

func (r parameterReader) Parameter(_ context.Context, name string) (string, error) {
	if strings.HasPrefix(name, "/aws/service/debian/release/") || strings.HasPrefix(name, "/aws/service/ami-amazon-linux-latest/") {
		return "ami-00000000000000000", nil
	}
	name, version, _ := strings.Cut(name, ":")
	p, err := r.store.GetParameter(name)
	if err != nil {
		return "", eval.ErrNotFound
	}
	if version != "" && version != strconv.FormatInt(p.Version, 10) {
		return "", fmt.Errorf("of %s there is version %d alone, not %s: earlier ones are not kept on this machine", name, p.Version, version)
	}
	return p.Value, nil
}
