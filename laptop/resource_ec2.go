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
	AvailabilityZone    string
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
	return resource[instanceProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"ImageId", "InstanceType", "UserData", "AvailabilityZone", "SecurityGroupIds", "IamInstanceProfile", "KeyName", "SubnetId",
				"MetadataOptions", "BlockDeviceMappings", "Tags"},
			// On AWS some of these change a machine in place, or not, as its disk is; here each makes another.
			CreateOnly: []string{"ImageId", "InstanceType", "UserData", "AvailabilityZone", "SecurityGroupIds", "KeyName", "SubnetId", "BlockDeviceMappings"},
			Attributes: []string{"InstanceId", "AvailabilityZone", "PrivateIp", "PublicIp", "PrivateDnsName", "PublicDnsName"},
		},
		find: func(r cloudformation.Request, _ instanceProperties) (cloudformation.Resource, string, bool) {
			i, ok := which(r, service.ListInstances(), func(i ec2.Instance) (string, string) { return i.InstanceID, i.ClientToken })
			got, _ := made(i, nil)
			return got, i.ClientToken, ok
		},
		create: func(_ context.Context, r cloudformation.Request, p instanceProperties) (cloudformation.Resource, error) {
			return made(service.RunInstance(ec2.InstanceInput{ImageID: p.ImageId, InstanceType: p.InstanceType, UserData: p.UserData, AvailabilityZone: p.AvailabilityZone, SecurityGroupIDs: p.SecurityGroupIds,
				IamInstanceProfile: p.IamInstanceProfile, KeyName: p.KeyName, SubnetID: p.SubnetId, Tags: p.Tags.toMap(), ClientToken: r.Token}))
		},
		update: func(_ context.Context, r cloudformation.Request, p instanceProperties) (cloudformation.Resource, error) {
			return made(service.ModifyInstance(r.PhysicalID, p.IamInstanceProfile, p.Tags.toMap()))
		},
		remove: func(ctx context.Context, r cloudformation.Request, _ instanceProperties) error {
			return service.TerminateInstance(ctx, r.PhysicalID)
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

func (p securityGroupProperties) input(token string) ec2.SecurityGroupInput {
	rules := func(in []ruleProperties) (out []ec2.Rule) {
		for _, r := range in {
			out = append(out, ec2.Rule{IPProtocol: r.IpProtocol, FromPort: r.FromPort, ToPort: r.ToPort, CidrIP: r.CidrIp,
				CidrIPv6: r.CidrIpv6, SourceSecurityGroupID: r.SourceSecurityGroupId, Description: r.Description})
		}
		return out
	}
	return ec2.SecurityGroupInput{GroupName: p.GroupName, GroupDescription: p.GroupDescription, VpcID: p.VpcId,
		SecurityGroupIngress: rules(p.SecurityGroupIngress), SecurityGroupEgress: rules(p.SecurityGroupEgress), Tags: p.Tags.toMap(), ClientToken: token}
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
		find: func(r cloudformation.Request, _ securityGroupProperties) (cloudformation.Resource, string, bool) {
			g, ok := which(r, service.ListSecurityGroups(), func(g ec2.SecurityGroup) (string, string) { return g.GroupID, g.ClientToken })
			got, _ := made(g, nil)
			return got, g.ClientToken, ok
		},
		create: func(_ context.Context, r cloudformation.Request, p securityGroupProperties) (cloudformation.Resource, error) {
			r.PhysicalID = "" // of one that is made again: its ID, which is no name
			in := p.input(r.Token)
			in.GroupName = physical(r, p.GroupName, 255, asItIs)
			return made(service.CreateSecurityGroup(in))
		},
		update: func(_ context.Context, r cloudformation.Request, p securityGroupProperties) (cloudformation.Resource, error) {
			return made(service.UpdateSecurityGroup(r.PhysicalID, p.input(r.Token)))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ securityGroupProperties) error {
			return service.DeleteSecurityGroup(r.PhysicalID)
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
		find: func(r cloudformation.Request, _ addressProperties) (cloudformation.Resource, string, bool) {
			a, ok := which(r, service.ListAddresses(), func(a ec2.Address) (string, string) { return a.AllocationID, a.ClientToken })
			got, _ := made(a, nil)
			return got, a.ClientToken, ok
		},
		create: func(_ context.Context, r cloudformation.Request, p addressProperties) (cloudformation.Resource, error) {
			return made(service.AllocateAddress(p.Tags.toMap(), r.Token))
		},
		update: func(_ context.Context, r cloudformation.Request, _ addressProperties) (cloudformation.Resource, error) {
			return made(service.GetAddress(r.PhysicalID))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ addressProperties) error {
			return service.ReleaseAddress(r.PhysicalID)
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-eipassociation.html
type associationProperties struct{ AllocationId, InstanceId string }

func addressAssociations(service *ec2.Service) cloudformation.Provider {
	made := func(a ec2.Association, err error) (cloudformation.Resource, error) {
		return made(a.AssociationID, map[string]any{"Id": a.AssociationID}, err)
	}
	return resource[associationProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"AllocationId", "InstanceId"},
			Required:   []string{"AllocationId", "InstanceId"},
			CreateOnly: []string{"AllocationId", "InstanceId"},
			Attributes: []string{"Id"},
		},
		find: func(r cloudformation.Request, _ associationProperties) (cloudformation.Resource, string, bool) {
			a, ok := which(r, service.ListAssociations(), func(a ec2.Association) (string, string) { return a.AssociationID, a.ClientToken })
			got, _ := made(a, nil)
			return got, a.ClientToken, ok
		},
		create: func(_ context.Context, r cloudformation.Request, p associationProperties) (cloudformation.Resource, error) {
			return made(service.AssociateAddress(p.AllocationId, p.InstanceId, r.Token))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ associationProperties) error {
			return service.DisassociateAddress(r.PhysicalID)
		},
	}
}
