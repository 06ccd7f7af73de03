package lambda

import (
	"context"
	"errors"
	"maps"
	"net/http"
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

	Layers           *[]string
	EphemeralStorage *struct{ Size int }

	CapacityProviderConfig *capacityProvider

	LoggingConfig *loggingRequest

	// What follows is taken only where it says what is so anyway.
	TracingConfig *struct{ Mode string }
	SnapStart     *struct{ ApplyOn string }
	PackageType   string
	KMSKeyArn     string
	VpcConfig     *struct {
		SubnetIds, SecurityGroupIds []string
		Ipv6AllowedForDualStack     bool
	}
}

// check refuses what this machine does not do.
func (c configurationRequest) check() error {
	for name, asked := range map[string]bool{
		"TracingConfig": c.TracingConfig != nil && c.TracingConfig.Mode != "PassThrough",
		"SnapStart":     c.SnapStart != nil && c.SnapStart.ApplyOn != "None",
		"PackageType":   c.PackageType != "" && c.PackageType != "Zip",
		"KMSKeyArn":     c.KMSKeyArn != "",
		"VpcConfig":     c.VpcConfig != nil && len(c.VpcConfig.SubnetIds)+len(c.VpcConfig.SecurityGroupIds) > 0,
	} {
		if asked {
			return awsproto.Errorf("InvalidParameterValueException", "this value of %s is not supported on this machine", name)
		}
	}
	return nil
}

// layers are those that are asked for.
func (c configurationRequest) layers() []string {
	if c.Layers == nil {
		return sameLayers
	}
	return *c.Layers
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
	if c.EphemeralStorage != nil {
		cfg.EphemeralStorage = c.EphemeralStorage.Size
	}
	if c.LoggingConfig != nil {
		c.LoggingConfig.apply(cfg)
	}
	if c.CapacityProviderConfig != nil {
		cfg.ManagedInstances = c.CapacityProviderConfig.managedInstances()
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
		Publish       bool
		PublishTo     string
		TenancyConfig *tenancy
		configurationRequest
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	name, _ := splitName(in.FunctionName)
	if !s.here(in.FunctionName) {
		return awsproto.Errorf("InvalidParameterValueException", "FunctionName %s: this is account %s in %s", in.FunctionName, s.cfg.Account, s.cfg.Region)
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
	create := FunctionInput{
		Name: name, Code: in.Code.code(), Runtime: cfg.Runtime, Handler: cfg.Handler, Role: cfg.Role,
		Description: cfg.Description, Architecture: architecture, MemorySize: cfg.MemorySize, Timeout: cfg.Timeout,
		Environment: cfg.Environment, EphemeralStorage: cfg.EphemeralStorage, ManagedInstances: cfg.ManagedInstances, LogGroup: cfg.LogGroup, Logging: cfg.Logging, Tags: in.Tags,
	}
	if in.TenancyConfig != nil {
		if create.TenantIsolationMode = in.TenancyConfig.TenantIsolationMode; create.TenantIsolationMode == "" {
			return awsproto.Errorf("InvalidParameterValueException", "TenancyConfig: TenantIsolationMode is missing")
		}
	}
	if in.Layers != nil {
		create.Layers = *in.Layers
	}
	f, err := s.create(r.Context(), create, publication{in.Publish, in.PublishTo})
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
		PublishTo       string
		RevisionId      string
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	architecture, err := oneArchitecture(in.Architectures)
	if err != nil {
		return err
	}
	if in.code().isZero() {
		return awsproto.Errorf("InvalidParameterValueException", "Please provide a source for function code.")
	}
	f, err := s.update(r.Context(), name, update{
		code: in.code(), layers: sameLayers, revision: in.RevisionId, publish: publication{in.Publish, in.PublishTo}, dryRun: in.DryRun,
		edit: func(cfg *Function) {
			if architecture != "" {
				cfg.Architecture = architecture
			}
		},
	})
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, s.describe(f))
}

func (s *Service) serveUpdateConfiguration(w http.ResponseWriter, r *http.Request, name string) error {
	var in struct {
		RevisionId string
		configurationRequest
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	f, err := s.update(r.Context(), name, update{layers: in.layers(), revision: in.RevisionId, edit: in.apply})
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, s.describe(f))
}

// update is a change of $LATEST as it comes over the wire.
type update struct {
	code     Code
	layers   []string
	edit     func(*Function)
	revision string // that $LATEST must have, unless it is empty
	publish  publication
	dryRun   bool // all is checked and nothing is changed
}

// errDryRun ends an edit that is not to be made.
var errDryRun = errors.New("a dry run")

func (s *Service) update(ctx context.Context, name string, u update) (Function, error) {
	if _, qualifier := splitName(name); qualifier != "" && qualifier != latest {
		return Function{}, awsproto.Errorf("InvalidParameterValueException", "versions and aliases cannot be updated: say the function's name without %q", qualifier)
	}
	held := &holds{store: s.code}
	defer held.release()
	var f Function
	_, err := s.edit(name, func(fam *family, rec *record) error {
		if pool := fam.latest(); pool.missing != nil && u.code.isZero() {
			return pool.errMissing()
		}
		if u.revision != "" && u.revision != rec.RevisionID {
			return errRevision()
		}
		err := s.configure(ctx, rec, u.code, u.layers, func(cfg *Function) error { u.edit(cfg); return nil }, held)
		if err != nil {
			return err
		}
		f = rec.Function
		if u.dryRun {
			return errDryRun
		}
		f, err = rec.publishTo(u.publish, "", "")
		return err
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return f.clone(), err
}

func (s *Service) serveGet(w http.ResponseWriter, r *http.Request, name string) error {
	f, err := s.qualified(r, name)
	if err != nil {
		return err
	}
	answer := map[string]any{"Configuration": s.describe(f), "Code": map[string]string{"RepositoryType": "S3"}}
	whole, err := s.Function(f.Name) // tags and reserved concurrency are not a version's
	if err != nil {
		return err
	}
	if len(whole.Tags) > 0 {
		answer["Tags"] = whole.Tags
	}
	if whole.ReservedConcurrency != nil {
		answer["Concurrency"] = map[string]int{"ReservedConcurrentExecutions": *whole.ReservedConcurrency}
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

// qualified is Function for a request, which may say a qualifier; an alias gives the version with the
// alias's ARN.
func (s *Service) qualified(r *http.Request, name string) (Function, error) {
	name, err := s.said(r, name)
	if err != nil {
		return Function{}, err
	}
	f, err := s.Function(name)
	if _, qualifier := splitName(name); qualifier != "" {
		f.ARN = s.arn(f.Name + ":" + qualifier)
	}
	return f, err
}
