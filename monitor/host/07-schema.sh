# shellcheck shell=bash
# told sends one statement to the store, by standard input, and fails with what the store says.
told() {
  local answer
  refusal='no answer'
  answer=$(printf '%s' "$1" | curl --silent --show-error --max-time 60 --data-urlencode q@- "http://127.0.0.1:$EPHOR_STORE_PORT/query") || return 1
  refusal=$(jq -er '[.error, (.results // [] | .[].error)] | map(select(. != null)) | join("; ")' <<<"$answer") || return 1
  [ -z "$refusal" ]
}

# mended sends a statement and, where the thing is there in another form, what changes it.
mended() {
  if told "$1"; then return 0; fi
  case $refusal in
  *exists*) ;;
  *) wrong "the store refuses: $refusal" ;;
  esac
  local s
  for s in "${@:2}"; do told "$s" || wrong "the store refuses: $refusal"; done
}

# schema makes the database, its retention policies, the users and the rollups. It is done on
# loopback before the network is let in, and without asking for a password: so it holds what Secrets Manager
# says whatever the volume remembers, and nobody but this machine can be the first to make an
# administrator.
schema() {
  say 'making the database, its users and its rollups'
  mkdir -p "$data/influxdb"
  chown -R influxdb: "$data/influxdb"
  run_store loopback
  mended "CREATE DATABASE \"$EPHOR_DATABASE\""
  local policy
  policy="ON \"$EPHOR_DATABASE\" DURATION ${EPHOR_RAW_DAYS}d REPLICATION 1 SHARD DURATION 1d DEFAULT"
  mended "CREATE RETENTION POLICY \"raw\" $policy" "ALTER RETENTION POLICY \"raw\" $policy"
  policy="ON \"$EPHOR_DATABASE\" DURATION ${EPHOR_ROLLUP_DAYS}d REPLICATION 1 SHARD DURATION 7d"
  for name in rollup_10s rollup_1m; do
    mended "CREATE RETENTION POLICY \"$name\" $policy" "ALTER RETENTION POLICY \"$name\" $policy"
  done
  account admin "$EPHOR_ADMIN_SECRET" 'GRANT ALL PRIVILEGES TO "admin"'
  account writer "$EPHOR_WRITER_SECRET" "GRANT WRITE ON \"$EPHOR_DATABASE\" TO \"writer\""
  account reader "$EPHOR_READER_SECRET" "GRANT READ ON \"$EPHOR_DATABASE\" TO \"reader\""
  rollups 10s '10s' '1m'
  rollups 1m '1m' '10m'
}

account() { # user, secret, grant
  local word
  word=$(password "$2")
  mended "CREATE USER \"$1\" WITH PASSWORD '$word'" "SET PASSWORD FOR \"$1\" = '$word'"
  told "REVOKE ALL PRIVILEGES FROM \"$1\"" || wrong "the store refuses: $refusal"
  told "$3" || wrong "the store refuses: $refusal"
}

# rollups are continuous queries without the tag instance. Each reads the raw points, so a minute's
# percentiles are a minute's; and each runs again for a while, for batches that came late.
# https://docs.influxdata.com/influxdb/v1/query_language/continuous_queries/
rollups() { # window, every, for
  local name part select from from_where
  for part in invocation errors instruments buckets publisher; do
    from="FROM \"$EPHOR_DATABASE\".\"raw\".\"invocation\"" into=invocation from_where=
    case $part in
    invocation)
      select='count("duration_ms") AS "count", sum("duration_ms") AS "sum", min("duration_ms") AS "min", max("duration_ms") AS "max", percentile("duration_ms", 50) AS "p50", percentile("duration_ms", 90) AS "p90", percentile("duration_ms", 99) AS "p99", count("init_ms") AS "cold", sum("init_ms") AS "init_sum", max("init_ms") AS "init_max", max("memory_mb") AS "memory_max"'
      ;;
    errors)
      select='count("duration_ms") AS "errors"' from_where=' WHERE "ok" = false'
      ;;
    instruments)
      select='sum("count") AS "count", sum("sum") AS "sum", min("min") AS "min", max("max") AS "max", min("value") AS "value_min", mean("value") AS "value_mean", max("value") AS "value_max"'
      from="FROM \"$EPHOR_DATABASE\".\"raw\"./.*/" into=
      ;;
    buckets)
      select='sum(/^b_[0-9]+$/)'
      from="FROM \"$EPHOR_DATABASE\".\"raw\"./.*/" into=
      ;;
    publisher)
      select='count("seq") AS "flushes", max("dropped") AS "dropped_max", max("retries") AS "retries_max"'
      from="FROM \"$EPHOR_DATABASE\".\"raw\".\"publisher\"" into=publisher
      ;;
    esac
    name="${part}_$1"
    [ -n "$into" ] && into="\"$into\"" || into=':MEASUREMENT'
    local q="CREATE CONTINUOUS QUERY \"$name\" ON \"$EPHOR_DATABASE\" RESAMPLE EVERY $2 FOR $3 BEGIN SELECT $select INTO \"$EPHOR_DATABASE\".\"rollup_$1\".$into $from$from_where GROUP BY time($1), \"function\", \"version\" END"
    mended "$q" "DROP CONTINUOUS QUERY \"$name\" ON \"$EPHOR_DATABASE\"" "$q"
  done
}

open_store() {
  say 'opening the store to the network, with TLS and passwords'
  run_store network
}
