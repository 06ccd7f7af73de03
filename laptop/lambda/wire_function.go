package lambda

import (
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// codeRequest is FunctionCode of the API, and the body of UpdateFunctionCode.
type codeRequest struct {
	ZipFile                          []byte
	S3Bucket, S3Key, S3ObjectVersion string
}

func (c codeRequest) code() Code { return Code(c) }

// configurationRequest is what CreateFunction and UpdateFunctionConfiguration have in common. What
// is nil is not said.
type configurationRequest struct {
	Runtime, Handler, Role, Description *string
	MemorySize, Timeout                 *int
	Environment                         *struct{ Variables map[string]string }

	// What follows is taken only where it says what is so anyway.
	TracingConfig    *struct{ Mode string }
	EphemeralStorage *struct{ Size int }
	SnapStart        *struct{ ApplyOn string }
	PackageType      string
	KMSKeyArn        string
	Layers           []string
	Publish          bool
	VpcConfig        *struct {
		SubnetIds, SecurityGroupIds []string
		Ipv6AllowedForDualStack     bool
	}
	RevisionId string
}

// check refuses what this machine does not do.
func (c configurationRequest) check() error {
	for name, asked := range map[string]bool{
		"TracingConfig":    c.TracingConfig != nil && c.TracingConfig.Mode != "PassThrough",
		"EphemeralStorage": c.EphemeralStorage != nil && c.EphemeralStorage.Size != 512,
		"SnapStart":        c.SnapStart != nil && c.SnapStart.ApplyOn != "None",
		"PackageType":      c.PackageType != "" && c.PackageType != "Zip",
		"KMSKeyArn":        c.KMSKeyArn != "",
		"Layers":           len(c.Layers) > 0,
		"Publish":          c.Publish,
		"VpcConfig":        c.VpcConfig != nil && len(c.VpcConfig.SubnetIds)+len(c.VpcConfig.SecurityGroupIds) > 0,
		"RevisionId":       c.RevisionId != "",
	} {
		if asked {
			return awsproto.Errorf("InvalidParameterValueException", "this value of %s is not supported on this machine", name)
		}
	}
	return nil
}

func (c configurationRequest) apply(cfg *Function) {
	set(&cfg.Runtime, c.Runtime)
	set(&cfg.Handler, c.Handler)
	set(&cfg.Role, c.Role)
	set(&cfg.Description, c.Description)
	set(&cfg.MemorySize, c.MemorySize)
	if c.Timeout != nil {
		cfg.Timeout = time.Duration(*c.Timeout) * time.Second
	}
	if c.Environment != nil {
		cfg.Environment = maps.Clone(c.Environment.Variables)
	}
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func (s *Service) serveCreate(w http.ResponseWriter, r *http.Request, _ string) error {
	var in struct {
		FunctionName  string
		Code          codeRequest
		Architectures []string
		Tags          map[string]string
		configurationRequest
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	architecture, err := oneArchitecture(in.Architectures)
	if err != nil {
		return err
	}
	var cfg Function
	FunctionInput{}.apply(&cfg) // the defaults
	in.apply(&cfg)
	name, _ := splitName(in.FunctionName)
	f, err := s.CreateFunction(r.Context(), FunctionInput{
		Name: name, Code: in.Code.code(), Runtime: cfg.Runtime, Handler: cfg.Handler, Role: cfg.Role,
		Description: cfg.Description, Architecture: architecture, MemorySize: cfg.MemorySize, Timeout: cfg.Timeout,
		Environment: cfg.Environment, Tags: in.Tags,
	})
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusCreated, s.describe(f))
}

func oneArchitecture(list []string) (string, error) {
	switch len(list) {
	case 0:
		return "", nil
	case 1:
		return list[0], nil
	}
	return "", awsproto.Errorf("InvalidParameterValueException", "Architectures: one of x86_64 and arm64")
}

func (s *Service) serveUpdateCode(w http.ResponseWriter, r *http.Request, name string) error {
	var in struct {
		codeRequest
		Architectures   []string
		Publish, DryRun bool
		RevisionId      string
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if err := (configurationRequest{Publish: in.Publish, RevisionId: in.RevisionId}).check(); err != nil {
		return err
	}
	if in.DryRun {
		return awsproto.Errorf("InvalidParameterValueException", "this value of DryRun is not supported on this machine")
	}
	architecture, err := oneArchitecture(in.Architectures)
	if err != nil {
		return err
	}
	if in.code().isZero() {
		return awsproto.Errorf("InvalidParameterValueException", "Please provide a source for function code.")
	}
	f, err := s.change(r.Context(), name, in.code(), func(cfg *Function) error {
		if architecture != "" {
			cfg.Architecture = architecture
		}
		return nil
	})
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, s.describe(f))
}

func (s *Service) serveUpdateConfiguration(w http.ResponseWriter, r *http.Request, name string) error {
	var in configurationRequest
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	f, err := s.change(r.Context(), name, Code{}, func(cfg *Function) error {
		in.apply(cfg)
		return nil
	})
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, s.describe(f))
}

func (s *Service) serveGet(w http.ResponseWriter, r *http.Request, name string) error {
	f, err := s.qualified(r, name)
	if err != nil {
		return err
	}
	answer := map[string]any{"Configuration": s.describe(f), "Code": map[string]string{"RepositoryType": "S3"}}
	if len(f.Tags) > 0 {
		answer["Tags"] = f.Tags
	}
	if f.ReservedConcurrency != nil {
		answer["Concurrency"] = map[string]int{"ReservedConcurrentExecutions": *f.ReservedConcurrency}
	}
	return awsproto.WriteJSON(w, http.StatusOK, answer)
}

func (s *Service) serveGetConfiguration(w http.ResponseWriter, r *http.Request, name string) error {
	f, err := s.qualified(r, name)
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, s.describe(f))
}

// qualified is Function for a request, which may say a qualifier.
func (s *Service) qualified(r *http.Request, name string) (Function, error) {
	return s.Function(withQualifier(name, r.URL.Query().Get("Qualifier")))
}

func withQualifier(name, qualifier string) string {
	if _, said := splitName(name); qualifier != "" && said == "" {
		return name + ":" + qualifier
	}
	return name
}

func (s *Service) serveDelete(w http.ResponseWriter, r *http.Request, name string) error {
	if q := r.URL.Query().Get("Qualifier"); q != "" {
		return awsproto.Errorf("InvalidParameterValueException", "version %s cannot be deleted: there are no versions on this machine", q)
	}
	if err := s.DeleteFunction(r.Context(), name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// serveList pages as Lambda does: MaxItems at most 50 a page, Marker goes on.
func (s *Service) serveList(w http.ResponseWriter, r *http.Request, _ string) error {
	query := r.URL.Query()
	size := 50
	if text := query.Get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return awsproto.Errorf("InvalidParameterValueException", "MaxItems %q: a number from 1", text)
		}
		size = min(n, size)
	}
	list := []configuration{}
	for _, f := range s.Functions() {
		if f.Name <= query.Get("Marker") {
			continue
		}
		if len(list) == size {
			return awsproto.WriteJSON(w, http.StatusOK, map[string]any{"Functions": list, "NextMarker": list[size-1].FunctionName})
		}
		list = append(list, s.describe(f))
	}
	return awsproto.WriteJSON(w, http.StatusOK, map[string]any{"Functions": list})
}
