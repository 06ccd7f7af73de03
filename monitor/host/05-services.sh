# shellcheck shell=bash
# units is where systemd has what is ours.
: "${units:=/etc/systemd/system}"

# service starts a program as a user of its own, again if it is running. It can write to one folder and nowhere else, and has
# no rights but that user's.
# https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html
service() { # name, user, command…
  local name=$1 user=$2 place=$data/$2 restart=always more='IPAddressDeny=169.254.169.254 fd00:ec2::254'
  shift 2
  # The metadata service has the role's credentials for who asks on this machine, and with them all four secrets. Of these
  # programs Grafana alone has a use for it: it publishes to topics with the role.
  # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
  case $name in
  ephor-grafana) more='' ;;
  # What anybody can open connections to ends before the store does where there is no memory left.
  ephor-gate) place=/run/ephor-gate more+=$'\nMemoryMax=400M\nOOMScoreAdjust=500' ;;
  # A store that asks nobody for a password ends by itself where this script can no longer end it.
  ephor-store) if unguarded; then restart=no more+=$'\nRuntimeMaxSec=1h'; fi ;;
  esac
  cat >"$units/$name.service" <<END
[Unit]
Description=Ephor: $name
After=network-online.target
RequiresMountsFor=$data
AssertPathIsMountPoint=$data
[Service]
User=$user
ExecStart=$*
Restart=$restart
RestartSec=2
LimitNOFILE=65536
UMask=0027
NoNewPrivileges=true
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths=$place
ProtectHome=true
ProtectClock=true
ProtectControlGroups=true
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
ProtectProc=invisible
PrivateDevices=true
PrivateTmp=true
LockPersonality=true
RemoveIPC=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
SystemCallArchitectures=native
$more
END
  systemctl daemon-reload
  systemctl restart "$name.service"
}

halt() { systemctl stop "$1.service" 2>/dev/null || true; } # it may never have been there

# unguarded tells whether the store asks nobody for a password, as on loopback while it is made.
unguarded() { grep -qs 'auth-enabled = false' "$settings/influxdb.conf"; }

# shut ends such a store.
shut() { if unguarded; then halt ephor-store; fi; }
