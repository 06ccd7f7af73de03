package iam_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/iam"
)

func ExampleAllow() {
	s := iam.Allow("s3:GetObject").On("arn:aws:s3:::shop/*", cfn.GetAtt("Bucket", "Arn")).If("Bool", "aws:SecureTransport", "true")
	text, err := json.MarshalIndent(s, "", "  ")
	fmt.Println(string(text), err)
	// Output:
	// {
	//   "Effect": "Allow",
	//   "Action": [
	//     "s3:GetObject"
	//   ],
	//   "Resource": [
	//     "arn:aws:s3:::shop/*",
	//     {
	//       "Fn::GetAtt": [
	//         "Bucket",
	//         "Arn"
	//       ]
	//     }
	//   ],
	//   "Condition": {
	//     "Bool": {
	//       "aws:SecureTransport": [
	//         "true"
	//       ]
	//     }
	//   }
	// } <nil>
}

func TestValidate(t *testing.T) {
	t.Parallel()
	f := func(want string, s iam.Statement) {
		t.Helper()
		err := s.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q", s, err, want)
		}
	}
	f("", iam.Allow("s3:Get*").On("*"))
	f("", iam.Deny("s3:*").On(cfn.Ref("Topic")))
	f("names an action", iam.Allow().On("*"))
	f(`action "*"`, iam.Allow("*").On("*"))
	f(`action "s3"`, iam.Allow("s3").On("*"))
	f(`action "*:Get"`, iam.Allow("*:Get").On("*"))
	f("on what?", iam.Allow("s3:GetObject"))
	f(`resource "bucket"`, iam.Allow("s3:GetObject").On("bucket"))
	f("resource 7", iam.Allow("s3:GetObject").On(7))
	f("effect", iam.Statement{Action: []string{"a:b"}, Resource: []any{"*"}})
}

// A statement that another one is made from stays what it was.
func TestBuilderCopies(t *testing.T) {
	t.Parallel()
	base := iam.Allow("s3:GetObject").On("arn:aws:s3:::a").If("Bool", "x", "1")
	before := fmt.Sprint(base)
	one, two := base.On("arn:aws:s3:::b").If("Bool", "y", "1"), base.On("arn:aws:s3:::c")
	if fmt.Sprint(base) != before || fmt.Sprint(one.Resource) != "[arn:aws:s3:::a arn:aws:s3:::b]" || fmt.Sprint(two.Resource) != "[arn:aws:s3:::a arn:aws:s3:::c]" {
		t.Error(base, one, two)
	}
}
