package monitor

import "github.com/ephor-io/ephor/cfn"

// network lets in Grafana's readers and the store's writers, by default nobody, and nothing else:
// there is no SSH, Session Manager needs no open port. Lambda outside a VPC sends from any of AWS's
// addresses, so the store's port cannot be narrowed for it; where it is opened to all of them, TLS
// and a credential that can only write guard it.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroup.html
func network() map[string]cfn.Resource {
	rule := func(port int, from any, why string) map[string]any {
		return map[string]any{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": from, "Description": why}
	}
	return map[string]cfn.Resource{
		"HostSecurityGroup": {
			Type: "AWS::EC2::SecurityGroup",
			Properties: map[string]any{
				"GroupDescription": "The monitoring host",
				"SecurityGroupIngress": []any{
					rule(GrafanaPort, cfn.Ref(paramAllowed), "Grafana"),
					rule(StorePort, cfn.Ref(ParamWriters), "The store"),
				},
			},
		},
		"HostAddress": {
			Type:       "AWS::EC2::EIP",
			Properties: map[string]any{"Domain": "vpc"},
		},
		"HostAddressAssociation": {
			Type: "AWS::EC2::EIPAssociation",
			Properties: map[string]any{
				"AllocationId": cfn.GetAtt("HostAddress", "AllocationId"),
				"InstanceId":   cfn.Ref("Host"),
			},
		},
	}
}

// identity is the host's role: Session Manager, and the stack's own secrets.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html
func identity() map[string]cfn.Resource {
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
				"ManagedPolicyArns": []any{cfn.Sub("arn:${AWS::Partition}:iam::aws:policy/AmazonSSMManagedInstanceCore")},
				"Policies": []any{map[string]any{
					"PolicyName": "secrets",
					"PolicyDocument": map[string]any{
						"Version": "2012-10-17",
						"Statement": []any{map[string]any{
							"Effect":   "Allow",
							"Action":   "secretsmanager:GetSecretValue",
							"Resource": []any{cfn.Ref("WriterSecret"), cfn.Ref("GrafanaSecret")},
						}},
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

// host is the instance and what the stack waits for. It stands in the default VPC.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-instance.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-waitcondition.html
func host() map[string]cfn.Resource {
	return map[string]cfn.Resource{
		"Host": {
			Type: "AWS::EC2::Instance",
			Properties: map[string]any{
				"ImageId":            cfn.Ref(paramImage),
				"InstanceType":       cfn.Ref(paramInstanceType),
				"IamInstanceProfile": cfn.Ref("HostProfile"),
				"SecurityGroupIds":   []any{cfn.GetAtt("HostSecurityGroup", "GroupId")},
				// IMDSv2 alone, and no hop further than the host itself.
				"MetadataOptions": map[string]any{
					"HttpEndpoint":            "enabled",
					"HttpTokens":              "required",
					"HttpPutResponseHopLimit": 1,
				},
				"BlockDeviceMappings": []any{map[string]any{
					"DeviceName": "/dev/xvda",
					"Ebs": map[string]any{
						"Encrypted":           true,
						"VolumeType":          "gp3",
						"VolumeSize":          cfn.Ref(paramVolume),
						"DeleteOnTermination": true,
					},
				}},
				"UserData": cfn.Base64(cfn.Sub(userData())),
				"Tags":     []any{map[string]any{"Key": "Name", "Value": cfn.Sub("${AWS::StackName}")}},
			},
		},
		"HostReadyHandle": {Type: "AWS::CloudFormation::WaitConditionHandle"},
		"HostReady": {
			Type:      "AWS::CloudFormation::WaitCondition",
			DependsOn: []string{"Host", "HostAddressAssociation"},
			Properties: map[string]any{
				"Handle":  cfn.Ref("HostReadyHandle"),
				"Timeout": "1800",
				"Count":   1,
			},
		},
	}
}
