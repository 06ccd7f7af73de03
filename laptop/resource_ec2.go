package laptop

import (
	"context"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/ec2"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-instance.html
//
// No machine is made here: the monitoring host runs in this process and any other instance is
// refused. So what a machine has, its image, type, disks and metadata service, is kept and has no
// effect.
type instanceProperties struct {
	ImageId             string
	InstanceType        string
	UserData            string
	SecurityGroupIds    []string
	IamInstanceProfile  string
	KeyName             string
	SubnetId            string
	MetadataOptions     map[string]any
	BlockDeviceMappings []any
	Tags                tags
}

func instances(service *ec2.Service) cloudformation.Provider {
	made := func(i ec2.Instance, err error) (cloudformation.Resource, error) {
		r, err := made(i.InstanceID, map[string]any{
			"InstanceId": i.InstanceID, "AvailabilityZone": i.AvailabilityZone,
			"PrivateIp": i.PrivateIPAddress, "PublicIp": i.PublicIPAddress,
			"PrivateDnsName": i.PrivateDNSName, "PublicDnsName": i.PublicDNSName,
		}, err)
		r.Signals = err == nil
		return r, err
	}
	find := func(r cloudformation.Request) (ec2.Instance, bool) {
		for _, i := range service.ListInstances() {
			if i.InstanceID == r.PhysicalID || i.Tags[tokenTag] == r.Token {
				return i, true
			}
		}
		return ec2.Instance{}, false
	}
	return resource[instanceProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"ImageId", "InstanceType", "UserData", "SecurityGroupIds", "IamInstanceProfile", "KeyName", "SubnetId",
				"MetadataOptions", "BlockDeviceMappings", "Tags"},
			CreateOnly: []string{"ImageId", "InstanceType", "UserData", "SecurityGroupIds", "IamInstanceProfile", "KeyName", "SubnetId",
				"MetadataOptions", "BlockDeviceMappings"},
			Attributes: []string{"InstanceId", "AvailabilityZone", "PrivateIp", "PublicIp", "PrivateDnsName", "PublicDnsName"},
		},
		create: func(_ context.Context, r cloudformation.Request, p instanceProperties) (cloudformation.Resource, error) {
			if i, ok := find(r); ok {
				return made(i, nil) // made before a crash, under this very token
			}
			in := ec2.InstanceInput{ImageID: p.ImageId, InstanceType: p.InstanceType, UserData: p.UserData, SecurityGroupIDs: p.SecurityGroupIds,
				IamInstanceProfile: p.IamInstanceProfile, KeyName: p.KeyName, SubnetID: p.SubnetId, Tags: p.Tags.toMap()}
			in.Tags[tokenTag] = r.Token
			return made(service.RunInstance(in))
		},
		remove: func(ctx context.Context, r cloudformation.Request, _ instanceProperties) error {
			if i, ok := find(r); ok {
				return service.TerminateInstance(ctx, i.InstanceID)
			}
			return nil
		},
		exists: func(r cloudformation.Request, _ instanceProperties) bool {
			_, err := service.GetInstance(r.PhysicalID)
			return err == nil
		},
		restore: func(ctx context.Context, r cloudformation.Request, p instanceProperties) (cloudformation.Resource, error) {
			// The address that the host signals to has moved if the endpoint's port has.
			if err := service.SetUserData(r.PhysicalID, p.UserData); err != nil {
				return cloudformation.Resource{}, err
			}
			if err := service.Boot(r.PhysicalID); err != nil {
				return cloudformation.Resource{}, err
			}
			if err := service.WaitBoot(ctx, r.PhysicalID); err != nil {
				return cloudformation.Resource{}, err
			}
			return made(service.GetInstance(r.PhysicalID))
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroup.html
type securityGroupProperties struct {
	GroupName            string
	GroupDescription     string
	VpcId                string
	SecurityGroupIngress []ruleProperties
	SecurityGroupEgress  []ruleProperties
	Tags                 tags
}

type ruleProperties struct {
	IpProtocol            string
	FromPort, ToPort      int
	CidrIp, CidrIpv6      string
	SourceSecurityGroupId string
	Description           string
}

func (p securityGroupProperties) input() ec2.SecurityGroupInput {
	rules := func(in []ruleProperties) (out []ec2.Rule) {
		for _, r := range in {
			out = append(out, ec2.Rule{IPProtocol: r.IpProtocol, FromPort: r.FromPort, ToPort: r.ToPort, CidrIP: r.CidrIp,
				CidrIPv6: r.CidrIpv6, SourceSecurityGroupID: r.SourceSecurityGroupId, Description: r.Description})
		}
		return out
	}
	return ec2.SecurityGroupInput{GroupName: p.GroupName, GroupDescription: p.GroupDescription, VpcID: p.VpcId,
		SecurityGroupIngress: rules(p.SecurityGroupIngress), SecurityGroupEgress: rules(p.SecurityGroupEgress), Tags: p.Tags.toMap()}
}

func securityGroups(service *ec2.Service) cloudformation.Provider {
	made := func(g ec2.SecurityGroup, err error) (cloudformation.Resource, error) {
		return made(g.GroupID, map[string]any{"GroupId": g.GroupID, "VpcId": g.VpcID}, err)
	}
	return resource[securityGroupProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"GroupName", "GroupDescription", "VpcId", "SecurityGroupIngress", "SecurityGroupEgress", "Tags"},
			Required:   []string{"GroupDescription"},
			CreateOnly: []string{"GroupName", "GroupDescription", "VpcId"},
			Attributes: []string{"GroupId", "VpcId"},
		},
		create: func(_ context.Context, r cloudformation.Request, p securityGroupProperties) (cloudformation.Resource, error) {
			in := p.input()
			in.GroupName = physical(cloudformation.Request{StackName: r.StackName, LogicalID: r.LogicalID, Token: r.Token}, p.GroupName, 255, asItIs)
			return made(service.CreateSecurityGroup(in))
		},
		update: func(_ context.Context, r cloudformation.Request, p securityGroupProperties) (cloudformation.Resource, error) {
			return made(service.UpdateSecurityGroup(r.PhysicalID, p.input()))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ securityGroupProperties) error {
			if r.PhysicalID == "" {
				return nil // a group that nothing belongs to lets nothing in
			}
			return service.DeleteSecurityGroup(r.PhysicalID)
		},
		exists: func(r cloudformation.Request, _ securityGroupProperties) bool {
			_, err := service.GetSecurityGroup(r.PhysicalID)
			return err == nil
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-eip.html
type addressProperties struct {
	Domain string
	Tags   tags
}

func addresses(service *ec2.Service) cloudformation.Provider {
	// An address's Ref is the address itself, its physical ID what frees it.
	made := func(a ec2.Address, err error) (cloudformation.Resource, error) {
		r, err := made(a.AllocationID, map[string]any{"AllocationId": a.AllocationID, "PublicIp": a.PublicIP}, err)
		r.Ref = a.PublicIP
		return r, err
	}
	return resource[addressProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"Domain", "Tags"},
			CreateOnly: []string{"Domain"},
			Attributes: []string{"AllocationId", "PublicIp"},
		},
		create: func(_ context.Context, _ cloudformation.Request, p addressProperties) (cloudformation.Resource, error) {
			return made(service.AllocateAddress(p.Tags.toMap()))
		},
		update: func(_ context.Context, r cloudformation.Request, _ addressProperties) (cloudformation.Resource, error) {
			return made(service.GetAddress(r.PhysicalID))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ addressProperties) error {
			if r.PhysicalID == "" {
				return nil // every address here is 127.0.0.1
			}
			return service.ReleaseAddress(r.PhysicalID)
		},
		exists: func(r cloudformation.Request, _ addressProperties) bool {
			_, err := service.GetAddress(r.PhysicalID)
			return err == nil
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-eipassociation.html
type associationProperties struct{ AllocationId, InstanceId string }

func addressAssociations(service *ec2.Service) cloudformation.Provider {
	return resource[associationProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"AllocationId", "InstanceId"},
			Required:   []string{"AllocationId", "InstanceId"},
			CreateOnly: []string{"AllocationId", "InstanceId"},
			Attributes: []string{"Id"},
		},
		create: func(_ context.Context, _ cloudformation.Request, p associationProperties) (cloudformation.Resource, error) {
			a, err := service.AssociateAddress(p.AllocationId, p.InstanceId)
			return made(a.AssociationID, map[string]any{"Id": a.AssociationID}, err)
		},
		remove: func(_ context.Context, r cloudformation.Request, _ associationProperties) error {
			return service.DisassociateAddress(r.PhysicalID)
		},
		exists: func(r cloudformation.Request, _ associationProperties) bool {
			_, err := service.GetAssociation(r.PhysicalID)
			return err == nil
		},
	}
}
