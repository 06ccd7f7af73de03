# shellcheck shell=bash
# again sees to it that the next boot runs what the stack says then, that dashboards are looked for every
# minute, and backups made.
again() {
  say 'arranging for the next boot'
  declare -p "${!EPHOR_@}" "${!AWS_E@}" | sed 's/^declare -[a-zA-Z-]* /export /' >"$settings/settings.new"
  mv "$settings/settings.new" "$settings/settings"
  [ -e "$data/backup.last" ] || backed_up "$(date +%s)" ''
  has_systemd || return 0
  cat >/usr/local/sbin/ephor-user-data <<'END'
#!/bin/bash
# Runs the user data of this machine as they are now.
set -euo pipefail
umask 077
base=http://169.254.169.254/latest
token=$(curl -sSf --retry 30 --retry-all-errors --retry-delay 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$base/api/token")
mkdir -p /run/ephor
printf 'header = "X-aws-ec2-metadata-token: %s"\n' "$token" | curl -sSf --retry 5 --config - -o /run/ephor/user-data "$base/user-data"
exec bash /run/ephor/user-data
END
  chmod 755 /usr/local/sbin/ephor-user-data
  cat >/etc/systemd/system/ephor-boot.service <<'END'
[Unit]
Description=Ephor: the boot script
Wants=network-online.target
After=network-online.target
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/ephor-user-data
[Install]
WantedBy=multi-user.target
END
  cat >/etc/systemd/system/ephor-refresh.service <<END
[Unit]
Description=Ephor: new dashboards
[Service]
Type=oneshot
ExecStart=/bin/bash -c '. $settings/settings && exec /usr/local/sbin/ephor-boot refresh'
END
  cat >/etc/systemd/system/ephor-refresh.timer <<'END'
[Unit]
Description=Ephor: new dashboards, every minute
[Timer]
OnActiveSec=1min
OnUnitInactiveSec=1min
[Install]
WantedBy=timers.target
END
  cat >/etc/systemd/system/ephor-backup.service <<END
[Unit]
Description=Ephor: a backup of the store, if one is due
[Service]
Type=oneshot
ExecStart=/bin/bash -c '. $settings/settings && exec /usr/local/sbin/ephor-boot backup'
END
  cat >/etc/systemd/system/ephor-backup.timer <<'END'
[Unit]
Description=Ephor: looking every hour whether a backup is due
[Timer]
OnActiveSec=10min
OnUnitInactiveSec=1h
[Install]
WantedBy=timers.target
END
  systemctl daemon-reload
  systemctl --quiet enable ephor-boot.service
  systemctl --quiet enable --now ephor-refresh.timer
  if [ "$EPHOR_BACKUP_DAYS" = 0 ]; then systemctl --quiet disable --now ephor-backup.timer; else systemctl --quiet enable --now ephor-backup.timer; fi
}

# ready tells the stack, once: after a reboot its wait is over, and the address may have expired.
ready() {
  say 'telling the stack'
  local once=$data/signalled mark
  mark=$(printf '%s' "$EPHOR_SIGNAL" | sha256sum)
  [ "$(cat "$once" 2>/dev/null)" = "$mark" ] && return
  jq -cn --arg data "https://$EPHOR_ADDRESS:$EPHOR_STORE_PORT,https://$EPHOR_ADDRESS:$EPHOR_GRAFANA_PORT,$(base64 --wrap 0 <"$settings/ca.pem")" \
    '{Status: "SUCCESS", Reason: "the host is ready", UniqueId: "ephor", Data: $data}' | signal
  printf '%s\n' "$mark" >"$once"
}

# booted tells whether this machine has the volume. Where no boot has come so far, whatever the timers start
# would be made on the machine's own disk: another authority, and a store without users.
booted() { mountpoint -q "$data"; }

# One at a time: a boot waits for a refresh, a refresh leaves a boot alone.
mkdir -p /run/ephor "$settings"
chmod 755 "$settings"
exec 9>/run/ephor/lock
case $task in
boot)
  flock 9
  address
  volume
  packages
  agent
  restore
  certificates
  schema
  open_store
  run_grafana
  checked
  again
  alive
  ready
  say 'done'
  ;;
refresh)
  flock --nonblock 9 || exit 0
  booted || exit 0
  refresh
  ;;
backup)
  booted || exit 0
  backup
  ;;
*) wrong "unknown: $task" ;;
esac
