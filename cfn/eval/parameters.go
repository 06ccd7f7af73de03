package eval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/cfn/parse"
)

// ParameterStore reads parameters of Systems Manager, by the name or by name:version. ErrNotFound in
// err's chain means that there is none of that name and version.
type ParameterStore interface {
	Parameter(ctx context.Context, name string) (string, error)
}

// ErrNotFound is what a ParameterStore or SecretStore says of what it does not have.
var ErrNotFound = errors.New("not found")

const ssmValue = "AWS::SSM::Parameter::Value<"

// Parameters resolves a template's parameters from given and the defaults: to a string, or to
// []any of strings for the list types. store may be nil if nothing is to be looked up.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
func Parameters(ctx context.Context, t *parse.Template, given map[string]string, store ParameterStore) (map[string]any, error) {
	var strange, missing []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, ok := t.Parameters[name]; !ok {
			strange = append(strange, name)
		}
	}
	if len(strange) > 0 {
		return nil, t.Errorf("", "Parameters: [%s] do not exist in the template", strings.Join(strange, ", "))
	}
	names := slices.Sorted(maps.Keys(t.Parameters))
	for _, name := range names {
		if _, ok := given[name]; !ok && t.Parameters[name].Default == nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, t.Errorf("Parameters."+missing[0], "Parameters: [%s] must have values", strings.Join(missing, ", "))
	}
	out := make(map[string]any, len(names))
	for _, name := range names {
		p := t.Parameters[name]
		raw, ok := given[name]
		if !ok {
			raw = fmt.Sprint(p.Default)
		}
		v, err := parameter(ctx, t, name, p, raw, store)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}

// listType says whether Ref of a parameter of a type gives a list.
func listType(name string) bool {
	kind := strings.TrimPrefix(name, ssmValue)
	return strings.HasPrefix(kind, "CommaDelimitedList") || strings.HasPrefix(kind, "List<")
}

// parameter checks one value and gives it its type. Nothing here may show a value: it may be
// secret.
func parameter(ctx context.Context, t *parse.Template, name string, p cfn.Parameter, raw string, store ParameterStore) (any, error) {
	path := "Parameters." + name
	kind, inStore := strings.CutPrefix(p.Type, ssmValue)
	kind = strings.TrimSuffix(kind, ">")
	list := listType(p.Type)
	if inner, ok := strings.CutPrefix(kind, "List<"); ok {
		kind = strings.TrimSuffix(inner, ">")
	}
	if !knownType(kind, list, inStore) {
		return nil, t.Errorf(path+".Type", "Template format error: Unrecognized parameter type: %s", p.Type)
	}
	// What is stored elsewhere is checked by its name, as the page says.
	if err := constrain(t, name, p, raw, list && !inStore, kind == "Number" && !inStore); err != nil {
		return nil, err
	}
	// A parameter of the type Name is a name, but must be there too.
	if inStore || kind == "AWS::SSM::Parameter::Name" {
		value, err := "", error(ErrNotFound)
		if store != nil {
			value, err = store.Parameter(ctx, raw)
		}
		if errors.Is(err, ErrNotFound) {
			return nil, t.Errorf(path, "Unable to fetch parameters [%s] from parameter store for this account.", raw)
		}
		if err != nil {
			return nil, t.Errorf(path, "fetching parameter %s: %v", raw, err)
		}
		if inStore {
			raw = value
		}
	}
	if !list {
		return raw, nil
	}
	items := []any{}
	for _, item := range split(raw) {
		items = append(items, item)
	}
	return items, nil
}

func split(raw string) []string {
	if raw == "" {
		return nil
	}
	items := strings.Split(raw, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

// knownType says whether CloudFormation has a type. Those of EC2 and Route 53 are strings here: whether a
// key pair or a subnet exists, its resource finds out.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
func knownType(kind string, list, inStore bool) bool {
	switch kind {
	case "String":
		return inStore || !list
	case "Number":
		return !inStore
	case "CommaDelimitedList":
		return true
	case "AWS::SSM::Parameter::Name":
		return !list && !inStore
	case "AWS::EC2::KeyPair::KeyName":
		return !list || inStore
	case "AWS::EC2::AvailabilityZone::Name", "AWS::EC2::Image::Id", "AWS::EC2::Instance::Id", "AWS::EC2::SecurityGroup::GroupName",
		"AWS::EC2::SecurityGroup::Id", "AWS::EC2::Subnet::Id", "AWS::EC2::Volume::Id", "AWS::EC2::VPC::Id", "AWS::Route53::HostedZone::Id":
		return true
	}
	return false
}

func constrain(t *parse.Template, name string, p cfn.Parameter, raw string, list, number bool) error {
	path := "Parameters." + name
	fail := func(format string, args ...any) error {
		if p.ConstraintDescription != "" {
			return t.Errorf(path, "Parameter %s failed to satisfy constraint: %s", name, p.ConstraintDescription)
		}
		return t.Errorf(path, "Parameter '%s' "+format, append([]any{name}, args...)...)
	}
	values := []string{raw}
	if list {
		values = split(raw)
	}
	var pattern *regexp.Regexp
	if p.AllowedPattern != "" {
		var err error
		if pattern, err = regexp.Compile(`^(?:` + p.AllowedPattern + `)$`); err != nil {
			return t.Errorf(path+".AllowedPattern", "Template format error: the pattern is not understood: %v", err)
		}
	}
	for _, v := range values {
		if len(p.AllowedValues) > 0 && !slices.ContainsFunc(p.AllowedValues, func(a any) bool { return fmt.Sprint(a) == v }) {
			return fail("must be one of AllowedValues")
		}
		if pattern != nil && !pattern.MatchString(v) {
			return fail("must match pattern %s", p.AllowedPattern)
		}
		if number {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return fail("must be a number.")
			}
			if low, ok := bound(p.MinValue); ok && f < low {
				return fail("must be a number not less than %v", p.MinValue)
			}
			if high, ok := bound(p.MaxValue); ok && f > high {
				return fail("must be a number not greater than %v", p.MaxValue)
			}
			continue
		}
		n := float64(utf8.RuneCountInString(v))
		if low, ok := bound(p.MinLength); ok && n < low {
			return fail("must contain at least %v characters", p.MinLength)
		}
		if high, ok := bound(p.MaxLength); ok && n > high {
			return fail("must contain at most %v characters", p.MaxLength)
		}
	}
	return nil
}

// bound reads a number that a template gives, however it was written.
func bound(v any) (float64, bool) {
	switch v := v.(type) {
	case nil:
		return 0, false
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	f, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	return f, err == nil
}
