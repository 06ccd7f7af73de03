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
  local self holder device="/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${EPHOR_VOLUME/-/}"
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
  formatted "$device"
  # Without the volume nothing is to be written here, and can be: no store grows on the machine's own disk.
  mkdir -p "$data"
  chattr +i "$data" || printf '%s can be written to while nothing is mounted there\n' "$data" >&2
  mount "$device" "$data"
  chmod 755 "$data"
  grown || true # it is large enough for what it holds, and every minute says so again
}

# formatted makes a file system on a volume that has never had anything on it: blkid finds nothing, and its
# first 512 MiB, in which any file system has what it cannot do without, are zeroes. blkid alone finds nothing where it
# cannot make sense of what is there, too. Of what is begun a file tells, which is on the machine's own disk: what a
# kill leaves of it is no longer empty.
formatted() { # device
  local begun=/var/lib/ephor-formatting found=0
  if [ "$(cat "$begun" 2>/dev/null)" != "$EPHOR_VOLUME" ]; then
    blkid --probe "$1" >/dev/null || found=$?
    case $found in
    0) return ;;
    2) ;;
    *) wrong "blkid cannot tell what is on $1: status $found" ;;
    esac
    cmp -s --bytes=536870912 "$1" /dev/zero ||
      wrong "$1 has no file system that blkid knows, and is not empty: nothing is done to it"
    printf '%s\n' "$EPHOR_VOLUME" >"$begun"
    sync "$begun"
  fi
  mkfs.ext4 -q -F -L ephor "$1"
  rm "$begun"
}

# grown makes the file system as large as the volume is, which can be made larger at any time, and never smaller.
# https://docs.aws.amazon.com/ebs/latest/userguide/recognize-expanded-volume-linux.html
grown() {
  local said
  said=$(resize2fs "$(findmnt --noheadings --output SOURCE --mountpoint "$data")" 2>&1) || {
    printf 'the file system does not grow: %s\n' "${said//$'\n'/; }" >&2
    return 1
  }
}
