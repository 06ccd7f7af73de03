package ec2

import "testing"

func TestVolumes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openService(t, dir, &host{})
	v, err := s.CreateVolume(VolumeInput{AvailabilityZone: "us-east-1a", Size: 20, VolumeType: "gp3", Encrypted: true, ClientToken: "made"})
	must(t, err)
	_, err = s.CreateVolume(VolumeInput{Size: 20})
	wants(t, err, "MissingParameter", "AvailabilityZone")
	_, err = s.CreateVolume(VolumeInput{AvailabilityZone: "us-east-1a"})
	wants(t, err, "InvalidParameterValue", "0GiB")
	_, err = s.ModifyVolume(v.VolumeID, VolumeInput{AvailabilityZone: "us-east-1a", Size: 19})
	wants(t, err, "InvalidParameterValue", "cannot be smaller")
	_, err = s.ModifyVolume("vol-none", VolumeInput{AvailabilityZone: "us-east-1a", Size: 19})
	wants(t, err, "InvalidVolume.NotFound", "vol-none")
	_, err = s.ModifyVolume(v.VolumeID, VolumeInput{AvailabilityZone: "us-east-1a", Size: 30, VolumeType: "gp3"})
	must(t, err)
	must(t, s.Close())

	s = openService(t, dir, &host{})
	got, err := s.GetVolume(v.VolumeID)
	if err != nil || got.Size != 30 || !got.Encrypted || got.ClientToken != "made" || len(s.ListVolumes()) != 1 {
		t.Errorf("after a restart: %+v, %v", got, err)
	}
	must(t, s.DeleteVolume(v.VolumeID))
	wants(t, s.DeleteVolume(v.VolumeID), "InvalidVolume.NotFound", v.VolumeID)
}
