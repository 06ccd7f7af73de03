# shellcheck shell=bash
# checked sends a point the whole way and holds that the doors are shut which should be.
checked() {
  say 'checking: a point goes in as a function sends it, and comes out through Grafana'
  local store="https://127.0.0.1:$EPHOR_STORE_PORT" nonce now word writer reader
  nonce=$RANDOM$RANDOM
  now=$(date +%s%N)
  password "$EPHOR_WRITER_SECRET"
  writer=$word
  password "$EPHOR_READER_SECRET"
  reader=$word
  as() { printf 'user = "%s:%s"\n' "$1" "$2" | curl --silent --max-time 30 --config - --cacert "$settings/ca.pem" "${@:3}"; }
  status() { as "$@" --output /dev/null --write-out '%{http_code}'; }
  [ "$(status writer "$writer" --data-binary "ephor_check nonce=${nonce}i $now" "$store/write?db=$EPHOR_DATABASE")" = 204 ] || wrong 'the writer cannot write'
  came_back() {
    [ "$(as_admin --get --data-urlencode "db=$EPHOR_DATABASE" --data-urlencode 'q=SELECT last("nonce") FROM "ephor_check"' \
      "$(grafana_url)/api/datasources/proxy/uid/ephor/query" | jq -r '.results[0].series[0].values[0][1]')" = "$nonce" ]
  }
  waited 12 came_back
  local code path
  code=$(curl --silent --max-time 30 --cacert "$settings/ca.pem" --output /dev/null --write-out '%{http_code}' --get --data-urlencode 'q=SHOW DATABASES' "$store/query")
  [ "$code" = 401 ] || wrong "the store answers the anonymous: $code"
  for path in /debug/vars /debug/requests /debug/pprof/ /metrics /status /health; do
    code=$(curl --silent --max-time 30 --cacert "$settings/ca.pem" --output /dev/null --write-out '%{http_code}' "$store$path")
    [ "$code" = 404 ] || wrong "the store answers the anonymous at $path: $code"
  done
  code=$(status writer "$writer" --get --data-urlencode "db=$EPHOR_DATABASE" --data-urlencode 'q=SELECT * FROM "ephor_check"' "$store/query")
  [ "$code" = 403 ] || wrong "the writer can read: $code"
  code=$(status reader "$reader" --data-binary "ephor_check nonce=0i $now" "$store/write?db=$EPHOR_DATABASE")
  [ "$code" = 403 ] || wrong "the reader can write: $code"
}
