package cfn

// The intrinsic functions, as the JSON objects that CloudFormation resolves.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html

// Ref is the value of a parameter, a pseudo parameter or, of a resource, its physical ID.
func Ref(logicalID string) map[string]any { return map[string]any{"Ref": logicalID} }

// GetAtt is an attribute of a resource.
func GetAtt(logicalID, attribute string) map[string]any {
	return map[string]any{"Fn::GetAtt": []any{logicalID, attribute}}
}

// Sub replaces ${Name} and ${Name.Attribute} in text.
func Sub(text string) map[string]any { return map[string]any{"Fn::Sub": text} }

// ImportValue is an output that another stack exports under name, a string or a function.
func ImportValue(name any) map[string]any { return map[string]any{"Fn::ImportValue": name} }

// Join puts separator between values.
func Join(separator string, values ...any) map[string]any {
	return map[string]any{"Fn::Join": []any{separator, values}}
}

// Select is the value at index, counted from 0.
func Select(index int, values any) map[string]any {
	return map[string]any{"Fn::Select": []any{index, values}}
}

// Split cuts text at every separator.
func Split(separator string, text any) map[string]any {
	return map[string]any{"Fn::Split": []any{separator, text}}
}

// Base64 encodes text, as EC2 wants its user data.
func Base64(text any) map[string]any { return map[string]any{"Fn::Base64": text} }
