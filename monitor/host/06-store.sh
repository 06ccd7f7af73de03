# shellcheck shell=bash
# store_config is for the way in: loopback, where passwords are set, or the network, behind the gate.
# https://docs.influxdata.com/influxdb/v1/administration/config/
store_config() {
  local port=$EPHOR_STORE_PORT guarded=false
  [ "$1" = network ] && port=$EPHOR_INNER_PORT guarded=true
  cat <<END
reporting-disabled = true
bind-address = "127.0.0.1:${EPHOR_BACKUP_PORT:-8088}"
[meta]
  dir = "$data/influxdb/meta"
  retention-autocreate = false
[data]
  dir = "$data/influxdb/data"
  wal-dir = "$data/influxdb/wal"
  index-version = "tsi1"
  # An eighth of a shard's index is on the heap up to here, for as long as the shard is kept. By itself that is 1 MB, of which
  # 10,000 environments in an hour fall short.
  max-index-log-file-size = "4k"
  # Every execution environment is a value of the tag instance. Where the index is on disk their
  # number costs little memory, so neither is limited; what ends them is the retention.
  max-series-per-database = 0
  max-values-per-tag = 0
  cache-max-memory-size = "512m"
  series-id-set-cache-size = 100
[coordinator]
  query-timeout = "60s"
  max-concurrent-queries = 32
[retention]
  check-interval = "30m"
[continuous_queries]
  log-enabled = false
  run-interval = "1s"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:$port"
  auth-enabled = $guarded
  log-enabled = false
  pprof-enabled = false
  debug-pprof-enabled = false
  flux-enabled = false
[logging]
  level = "warn"
END
}

run_store() { # loopback or network
  halt ephor-gate
  mkdir -p "$data/influxdb"
  chown -R influxdb: "$data/influxdb"
  store_config "$1" >"$settings/influxdb.conf.new"
  chmod 644 "$settings/influxdb.conf.new"
  mv "$settings/influxdb.conf.new" "$settings/influxdb.conf"
  service ephor-store influxdb /usr/bin/influxd -config "$settings/influxdb.conf"
  if [ "$1" = network ]; then
    waited 60 answers behind
    run_gate
  fi
  waited 60 answers "$1"
}

answers() {
  case $1 in
  loopback) curl --silent --fail --max-time 5 --output /dev/null "http://127.0.0.1:$EPHOR_STORE_PORT/ping" ;;
  behind) curl --silent --fail --max-time 5 --output /dev/null "http://127.0.0.1:$EPHOR_INNER_PORT/ping" ;;
  network) curl --silent --fail --max-time 5 --output /dev/null --cacert "$settings/ca.pem" "https://127.0.0.1:$EPHOR_STORE_PORT/ping" ;;
  esac
}
