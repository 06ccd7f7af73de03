package eval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/cfn/parse"
)

// made are resources whose references are made of their names; those named New are not made yet.
type made struct{}

func (made) Ref(id string) (any, error) {
	if strings.HasPrefix(id, "New") {
		return Unknown, nil
	}
	return "ref-" + id, nil
}

func (made) Attribute(id, name string) (any, error) {
	switch {
	case strings.HasPrefix(id, "New"):
		return Unknown, nil
	case name == "List":
		return []any{"x", "y"}, nil
	case name == "None":
		return nil, errors.New("there is no attribute None")
	}
	return id + "." + name, nil
}

type exports map[string]any

func (e exports) Import(name string) (any, bool) {
	v, ok := e[name]
	return v, ok
}

const surroundings = `
Parameters:
  Stage: {Type: String, Default: test}
  Nets: {Type: CommaDelimitedList, Default: "a, b"}
Mappings: {Sizes: {test: {size: small, zones: [1, 2]}}}
Conditions:
  IsTest: !Equals [!Ref Stage, test]
  IsProd: !Not [!Condition IsTest]
Resources:
  A: {Type: T}
  NewB: {Type: T}
  X: {Type: T, Properties: {V: %s}}
`

func scopeFor(t *testing.T, text string, given map[string]string) (*Scope, error) {
	t.Helper()
	p, err := parse.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	params, err := Parameters(t.Context(), p, given, nil)
	if err != nil {
		return nil, err
	}
	s := &Scope{
		Template: p, Parameters: params, Resources: made{}, Imports: exports{"exp-test": "imported"},
		Pseudo: Pseudo{StackName: "S", StackID: "arn:S", Region: "eu-west-1", AccountID: "000000000000", NotificationARNs: []string{"n"}},
	}
	s.Conditions, err = Conditions(s)
	return s, err
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	f := func(yaml string, want any) {
		t.Helper()
		s, err := scopeFor(t, fmt.Sprintf(surroundings, yaml), nil)
		if err != nil {
			t.Errorf("%s: %v", yaml, err)
			return
		}
		got, err := s.Properties("X")
		if err != nil {
			t.Errorf("%s: %v", yaml, err)
			return
		}
		if diff := cmp.Diff(map[string]any{"V": want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", yaml, diff)
		}
	}
	f("!Ref Stage", "test")
	f("!Ref Nets", []any{"a", "b"})
	f("!Ref A", "ref-A")
	f("!Ref AWS::Region", "eu-west-1")
	f("!Ref AWS::Partition", "aws")
	f("!Ref AWS::URLSuffix", "amazonaws.com")
	f("!Ref AWS::NotificationARNs", []any{"n"})
	f("!GetAtt A.Arn", "A.Arn")
	f("!GetAtt A.End.Point", "A.End.Point")
	f("!GetAtt [A, !Ref Stage]", "A.test")
	f("{Fn::GetAtt: A.Arn}", "A.Arn")
	f(`!Sub "${AWS::StackName}-${Stage}-${A}-${A.Arn}-${!Lit}-$${Stage}-${ Stage }"`, "S-test-ref-A-A.Arn-${Lit}-$test-test")
	f(`!Sub ["${a}${Stage}${b}", {a: !Ref A, b: 5}]`, "ref-Atest5")
	f(`!Sub "no end ${Stage"`, "no end ${Stage")
	f(`!Join ["-", [a, 1, true, !Ref Stage]]`, "a-1-true-test")
	f(`!Join ["-", !Ref Nets]`, "a-b")
	f(`!Select [1, !GetAtt A.List]`, "y")
	f(`!Select ["0", !Split [",", "p,q"]]`, "p")
	f(`!Select [3, !Split ["\"", '{"ephor":"a,b,c"}']]`, "a,b,c")
	f(`!If [IsTest, 1, !Ref A]`, json.Number("1"))
	f(`[a, !If [IsProd, b, !Ref AWS::NoValue], c]`, []any{"a", "c"})
	f(`{a: 1, b: !If [IsTest, !Ref "AWS::NoValue", 2]}`, map[string]any{"a": json.Number("1")})
	f(`!FindInMap [Sizes, !Ref Stage, size]`, "small")
	f(`!FindInMap [Sizes, test, zones]`, []any{json.Number("1"), json.Number("2")})
	f(`!ImportValue exp-test`, "imported")
	f(`{"Fn::ImportValue": !Sub "exp-${Stage}"}`, "imported")
	f(`{"Fn::Base64": !Sub "hello ${Stage}"}`, "aGVsbG8gdGVzdA==")
	f(`!GetAZs ""`, []any{"eu-west-1a", "eu-west-1b", "eu-west-1c"})
	f(`!Cidr [10.0.0.0/16, 3, 8]`, []any{"10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"})
	f(`!Cidr ["fd00::/56", 2, 64]`, []any{"fd00::/64", "fd00:0:0:1::/64"})
	f(`{Statement: [{Effect: Allow, Condition: {StringEquals: {a: b}}}]}`,
		map[string]any{"Statement": []any{map[string]any{"Effect": "Allow", "Condition": map[string]any{"StringEquals": map[string]any{"a": "b"}}}}})
	f(`"{{resolve:secretsmanager:x}}"`, "{{resolve:secretsmanager:x}}")
	// What hangs on a resource that is not made yet is not known as a whole.
	f("!Ref NewB", Unknown)
	f(`!Sub "a-${NewB.Arn}"`, Unknown)
	f(`!Join ["", [a, !Ref NewB]]`, Unknown)
	f(`!Select [0, !Split [",", !Ref NewB]]`, Unknown)
	f(`{"Fn::Base64": !Ref NewB}`, Unknown)
	f(`[a, !Ref NewB]`, []any{"a", Unknown})
}

func TestFunctionErrors(t *testing.T) {
	t.Parallel()
	f := func(yaml, want string) {
		t.Helper()
		s, err := scopeFor(t, fmt.Sprintf(surroundings, yaml), nil)
		if err == nil {
			_, err = s.Properties("X")
		}
		var e *parse.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v, want an *Error", yaml, err)
			return
		}
		if !strings.HasPrefix(e.Path, "Resources.X.Properties.V") || e.Position.Line != 12 {
			t.Errorf("%s: at %s", yaml, e.Place())
		}
		if e.Message != want {
			t.Errorf("%s:\ngot  %s\nwant %s", yaml, e.Message, want)
		}
	}
	f("!Ref Nope", "Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template")
	f("!Ref [a]", "Template error: Ref requires the name of a parameter or a resource")
	f("!GetAtt Nope.Arn", "Template error: instance of Fn::GetAtt references undefined resource Nope")
	f("!GetAtt A", "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
	f("!GetAtt A.None", "there is no attribute None")
	f("!Sub [x]", subUsage)
	f("!Sub '${Nope}'", "Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template")
	f("!Sub '${Nets}'", "Template error: variable Nets in Fn::Sub expression does not resolve to a string")
	f("!Sub 'a${AWS::NoValue}b'", "Template error: variable AWS::NoValue in Fn::Sub expression does not resolve to a string")
	f("!Sub '${AWS::NotificationARNs}'", "Template error: variable AWS::NotificationARNs in Fn::Sub expression does not resolve to a string")
	f("!Sub ['${a}', {a: !Ref 'AWS::NoValue'}]", subValueUsage)
	f("!Sub ['${a}', {a: [b]}]", subValueUsage)
	f("!Sub ['${a}', {a: !If [IsTest, !Ref 'AWS::NoValue', b]}]", "Template error: variable a in Fn::Sub expression does not resolve to a string")
	f("!Join [a]", "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.")
	f("!Select [7, !Ref Nets]", "Template error: Fn::Select cannot select nonexistent value at index 7")
	f("!Select [-1, !Ref Nets]", "Template error: Fn::Select cannot select nonexistent value at index -1")
	f("!Split ['', x]", "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.")
	f("!If [Nope, a, b]", "Template error: unresolved condition dependency Nope in Fn::If")
	f("!If [IsTest, a]", "Template error: Fn::If requires a list argument with three elements")
	f("!FindInMap [Sizes, test, nope]", "Template error: Unable to get mapping for Sizes::test::nope")
	f("!FindInMap [Nope, test, size]", "Template error: Mapping named 'Nope' is not present in the 'Mappings' section of template.")
	f("!ImportValue nope", "No export named nope found")
	f("!Cidr [10.0.0.0/30, 3, 8]", "Template error: Fn::Cidr: subnets with 8 bits do not fit into 10.0.0.0/30")
	f("{Fn::Foo: x}", "Template format error: Encountered unsupported function: Fn::Foo Supported functions are: "+supported)
}

// The functions of the transform AWS::LanguageExtensions, which is refused a template that does not name it.
func TestLanguageExtensions(t *testing.T) {
	t.Parallel()
	f := func(yaml string, want any, message string) {
		t.Helper()
		text := fmt.Sprintf(surroundings, yaml)
		s, err := scopeFor(t, "Transform: AWS::LanguageExtensions"+text, nil)
		var got map[string]any
		if err == nil {
			err = Check(s.Template)
		}
		if err == nil {
			got, err = s.Properties("X")
		}
		if message != "" {
			var e *parse.Error
			if !errors.As(err, &e) || e.Message != message || e.Position.Line != 12 {
				t.Errorf("%s:\ngot  %v\nwant %s", yaml, err, message)
			}
			return
		}
		if err != nil {
			t.Errorf("%s: %v", yaml, err)
			return
		}
		if diff := cmp.Diff(map[string]any{"V": want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", yaml, diff)
		}
		p, err := parse.Parse([]byte(text))
		if err == nil {
			err = Check(p)
		}
		if err == nil || !strings.Contains(err.Error(), "of the transform AWS::LanguageExtensions") {
			t.Errorf("%s without the transform: %v", yaml, err)
		}
	}
	f("{Fn::Length: [1, 2, x]}", json.Number("3"), "")
	f("{Fn::Length: !Ref Nets}", json.Number("2"), "")
	f("{Fn::Length: {Fn::Split: ['|', 'a|b|c']}}", json.Number("3"), "")
	f("{Fn::Length: !GetAtt NewB.List}", nil, "Template error: Fn::Length cannot depend on a resource")
	f("{Fn::Length: x}", nil, lengthUsage)
	f("{Fn::ToJsonString: {k: !Ref Stage, a: [1, true, '<'], r: !Ref A}}", `{"a":[1,true,"<"],"k":"test","r":"ref-A"}`, "")
	f("{Fn::ToJsonString: [{a: b}]}", `[{"a":"b"}]`, "")
	f("{Fn::ToJsonString: {k: !GetAtt NewB.Arn}}", Unknown, "")
	f("{Fn::ToJsonString: x}", nil, toJSONUsage)
	f("!FindInMap [Sizes, nope, size, {DefaultValue: !Ref Stage}]", "test", "")
	f("!FindInMap [Nope, test, size, {DefaultValue: [a]}]", []any{"a"}, "")
	f("!FindInMap [Sizes, test, size, {DefaultValue: x}]", "small", "")
	f("!FindInMap [Sizes, test, size, {Default: x}]", nil, findUsage+" (a fourth, {DefaultValue: …}, is of the transform AWS::LanguageExtensions)")
}

// What is not whole is found without parameters, when the template is checked.
func TestCheckFindsShapes(t *testing.T) {
	t.Parallel()
	f := func(yaml, want string) {
		t.Helper()
		p, err := parse.Parse([]byte(fmt.Sprintf(surroundings, yaml)))
		if err != nil {
			t.Fatalf("%s: %v", yaml, err)
		}
		var e *parse.Error
		if err := Check(p); !errors.As(err, &e) || e.Message != want || e.Position.Line != 12 {
			t.Errorf("%s:\ngot  %v\nwant %s", yaml, err, want)
		}
	}
	f("!Join [a]", joinUsage)
	f("!Join [!Ref Stage, [a]]", joinUsage)
	f("!Join ['', a]", joinUsage)
	f("!Split [',', [a]]", splitUsage)
	f("!Select [0]", selectUsage)
	f("!If [IsTest, !Join [a], b]", joinUsage)
	f("!If [IsTest, a, !If [b]]", ifUsage)
	f("!If [[IsTest], a, b]", ifNameUsage)
	f("!GetAtt {a: b}", getAttUsage)
	f("!GetAtt [A, [b]]", getAttUsage)
	f("!Base64 [a]", base64Usage)
	f("!GetAZs [a]", zonesUsage)
	f("!ImportValue [a]", importUsage)
	f("!Cidr [a]", cidrUsage)
	f("!FindInMap [a, b]", findUsage)
	f("!FindInMap [a, b, [c]]", findUsage)
	f("!Equals [a, b]", fmt.Sprintf(unknownFormat, "Fn::Equals", supported))
	f("!Transform {Name: AWS::Include}", fmt.Sprintf(unknownFormat, "Fn::Transform", supported))
	f("{'Fn::ForEach::Loop': [x, [a], {}]}", fmt.Sprintf(unknownFormat, "Fn::ForEach::Loop", supported))
	f("{a: b, 'Fn::ForEach::Loop': [x, [a], {}]}", "Template format error: Fn::ForEach::Loop stands beside other keys; a function is an object of its own")
}

// Text that doubles with every step ends in an error, not in memory.
func TestValueIsBounded(t *testing.T) {
	t.Parallel()
	big := map[string]any{"Ref": "P"}
	for range 40 {
		big = map[string]any{"Fn::Join": []any{"", []any{big, big}}}
	}
	s := &Scope{Template: &parse.Template{}, Parameters: map[string]any{"P": strings.Repeat("x", 1<<20)}}
	if _, err := s.Value("Resources.A", big); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Fatalf("Value: %v", err)
	}
}

// A template written in Go has no positions, and values of Go's own types.
func TestTemplateFromGo(t *testing.T) {
	t.Parallel()
	p := &parse.Template{Template: cfn.Template{Resources: map[string]cfn.Resource{
		"A": {Type: "T", Properties: map[string]any{"N": 30, "L": []string{"a"}, "S": cfn.Join("-", "x", cfn.Ref("B"))}},
		"B": {Type: "T"},
	}}}
	if err := Check(p); err != nil {
		t.Fatal(err)
	}
	got, err := (&Scope{Template: p, Resources: made{}}).Properties("A")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"N": json.Number("30"), "L": []any{"a"}, "S": "x-ref-B"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	f := func(conditions string, want map[string]bool, message string) {
		t.Helper()
		s, err := scopeFor(t, "Parameters: {P: {Type: String, Default: a}, N: {Type: Number, Default: 5}}\nMappings: {M: {a: {v: x}}}\nResources: {R: {Type: T}}\nConditions: "+conditions, nil)
		if message != "" {
			var e *parse.Error
			if !errors.As(err, &e) || e.Message != message {
				t.Errorf("%s:\ngot  %v\nwant %s", conditions, err, message)
			}
			return
		}
		if err != nil {
			t.Errorf("%s: %v", conditions, err)
			return
		}
		if diff := cmp.Diff(want, s.Conditions); diff != "" {
			t.Errorf("%s (-want +got):\n%s", conditions, diff)
		}
	}
	f("{C: !Equals [!Ref P, a]}", map[string]bool{"C": true}, "")
	f("{C: !Equals [!Ref N, 5]}", map[string]bool{"C": true}, "")
	f("{C: !Equals [!FindInMap [M, !Ref P, v], y]}", map[string]bool{"C": false}, "")
	f("{C: !And [!Condition D, !Not [!Condition E]], D: !Equals [1, 1], E: !Or [!Equals [a, b], !Equals [a, c]]}",
		map[string]bool{"C": true, "D": true, "E": false}, "")
	f("{C: !Equals [!Ref AWS::Region, eu-west-1]}", map[string]bool{"C": true}, "")
	f("{C: !Condition C}", nil, "Template format error: Circular dependency between conditions: [C]")
	f("{C: !Condition D}", nil, "Template format error: Unresolved condition dependency D in the Conditions block of the template")
	f("{C: !Equals [!Ref R, a]}", nil, "Template format error: Unresolved dependencies [R]. Cannot reference resources in the Conditions block of the template")
	f("{C: !Equals [a]}", nil, "Template error: every Fn::Equals object requires a list of 2 string parameters.")
	f("{C: !Or [!Equals [a, b]]}", nil, "Template error: every Fn::Or object requires a list of at least 2 and at most 10 boolean parameters.")
	f("{C: true}", nil, "Template format error: Every Conditions member must be one of Condition, Fn::And, Fn::Equals, Fn::Not and Fn::Or.")
}

type store map[string]string

func (s store) Parameter(_ context.Context, name string) (string, error) {
	if v, ok := s[name]; ok {
		return v, nil
	}
	return "", fmt.Errorf("%s: %w", name, ErrNotFound)
}

func (s store) Secret(_ context.Context, id, stage, version string) (string, error) {
	return s.Parameter(context.Background(), strings.TrimRight(id+" "+stage+" "+version, " "))
}

func TestParameters(t *testing.T) {
	t.Parallel()
	f := func(declared string, given map[string]string, want any, message string) {
		t.Helper()
		p, err := parse.Parse([]byte("Parameters: {P: {" + declared + "}}\nResources: {R: {Type: T}}"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parameters(t.Context(), p, given, store{"/ami": "ami-1", "/list": "a,b"})
		if message != "" {
			var e *parse.Error
			if !errors.As(err, &e) || e.Message != message {
				t.Errorf("%s %v:\ngot  %v\nwant %s", declared, given, err, message)
			}
			return
		}
		if err != nil {
			t.Errorf("%s %v: %v", declared, given, err)
			return
		}
		if diff := cmp.Diff(want, got["P"]); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", declared, given, diff)
		}
	}
	is := func(v string) map[string]string { return map[string]string{"P": v} }
	f("Type: String, Default: x", nil, "x", "")
	f("Type: String, Default: x", is("y"), "y", "")
	f("Type: String, Default: ''", nil, "", "")
	f("Type: String", nil, nil, "Parameters: [P] must have values")
	f("Type: String", map[string]string{"P": "", "Q": "", "R": ""}, nil, "Parameters: [Q, R] do not exist in the template")
	f("Type: Number", is("1.5"), "1.5", "")
	f("Type: Number", is("x"), nil, "Parameter 'P' must be a number.")
	f("Type: Number, MinValue: 2", is("1"), nil, "Parameter 'P' must be a number not less than 2")
	f("Type: Number, MaxValue: 2", is("3"), nil, "Parameter 'P' must be a number not greater than 2")
	f("Type: String, MinLength: 2", is("é"), nil, "Parameter 'P' must contain at least 2 characters")
	f("Type: String, MaxLength: 2", is("éé"), "éé", "")
	f("Type: String, MaxLength: 2", is("abc"), nil, "Parameter 'P' must contain at most 2 characters")
	f("Type: String, AllowedValues: [a, 1]", is("1"), "1", "")
	f("Type: String, AllowedValues: [a]", is("b"), nil, "Parameter 'P' must be one of AllowedValues")
	f("Type: String, AllowedPattern: '[a-z]+'", is("ab1"), nil, "Parameter 'P' must match pattern [a-z]+")
	f("Type: String, AllowedPattern: '[a-z]+', ConstraintDescription: only letters", is("1"), nil, "Parameter P failed to satisfy constraint: only letters")
	f("Type: String, NoEcho: true, AllowedValues: [a]", is("hunter2"), nil, "Parameter 'P' must be one of AllowedValues")
	f("Type: CommaDelimitedList", is("a , b,c"), []any{"a", "b", "c"}, "")
	f("Type: CommaDelimitedList", is(""), []any{}, "")
	f("Type: List<Number>", is("1,2"), []any{"1", "2"}, "")
	f("Type: List<Number>", is("1,x"), nil, "Parameter 'P' must be a number.")
	f("Type: AWS::EC2::KeyPair::KeyName", is("k"), "k", "")
	f("Type: List<AWS::EC2::Subnet::Id>", is("s1,s2"), []any{"s1", "s2"}, "")
	f("Type: AWS::SSM::Parameter::Value<String>", is("/ami"), "ami-1", "")
	f("Type: AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", is("/ami"), "ami-1", "")
	f("Type: AWS::SSM::Parameter::Value<List<String>>", is("/list"), []any{"a", "b"}, "")
	f("Type: AWS::SSM::Parameter::Value<String>", is("/none"), nil, "Unable to fetch parameters [/none] from parameter store for this account.")
	f("Type: AWS::SSM::Parameter::Name", is("/ami"), "/ami", "")
	f("Type: AWS::SSM::Parameter::Name", is("/none"), nil, "Unable to fetch parameters [/none] from parameter store for this account.")
	f("Type: AWS::SSM::Parameter::Value<CommaDelimitedList>", is("/list"), []any{"a", "b"}, "")
	f("Type: AWS::SSM::Parameter::Value<List<AWS::EC2::Subnet::Id>>", is("/list"), []any{"a", "b"}, "")
	f("Type: List<AWS::EC2::KeyPair::KeyName>", is("a"), nil, "Template format error: Unrecognized parameter type: List<AWS::EC2::KeyPair::KeyName>")
	f("Type: List<AWS::SSM::Parameter::Value<String>>", is("a"), nil, "Template format error: Unrecognized parameter type: List<AWS::SSM::Parameter::Value<String>>")
	f("Type: AWS::EC2::Nothing::Id", is("a"), nil, "Template format error: Unrecognized parameter type: AWS::EC2::Nothing::Id")
	f("Type: List<String>", is("a"), nil, "Template format error: Unrecognized parameter type: List<String>")
	f("Type: Boolean", is("true"), nil, "Template format error: Unrecognized parameter type: Boolean")
}

func TestDynamic(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf"
	from := store{arn: `{"username":"writer","password":"p:w","port":5}`, "plain": "s3cret", "plain AWSPREVIOUS": "old", "/p": "v", "/p:3": "third"}
	f := func(in, want string) {
		t.Helper()
		got, secrets, err := Dynamic(t.Context(), map[string]any{"x": []any{in, true}}, Stores{Secrets: from, Parameters: from})
		if err != nil {
			t.Errorf("%s: %v", in, err)
			return
		}
		if diff := cmp.Diff(map[string]any{"x": []any{want, true}}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
		if in != want && len(secrets) == 0 {
			t.Errorf("%s: no secret was told", in)
		}
	}
	f("no reference", "no reference")
	f("{{resolve:secretsmanager:plain}}", "s3cret")
	f("{{resolve:secretsmanager:plain:SecretString}}", "s3cret")
	f("{{resolve:secretsmanager:plain:SecretString::AWSPREVIOUS}}", "old")
	f("writer:{{resolve:secretsmanager:"+arn+":SecretString:password}}", "writer:p:w")
	f("{{resolve:secretsmanager:"+arn+":SecretString:username}}:{{resolve:secretsmanager:"+arn+":SecretString:password}}", "writer:p:w")
	f("{{resolve:secretsmanager:"+arn+":SecretString:port}}", "5")
	f("{{resolve:ssm:/p}}", "v")
	f("{{resolve:ssm:/p:3}}", "third")

	bad := func(in, want string) {
		t.Helper()
		_, _, err := Dynamic(t.Context(), in, Stores{Secrets: from, Parameters: from})
		if err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", in, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error shows the secret", in)
		}
	}
	bad("{{resolve:secretsmanager:none}}", "Secrets Manager can't find the specified secret: {{resolve:secretsmanager:none}}")
	bad("{{resolve:secretsmanager:plain:SecretString:key}}", "Could not parse SecretString JSON of {{resolve:secretsmanager:plain:SecretString:key}}")
	bad("{{resolve:secretsmanager:"+arn+":SecretString:none}}", "Could not find a value associated with JSONKey in SecretString: {{resolve:secretsmanager:"+arn+":SecretString:none}}")
	bad("{{resolve:secretsmanager:plain:SecretBinary}}", "Invalid dynamic reference {{resolve:secretsmanager:plain:SecretBinary}}: it has the form {{resolve:secretsmanager:id:SecretString:key:stage:version}}")
	bad("{{resolve:ssm:/none}}", "Parameters: [ssm:/none] cannot be found.")
	bad("{{resolve:ssm:/p:4}}", "Parameters: [ssm:/p:4] cannot be found.")
	bad("{{resolve:ssm:/p:label}}", "Invalid dynamic reference {{resolve:ssm:/p:label}}: it has the form {{resolve:ssm:name}} or {{resolve:ssm:name:version}}")
	bad("{{resolve:ssm-secure:/p:1}}", "SSM Secure reference is not supported in this property: {{resolve:ssm-secure:/p:1}}; keep it in Secrets Manager, {{resolve:secretsmanager:…}}")
	bad("{{resolve:vault:x}}", `Invalid dynamic reference {{resolve:vault:x}}: the service "vault" is not known`)
	if _, _, err := Dynamic(t.Context(), "{{resolve:ssm:/p}}", Stores{}); err == nil {
		t.Error("a reference was resolved without a store")
	}
	if HasDynamic(map[string]any{"a": []any{"x"}}) || !HasDynamic(map[string]any{"a": []any{"{{resolve:ssm:/p}}"}}) {
		t.Error("HasDynamic is wrong")
	}
}
