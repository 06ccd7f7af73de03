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

func (p secretProperties) input(name, token string) secretsmanager.SecretInput {
	return secretsmanager.SecretInput{Name: name, ClientToken: token, Description: p.Description, KmsKeyID: p.KmsKeyId, Tags: p.Tags.toMap(),
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
		find: func(r cloudformation.Request, p secretProperties) (cloudformation.Resource, string, bool) {
			s, err := service.DescribeSecret(name(r, p))
			got, _ := made(s, nil)
			return got, s.ClientToken, err == nil
		},
		create: func(_ context.Context, r cloudformation.Request, p secretProperties) (cloudformation.Resource, error) {
			r.PhysicalID = "" // of one that is made again: its ARN, which is no name
			return made(service.CreateSecret(p.input(name(r, p), r.Token)))
		},
		update: func(_ context.Context, r cloudformation.Request, p secretProperties) (cloudformation.Resource, error) {
			in := p.input("", r.Token)
			// A new value is made when what it is made of has changed, not at every update.
			if same(r, "GenerateSecretString") {
				in.GenerateSecretString = nil
			}
			if same(r, "SecretString") {
				in.SecretString = ""
			}
			return made(service.UpdateSecret(r.PhysicalID, in))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ secretProperties) error {
			_, err := service.DeleteSecret(r.PhysicalID, 0, true)
			return err
		},
	}
}
