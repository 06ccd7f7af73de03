// Package cfn holds CloudFormation templates as plain values: what a Go program says about its
// stacks, ready to be marshalled into the JSON that CloudFormation reads.
//
//	t := cfn.Template{
//		Resources: map[string]cfn.Resource{
//			"Files": {Type: "AWS::S3::Bucket"},
//		},
//		Outputs: map[string]cfn.Output{
//			"Bucket": {Value: cfn.Ref("Files"), Export: &cfn.Export{Name: cfn.Sub("${AWS::StackName}-Bucket")}},
//		},
//	}
//
// The anatomy is AWS's:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
package cfn

// FormatVersion is the only version that CloudFormation has ever had.
const FormatVersion = "2010-09-09"

// LanguageExtensions is the transform with which a template may use Fn::Length, Fn::ToJsonString and the
// default value of Fn::FindInMap.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html
const LanguageExtensions = "AWS::LanguageExtensions"

// Template is one CloudFormation template. Its zero value is an empty template. It is read from JSON in all
// forms that AWS takes and that its values can hold; what they cannot is refused by name. (Not so in a deployed
// function, with the build tag ephor_lambda.)
type Template struct {
	AWSTemplateFormatVersion string               `json:",omitempty"`
	Description              string               `json:",omitempty"`
	Transform                []string             `json:",omitempty"`
	Metadata                 map[string]any       `json:",omitempty"`
	Parameters               map[string]Parameter `json:",omitempty"`
	Rules                    map[string]any       `json:",omitempty"`
	Mappings                 map[string]any       `json:",omitempty"`
	Conditions               map[string]any       `json:",omitempty"`
	Resources                map[string]Resource
	Outputs                  map[string]Output `json:",omitempty"`
}

// Parameter is one value that a stack is given from outside.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
type Parameter struct {
	Type           string
	Default        any    `json:",omitempty"`
	Description    string `json:",omitempty"`
	AllowedValues  []any  `json:",omitempty"`
	AllowedPattern string `json:",omitempty"`
	// MinLength and MaxLength count characters of a String, MinValue and MaxValue bound a
	// Number. Each is a number, or nil for no bound.
	MinLength             any    `json:",omitempty"`
	MaxLength             any    `json:",omitempty"`
	MinValue              any    `json:",omitempty"`
	MaxValue              any    `json:",omitempty"`
	ConstraintDescription string `json:",omitempty"`
	NoEcho                bool   `json:",omitempty"`
}

// Resource is one resource of a stack. Values inside Properties are JSON values or the
// functions of this package.
type Resource struct {
	Type                string
	Properties          map[string]any `json:",omitempty"`
	DependsOn           []string       `json:",omitempty"`
	Condition           string         `json:",omitempty"`
	DeletionPolicy      string         `json:",omitempty"`
	UpdateReplacePolicy string         `json:",omitempty"`
	CreationPolicy      map[string]any `json:",omitempty"`
	UpdatePolicy        map[string]any `json:",omitempty"`
	Metadata            map[string]any `json:",omitempty"`
}

// NamesCode is the key in the Metadata of a resource of which the property Value says which code is deployed: with other
// code it is another, and that is no other change.
const NamesCode = "EphorNamesCode"

// Output is one value that a stack tells. An exported one may be imported by other stacks of
// the same account and region, and can then neither change nor go.
type Output struct {
	Description string `json:",omitempty"`
	Value       any
	Condition   string  `json:",omitempty"`
	Export      *Export `json:",omitempty"`
}

// Export names an output for Fn::ImportValue.
type Export struct {
	Name any
}
