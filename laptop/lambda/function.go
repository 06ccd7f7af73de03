package lambda

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// FunctionInput is everything that can be said about a function. Zero fields take Lambda's
// defaults: 128 MB, 3 s, x86_64, 512 MB of ephemeral storage.
type FunctionInput struct {
	Name         string
	Code         Code
	Runtime      string // provided.al2023 or provided.al2
	Handler      string // what the process finds in _HANDLER
	Role         string // the ARN of the execution role
	Description  string
	Architecture string        // x86_64 or arm64
	MemorySize   int           // MB, 128 to 10240, on Managed Instances 2048 to 32768
	Timeout      time.Duration // whole seconds, 1 to 900
	Environment  map[string]string
	Tags         map[string]string
	// Layers are the ARNs of layer versions, five at most; of files of one name the last one's counts.
	Layers []string
	// EphemeralStorage is what /tmp may hold, in MB, 512 to 10240.
	EphemeralStorage int
	// LogGroup is the log group that its environments write to; "" is /aws/lambda/NAME.
	LogGroup string
	// Logging is how they log. The zero value is as text.
	Logging Logging
	// ManagedInstances asks for Lambda Managed Instances; nil is Lambda's default compute.
	ManagedInstances *ManagedInstances
	// TenantIsolationMode is PerTenant, or empty for none. It never changes.
	TenantIsolationMode string
	// ReservedConcurrency reserves that many environments and is their limit; nil reserves none.
	ReservedConcurrency *int
}

// Code is a zip archive, either its bytes or the object that holds it.
type Code struct {
	ZipFile                          []byte
	S3Bucket, S3Key, S3ObjectVersion string
}

func (c Code) isZero() bool { return c.ZipFile == nil && c.S3Bucket == "" && c.S3Key == "" }

// Function is one version of a function as it stands. Its maps and slices belong to the receiver.
type Function struct {
	Name                string
	ARN                 string // qualified, unless the version is $LATEST
	Version             string // $LATEST, $LATEST.PUBLISHED or a number
	Runtime             string
	Handler             string
	Role                string
	Description         string
	Architecture        string
	MemorySize          int           // MB
	Timeout             time.Duration // of one invocation
	Environment         map[string]string
	Layers              []FunctionLayer
	LayersSHA256        string // of the folder with what is in the layers; empty without any
	EphemeralStorage    int    // MB
	LogGroup            string // as it was given: LogsTo tells where it logs
	Logging             Logging
	ManagedInstances    *ManagedInstances
	TenantIsolationMode string            // PerTenant, or empty
	Tags                map[string]string // of $LATEST, as they are the whole function's
	ReservedConcurrency *int              // of $LATEST, likewise
	CodeSHA256          string            // of the zip archive, base64
	CodeSize            int64             // of the zip archive, bytes
	LastModified        time.Time
	RevisionID          string       // changes with every change of code, configuration or policy
	Mark                string       // by which whoever published the version knows it; not shown
	Policy              []Permission // of invocations that name this version; $LATEST's is of those that name none
}

// FunctionLayer is a layer version that a function uses. It stays in use when it is deleted.
type FunctionLayer struct {
	ARN        string
	CodeSHA256 string
	CodeSize   int64 // of the zip archive, bytes
}

// LogsTo is the log group that the function's environments write to.
func (f Function) LogsTo() string { return cmp.Or(f.LogGroup, "/aws/lambda/"+f.Name) }

// logTo sets the log group. What a function has anyway is none of its own.
func (f *Function) logTo(group string) {
	f.LogGroup = group
	if group == (Function{Name: f.Name}).LogsTo() {
		f.LogGroup = ""
	}
}

func (f Function) clone() Function {
	f.Environment = maps.Clone(f.Environment)
	f.Tags = maps.Clone(f.Tags)
	f.Policy = slices.Clone(f.Policy)
	f.Layers = slices.Clone(f.Layers)
	if f.ManagedInstances != nil {
		f.ManagedInstances = new(*f.ManagedInstances)
	}
	if f.ReservedConcurrency != nil {
		f.ReservedConcurrency = new(*f.ReservedConcurrency)
	}
	return f
}

// CreateFunction makes a function, which is durable when it returns. Its error is AWS's:
// ResourceConflictException if there is one of that name, InvalidParameterValueException, …. On Managed
// Instances it also makes $LATEST.PUBLISHED, as CloudFormation does, and what UpdateFunction and
// UpdateFunctionCode change is published there too.
func (s *Service) CreateFunction(ctx context.Context, in FunctionInput) (Function, error) {
	if in.ManagedInstances == nil {
		return s.create(ctx, in, publication{})
	}
	if _, err := s.create(ctx, in, publication{true, toLatestPublished}); err != nil {
		return Function{}, err
	}
	return s.Function(in.Name)
}

// create makes a function as the API's call does: it publishes a first version if asked to and returns
// that one then.
func (s *Service) create(ctx context.Context, in FunctionInput, publish publication) (Function, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.closed() {
		return Function{}, errClosing()
	}
	before, _, err := s.family(in.Name)
	if err == nil && before.latest().missing == nil {
		return Function{}, &awsproto.Error{Code: "ResourceConflictException", Message: "Function already exist: " + in.Name, Status: http.StatusConflict}
	}
	if in.Code.isZero() {
		return Function{}, awsproto.Errorf("InvalidParameterValueException", "Please provide a source for function code.")
	}
	rec := &record{Function: Function{Name: in.Name, ARN: s.arn(in.Name), Version: latest}}
	held := &holds{store: s.code}
	defer held.release()
	in.apply(&rec.Function)
	if err := s.complete(ctx, &rec.Function, in.Code, in.Layers, held); err != nil {
		return Function{}, err
	}
	stamp(&rec.Function)
	f, err := rec.publishTo(publish, "", "")
	if err != nil {
		return Function{}, err
	}
	if err := s.save(rec); err != nil {
		return Function{}, err
	}
	s.add(rec, map[string]error{})
	if before != nil {
		before.retire(errReplaced(in.Name))
	}
	return f.clone(), nil
}

// UpdateFunction makes a function what in says; without a Code it keeps the one it has. It loses
// no request: invocations under way end on the old environments, later ones start on new ones.
func (s *Service) UpdateFunction(ctx context.Context, name string, in FunctionInput) (Function, error) {
	return s.change(ctx, name, in.Code, in.Layers, func(cfg *Function) error {
		mode := cfg.TenantIsolationMode
		in.apply(cfg)
		if cfg.TenantIsolationMode != mode {
			return awsproto.Errorf("InvalidParameterValueException", "TenancyConfig of %s cannot be changed: create the function anew", cfg.Name)
		}
		return nil
	})
}

// UpdateFunctionCode is UpdateFunction for the code alone.
func (s *Service) UpdateFunctionCode(ctx context.Context, name string, code Code) (Function, error) {
	if code.isZero() {
		return Function{}, awsproto.Errorf("InvalidParameterValueException", "Please provide a source for function code.")
	}
	return s.change(ctx, name, code, sameLayers, func(*Function) error { return nil })
}

// sameLayers keeps the layers that a function has.
var sameLayers = []string{"the same"}

// change applies edit, and a new code and layers if there are any, to $LATEST, and swaps the
// environments if what they run has changed.
func (s *Service) change(ctx context.Context, name string, code Code, layers []string, edit func(*Function) error) (Function, error) {
	held := &holds{store: s.code}
	defer held.release()
	rec, err := s.edit(name, func(fam *family, rec *record) error {
		if latest := fam.latest(); latest.missing != nil && code.isZero() {
			return latest.errMissing()
		}
		if err := s.configure(ctx, rec, code, layers, edit, held); err != nil {
			return err
		}
		rec.keepPublished()
		return nil
	})
	if err != nil {
		return Function{}, err
	}
	return rec.Function.clone(), nil
}

// configure is change for a record that is being edited.
func (s *Service) configure(ctx context.Context, rec *record, code Code, layers []string, edit func(*Function) error, held *holds) error {
	cfg := rec.Function.clone()
	if err := edit(&cfg); err != nil {
		return err
	}
	if len(layers) == 1 && layers[0] == sameLayers[0] {
		layers = nil
		for _, l := range cfg.Layers {
			layers = append(layers, l.ARN)
		}
	}
	if err := s.complete(ctx, &cfg, code, layers, held); err != nil {
		return err
	}
	stamp(&cfg)
	rec.Function = cfg
	return nil
}

// complete validates cfg and gives it code, if there is some, and layers.
func (s *Service) complete(ctx context.Context, cfg *Function, code Code, layers []string, held *holds) error {
	if err := cfg.Logging.complete(cfg.ManagedInstances != nil); err != nil {
		return err
	}
	if err := s.validate(*cfg); err != nil {
		return err
	}
	if !code.isZero() {
		sha, size, err := s.fetch(ctx, code)
		if err != nil {
			return err
		}
		held.add(sha)
		cfg.CodeSHA256, cfg.CodeSize = sha, size
	}
	return s.attach(cfg, layers, held)
}

// stamp marks a version as changed now.
func stamp(cfg *Function) {
	cfg.LastModified = time.Now().UTC().Truncate(time.Millisecond)
	cfg.RevisionID = awsproto.NewID()
}

// sameEnvironment says that processes started for a may serve b.
func sameEnvironment(a, b Function) bool {
	return a.CodeSHA256 == b.CodeSHA256 && a.LayersSHA256 == b.LayersSHA256 &&
		a.Runtime == b.Runtime && a.Handler == b.Handler && a.Role == b.Role &&
		a.Architecture == b.Architecture && a.MemorySize == b.MemorySize && a.Timeout == b.Timeout &&
		a.EphemeralStorage == b.EphemeralStorage && a.LogsTo() == b.LogsTo() && a.Logging == b.Logging &&
		a.ManagedInstances.equal(b.ManagedInstances) && maps.Equal(a.Environment, b.Environment)
}

// DeleteFunction removes a function with its versions and aliases or, where the name has a
// qualifier, that version. Invocations under way end as if nothing had happened.
func (s *Service) DeleteFunction(_ context.Context, name string) error {
	if _, qualifier := splitName(name); qualifier != "" {
		return s.deleteVersion(name, qualifier)
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.closed() {
		return errClosing()
	}
	fam, _, err := s.family(name)
	if err != nil {
		return err
	}
	if err := os.Remove(s.path(fam.name)); err != nil {
		return fmt.Errorf("deleting function %s: %w", fam.name, err)
	}
	if err := state.SyncDir(s.dir("functions")); err != nil {
		return fmt.Errorf("deleting function %s: %w", fam.name, err)
	}
	s.mu.Lock()
	delete(s.functions, fam.name)
	s.mu.Unlock()
	fam.retire(s.errNotFound(fam.name))
	s.share()
	s.tellURLs(fam.record().URLs, nil)
	return nil
}

// Function returns the version of a function that a name or ARN stands for, $LATEST where it says
// none, or ResourceNotFoundException, also for one whose code is missing.
func (s *Service) Function(name string) (Function, error) {
	f, err := s.lookup(name)
	if err != nil {
		return Function{}, err
	}
	if f.missing != nil {
		return Function{}, &awsproto.Error{Code: "ResourceNotFoundException", Message: f.explainMissing(), Status: http.StatusNotFound}
	}
	return f.configuration().clone(), nil
}

// Functions returns $LATEST of all functions that Function returns, sorted by name.
func (s *Service) Functions() []Function {
	var all []Function
	for _, fam := range s.families() {
		if f := fam.latest(); f.missing == nil {
			all = append(all, f.configuration().clone())
		}
	}
	slices.SortFunc(all, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// errMissing is the answer to an invocation of a function without code, which Lambda answers when
// it cannot unpack what it has.
func (f *function) errMissing() error {
	return &awsproto.Error{Code: "InvalidZipFileException", Message: f.explainMissing(), Status: http.StatusBadGateway}
}

func (f *function) explainMissing() string {
	return f.missing.Error() + ": give it its code again by creating the function or updating its code"
}

func errReplaced(name string) error {
	return &awsproto.Error{Code: "ResourceConflictException", Message: "Function " + name + " was made anew", Status: http.StatusConflict}
}

// fetch reads code, unpacks it and holds it.
func (s *Service) fetch(ctx context.Context, code Code) (sha string, size int64, err error) {
	archive, err := s.archive(ctx, code)
	if err != nil {
		return "", 0, err
	}
	sha, err = s.code.put(archive)
	return sha, int64(len(archive)), err
}

// archive is the zip archive that code is or names.
func (s *Service) archive(ctx context.Context, code Code) ([]byte, error) {
	if code.ZipFile != nil {
		if len(code.ZipFile) > maxZip {
			return nil, &awsproto.Error{Code: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge,
				Message: fmt.Sprintf("the archive has %d bytes; one that is uploaded directly may have %d", len(code.ZipFile), maxZip)}
		}
		return code.ZipFile, nil
	}
	if s.cfg.Objects == nil {
		return nil, awsproto.Errorf("InvalidParameterValueException", "code in S3 is not available here")
	}
	archive, err := s.cfg.Objects.GetObject(ctx, code.S3Bucket, code.S3Key, code.S3ObjectVersion)
	if err != nil {
		return nil, awsproto.Errorf("InvalidParameterValueException",
			"Error occurred while GetObject of s3://%s/%s. %s", code.S3Bucket, code.S3Key, s3Reason(err))
	}
	return archive, nil
}
