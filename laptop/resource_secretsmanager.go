package laptop

import (
	"context"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/secretsmanager"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
type secretProperties struct {
	Name                 string
	Description          string
	KmsKeyId             string
	SecretString         string
	GenerateSecretString *secretsmanager.Generate
	Tags                 tags
}

func (p secretProperties) input(name string) secretsmanager.SecretInput {
	return secretsmanager.SecretInput{Name: name, Description: p.Description, KmsKeyID: p.KmsKeyId, Tags: p.Tags.toMap(),
		SecretString: p.SecretString, GenerateSecretString: p.GenerateSecretString}
}

func secrets(service *secretsmanager.Service) cloudformation.Provider {
	name := func(r cloudformation.Request, p secretProperties) string { return physical(r, p.Name, 0, asItIs) }
	// A secret's physical ID, and its Ref, is its ARN.
	made := func(s secretsmanager.Secret, err error) (cloudformation.Resource, error) {
		return made(s.ARN, map[string]any{"Id": s.ARN}, err)
	}
	return resource[secretProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"Name", "Description", "KmsKeyId", "SecretString", "GenerateSecretString", "Tags"},
			CreateOnly: []string{"Name"},
			Attributes: []string{"Id"},
		},
		create: func(_ context.Context, r cloudformation.Request, p secretProperties) (cloudformation.Resource, error) {
			in := p.input(physical(cloudformation.Request{StackName: r.StackName, LogicalID: r.LogicalID, Token: r.Token}, p.Name, 0, asItIs))
			if s, err := service.DescribeSecret(in.Name); err == nil && p.Name == "" {
				return made(s, nil) // made before a crash, under this very token
			}
			return made(service.CreateSecret(in))
		},
		update: func(_ context.Context, r cloudformation.Request, p secretProperties) (cloudformation.Resource, error) {
			in := p.input("")
			// A new value is made when what it is made of has changed, not at every update.
			if same(r, "GenerateSecretString") {
				in.GenerateSecretString = nil
			}
			if same(r, "SecretString") {
				in.SecretString = ""
			}
			return made(service.UpdateSecret(r.PhysicalID, in))
		},
		remove: func(_ context.Context, r cloudformation.Request, p secretProperties) error {
			_, err := service.DeleteSecret(name(r, p), 0, true)
			return goneIsFine(err)
		},
		exists: func(r cloudformation.Request, p secretProperties) bool {
			_, err := service.DescribeSecret(name(r, p))
			return err == nil
		},
	}
}
