package lambda

// configuration is FunctionConfiguration of the API. See
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
type configuration struct {
	FunctionName     string
	FunctionArn      string
	Runtime          string
	Role             string
	Handler          string
	CodeSize         int64
	Description      string
	Timeout          int // seconds
	MemorySize       int
	LastModified     string
	CodeSha256       string
	Version          string
	RevisionId       string
	State            string
	LastUpdateStatus string
	PackageType      string
	Architectures    []string
	Environment      *variables        `json:",omitempty"`
	Layers           []layerOfFunction `json:",omitempty"`
	TracingConfig    struct{ Mode string }

	CapacityProviderConfig *capacityProvider `json:",omitempty"`
	TenancyConfig          *tenancy          `json:",omitempty"`

	EphemeralStorage struct{ Size int }

	SnapStart     struct{ ApplyOn, OptimizationStatus string }
	LoggingConfig loggingAnswer
}

// tenancy is https://docs.aws.amazon.com/lambda/latest/api/API_TenancyConfig.html
type tenancy struct{ TenantIsolationMode string }

// capacityProvider is https://docs.aws.amazon.com/lambda/latest/api/API_CapacityProviderConfig.html
type capacityProvider struct {
	LambdaManagedInstancesCapacityProviderConfig struct {
		CapacityProviderArn                   string
		PerExecutionEnvironmentMaxConcurrency int     `json:",omitempty"`
		ExecutionEnvironmentMemoryGiBPerVCpu  float64 `json:",omitempty"`
	}
}

func (c *capacityProvider) managedInstances() *ManagedInstances {
	m := c.LambdaManagedInstancesCapacityProviderConfig
	return &ManagedInstances{CapacityProviderARN: m.CapacityProviderArn, MaxConcurrency: m.PerExecutionEnvironmentMaxConcurrency,
		MemoryGiBPerVCPU: m.ExecutionEnvironmentMemoryGiBPerVCpu}
}

func describeCapacityProvider(m *ManagedInstances) *capacityProvider {
	if m == nil {
		return nil
	}
	c := &capacityProvider{}
	c.LambdaManagedInstancesCapacityProviderConfig.CapacityProviderArn = m.CapacityProviderARN
	c.LambdaManagedInstancesCapacityProviderConfig.PerExecutionEnvironmentMaxConcurrency = m.MaxConcurrency
	c.LambdaManagedInstancesCapacityProviderConfig.ExecutionEnvironmentMemoryGiBPerVCpu = m.MemoryGiBPerVCPU
	return c
}

type layerOfFunction struct {
	Arn      string
	CodeSize int64
}

type variables struct{ Variables map[string]string }

// describe is f as it goes over the wire.
func (s *Service) describe(f Function) configuration {
	c := configuration{
		FunctionName: f.Name, FunctionArn: f.ARN, Runtime: f.Runtime, Role: f.Role, Handler: f.Handler,
		CodeSize: f.CodeSize, Description: f.Description, Timeout: int(f.Timeout.Seconds()), MemorySize: f.MemorySize,
		LastModified: wireTime(f.LastModified),
		CodeSha256:   f.CodeSHA256, Version: f.Version, RevisionId: f.RevisionID,
		State: "Active", LastUpdateStatus: "Successful", PackageType: "Zip", Architectures: []string{f.Architecture},
	}
	if len(f.Environment) > 0 {
		c.Environment = &variables{f.Environment}
	}
	for _, l := range f.Layers {
		c.Layers = append(c.Layers, layerOfFunction{l.ARN, l.CodeSize})
	}
	c.CapacityProviderConfig = describeCapacityProvider(f.ManagedInstances)
	if f.isolatesTenants() {
		c.TenancyConfig = &tenancy{f.TenantIsolationMode}
	}
	c.TracingConfig.Mode = "PassThrough"
	c.EphemeralStorage.Size = f.EphemeralStorage
	c.SnapStart.ApplyOn, c.SnapStart.OptimizationStatus = "None", "Off"
	c.LoggingConfig = describeLogging(f)
	return c
}
