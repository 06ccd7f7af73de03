# shellcheck shell=bash
# --- The start. The rest of the script is more than user data can hold, so it stands in the stack,
# in parameters of Systems Manager as the dashboards do. These are named after its checksum, which
# the user data have: so what a machine is told to run exists as long as it is told to, also while
# the stack changes to another script and where it goes back.

# again_at_boot comes before all that can fail: cloud-init runs user data once in a machine's life, and
# ephor-boot.service does at every boot, and when it is restarted.
again_at_boot() {
  cat >/usr/local/sbin/ephor-user-data.new <<'END'
#!/bin/bash
# Runs the user data of this machine as they are now.
set -euo pipefail
umask 077
base=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}/latest
token=$(curl -sSf --max-time 20 --retry 30 --retry-all-errors --retry-delay 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$base/api/token")
mkdir -p /run/ephor
printf 'header = "X-aws-ec2-metadata-token: %s"\n' "$token" | curl -sSf --max-time 20 --retry 5 --config - -o /run/ephor/user-data "$base/user-data"
exec bash /run/ephor/user-data
END
  chmod 755 /usr/local/sbin/ephor-user-data.new
  mv /usr/local/sbin/ephor-user-data.new /usr/local/sbin/ephor-user-data # whole, whenever this is killed
  cat >/etc/systemd/system/ephor-boot.service.new <<'END'
[Unit]
Description=Ephor: the boot script
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/ephor-user-data
Restart=on-failure
RestartSec=60
[Install]
WantedBy=multi-user.target
END
  mv /etc/systemd/system/ephor-boot.service.new /etc/systemd/system/ephor-boot.service
  systemctl daemon-reload
  systemctl --quiet enable ephor-boot.service
}

# is_script tells whether a file is the script that the user data name.
is_script() { [ "$(sha256sum <"$1" | head -c 64)" = "$EPHOR_SCRIPT" ]; }

# fetch_script asks nobody where the script is there, as after a reboot.
fetch_script() { # the place
  say 'fetching the boot script'
  if [ -e "$1" ] && is_script "$1"; then return; fi
  local path=/ephor/$EPHOR_STACK/script/${EPHOR_SCRIPT:0:16}
  pieces "$path" | base64 --decode | gunzip >"$1.new"
  is_script "$1.new" || wrong "what stands under $path is not the script $EPHOR_SCRIPT"
  chmod 755 "$1.new"
  mv "$1.new" "$1"
}

again_at_boot
# The lock is the whole script's: what runs every minute leaves the machine alone from here on.
mkdir -p /run/ephor
exec 9>/run/ephor/lock
flock 9
tools
fetch_script /usr/local/sbin/ephor-boot
exec /usr/local/sbin/ephor-boot
