//go:build !ephor_lambda

package cfn

// What is in this file makes a program 28 KB larger (go test ./e2e -run TestTheSeam -v). A deployed function, which
// handles no templates, goes without it: there a Template is read as any other struct.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// UnmarshalJSON reads a template as AWS has it: Transform may be one name. Numbers come as json.Number, as they are
// written.
func (t *Template) UnmarshalJSON(data []byte) error {
	type plain Template
	in := struct {
		*plain
		Transform  oneOrMany
		Parameters map[string]json.RawMessage
		Resources  map[string]json.RawMessage
		Outputs    map[string]json.RawMessage
	}{plain: new(plain)}
	err := read(data, &in)
	if err != nil {
		return err
	}
	out := (*Template)(in.plain)
	out.Transform = in.Transform
	if out.Parameters, err = members[Parameter]("Parameters", in.Parameters); err != nil {
		return err
	}
	if out.Resources, err = members[Resource]("Resources", in.Resources); err != nil {
		return err
	}
	if out.Outputs, err = members[Output]("Outputs", in.Outputs); err != nil {
		return err
	}
	*t = *out
	return nil
}

// UnmarshalJSON reads a parameter as AWS has it: NoEcho may be text.
func (p *Parameter) UnmarshalJSON(data []byte) error {
	type plain Parameter
	in := struct {
		*plain
		NoEcho truth
	}{plain: new(plain)}
	if err := read(data, &in); err != nil {
		return err
	}
	*p = Parameter(*in.plain)
	p.NoEcho = bool(in.NoEcho)
	return nil
}

// UnmarshalJSON reads a resource as AWS has it: DependsOn may be one name.
func (r *Resource) UnmarshalJSON(data []byte) error {
	type plain Resource
	in := struct {
		*plain
		DependsOn oneOrMany
	}{plain: new(plain)}
	if err := read(data, &in); err != nil {
		return err
	}
	*r = Resource(*in.plain)
	r.DependsOn = in.DependsOn
	return nil
}

// UnmarshalJSON reads an output.
func (o *Output) UnmarshalJSON(data []byte) error {
	type plain Output
	in := new(plain)
	if err := read(data, in); err != nil {
		return err
	}
	*o = Output(*in)
	return nil
}

// members reads the members of a section, and says which of them it cannot read.
func members[V any](section string, in map[string]json.RawMessage) (map[string]V, error) {
	if in == nil {
		return nil, nil
	}
	out := make(map[string]V, len(in))
	for _, name := range slices.Sorted(maps.Keys(in)) {
		var v V
		if err := json.Unmarshal(in[name], &v); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", section, name, err)
		}
		out[name] = v
	}
	return out, nil
}

// read decodes one object. A member that it has no field for would get lost on the way to AWS, and is refused.
func read(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("%s is %s: that form is not supported here, write it as %v", strings.TrimPrefix(kind.Field, "plain."), kind.Value, kind.Type)
	}
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			return errors.New("there is more behind the object")
		}
	}
	return err
}

// oneOrMany is a name, or a list of them.
type oneOrMany []string

func (names *oneOrMany) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*names = oneOrMany{one}
		return nil
	}
	if err := json.Unmarshal(data, (*[]string)(names)); err != nil {
		return fmt.Errorf("%s is neither text nor a list of it, which alone are supported here", data)
	}
	return nil
}

// truth is true or false, or text that says it.
type truth bool

func (t *truth) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case `true`, `"true"`:
		*t = true
	case `false`, `"false"`:
		*t = false
	default:
		return fmt.Errorf("%s is neither true nor false", data)
	}
	return nil
}
