// Package ssm is the Parameter Store of AWS Systems Manager on this machine: plain parameters with
// a name and a version.
//
//	service, err := ssm.Open(ssm.Config{Dir: dir})
//	parameter, err := service.PutParameter(ssm.ParameterInput{Name: "/app/size", Value: "3"}, false)
//	all, next, err := service.GetParametersByPath("/app", true, 10, "")
//
// Parameters of the type SecureString are refused: secrets belong to Secrets Manager here.
package ssm

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// Config says where a Service keeps its parameters.
type Config struct {
	// Dir holds the state; it is made if missing.
	Dir string
	// Region and Account stand in ARNs; "" means us-east-1 and 000000000000.
	Region, Account string
}

// Service is the Parameter Store. It is safe for concurrent use.
type Service struct {
	config Config
	files  state.Folder[Parameter]

	mu         sync.Mutex
	parameters map[string]Parameter // by name
}

// ParameterInput is what AWS::SSM::Parameter takes:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ssm-parameter.html
type ParameterInput struct {
	Name        string
	Type        string // String, which "" means, or StringList
	Value       string
	Description string
	Tier        string // Standard, which "" means, or Advanced
	Tags        map[string]string
	// ClientToken marks what one creation made, so that it is found after a crash. It is kept and
	// not told on the wire.
	ClientToken string
}

// Parameter is a parameter's record.
type Parameter struct {
	ParameterInput
	Version  int64
	Modified time.Time
}

// Open loads what Dir holds.
func Open(config Config) (*Service, error) {
	config.Region = cmp.Or(config.Region, "us-east-1")
	config.Account = cmp.Or(config.Account, "000000000000")
	s := &Service{config: config, files: state.Folder[Parameter]{Dir: config.Dir}, parameters: map[string]Parameter{}}
	all, err := s.files.Load()
	if err != nil {
		return nil, fmt.Errorf("opening Systems Manager: %w", err)
	}
	for _, p := range all {
		s.parameters[p.Name] = p
	}
	return s, nil
}

// Close does nothing: every call is durable before it returns.
func (s *Service) Close() error { return nil }

// The bounds of names and values.
//
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
const (
	maxName     = 1011
	maxStandard = 4 << 10
	maxAdvanced = 8 << 10
)

func (in *ParameterInput) validate() error {
	in.Type, in.Tier = cmp.Or(in.Type, "String"), cmp.Or(in.Tier, "Standard")
	limit := maxStandard
	switch in.Tier {
	case "Standard":
	case "Advanced":
		limit = maxAdvanced
	default:
		return fail("ValidationException", "the tier %s is not known on the laptop, only Standard and Advanced", in.Tier)
	}
	first, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(in.Name, "/")), "/")
	switch {
	case len(in.Name) > maxName || !regexp.MustCompile(`^/?[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+)*$`).MatchString(in.Name):
		return fail("ValidationException", "Parameter name %q: it consists of letters, digits, and the following symbols: a period, a hyphen, an underscore, and slashes between levels, %d characters at most", in.Name, maxName)
	case strings.Contains(in.Name, "/") && !strings.HasPrefix(in.Name, "/"):
		return fail("ValidationException", `Parameter name must be a fully qualified name: %q must start with "/"`, in.Name)
	case strings.HasPrefix(first, "aws"), strings.HasPrefix(first, "ssm"):
		return fail("AccessDeniedException", "No access to reserved parameter name: %s.", in.Name)
	case in.Type == "SecureString":
		return fail("UnsupportedParameterType", "SecureString is not supported on the laptop: keep secrets in Secrets Manager")
	case in.Type != "String" && in.Type != "StringList":
		return fail("UnsupportedParameterType", "The parameter type %s is not supported.", in.Type)
	case in.Value == "":
		return fail("ValidationException", "Parameter %s has no value", in.Name)
	case len(in.Value) > limit:
		return fail("ValidationException", "%s tier parameters support a maximum parameter value of %d characters; %s has %d", in.Tier, limit, in.Name, len(in.Value))
	}
	in.Tags = maps.Clone(in.Tags)
	return nil
}

// PutParameter makes a parameter or, with overwrite, changes the one that is there, which raises its
// version.
func (s *Service) PutParameter(in ParameterInput, overwrite bool) (Parameter, error) {
	if err := in.validate(); err != nil {
		return Parameter{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	had, there := s.parameters[in.Name]
	if there && !overwrite {
		return Parameter{}, fail("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true: %s", in.Name)
	}
	in.ClientToken = cmp.Or(had.ClientToken, in.ClientToken)
	p := Parameter{in, had.Version + 1, time.Now().UTC()}
	if err := s.files.Save(state.Name(p.Name), p); err != nil {
		return Parameter{}, err
	}
	s.parameters[p.Name] = p
	return p, nil
}

// GetParameter finds a parameter.
func (s *Service) GetParameter(name string) (Parameter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.parameters[name]
	if !ok {
		return Parameter{}, fail("ParameterNotFound", "The parameter %s does not exist", name)
	}
	return p, nil
}

// GetParametersByPath are the parameters below a path by their names, those of deeper levels with
// recursive alone: at most limit of them, and what to give as after for those behind, "" for the end.
func (s *Service) GetParametersByPath(path string, recursive bool, limit int, after string) (found []Parameter, next string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path = strings.TrimSuffix(path, "/") + "/"
	for _, name := range slices.Sorted(maps.Keys(s.parameters)) {
		rest, below := strings.CutPrefix(name, path)
		if !below || strings.Contains(rest, "/") && !recursive || name <= after {
			continue
		}
		if len(found) == limit {
			return found, found[limit-1].Name
		}
		found = append(found, s.parameters[name])
	}
	return found, ""
}

// ListParameters are all parameters by their names.
func (s *Service) ListParameters() []Parameter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.parameters), func(a, b Parameter) int { return cmp.Compare(a.Name, b.Name) })
}

// DeleteParameter removes a parameter.
func (s *Service) DeleteParameter(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.parameters[name]; !ok {
		return fail("ParameterNotFound", "The parameter %s does not exist", name)
	}
	if err := s.files.Remove(state.Name(name)); err != nil {
		return err
	}
	delete(s.parameters, name)
	return nil
}

func fail(code, format string, args ...any) error { return awsproto.Errorf(code, format, args...) }
