package laptop

import (
	"context"
	"slices"
	"time"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/lambda"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
type functionProperties struct {
	FunctionName  string
	Runtime       string
	Handler       string
	Role          string
	Description   string
	PackageType   string
	Architectures []string
	Code          struct{ S3Bucket, S3Key, S3ObjectVersion string }
	MemorySize    int
	Timeout       int
	Environment   struct{ Variables map[string]string }
	Tags          tags
	Layers        []string

	EphemeralStorage struct{ Size int }
	LoggingConfig    struct{ LogFormat, ApplicationLogLevel, SystemLogLevel, LogGroup string }
	TracingConfig    struct{ Mode string }

	CapacityProviderConfig *struct {
		LambdaManagedInstancesCapacityProviderConfig struct {
			CapacityProviderArn                   string
			PerExecutionEnvironmentMaxConcurrency int
			ExecutionEnvironmentMemoryGiBPerVCpu  float64
		}
	}

	TenancyConfig *struct{ TenantIsolationMode string }

	ReservedConcurrentExecutions *int
}

func (p functionProperties) input(r cloudformation.Request) lambda.FunctionInput {
	in := lambda.FunctionInput{
		Name: p.name(r), Runtime: p.Runtime, Handler: p.Handler, Role: p.Role, Description: p.Description,
		MemorySize: p.MemorySize, Timeout: time.Duration(p.Timeout) * time.Second,
		Environment: p.Environment.Variables, Tags: withToken(r, p.Tags.toMap()), ReservedConcurrency: p.ReservedConcurrentExecutions,
		Layers: p.Layers, EphemeralStorage: p.EphemeralStorage.Size, LogGroup: p.LoggingConfig.LogGroup,
		Logging: lambda.Logging{Format: p.LoggingConfig.LogFormat, ApplicationLevel: p.LoggingConfig.ApplicationLogLevel, SystemLevel: p.LoggingConfig.SystemLogLevel},
		Code:    lambda.Code{S3Bucket: p.Code.S3Bucket, S3Key: p.Code.S3Key, S3ObjectVersion: p.Code.S3ObjectVersion},
	}
	if c := p.CapacityProviderConfig; c != nil {
		m := c.LambdaManagedInstancesCapacityProviderConfig
		in.ManagedInstances = &lambda.ManagedInstances{CapacityProviderARN: m.CapacityProviderArn,
			MaxConcurrency: m.PerExecutionEnvironmentMaxConcurrency, MemoryGiBPerVCPU: m.ExecutionEnvironmentMemoryGiBPerVCpu}
	}
	if p.TenancyConfig != nil {
		in.TenantIsolationMode = p.TenancyConfig.TenantIsolationMode
	}
	if len(p.Architectures) > 0 {
		in.Architecture = p.Architectures[0]
	}
	return in
}

func (p functionProperties) name(r cloudformation.Request) string {
	return physical(r, p.FunctionName, 64, asItIs)
}

// check refuses values of properties that are there for what is so anyway.
func (p functionProperties) check() error {
	bad := func(property, value, remedy string) error {
		return awsproto.Errorf("InvalidParameterValueException", "%s %s: %s", property, value, remedy)
	}
	switch {
	case p.PackageType != "" && p.PackageType != "Zip":
		return bad("PackageType", p.PackageType, "the laptop runs functions from zip archives only")
	case p.TracingConfig.Mode != "" && p.TracingConfig.Mode != "PassThrough":
		return bad("TracingConfig.Mode", p.TracingConfig.Mode, "the laptop has no X-Ray: PassThrough")
	case p.TenancyConfig != nil && p.TenancyConfig.TenantIsolationMode == "":
		return bad("TenancyConfig.TenantIsolationMode", "is missing", lambda.PerTenant)
	}
	return nil
}

func functions(service *lambda.Service) cloudformation.Provider {
	made := func(f lambda.Function, err error) (cloudformation.Resource, error) {
		return made(f.Name, map[string]any{"Arn": f.ARN}, err)
	}
	return resource[functionProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"FunctionName", "Runtime", "Handler", "Role", "Description", "PackageType", "Architectures",
				"Code", "MemorySize", "Timeout", "Environment", "Tags", "ReservedConcurrentExecutions",
				"Layers", "EphemeralStorage", "LoggingConfig", "TracingConfig", "CapacityProviderConfig", "TenancyConfig"},
			Required:   []string{"Code", "Role"},
			CreateOnly: []string{"FunctionName", "PackageType", "TenancyConfig"},
			Attributes: []string{"Arn"},
		},
		find: func(r cloudformation.Request, p functionProperties) (cloudformation.Resource, string, bool) {
			f, err := service.Function(p.name(r))
			got, _ := made(f, nil)
			return got, f.Tags[tokenTag], err == nil
		},
		create: func(ctx context.Context, r cloudformation.Request, p functionProperties) (cloudformation.Resource, error) {
			if err := p.check(); err != nil {
				return cloudformation.Resource{}, err
			}
			return made(service.CreateFunction(ctx, p.input(r)))
		},
		update: func(ctx context.Context, r cloudformation.Request, p functionProperties) (cloudformation.Resource, error) {
			if err := p.check(); err != nil {
				return cloudformation.Resource{}, err
			}
			in := p.input(r)
			// The code of an unchanged property is in place, and fetching it again would be in vain.
			if same(r, "Code") {
				in.Code = lambda.Code{}
			}
			return made(service.UpdateFunction(ctx, r.PhysicalID, in))
		},
		remove: func(ctx context.Context, r cloudformation.Request, _ functionProperties) error {
			return service.DeleteFunction(ctx, r.PhysicalID)
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-permission.html
type permissionProperties struct {
	FunctionName  string
	Action        string
	Principal     string
	SourceArn     string
	SourceAccount string

	FunctionUrlAuthType   string
	InvokedViaFunctionUrl bool
}

func permissions(service *lambda.Service) cloudformation.Provider {
	// A statement's ID is made of the token, so what has it is the resource.
	id := func(r cloudformation.Request) string { return r.PhysicalName(100) }
	made := func(r cloudformation.Request, err error) (cloudformation.Resource, error) {
		return made(id(r), map[string]any{"Id": id(r)}, err)
	}
	return resource[permissionProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"FunctionName", "Action", "Principal", "SourceArn", "SourceAccount", "FunctionUrlAuthType", "InvokedViaFunctionUrl"},
			Required:   []string{"FunctionName", "Action", "Principal"},
			CreateOnly: []string{"FunctionName", "Action", "Principal", "SourceArn", "SourceAccount", "FunctionUrlAuthType", "InvokedViaFunctionUrl"},
			Attributes: []string{"Id"},
		},
		find: func(r cloudformation.Request, p permissionProperties) (cloudformation.Resource, string, bool) {
			policy, _, err := service.Policy(p.FunctionName)
			there := err == nil && slices.ContainsFunc(policy, func(s lambda.Permission) bool { return s.StatementID == id(r) })
			got, _ := made(r, nil)
			return got, r.Token, there
		},
		create: func(_ context.Context, r cloudformation.Request, p permissionProperties) (cloudformation.Resource, error) {
			return made(r, service.AddPermission(p.FunctionName, lambda.Permission{
				StatementID: id(r), Action: p.Action, Principal: p.Principal, SourceARN: p.SourceArn, SourceAccount: p.SourceAccount,
				URLAuthType: p.FunctionUrlAuthType, ViaURL: p.InvokedViaFunctionUrl,
			}))
		},
		remove: func(_ context.Context, r cloudformation.Request, p permissionProperties) error {
			return service.RemovePermission(p.FunctionName, id(r))
		},
	}
}
