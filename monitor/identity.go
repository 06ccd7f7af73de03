package monitor

import "github.com/ephor-io/ephor/cfn"

// tagStack is the tag by which the host's role knows the stack's machines.
const tagStack = "ephor:stack"

// identity is the host's role: Session Manager, the stack's own secrets, dashboards and boot script, and taking
// the stack's volume over from the machine that was the host before.
//
// The first is Session Manager's minimum, less than the managed policy AmazonSSMManagedInstanceCore, which
// reads every parameter of the account:
// https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
//
// What has the resource * is what AWS lets nobody narrow:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
func identity() map[string]cfn.Resource {
	allow := func(resources any, condition map[string]any, actions ...any) map[string]any {
		s := map[string]any{"Effect": "Allow", "Action": actions, "Resource": resources}
		if condition != nil {
			s["Condition"] = condition
		}
		return s
	}
	arn := func(service, resource string) any {
		return cfn.Sub("arn:${AWS::Partition}:" + service + ":${AWS::Region}:${AWS::AccountId}:" + resource)
	}
	ours := map[string]any{"StringEquals": map[string]any{"aws:ResourceTag/" + tagStack: cfn.Ref("AWS::StackId")}}
	return map[string]cfn.Resource{
		"HostRole": {
			Type: "AWS::IAM::Role",
			Properties: map[string]any{
				"AssumeRolePolicyDocument": map[string]any{
					"Version": "2012-10-17",
					"Statement": []any{map[string]any{
						"Effect":    "Allow",
						"Principal": map[string]any{"Service": "ec2.amazonaws.com"},
						"Action":    "sts:AssumeRole",
					}},
				},
				"Policies": []any{map[string]any{
					"PolicyName": "host",
					"PolicyDocument": map[string]any{
						"Version": "2012-10-17",
						"Statement": []any{
							allow("*", nil, "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
								"ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"),
							allow([]any{cfn.Ref("AdminSecret"), cfn.Ref("WriterSecret"), cfn.Ref("ReaderSecret"), cfn.Ref("GrafanaSecret")}, nil,
								"secretsmanager:GetSecretValue"),
							allow([]any{arn("ssm", "parameter/ephor/${AWS::StackName}/bundle"), arn("ssm", "parameter/ephor/${AWS::StackName}/script/*")}, nil,
								"ssm:GetParametersByPath"),
							allow(cfn.Sub("arn:${AWS::Partition}:s3:::${"+BackupBucket+"}/*"), nil, "s3:GetObject", "s3:PutObject"),
							allow(cfn.GetAtt(BackupBucket, "Arn"), nil, "s3:ListBucket"),
							map[string]any{"Fn::If": []any{restoreGiven,
								allow([]any{cfn.Sub("arn:${AWS::Partition}:s3:::${" + paramRestoreFrom + "}"), cfn.Sub("arn:${AWS::Partition}:s3:::${" + paramRestoreFrom + "}/*")}, nil,
									"s3:GetObject", "s3:ListBucket"),
								cfn.Ref("AWS::NoValue")}},
							allow("*", nil, "ec2:DescribeInstances", "ec2:DescribeVolumes"),
							allow(arn("ec2", "volume/${DataVolume}"), nil, "ec2:AttachVolume", "ec2:DetachVolume"),
							allow(arn("ec2", "instance/*"), ours, "ec2:AttachVolume", "ec2:DetachVolume", "ec2:StopInstances"),
						},
					},
				}},
			},
		},
		"HostProfile": {
			Type:       "AWS::IAM::InstanceProfile",
			Properties: map[string]any{"Roles": []any{cfn.Ref("HostRole")}},
		},
	}
}
