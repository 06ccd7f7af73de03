package laptop

import (
	"context"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/ec2"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-volume.html
type volumeProperties struct {
	AvailabilityZone string
	Size             int
	VolumeType       string
	Encrypted        bool
	Tags             tags
}

func volumes(service *ec2.Service) cloudformation.Provider {
	made := func(v ec2.Volume, err error) (cloudformation.Resource, error) {
		return made(v.VolumeID, map[string]any{"VolumeId": v.VolumeID}, err)
	}
	input := func(r cloudformation.Request, p volumeProperties) ec2.VolumeInput {
		return ec2.VolumeInput{AvailabilityZone: p.AvailabilityZone, Size: p.Size, VolumeType: p.VolumeType, Encrypted: p.Encrypted,
			Tags: p.Tags.toMap(), ClientToken: r.Token}
	}
	return resource[volumeProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"AvailabilityZone", "Size", "VolumeType", "Encrypted", "Tags"},
			Required:   []string{"AvailabilityZone"},
			Attributes: []string{"VolumeId"},
		},
		find: func(r cloudformation.Request, _ volumeProperties) (cloudformation.Resource, string, bool) {
			v, ok := which(r, service.ListVolumes(), func(v ec2.Volume) (string, string) { return v.VolumeID, v.ClientToken })
			got, _ := made(v, nil)
			return got, v.ClientToken, ok
		},
		create: func(_ context.Context, r cloudformation.Request, p volumeProperties) (cloudformation.Resource, error) {
			return made(service.CreateVolume(input(r, p)))
		},
		update: func(_ context.Context, r cloudformation.Request, p volumeProperties) (cloudformation.Resource, error) {
			// "Updates are not supported", says their page: neither in place nor by another volume.
			for _, fixed := range []string{"AvailabilityZone", "Encrypted"} {
				if !same(r, fixed) {
					return cloudformation.Resource{}, awsproto.Errorf("InvalidRequest", "Update of %s is not supported: give the volume another logical ID, which makes another one", fixed)
				}
			}
			return made(service.ModifyVolume(r.PhysicalID, input(r, p)))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ volumeProperties) error {
			return service.DeleteVolume(r.PhysicalID)
		},
	}
}
