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
	EphemeralStorage struct{ Size int }

	CapacityProviderConfig *capacityProviderConfig `json:",omitempty"`
	SnapStart              struct{ ApplyOn, OptimizationStatus string }
	LoggingConfig          struct{ LogFormat, LogGroup string }
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
	c.TracingConfig.Mode = "PassThrough"
	c.EphemeralStorage.Size = f.EphemeralStorage
	if f.ManagedInstances != nil {
		c.CapacityProviderConfig = &capacityProviderConfig{f.ManagedInstances}
	}
	c.SnapStart.ApplyOn, c.SnapStart.OptimizationStatus = "None", "Off"
	c.LoggingConfig.LogFormat, c.LoggingConfig.LogGroup = "Text", f.LogsTo()
	return c
}
