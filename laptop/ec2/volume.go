package ec2

import "maps"

// VolumeInput is what AWS::EC2::Volume takes, as far as a monitoring host's says it:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-volume.html
// There is no disk behind it: as the host is no machine, it keeps what it measures in a folder of
// its own.
type VolumeInput struct {
	AvailabilityZone string
	Size             int // GB
	VolumeType       string
	Encrypted        bool
	Tags             map[string]string
	ClientToken      string // as a security group's
}

// Volume is a volume's record.
type Volume struct {
	VolumeInput
	VolumeID string
}

func (in *VolumeInput) validate() error {
	switch {
	case in.AvailabilityZone == "":
		return fail("MissingParameter", "the volume has no AvailabilityZone")
	case in.Size < 1 || in.Size > 65_536:
		return fail("InvalidParameterValue", "Volume of %dGiB is too small or too large: 1 to 65536", in.Size)
	}
	in.Tags = maps.Clone(in.Tags)
	return nil
}

// CreateVolume makes a volume.
func (s *Service) CreateVolume(in VolumeInput) (Volume, error) {
	if err := in.validate(); err != nil {
		return Volume{}, err
	}
	v := Volume{in, newID("vol")}
	return v, s.change(func(r *records) error { r.Volumes[v.VolumeID] = v; return nil })
}

// ModifyVolume changes a volume's size, type and tags. It only grows.
func (s *Service) ModifyVolume(volumeID string, in VolumeInput) (Volume, error) {
	if err := in.validate(); err != nil {
		return Volume{}, err
	}
	var v Volume
	err := s.change(func(r *records) error {
		had, ok := r.Volumes[volumeID]
		if !ok {
			return noVolume(volumeID)
		}
		if in.Size < had.Size {
			return fail("InvalidParameterValue", "New size cannot be smaller than existing size: %d GB, and %s has %d", in.Size, volumeID, had.Size)
		}
		had.Size, had.VolumeType, had.Tags = in.Size, in.VolumeType, in.Tags
		r.Volumes[volumeID], v = had, had
		return nil
	})
	return v, err
}

// GetVolume finds a volume.
func (s *Service) GetVolume(volumeID string) (Volume, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.records.Volumes[volumeID]
	if !ok {
		return Volume{}, noVolume(volumeID)
	}
	return v, nil
}

// ListVolumes are all volumes by their IDs.
func (s *Service) ListVolumes() []Volume {
	return list(s, func(r records) map[string]Volume { return r.Volumes })
}

// DeleteVolume removes a volume.
func (s *Service) DeleteVolume(volumeID string) error {
	return s.change(func(r *records) error {
		if _, ok := r.Volumes[volumeID]; !ok {
			return noVolume(volumeID)
		}
		delete(r.Volumes, volumeID)
		return nil
	})
}

func noVolume(id string) error {
	return fail("InvalidVolume.NotFound", "The volume '%s' does not exist.", id)
}
