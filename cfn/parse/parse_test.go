package parse

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/cfn"
)

func TestParse(t *testing.T) {
	t.Parallel()
	want := cfn.Template{
		AWSTemplateFormatVersion: "2010-09-09",
		Description:              "of all",
		Parameters: map[string]cfn.Parameter{
			"Stage": {Type: "String", Default: "test", AllowedValues: []any{"test", "1"}, NoEcho: true, MinLength: json.Number("1")},
		},
		Mappings:   map[string]any{"M": map[string]any{"k": map[string]any{"v": "x"}}},
		Conditions: map[string]any{"C": map[string]any{"Fn::Equals": []any{map[string]any{"Ref": "Stage"}, "test"}}},
		Resources: map[string]cfn.Resource{
			"A": {
				Type: "T::A", DependsOn: []string{"B"}, Condition: "C", DeletionPolicy: "Retain",
				Properties: map[string]any{
					"N": json.Number("30"), "B": true, "L": []any{"a", json.Number("1.50")},
					"S": map[string]any{"Fn::Sub": "${B.Arn}"},
					"G": map[string]any{"Fn::GetAtt": []any{"B", "Endpoint.Port"}},
				},
			},
			"B": {Type: "T::B", DependsOn: []string{}},
		},
		Outputs: map[string]cfn.Output{
			"O": {Value: map[string]any{"Ref": "A"}, Export: &cfn.Export{Name: map[string]any{"Fn::Join": []any{"-", []any{"a", "b"}}}}},
		},
	}
	for name, text := range map[string]string{
		"yaml": `
AWSTemplateFormatVersion: 2010-09-09
Description: of all
Parameters:
  Stage: {Type: String, Default: test, AllowedValues: [test, 1], NoEcho: yes, MinLength: 1}
Mappings: {M: {k: {v: x}}}
Conditions:
  C: !Equals [!Ref Stage, test]
Resources:
  A:
    Type: T::A
    DependsOn: B
    Condition: C
    DeletionPolicy: Retain
    Properties:
      N: 30
      B: on
      L: [a, 1.50]
      S: !Sub ${B.Arn}
      G: !GetAtt B.Endpoint.Port
  B: {Type: T::B, DependsOn: []}
Outputs:
  O: {Value: !Ref A, Export: {Name: !Join [-, [a, b]]}}
`,
		"json": `{
  "AWSTemplateFormatVersion": "2010-09-09", "Description": "of all",
  "Parameters": {"Stage": {"Type": "String", "Default": "test", "AllowedValues": ["test", 1], "NoEcho": "true", "MinLength": "1"}},
  "Mappings": {"M": {"k": {"v": "x"}}},
  "Conditions": {"C": {"Fn::Equals": [{"Ref": "Stage"}, "test"]}},
  "Resources": {
    "A": {"Type": "T::A", "DependsOn": ["B"], "Condition": "C", "DeletionPolicy": "Retain", "Properties": {
      "N": 30, "B": true, "L": ["a", 1.50], "S": {"Fn::Sub": "${B.Arn}"}, "G": {"Fn::GetAtt": ["B", "Endpoint.Port"]}}},
    "B": {"Type": "T::B", "DependsOn": []}},
  "Outputs": {"O": {"Value": {"Ref": "A"}, "Export": {"Name": {"Fn::Join": ["-", ["a", "b"]]}}}}
}`,
	} {
		got, err := Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got.Template); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	f := func(text, want string) {
		t.Helper()
		_, err := Parse([]byte(text))
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: %v, want an *Error", text, err)
			return
		}
		if err.Error() != want {
			t.Errorf("%q:\ngot  %s\nwant %s", text, err, want)
		}
	}
	const a = "Resources:\n  A: {Type: T}\n"
	f("", "Template format error: At least one Resources member must be defined.")
	f("[]", "line 1, column 1: Template format error: unsupported structure.")
	f("a: [", "Template format error: YAML not well-formed. (line 1: did not find expected node content)")
	f(`{"Resources": }`, "Template format error: JSON not well-formed. (line 1, column 15)")
	f("{\n \"Resources\": {}} x", "Template format error: JSON not well-formed. (line 2, column 19)")
	f("Resources: {}", "line 1, column 1: Template format error: At least one Resources member must be defined.")
	f(a+"---\nb: 1", "line 3, column 1: Template format error: YAML not well-formed. There is more than one document.")
	f(a+"Foo: {}", "Foo, line 3, column 1: Invalid template property or properties [Foo]")
	f(a+"Transform: AWS::Serverless-2016-10-31", "Transform, line 3, column 1: Template format error: the transform AWS::Serverless-2016-10-31 is not supported here; AWS::LanguageExtensions is.")
	f(a+"Transform: [AWS::LanguageExtensions, Mine]", "Transform, line 3, column 1: Template format error: the transform Mine is not supported here; AWS::LanguageExtensions is.")
	f(a+"Transform: {Name: AWS::Include}", "Transform, line 3, column 1: Template format error: Transform must be a string or list of strings.")
	f("Resources:\n  A: {Type: T, DependsOn: {a: b}}", "Resources.A.DependsOn, line 2, column 16: Template format error: DependsOn must be a string or list of strings.")
	f(a+"Rules: {}", "Rules, line 3, column 1: Template format error: the section Rules is not supported here.")
	f("Resources:\n  'Fn::ForEach::L': [x, [a], {}]", "Resources.Fn::ForEach::L, line 2, column 3: Template format error: Fn::ForEach::L is not supported here: write out what it would make.")
	f("Resources:\n  A: {Type: T, Properties: {X: !Length [a]}}", "line 2, column 32: Template format error: Fn::Length has no short form: write Fn::Length.")
	f(a+"Mappings: {M: x}", "Mappings.M, line 3, column 12: Template format error: Every Mappings member M must be a map")
	f(a+"Mappings: {M: {k: x}}", "Mappings.M.k, line 3, column 16: Template format error: Every Mappings member k must be a map")
	f(a+"Mappings: {M: {k: {a: {b: c}}}}", "Mappings.M.k.a, line 3, column 20: Template format error: Every Mappings attribute must be a String or a List.")
	f(a+"Mappings: {M: {k: {a: !Ref X}}}", "Mappings.M.k.a, line 3, column 20: Template format error: Every Mappings attribute must be a String or a List.")
	f(a+"Mappings: {M-x: {k: {a: b}}}", "Mappings.M-x, line 3, column 12: Template format error: Mappings name M-x is non alphanumeric.")
	f(a+"Outputs:", "Outputs, line 3, column 1: [/Outputs] 'null' values are not allowed in templates")
	f("Resources:\n  A: {Type: T, Properties: {L: [a, ~]}}", "Resources.A.Properties.L[1], line 2, column 36: [/Resources/A/Properties/L[1]] 'null' values are not allowed in templates")
	f("Resources:\n  A: x", "Resources.A, line 2, column 3: Template format error: Any Resources member must be an object.")
	f("Resources:\n  A: {Properties: {}}", "Resources.A, line 2, column 3: Template format error: [/Resources/A] Every Resources object must contain a Type member.")
	f("Resources:\n  A: {Type: T, Invalid: 1}", "Resources.A.Invalid, line 2, column 16: Invalid template resource property 'Invalid'")
	f("Resources:\n  A-b: {Type: T}", "Resources.A-b, line 2, column 3: Template format error: Resource name A-b is non alphanumeric.")
	f("Resources:\n  A: {Type: T}\n  A: {Type: U}", "line 3, column 3: Template format error: duplicate key \"A\".")
	f(`{"Resources": {"A": {"Type": "T", "Type": "U"}}}`, "line 1, column 35: Template format error: duplicate key \"Type\".")
	f("Resources:\n  A: &x {Type: T}\n  B: *x", "line 3, column 6: Template error: YAML aliases are not allowed in CloudFormation templates")
	f("Resources:\n  A: &x {Type: T}\n  B: {<<: *x}", "line 3, column 7: Template format error: keys must be plain scalars; merges and compound keys are not supported.")
	f("Resources:\n  A: {Type: T, Properties: {X: !Foo 1}}", "line 2, column 32: Template format error: YAML not well-formed. The tag \"!Foo\" is not known.")
	f(a+"Outputs: {O: {Description: x}}", "Outputs.O, line 3, column 11: Template format error: Every Outputs member must contain a Value object")
	f(a+"Outputs: {O: {Value: x, Export: y}}", "Outputs.O.Export, line 3, column 25: Template format error: Output O is malformed. The Name field of every Export member must be specified")
	f(a+"Parameters: {P: {Default: 1}}", "Parameters.P, line 3, column 14: Template format error: Every Parameters object must contain a Type member.")
	f(a+"Parameters: {P: {Type: String, AllowedValues: x}}", "Parameters.P.AllowedValues, line 3, column 32: Template format error: Every AllowedValues member must be a list.")
	f("AWSTemplateFormatVersion: 2020-01-01\n"+a, "AWSTemplateFormatVersion, line 1, column 1: Template format error: unsupported value for AWSTemplateFormatVersion.")
	f(strings.Repeat("#", MaxSize+1), "Template may not exceed 1000000 bytes in size.")
	deep := strings.Repeat("[", maxDepth+2)
	f(`{"a": `+deep, "line 1, column 107: Template format error: nested too deeply.")
}

// What an alias bomb multiplies is never built: the first alias is refused.
func TestAliasBomb(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		p := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+p+",", 8) + "*" + p + "]\n"
	}
	if _, err := Parse([]byte(bomb)); err == nil || !strings.Contains(err.Error(), "aliases") {
		t.Fatalf("Parse: %v", err)
	}
}

func TestScalars(t *testing.T) {
	t.Parallel()
	f := func(yaml string, want any) {
		t.Helper()
		p, err := Parse([]byte("Resources: {A: {Type: T, Properties: {X: " + yaml + "}}}"))
		if err != nil {
			t.Errorf("%s: %v", yaml, err)
			return
		}
		if diff := cmp.Diff(want, p.Resources["A"].Properties["X"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", yaml, diff)
		}
	}
	f("yes", true)
	f("Off", false)
	f("'yes'", "yes")
	f("!!str yes", "yes")
	f("2012-10-17", "2012-10-17")
	f("0644", json.Number("420"))
	f("0x1F", json.Number("31"))
	f("1_000", json.Number("1000"))
	f("123456789012", json.Number("123456789012"))
	f("0899", "0899")
	f("1.10", json.Number("1.10"))
	f("22:30", "22:30")
	f(".inf", ".inf")
	f("!Base64 ''", map[string]any{"Fn::Base64": ""})
	f("!GetAZs \"\"", map[string]any{"Fn::GetAZs": ""})
	f("!Ref 5", map[string]any{"Ref": "5"})
	f("!Select [0, !Split [',', !ImportValue x]]", map[string]any{"Fn::Select": []any{json.Number("0"),
		map[string]any{"Fn::Split": []any{",", map[string]any{"Fn::ImportValue": "x"}}}}})
	f(`"\U0001F600"`, "😀")
}

func TestJSONSurrogates(t *testing.T) {
	t.Parallel()
	p, err := Parse([]byte(`{"Description": "\ud83d\ude00", "Resources": {"A": {"Type": "T"}}}`))
	if err != nil || p.Description != "😀" {
		t.Fatalf("Parse: %v", err)
	}
}

func TestPosition(t *testing.T) {
	t.Parallel()
	p, err := Parse([]byte("Resources:\n  A:\n    Type: T\n    Properties:\n      a.b: {c: [x, {d: y}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	f := func(path string, line, column int, known bool) {
		t.Helper()
		got, ok := p.Position(path)
		if want := (Position{line, column}); got != want || ok != known {
			t.Errorf("%s: %v, %v, want %v, %v", path, got, ok, want, known)
		}
	}
	f("Resources.A", 2, 3, true)
	f("Resources.A.Properties.a.b.c[1].d", 5, 21, true)
	f("Resources.A.Properties.a.b.c[9]", 5, 13, false)
	f("Resources.Nope", 1, 1, false)
	if _, ok := (*Template)(nil).Position("x"); ok {
		t.Error("a nil template knows a position")
	}
}

// Whatever Parse takes has resources, marshals into JSON that Parse takes again, and is the same
// then.
func FuzzParse(f *testing.F) {
	f.Add("Resources: {A: {Type: T, Properties: {X: !Sub '${B}'}}}")
	f.Add(`{"Resources": {"A": {"Type": "T", "DependsOn": ["B"], "Properties": {"n": 1e3}}}}`)
	f.Add("a: &a [*a]")
	f.Add("Parameters: {P: {Type: Number, MinValue: 1}}\nResources: {A: {Type: T}}\nOutputs: {O: {Value: 1}}")
	f.Add("Resources:\n\tA: {}")
	f.Add("? [a]\n: b")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse([]byte(text))
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Message == "" {
				t.Fatalf("error %#v is no *Error", err)
			}
			return
		}
		if len(p.Resources) == 0 {
			t.Fatal("there are no resources")
		}
		data, err := json.Marshal(p.Template)
		if err != nil {
			t.Fatalf("marshalling: %v", err)
		}
		if len(data) > MaxSize {
			return
		}
		again, err := Parse(data)
		if err != nil {
			t.Fatalf("%v in its own JSON: %s", err, data)
		}
		once, _ := json.Marshal(again.Template)
		if string(once) != string(data) {
			t.Fatalf("changed:\n%s\n%s", data, once)
		}
	})
}
