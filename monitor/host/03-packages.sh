# shellcheck shell=bash
# repository adds a vendor's repository once its key is seen to be the one that we know.
repository() { # name, the three parts of a source, key's address, fingerprint
  local key
  key=$(mktemp -d)
  web --output "$key/asc" "$3"
  gpg --quiet --homedir "$key" --show-keys --with-colons "$key/asc" 2>/dev/null | awk -F: '$1 == "pub" { p = 1 } $1 == "fpr" && p { print $10; p = 0 }' >"$key/fingerprints"
  grep -qx "$4" "$key/fingerprints" || wrong "the key at $3 is not $4"
  # That key alone: what else is in the file is trusted with nothing.
  local ring=(gpg --quiet --batch --homedir "$key" --no-autostart --no-default-keyring --keyring "$key/ring" --no-auto-check-trustdb)
  "${ring[@]}" --import "$key/asc" 2>/dev/null
  "${ring[@]}" --export "$4" >"$key/gpg"
  mkdir -p /etc/apt/keyrings
  chmod 755 /etc/apt/keyrings
  install -m 644 "$key/gpg" "/etc/apt/keyrings/$1.gpg"
  printf 'deb [signed-by=/etc/apt/keyrings/%s.gpg] %s\n' "$1" "$2" >"$key/list"
  install -m 644 "$key/list" "/etc/apt/sources.list.d/$1.list"
  rm -rf "$key"
}

# packages installs the two programs in the versions that the stack asks for. Their own services
# never run: they would listen before there is a password.
# idle keeps a package's own service from ever running. Masked it would not run either, but the package of InfluxDB cannot be installed
# where its service cannot be enabled.
# https://github.com/influxdata/influxdb/issues/7915
idle() { # services
  local name
  for name; do
    mkdir -p "$units/$name.service.d"
    printf '[Unit]\nConditionPathExists=/nonexistent\n' >"$units/$name.service.d/ephor.conf"
  done
  systemctl daemon-reload
}

packages() {
  say "installing InfluxDB $EPHOR_INFLUXDB_VERSION and Grafana $EPHOR_GRAFANA_VERSION"
  local want=("influxdb=$EPHOR_INFLUXDB_VERSION" "grafana=$EPHOR_GRAFANA_VERSION")
  idle influxdb grafana-server
  settled
  if ! { installed influxdb "$EPHOR_INFLUXDB_VERSION" && installed grafana "$EPHOR_GRAFANA_VERSION"; }; then
    # The sources are parameters, so that a mirror can stand in. These are the vendors':
    # https://docs.influxdata.com/influxdb/v1/introduction/install/
    # https://www.influxdata.com/blog/package-signing-key-rotation
    # https://grafana.com/docs/grafana/latest/setup-grafana/installation/debian/
    repository influxdata "${EPHOR_INFLUXDB_SOURCE:-https://repos.influxdata.com/debian stable main}" \
      "${EPHOR_INFLUXDB_KEY:-https://repos.influxdata.com/influxdata-archive.key}" \
      "${EPHOR_INFLUXDB_FINGERPRINT:-24C975CBA61A024EE1B631787C3D57159FC2F927}"
    repository grafana "${EPHOR_GRAFANA_SOURCE:-https://apt.grafana.com stable main}" \
      "${EPHOR_GRAFANA_KEY:-https://apt.grafana.com/gpg.key}" \
      "${EPHOR_GRAFANA_FINGERPRINT:-B53AE77BADB630A683046005963FA27710458545}"
    prepared
    waited 5 get "${want[@]}"
    apt-mark -qq hold influxdb grafana >/dev/null
    apt-get clean
  fi
  id influxdb >/dev/null
  id grafana >/dev/null
}

# agent is what Session Manager talks to; there is no SSH.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/agent-install-deb.html
agent() {
  say 'installing the agent of Systems Manager'
  if ! installed amazon-ssm-agent; then
    local deb
    deb=$(mktemp --suffix .deb)
    web --output "$deb" "${EPHOR_AGENT:-https://s3.$EPHOR_REGION.$EPHOR_DOMAIN/amazon-ssm-$EPHOR_REGION/latest/debian_$(dpkg --print-architecture)/amazon-ssm-agent.deb}"
    chmod 644 "$deb" # apt reads it as a user of its own
    waited 5 get "$deb"
    rm -f "$deb"
  fi
  systemctl --quiet enable --now amazon-ssm-agent.service
}
