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
					rule(GrafanaPort, cfn.Ref(ParamAllowed), "Grafana"),
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
