package deploy

import (
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/iam"
)

// sharedRole is the logical ID of the role of all functions that have no permissions of their own.
const sharedRole = "Role"

// executionRole lets the functions that names matches write their logs, and do what is permitted beside
// that: nothing by default. AWS's managed policy for this lets them write any log of the account. A log
// group is named without ":*" by the call that makes it, and its streams with what follows the group.
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
func executionRole(names string, permitted []iam.Statement) cfn.Resource {
	group := "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/" + names
	policy := func(name string, statements []iam.Statement) map[string]any {
		return map[string]any{"PolicyName": name, "PolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": statements}}
	}
	policies := []any{policy("log", []iam.Statement{
		iam.Allow("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents").On(cfn.Sub(group), cfn.Sub(group+":*")),
	})}
	if len(permitted) > 0 {
		policies = append(policies, policy("permissions", permitted))
	}
	return cfn.Resource{Type: "AWS::IAM::Role", Properties: map[string]any{
		"AssumeRolePolicyDocument": map[string]any{
			"Version": "2012-10-17",
			"Statement": []any{map[string]any{
				"Effect":    "Allow",
				"Principal": map[string]any{"Service": "lambda.amazonaws.com"},
				"Action":    "sts:AssumeRole",
			}},
		},
		"Policies": policies,
	}}
}
