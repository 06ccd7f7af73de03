package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// FunctionInput is everything that can be said about a function. Zero fields take Lambda's
// defaults: 128 MB, 3 s, x86_64.
type FunctionInput struct {
	Name         string
	Code         Code
	Runtime      string // provided.al2023 or provided.al2
	Handler      string // what the process finds in _HANDLER
	Role         string // the ARN of the execution role
	Description  string
	Architecture string        // x86_64 or arm64
	MemorySize   int           // MB, 128 to 10240
	Timeout      time.Duration // whole seconds, 1 to 900
	Environment  map[string]string
	Tags         map[string]string
	// ReservedConcurrency reserves that many environments and is their limit; nil reserves none.
	ReservedConcurrency *int
}

// Code is a zip archive, either its bytes or the object that holds it.
type Code struct {
	ZipFile                          []byte
	S3Bucket, S3Key, S3ObjectVersion string
}

func (c Code) isZero() bool { return c.ZipFile == nil && c.S3Bucket == "" && c.S3Key == "" }

// Function is a function as it stands. Its maps belong to the receiver.
type Function struct {
	Name                string
	ARN                 string
	Runtime             string
	Handler             string
	Role                string
	Description         string
	Architecture        string
	MemorySize          int           // MB
	Timeout             time.Duration // of one invocation
	Environment         map[string]string
	Tags                map[string]string
	ReservedConcurrency *int
	CodeSHA256          string // of the zip archive, base64
	CodeSize            int64  // of the zip archive, bytes
	LastModified        time.Time
	RevisionID          string // changes with every change of code, configuration or policy
	Policy              []Permission
}

func (f Function) clone() Function {
	f.Environment = maps.Clone(f.Environment)
	f.Tags = maps.Clone(f.Tags)
	f.Policy = slices.Clone(f.Policy)
	if f.ReservedConcurrency != nil {
		f.ReservedConcurrency = new(*f.ReservedConcurrency)
	}
	return f
}

// CreateFunction makes a function, which is durable when it returns. Its error is AWS's:
// ResourceConflictException if there is one of that name, InvalidParameterValueException, ….
func (s *Service) CreateFunction(ctx context.Context, in FunctionInput) (Function, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.closed() {
		return Function{}, errClosing()
	}
	if f, err := s.lookup(in.Name); err == nil && f.missing == nil {
		return Function{}, &awsproto.Error{Code: "ResourceConflictException", Message: "Function already exist: " + in.Name, Status: http.StatusConflict}
	}
	cfg := Function{Name: in.Name, ARN: s.arn(in.Name)}
	in.apply(&cfg)
	if err := s.validate(cfg); err != nil {
		return Function{}, err
	}
	if in.Code.isZero() {
		return Function{}, awsproto.Errorf("InvalidParameterValueException", "Please provide a source for function code.")
	}
	if err := s.store(ctx, &cfg, in.Code); err != nil {
		return Function{}, err
	}
	defer s.code.release(cfg.CodeSHA256)
	if err := s.save(&cfg); err != nil {
		return Function{}, err
	}
	s.add(cfg, nil)
	return cfg.clone(), nil
}

// UpdateFunction makes a function what in says; without a Code it keeps the one it has. It loses
// no request: invocations under way end on the old environments, later ones start on new ones.
func (s *Service) UpdateFunction(ctx context.Context, name string, in FunctionInput) (Function, error) {
	return s.change(ctx, name, in.Code, func(cfg *Function) error {
		in.apply(cfg)
		return nil
	})
}

// UpdateFunctionCode is UpdateFunction for the code alone.
func (s *Service) UpdateFunctionCode(ctx context.Context, name string, code Code) (Function, error) {
	if code.isZero() {
		return Function{}, awsproto.Errorf("InvalidParameterValueException", "Please provide a source for function code.")
	}
	return s.change(ctx, name, code, func(*Function) error { return nil })
}

// change applies edit and a new code, if there is one, and swaps the environments if what they
// run has changed.
func (s *Service) change(ctx context.Context, name string, code Code, edit func(*Function) error) (Function, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.closed() {
		return Function{}, errClosing()
	}
	f, err := s.lookup(name)
	if err != nil {
		return Function{}, err
	}
	if f.missing != nil && code.isZero() {
		return Function{}, f.errMissing()
	}
	old := f.configuration()
	cfg := old.clone()
	if err := edit(&cfg); err != nil {
		return Function{}, err
	}
	if err := s.validate(cfg); err != nil {
		return Function{}, err
	}
	if !code.isZero() {
		if err := s.store(ctx, &cfg, code); err != nil {
			return Function{}, err
		}
		defer s.code.release(cfg.CodeSHA256)
	}
	if err := s.save(&cfg); err != nil {
		return Function{}, err
	}
	switch {
	case f.missing != nil:
		s.add(cfg, nil)
	case sameEnvironment(old, cfg):
		f.reconfigure(cfg)
	default:
		f.swap(cfg)
	}
	s.share()
	return cfg.clone(), nil
}

// sameEnvironment says that processes started for a may serve b.
func sameEnvironment(a, b Function) bool {
	return a.CodeSHA256 == b.CodeSHA256 && a.Runtime == b.Runtime && a.Handler == b.Handler && a.Role == b.Role &&
		a.Architecture == b.Architecture && a.MemorySize == b.MemorySize && a.Timeout == b.Timeout &&
		maps.Equal(a.Environment, b.Environment)
}

// DeleteFunction removes a function. Invocations under way end as if nothing had happened.
func (s *Service) DeleteFunction(_ context.Context, name string) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.closed() {
		return errClosing()
	}
	f, err := s.lookup(name)
	if err != nil {
		return err
	}
	if err := os.Remove(s.path(f.name)); err != nil {
		return fmt.Errorf("deleting function %s: %w", f.name, err)
	}
	s.mu.Lock()
	delete(s.functions, f.name)
	s.retired = append(slices.DeleteFunc(s.retired, (*function).empty), f)
	s.mu.Unlock()
	f.retire(s.errNotFound(f.name))
	s.share()
	return nil
}

// Function returns the function of that name or ARN, or ResourceNotFoundException, also for one
// whose code is missing.
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

// Functions returns all functions that Function returns, sorted by name.
func (s *Service) Functions() []Function {
	var all []Function
	for _, f := range s.snapshot() {
		if f.missing == nil {
			all = append(all, f.configuration().clone())
		}
	}
	slices.SortFunc(all, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// lookup finds a function by name, ARN or partial ARN, with or without the qualifier $LATEST.
func (s *Service) lookup(name string) (*function, error) {
	s.mu.RLock()
	f, ok := s.functions[name]
	s.mu.RUnlock()
	if ok {
		return f, nil
	}
	short, qualifier := splitName(name)
	s.mu.RLock()
	f, ok = s.functions[short]
	s.mu.RUnlock()
	if !ok {
		return nil, s.errNotFound(short)
	}
	if qualifier != "" && qualifier != latest {
		return nil, s.errNotFound(short + ":" + qualifier)
	}
	return f, nil
}

const latest = "$LATEST"

// splitName takes a function's name and qualifier from any form of naming it: name,
// name:qualifier, 000000000000:function:name and the whole ARN.
func splitName(s string) (name, qualifier string) {
	if i := strings.Index(s, "function:"); i == 0 || i > 0 && s[i-1] == ':' {
		s = s[i+len("function:"):]
	}
	name, qualifier, _ = strings.Cut(s, ":")
	return name, qualifier
}

func (s *Service) errNotFound(name string) error {
	return &awsproto.Error{Code: "ResourceNotFoundException", Message: "Function not found: " + s.arn(name), Status: http.StatusNotFound}
}

func (s *Service) path(name string) string {
	return filepath.Join(s.cfg.Dir, "functions", name+".json")
}

// save stamps cfg and makes it durable.
func (s *Service) save(cfg *Function) error {
	cfg.LastModified = time.Now().UTC().Truncate(time.Millisecond)
	cfg.RevisionID = awsproto.NewID()
	if err := state.Save(s.path(cfg.Name), cfg); err != nil {
		return fmt.Errorf("saving function %s: %w", cfg.Name, err)
	}
	return nil
}

// errMissing is the answer to an invocation of a function without code, which Lambda answers when
// it cannot unpack what it has.
func (f *function) errMissing() error {
	return &awsproto.Error{Code: "InvalidZipFileException", Message: f.explainMissing(), Status: http.StatusBadGateway}
}

func (f *function) explainMissing() string {
	return f.missing.Error() + ": give it its code again by creating the function or updating its code"
}

// load reads every function, and removes code that none of them uses.
func (s *Service) load() error {
	dir := filepath.Join(s.cfg.Dir, "functions")
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		name, ok := strings.CutSuffix(file.Name(), ".json")
		if !ok || strings.HasPrefix(name, ".") || file.IsDir() {
			continue
		}
		var cfg Function
		if err := state.Load(filepath.Join(dir, file.Name()), &cfg); err != nil {
			return err
		}
		cfg.ARN = s.arn(cfg.Name)
		if err := s.code.acquire(cfg.CodeSHA256); err != nil {
			folder := s.code.path(cfg.CodeSHA256)
			missing := fmt.Errorf("the code of function %s is missing in %s: %w", cfg.Name, folder, errors.Unwrap(err))
			s.cfg.Events(CodeMissing{Function: cfg.Name, Folder: folder, Err: missing})
			s.add(cfg, missing)
			continue
		}
		s.add(cfg, nil)
		s.code.release(cfg.CodeSHA256)
	}
	return s.code.sweep()
}

// add makes a function available, in the place of one of that name whose code was missing. The
// caller holds the code until add returns, unless it is missing.
func (s *Service) add(cfg Function, missing error) {
	s.mu.Lock()
	c := s.counters[cfg.Name]
	if c == nil {
		c = &counters{}
		s.counters[cfg.Name] = c
	}
	s.functions[cfg.Name] = newFunction(s, cfg, c, missing)
	s.mu.Unlock()
	s.share()
}

// share works out what reserved concurrency leaves to the functions that have none.
func (s *Service) share() {
	left := s.cfg.ConcurrencyLimit
	for _, f := range s.snapshot() {
		if r := f.configuration().ReservedConcurrency; r != nil {
			left -= *r
		}
	}
	s.unreserved.Store(int64(left))
}

// store fetches code, unpacks it and holds it; the caller releases it.
func (s *Service) store(ctx context.Context, cfg *Function, code Code) error {
	archive := code.ZipFile
	if archive == nil {
		if s.cfg.Objects == nil {
			return awsproto.Errorf("InvalidParameterValueException", "code in S3 is not available here")
		}
		var err error
		archive, err = s.cfg.Objects.GetObject(ctx, code.S3Bucket, code.S3Key, code.S3ObjectVersion)
		if err != nil {
			reason := err.Error()
			if e, ok := errors.AsType[*awsproto.Error](err); ok {
				reason = fmt.Sprintf("S3 Error Code: %s. S3 Error Message: %s", e.Code, e.Message)
			}
			return awsproto.Errorf("InvalidParameterValueException",
				"Error occurred while GetObject of s3://%s/%s. %s", code.S3Bucket, code.S3Key, reason)
		}
	} else if len(archive) > maxZip {
		return &awsproto.Error{Code: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge,
			Message: fmt.Sprintf("the archive has %d bytes; one that is uploaded directly may have %d", len(archive), maxZip)}
	}
	sha, err := s.code.put(archive)
	if err != nil {
		return err
	}
	cfg.CodeSHA256, cfg.CodeSize = sha, int64(len(archive))
	return nil
}

// UnmarshalJSON refuses what another version of this program may have written.
func (f *Function) UnmarshalJSON(data []byte) error {
	type plain Function
	if err := json.Unmarshal(data, (*plain)(f)); err != nil {
		return err
	}
	if f.Name == "" || f.CodeSHA256 == "" {
		return fmt.Errorf("a function without a name or code: %w", fs.ErrInvalid)
	}
	return nil
}
