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
  run_store loopback
  mended "CREATE DATABASE \"$EPHOR_DATABASE\""
  local policy
  policy="ON \"$EPHOR_DATABASE\" DURATION ${EPHOR_RAW_DAYS}d REPLICATION 1 SHARD DURATION $raw_shard DEFAULT"
  mended "CREATE RETENTION POLICY \"raw\" $policy" "ALTER RETENTION POLICY \"raw\" $policy"
  rollup_policies
  account admin "$EPHOR_ADMIN_SECRET" 'GRANT ALL PRIVILEGES TO "admin"'
  account writer "$EPHOR_WRITER_SECRET" "GRANT WRITE ON \"$EPHOR_DATABASE\" TO \"writer\""
  account reader "$EPHOR_READER_SECRET" "GRANT READ ON \"$EPHOR_DATABASE\" TO \"reader\""
  rollups
  ranges
}

# password sets word to a secret's password. It stands between quotation marks, in InfluxQL and in what curl reads, so it may have no
# character that ends these: whoever sets it by hand is told which secret it is, and nothing of it.
password() { # ARN
  word=$(secret "$1" password)
  case $word in
  '' | *[!0-9A-Za-z]*) word= && wrong "the password in the secret $1 has to have letters and digits alone" ;;
  esac
}

# as_writer writes with the password that the store knows, also where Secrets Manager has a newer one, which the next boot sets.
as_writer() {
  printf 'user = "writer:%s"\n' "$(cat "$settings/writer.password")" |
    curl --silent --show-error --fail --max-time 30 --config - --cacert "$settings/ca.pem" "$@"
}

# account makes a user what it should be. What the store says of a statement may repeat a part of it, so of one
# with a password nothing is told.
account() { # user, secret, grant
  local word
  password "$2"
  if ! told "CREATE USER \"$1\" WITH PASSWORD '$word'" && ! told "SET PASSWORD FOR \"$1\" = '$word'"; then
    wrong "the store does not take the user $1 with the password in the secret $2"
  fi
  if [ "$1" = writer ]; then
    printf '%s' "$word" >"$settings/writer.password"
  fi
  told "REVOKE ALL PRIVILEGES FROM \"$1\"" || wrong "the store refuses: $refusal"
  told "$3" || wrong "the store refuses: $refusal"
}

# What rolls up is written in Go, once for this machine and for the laptop: rollup_policies, rollup_table
# and range_points stand below.
rollups() {
  local name q
  while IFS=$'\t' read -r name q; do
    mended "$q" "DROP CONTINUOUS QUERY \"$name\" ON \"$EPHOR_DATABASE\"" "$q"
  done <<<"$(rollup_queries)"
}

# rollup_queries prints what ContinuousQueries in Go returns: for each rollup one, and for each of its columns another
# that looks back for what came late. A template has no room for all of them.
rollup_queries() {
  local f c columns name every=$late_every
  while IFS=$'\t' read -r -a f; do # name, period, how far back, what stands behind the columns, the columns
    columns=$(printf ', %s' "${f[@]:4}")
    rollup_query "${f[0]}" "${f[1]}" "${f[2]}" "${columns:2} ${f[3]}"
  done <<<"$(rollup_table)"
  while IFS=$'\t' read -r -a f; do
    for c in "${f[@]:4}"; do
      name=${c##* AS \"}
      name=_${name%\"}
      [ "${#f[@]}" -gt 5 ] || name=
      rollup_query "${f[0]}${name}_late" "${every}s" "$((late_back + every))s" "$c ${f[3]}"
      every=$((every + late_step))
    done
  done <<<"$(rollup_table)"
}

rollup_query() { # name, period, how far back, columns and what stands behind them
  printf '%s\tCREATE CONTINUOUS QUERY "%s" ON "%s" RESAMPLE EVERY %s FOR %s BEGIN SELECT %s END\n' "$1" "$1" "$EPHOR_DATABASE" "$2" "$3" "$4"
}

# ranges tells Grafana which rollup is for which range.
ranges() {
  range_points | curl --silent --show-error --fail --max-time 60 --data-binary @- "http://127.0.0.1:$EPHOR_STORE_PORT/write?db=$EPHOR_DATABASE&rp=ranges"
}

open_store() {
  say 'opening the store to the network, with TLS and passwords'
  gate_program
  run_store network
}
