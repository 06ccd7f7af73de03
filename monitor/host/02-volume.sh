# shellcheck shell=bash
# The elastic address comes after the machine is up, and breaks what is under way when it does. On
# a replacement it comes from the machine before.
address() {
  say "waiting for the address $EPHOR_ADDRESS"
  has_address() { [ "$(imds meta-data/public-ipv4)" = "$EPHOR_ADDRESS" ]; }
  waited 120 has_address
}

# volume mounts the stack's volume, which is no part of this machine: a machine that has it yet is
# stopped first, so that it is written out and nobody writes to it.
volume() {
  say "mounting the volume $EPHOR_VOLUME"
  mountpoint -q "$data" && return
  local self holder device="/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${EPHOR_VOLUME/-/}" found=0
  self=$(imds meta-data/instance-id)
  volume_is_ours() {
    local xml
    xml=$(ec2 DescribeVolumes "VolumeId.1=$EPHOR_VOLUME") || return 1
    xml=$(lines <<<"$xml" | sed -n '/<attachmentSet>/,/<\/attachmentSet>/p')
    holder=$(element instanceId <<<"$xml")
    case $holder in
    "$self") grep -q '<status>attached<' <<<"$xml" ;;
    '')
      ec2 AttachVolume "VolumeId=$EPHOR_VOLUME" "InstanceId=$self" Device=/dev/sdf >/dev/null
      return 1
      ;;
    *)
      if [ "$(ec2 DescribeInstances "InstanceId.1=$holder" | lines | sed -n '/<instanceState>/,/<\/instanceState>/p' | element name)" = stopped ]; then
        ec2 DetachVolume "VolumeId=$EPHOR_VOLUME" >/dev/null
      else
        ec2 StopInstances "InstanceId.1=$holder" >/dev/null
      fi
      return 1
      ;;
    esac
  }
  waited 120 volume_is_ours
  waited 60 test -e "$device"
  # Status 2 means that nothing is on it; with any other it is not touched.
  blkid --probe "$device" >/dev/null || found=$?
  case $found in
  0) ;;
  2) mkfs.ext4 -q -L ephor "$device" ;;
  *) wrong "blkid cannot tell what is on $device: status $found" ;;
  esac
  mkdir -p "$data"
  chmod 755 "$data"
  mount "$device" "$data"
  chmod 755 "$data"
}
