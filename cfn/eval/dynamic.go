package eval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ephor-io/ephor/cfn/parse"
)

// SecretStore reads secrets of Secrets Manager. id is a name or an ARN; stage and version may be
// empty. ErrNotFound in err's chain means that there is none.
type SecretStore interface {
	Secret(ctx context.Context, id, stage, version string) (string, error)
}

// Stores is where dynamic references lead.
type Stores struct {
	Secrets    SecretStore
	Parameters ParameterStore
}

// reference finds {{resolve:service:…}}.
var reference = regexp.MustCompile(`\{\{resolve:([a-z-]+):([^{}]*)\}\}`)

// ssmKey is a parameter's name and perhaps its version.
var ssmKey = regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+(:\d+)?$`)

// HasDynamic says whether v holds a dynamic reference.
func HasDynamic(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, "{{resolve:") && reference.MatchString(v)
	case []any:
		for _, item := range v {
			if HasDynamic(item) {
				return true
			}
		}
	case map[string]any:
		for _, item := range v {
			if HasDynamic(item) {
				return true
			}
		}
	}
	return false
}

// Dynamic is a deep copy of v with its dynamic references resolved, and what they resolved to,
// so that the caller can keep that out of whatever it shows. No error holds a secret.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
func Dynamic(ctx context.Context, v any, from Stores) (resolved any, secrets []string, err error) {
	d := &dynamic{ctx: ctx, from: from, known: map[string]string{}}
	resolved, err = d.value(v)
	for _, s := range d.known {
		secrets = append(secrets, s)
	}
	return resolved, secrets, err
}

type dynamic struct {
	ctx   context.Context
	from  Stores
	known map[string]string // by reference: each is looked up once
}

func (d *dynamic) value(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return d.text(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			var err error
			if out[i], err = d.value(item); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			var err error
			if out[key], err = d.value(item); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

func (d *dynamic) text(s string) (string, error) {
	if !strings.Contains(s, "{{resolve:") {
		return s, nil
	}
	var first error
	out := reference.ReplaceAllStringFunc(s, func(ref string) string {
		if value, ok := d.known[ref]; ok {
			return value
		}
		value, err := d.look(ref)
		if err != nil {
			if first == nil {
				first = err
			}
			return ref
		}
		d.known[ref] = value
		return value
	})
	return out, first
}

// refused is an error in CloudFormation's words. ref is named in it, never its value.
func refused(format string, args ...any) error {
	return &parse.Error{Message: fmt.Sprintf(format, args...)}
}

func (d *dynamic) look(ref string) (string, error) {
	m := reference.FindStringSubmatch(ref)
	switch service, rest := m[1], m[2]; service {
	case "secretsmanager":
		return d.secret(ref, rest)
	case "ssm-secure":
		// AWS resolves it in some properties of other types alone, such as a database's password.
		return "", refused("SSM Secure reference is not supported in this property: %s; keep it in Secrets Manager, {{resolve:secretsmanager:…}}", ref)
	case "ssm":
		if !ssmKey.MatchString(rest) {
			return "", refused("Invalid dynamic reference %s: it has the form {{resolve:ssm:name}} or {{resolve:ssm:name:version}}", ref)
		}
		if d.from.Parameters == nil {
			return "", refused("Could not resolve %s: there is no parameter store here", ref)
		}
		value, err := d.from.Parameters.Parameter(d.ctx, rest)
		if errors.Is(err, ErrNotFound) {
			return "", refused("Parameters: [ssm:%s] cannot be found.", rest)
		}
		if err != nil {
			return "", fmt.Errorf("resolving %s: %w", ref, err)
		}
		return value, nil
	default:
		return "", refused("Invalid dynamic reference %s: the service %q is not known", ref, service)
	}
}

// secret resolves id:SecretString:json-key:stage:version, where id may be an ARN with colons of
// its own and what follows it may be left out.
func (d *dynamic) secret(ref, rest string) (string, error) {
	fields := strings.Split(rest, ":")
	id, fields := fields[0], fields[1:]
	if id == "arn" && len(fields) >= 6 {
		id, fields = strings.Join(append([]string{"arn"}, fields[:6]...), ":"), fields[6:]
	}
	fields = append(fields, "", "", "", "")
	if fields[0] != "" && fields[0] != "SecretString" || len(fields) > 8 {
		return "", refused("Invalid dynamic reference %s: it has the form {{resolve:secretsmanager:id:SecretString:key:stage:version}}", ref)
	}
	if d.from.Secrets == nil {
		return "", refused("Could not resolve %s: there is no secret store here", ref)
	}
	value, err := d.from.Secrets.Secret(d.ctx, id, fields[2], fields[3])
	if errors.Is(err, ErrNotFound) {
		return "", refused("Secrets Manager can't find the specified secret: %s", ref)
	}
	if err != nil {
		return "", fmt.Errorf("resolving %s: %w", ref, err)
	}
	if fields[1] == "" {
		return value, nil
	}
	var object map[string]any
	// The decoder's error would quote the secret.
	if json.Unmarshal([]byte(value), &object) != nil {
		return "", refused("Could not parse SecretString JSON of %s", ref)
	}
	switch v := object[fields[1]].(type) {
	case string:
		return v, nil
	case nil:
		return "", refused("Could not find a value associated with JSONKey in SecretString: %s", ref)
	default:
		data, err := json.Marshal(v)
		return string(data), err
	}
}
