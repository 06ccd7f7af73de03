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
	Environment      *variables `json:",omitempty"`
	TracingConfig    struct{ Mode string }
	EphemeralStorage struct{ Size int }
	SnapStart        struct{ ApplyOn, OptimizationStatus string }
	LoggingConfig    struct{ LogFormat, LogGroup string }
}

type variables struct{ Variables map[string]string }

// describe is f as it goes over the wire.
func (s *Service) describe(f Function) configuration {
	c := configuration{
		FunctionName: f.Name, FunctionArn: f.ARN, Runtime: f.Runtime, Role: f.Role, Handler: f.Handler,
		CodeSize: f.CodeSize, Description: f.Description, Timeout: int(f.Timeout.Seconds()), MemorySize: f.MemorySize,
		LastModified: f.LastModified.UTC().Format("2006-01-02T15:04:05.000-0700"),
		CodeSha256:   f.CodeSHA256, Version: latest, RevisionId: f.RevisionID,
		State: "Active", LastUpdateStatus: "Successful", PackageType: "Zip", Architectures: []string{f.Architecture},
	}
	if len(f.Environment) > 0 {
		c.Environment = &variables{f.Environment}
	}
	c.TracingConfig.Mode = "PassThrough"
	c.EphemeralStorage.Size = 512
	c.SnapStart.ApplyOn, c.SnapStart.OptimizationStatus = "None", "Off"
	c.LoggingConfig.LogFormat, c.LoggingConfig.LogGroup = "Text", logGroup(f.Name)
	return c
}
