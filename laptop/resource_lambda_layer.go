package laptop

import (
	"context"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/lambda"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-layerversion.html
type layerVersionProperties struct {
	LayerName               string
	Description             string
	LicenseInfo             string
	CompatibleRuntimes      []string
	CompatibleArchitectures []string
	Content                 struct{ S3Bucket, S3Key, S3ObjectVersion string }
}

func layerVersions(service *lambda.Service) cloudformation.Provider {
	made := func(v lambda.LayerVersion, err error) (cloudformation.Resource, error) {
		return made(v.ARN, map[string]any{"LayerVersionArn": v.ARN}, err)
	}
	// The physical ID is a version's ARN, so the layer's name is never taken from it.
	name := func(r cloudformation.Request, p layerVersionProperties) string {
		r.PhysicalID = ""
		return physical(r, p.LayerName, 140, asItIs)
	}
	properties := []string{"LayerName", "Description", "LicenseInfo", "CompatibleRuntimes", "CompatibleArchitectures", "Content"}
	return resource[layerVersionProperties]{
		schema: cloudformation.Schema{
			Properties: properties, CreateOnly: properties,
			Required:   []string{"Content"},
			Attributes: []string{"LayerVersionArn"},
		},
		find: func(r cloudformation.Request, p layerVersionProperties) (cloudformation.Resource, string, bool) {
			v, ok := which(r, service.LayerVersions(name(r, p)), func(v lambda.LayerVersion) (string, string) { return v.ARN, v.Mark })
			got, _ := made(v, nil)
			return got, v.Mark, ok
		},
		create: func(ctx context.Context, r cloudformation.Request, p layerVersionProperties) (cloudformation.Resource, error) {
			return made(service.PublishLayerVersion(ctx, lambda.LayerInput{
				Name: name(r, p), Description: p.Description, LicenseInfo: p.LicenseInfo,
				CompatibleRuntimes: p.CompatibleRuntimes, CompatibleArchitectures: p.CompatibleArchitectures,
				Content: lambda.Code{S3Bucket: p.Content.S3Bucket, S3Key: p.Content.S3Key, S3ObjectVersion: p.Content.S3ObjectVersion},
				Mark:    r.Token,
			}))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ layerVersionProperties) error {
			v, err := service.LayerVersionByARN(r.PhysicalID)
			if err != nil {
				return err
			}
			return service.DeleteLayerVersion(v.Name, v.Version)
		},
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-layerversionpermission.html
type layerVersionPermissionProperties struct {
	LayerVersionArn string
	Action          string
	Principal       string
	OrganizationId  string
}

func layerVersionPermissions(service *lambda.Service) cloudformation.Provider {
	// A statement's ID is made of the token, so what has it is the resource.
	statement := func(r cloudformation.Request) string { return r.PhysicalName(100) }
	made := func(r cloudformation.Request, p layerVersionPermissionProperties, err error) (cloudformation.Resource, error) {
		id := p.LayerVersionArn + "#" + statement(r)
		return made(id, map[string]any{"Id": id}, err)
	}
	properties := []string{"LayerVersionArn", "Action", "Principal", "OrganizationId"}
	return resource[layerVersionPermissionProperties]{
		schema: cloudformation.Schema{
			Properties: properties, CreateOnly: properties,
			Required:   []string{"LayerVersionArn", "Action", "Principal"},
			Attributes: []string{"Id"},
		},
		find: func(r cloudformation.Request, p layerVersionPermissionProperties) (cloudformation.Resource, string, bool) {
			v, err := service.LayerVersionByARN(p.LayerVersionArn)
			there := err == nil && slices.ContainsFunc(v.Policy, func(q lambda.LayerPermission) bool { return q.StatementID == statement(r) })
			got, _ := made(r, p, nil)
			return got, r.Token, there
		},
		create: func(_ context.Context, r cloudformation.Request, p layerVersionPermissionProperties) (cloudformation.Resource, error) {
			v, err := service.LayerVersionByARN(p.LayerVersionArn)
			if err == nil {
				_, err = service.AddLayerPermission(v.Name, v.Version, lambda.LayerPermission{
					StatementID: statement(r), Action: p.Action, Principal: p.Principal, OrganizationID: p.OrganizationId}, "")
			}
			return made(r, p, err)
		},
		remove: func(_ context.Context, r cloudformation.Request, _ layerVersionPermissionProperties) error {
			arn, id, _ := strings.Cut(r.PhysicalID, "#")
			v, err := service.LayerVersionByARN(arn)
			if err != nil {
				return err
			}
			return service.RemoveLayerPermission(v.Name, v.Version, id, "")
		},
	}
}
