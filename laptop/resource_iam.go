package laptop

import (
	"context"
	"encoding/json"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/iam"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
type roleProperties struct {
	RoleName                 string
	Path                     string
	Description              string
	AssumeRolePolicyDocument any
	MaxSessionDuration       int
	ManagedPolicyArns        []string
	Policies                 []struct {
		PolicyName     string
		PolicyDocument any
	}
	PermissionsBoundary string
	Tags                tags
}

func (p roleProperties) input(name, token string) (iam.RoleInput, error) {
	in := iam.RoleInput{RoleName: name, ClientToken: token, Path: p.Path, Description: p.Description, MaxSessionDuration: p.MaxSessionDuration,
		ManagedPolicyArns: p.ManagedPolicyArns, PermissionsBoundary: p.PermissionsBoundary, Tags: p.Tags.toMap(), Policies: map[string]string{}}
	var err error
	if in.AssumeRolePolicyDocument, err = policy(p.AssumeRolePolicyDocument); err != nil {
		return in, err
	}
	for _, inline := range p.Policies {
		if in.Policies[inline.PolicyName], err = policy(inline.PolicyDocument); err != nil {
			return in, err
		}
	}
	return in, nil
}

// policy is a policy document as text; templates hold it as an object, or as text already. Without
// one it is "".
func policy(document any) (string, error) {
	if document == nil {
		return "", nil
	}
	if text, ok := document.(string); ok {
		return text, nil
	}
	data, err := json.Marshal(document)
	return string(data), err
}

func roles(service *iam.Service) cloudformation.Provider {
	name := func(r cloudformation.Request, p roleProperties) string { return physical(r, p.RoleName, 64, asItIs) }
	made := func(role iam.Role, err error) (cloudformation.Resource, error) {
		return made(role.RoleName, map[string]any{"Arn": role.Arn, "RoleId": role.RoleID}, err)
	}
	return resource[roleProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"RoleName", "Path", "Description", "AssumeRolePolicyDocument", "MaxSessionDuration",
				"ManagedPolicyArns", "Policies", "PermissionsBoundary", "Tags"},
			Required:   []string{"AssumeRolePolicyDocument"},
			CreateOnly: []string{"RoleName", "Path"},
			Attributes: []string{"Arn", "RoleId"},
		},
		find: func(r cloudformation.Request, p roleProperties) (cloudformation.Resource, string, bool) {
			role, err := service.GetRole(name(r, p))
			got, _ := made(role, nil)
			return got, role.ClientToken, err == nil
		},
		create: func(_ context.Context, r cloudformation.Request, p roleProperties) (cloudformation.Resource, error) {
			in, err := p.input(name(r, p), r.Token)
			if err != nil {
				return cloudformation.Resource{}, err
			}
			return made(service.CreateRole(in))
		},
		update: func(_ context.Context, r cloudformation.Request, p roleProperties) (cloudformation.Resource, error) {
			in, err := p.input(r.PhysicalID, r.Token)
			if err != nil {
				return cloudformation.Resource{}, err
			}
			return made(service.UpdateRole(in))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ roleProperties) error {
			return service.DeleteRole(r.PhysicalID)
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-instanceprofile.html
type profileProperties struct {
	InstanceProfileName string
	Path                string
	Roles               []string
}

func instanceProfiles(service *iam.Service) cloudformation.Provider {
	name := func(r cloudformation.Request, p profileProperties) string {
		return physical(r, p.InstanceProfileName, 128, asItIs)
	}
	made := func(profile iam.InstanceProfile, err error) (cloudformation.Resource, error) {
		return made(profile.InstanceProfileName, map[string]any{"Arn": profile.Arn}, err)
	}
	return resource[profileProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"InstanceProfileName", "Path", "Roles"},
			Required:   []string{"Roles"},
			CreateOnly: []string{"InstanceProfileName", "Path"},
			Attributes: []string{"Arn"},
		},
		find: func(r cloudformation.Request, p profileProperties) (cloudformation.Resource, string, bool) {
			profile, err := service.GetInstanceProfile(name(r, p))
			got, _ := made(profile, nil)
			return got, profile.ClientToken, err == nil
		},
		create: func(_ context.Context, r cloudformation.Request, p profileProperties) (cloudformation.Resource, error) {
			return made(service.CreateInstanceProfile(iam.InstanceProfileInput{InstanceProfileName: name(r, p), Path: p.Path, Roles: p.Roles,
				ClientToken: r.Token}))
		},
		update: func(_ context.Context, r cloudformation.Request, p profileProperties) (cloudformation.Resource, error) {
			return made(service.UpdateInstanceProfile(iam.InstanceProfileInput{InstanceProfileName: r.PhysicalID, Path: p.Path, Roles: p.Roles}))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ profileProperties) error {
			return service.DeleteInstanceProfile(r.PhysicalID)
		},
	}
}
