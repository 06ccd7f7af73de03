// Package parse reads CloudFormation templates, JSON or YAML, into the values of package cfn and
// remembers where each part stood.
//
//	t, err := parse.Parse(text)
//	if err != nil {
//		return err // Resources.Api.Type, line 3, column 5: Template format error: …
//	}
//	for id, r := range t.Resources {
//		at, _ := t.Position("Resources." + id)
//		fmt.Println(id, r.Type, at.Line)
//	}
//
// The short forms of YAML (!Ref, !GetAtt, !Sub and so on) come out as the long ones. Numbers are
// json.Number, as they were written. Refused, as AWS does: aliases and merges, null values,
// unknown sections; and duplicate keys, which are always a mistake.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
package parse

import (
	"bytes"

	"github.com/ephor-io/ephor/cfn"
)

// Sizes of templates in bytes, from
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const (
	MaxInline = 51_200    // what a call takes in its body
	MaxSize   = 1_000_000 // what CloudFormation reads from S3, and what Parse takes
)

// maxDepth bounds how deep values nest.
const maxDepth = 100

// Template is a template that was read. It is not changed after Parse.
type Template struct {
	cfn.Template
	root *node
}

// Parse reads a template. Every error in it is an *Error.
func Parse(text []byte) (*Template, error) {
	if len(text) > MaxSize {
		return nil, &Error{Message: "Template may not exceed 1000000 bytes in size."}
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	read := readYAML
	if first := bytes.TrimLeft(text, " \t\r\n"); len(first) > 0 && first[0] == '{' {
		read = readJSON
	}
	root, err := read(text)
	if err != nil {
		return nil, err
	}
	if root.object == nil {
		return nil, &Error{Position: root.pos, Message: "Template format error: unsupported structure."}
	}
	t := &Template{root: root}
	return t, (&builder{t: t}).build()
}
