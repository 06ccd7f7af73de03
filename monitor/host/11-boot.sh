# shellcheck shell=bash
# again sees to it that dashboards are looked for every minute, and backups made.
again() {
  say 'arranging for the next boot'
  declare -p "${!EPHOR_@}" "${!AWS_E@}" | sed 's/^declare -[a-zA-Z-]* /export /' >"$settings/settings.new"
  mv "$settings/settings.new" "$settings/settings"
  [ -e "$data/backup.last" ] || backed_up "$(date +%s)" ''
  cat >"$units/ephor-refresh.service" <<END
[Unit]
Description=Ephor: new dashboards
[Service]
Type=oneshot
ExecStart=/bin/bash -c '. $settings/settings && exec /usr/local/sbin/ephor-boot refresh'
END
  cat >"$units/ephor-refresh.timer" <<'END'
[Unit]
Description=Ephor: new dashboards, every minute
[Timer]
OnActiveSec=1min
OnUnitInactiveSec=1min
AccuracySec=1s
[Install]
WantedBy=timers.target
END
  cat >"$units/ephor-backup.service" <<END
[Unit]
Description=Ephor: a backup of the store, if one is due
[Service]
Type=oneshot
ExecStart=/bin/bash -c '. $settings/settings && exec /usr/local/sbin/ephor-boot backup'
END
  cat >"$units/ephor-backup.timer" <<'END'
[Unit]
Description=Ephor: looking every hour whether a backup is due
[Timer]
OnActiveSec=10min
OnUnitInactiveSec=1h
[Install]
WantedBy=timers.target
END
  systemctl daemon-reload
  local timers=(ephor-refresh.timer)
  if [ "$EPHOR_BACKUP_DAYS" = 0 ]; then systemctl --quiet disable --now ephor-backup.timer; else timers+=(ephor-backup.timer); fi
  systemctl --quiet enable "${timers[@]}"
  systemctl restart "${timers[@]}" # as they are now, where others are under way
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

# mounted ends the script where this machine does not have the volume. Where no boot has come so far, whatever the timers
# start would be made on the machine's own disk: another authority, and a store without users.
mounted() { mountpoint -q "$data" || wrong "the volume is not mounted: systemctl restart ephor-boot"; }

# One at a time: a boot waits for a refresh, a refresh leaves a boot alone. The start has the lock, and hands it on.
mkdir -p /run/ephor "$settings"
chmod 755 "$settings"
[ /proc/self/fd/9 -ef /run/ephor/lock ] || exec 9>/run/ephor/lock
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
  alive || wrong "the host is not well: $ill"
  ready
  say 'done'
  ;;
refresh)
  alive || printf 'the alarm of the stack hears nothing\n' >&2 # also while a backup has the lock
  flock --nonblock 9 || exit 0
  mounted
  refresh
  ;;
backup)
  mounted
  backup
  ;;
*) wrong "unknown: $task" ;;
esac
