//go:build !ephor_lambda

package cfn_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/cfn"
)

// A template in every form that AWS takes and that a Template holds, and what it is written as again.
func TestTemplateIsReadAsAWSHasIt(t *testing.T) {
	t.Parallel()
	const text = `{
  "AWSTemplateFormatVersion": "2010-09-09",
  "Description": "by hand",
  "Transform": "AWS::LanguageExtensions",
  "Metadata": {"AWS::CloudFormation::Interface": {"ParameterGroups": [{"Parameters": ["Days"]}]}},
  "Parameters": {
    "Days": {"Type": "Number", "Default": 12345678901234567890, "AllowedValues": [12345678901234567890, "8"], "MinValue": "1", "MaxValue": 1e30},
    "Key": {"Type": "String", "NoEcho": "true", "Default": "x", "MinLength": 1, "MaxLength": "41"},
    "Open": {"Type": "String", "NoEcho": false}
  },
  "Rules": {"R": {"Assertions": [{"Assert": {"Fn::Equals": ["a", "a"]}}]}},
  "Mappings": {"Zones": {"us-east-1": {"List": ["a", "b"], "One": "c", "Number": 5}}},
  "Conditions": {"C": {"Fn::Not": [{"Condition": "D"}]}, "D": {"Fn::Equals": [{"Ref": "Days"}, 7]}},
  "Resources": {
    "A": {"Type": "AWS::SNS::Topic", "DependsOn": "B", "Condition": "C", "Metadata": {"a": 1.50}, "Properties": {"N": 12345678901234567890, "Tags": null}},
    "B": {"Type": "AWS::EC2::Instance", "DependsOn": ["C", "D"], "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain",
      "CreationPolicy": {"ResourceSignal": {"Count": "1", "Timeout": "PT5M"}}, "UpdatePolicy": {"AutoScalingRollingUpdate": {"MinInstancesInService": 1}}}
  },
  "Outputs": {"O": {"Value": {"Ref": "A"}, "Condition": "C", "Export": {"Name": {"Fn::Join": ["-", [{"Ref": "AWS::StackName"}, "o"]]}}}, "P": {"Description": "d", "Value": 5}}
}`
	var got cfn.Template
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"B"}, got.Resources["A"].DependsOn); diff != "" {
		t.Errorf("one name (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"C", "D"}, got.Resources["B"].DependsOn); diff != "" {
		t.Errorf("several names (-want +got):\n%s", diff)
	}
	again, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer(`"DependsOn": "B"`, `"DependsOn": ["B"]`, `"AWS::LanguageExtensions"`, `["AWS::LanguageExtensions"]`,
		`"NoEcho": "true"`, `"NoEcho": true`, `, "NoEcho": false`, ``).Replace(text)
	if diff := cmp.Diff(numbers(t, want), numbers(t, string(again))); diff != "" {
		t.Errorf("written again (-want +got):\n%s", diff)
	}
	// What was written is read again, and so is an empty template.
	var twice cfn.Template
	if err := json.Unmarshal(again, &twice); err != nil || !cmp.Equal(got, twice) {
		t.Errorf("read again: %v\n%s", err, cmp.Diff(got, twice))
	}
	for _, many := range []string{`{"Transform": ["a", "b"]}`, `{}`, `{"Resources": {}}`} {
		if err := json.Unmarshal([]byte(many), &twice); err != nil {
			t.Errorf("%s: %v", many, err)
		}
	}
	if len(twice.Transform) > 0 {
		t.Errorf("a template keeps what was read into it before: %v", twice.Transform)
	}
}

// numbers is JSON with its numbers as they are written.
func numbers(t *testing.T, text string) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// What a Template cannot hold is refused with its place, and gets not lost.
func TestTemplateRefusesWhatItCannotHold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"Hooks": {}}`: `unknown field "Hooks"`,
		`{"Resources": {"A": {"Type": "T", "Version": "1.0"}}}`:                           `Resources.A: json: unknown field "Version"`,
		`{"Resources": {"A": {"Type": "T", "DeletionPolicy": {"Ref": "P"}}}}`:             `Resources.A: DeletionPolicy is object: that form is not supported here, write it as string`,
		`{"Resources": {"A": {"Type": "T", "DependsOn": {"Ref": "P"}}}}`:                  `Resources.A: {"Ref": "P"} is neither text nor a list of it`,
		`{"Resources": {"Fn::ForEach::Each": ["X", ["a"], {}]}}`:                          `Resources.Fn::ForEach::Each: `,
		`{"Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://b/k"}}}`: `is neither text nor a list of it`,
		`{"Parameters": {"P": {"Type": "String", "NoEcho": "yes"}}}`:                      `Parameters.P: "yes" is neither true nor false`,
		`{"Outputs": {"O": {"Value": 1, "Export": {"Name": "x", "Region": "y"}}}}`:        `Outputs.O: json: unknown field "Region"`,
	} {
		var got cfn.Template
		if err := json.Unmarshal([]byte(text), &got); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
