# shellcheck shell=bash
has_systemd() { [ -d /run/systemd/system ]; }

# service starts a program as a user of its own, again if it is running.
service() { # name, user, command…
  local name=$1 user=$2
  shift 2
  if has_systemd; then
    cat >"/etc/systemd/system/$name.service" <<END
[Unit]
Description=Ephor: $name
After=network-online.target
RequiresMountsFor=$data
[Service]
User=$user
ExecStart=$*
Restart=always
RestartSec=2
LimitNOFILE=65536
UMask=0027
NoNewPrivileges=true
ProtectSystem=full
ProtectHome=true
PrivateTmp=true
END
    systemctl daemon-reload
    systemctl restart "$name.service"
    return
  fi
  halt "$name"
  setsid setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups -- "$@" >>"/var/log/$name.log" 2>&1 </dev/null 9>&- &
  printf '%s\n' "$!" >"/run/$name.pid"
}

halt() { # name
  if has_systemd; then
    systemctl stop "$1.service" 2>/dev/null || true # it may never have been there
    return
  fi
  local pid
  pid=$(cat "/run/$1.pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || return 0
  tail --pid "$pid" -f /dev/null
  rm -f "/run/$1.pid"
}
