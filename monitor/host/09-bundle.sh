# shellcheck shell=bash
# fetch_bundle puts in place what Grafana shows, and its checksum aside until Grafana has taken it. It stands in the stack in parameters of Systems
# Manager, a gzipped tar in base64 cut into pieces, the checksum before it. While the stack changes
# them they do not fit together, and what is there stays.
fetch_bundle() {
  local dir
  dir=$(mktemp -d)
  pieces "$EPHOR_BUNDLE" >"$dir/text"
  head -c 64 "$dir/text" >"$dir/sum"
  if cmp -s "$dir/sum" "$provisioning/bundle"; then
    rm -rf "$dir"
    return
  fi
  if [ "$(tail -c +65 "$dir/text" | sha256sum | head -c 64)" != "$(cat "$dir/sum")" ]; then
    rm -rf "$dir"
    [ "$task" = refresh ] && return
    wrong 'the dashboards in the stack do not fit together'
  fi
  mkdir "$dir/new"
  tail -c +65 "$dir/text" | base64 --decode | tar -xzf - --no-same-owner -C "$dir/new"
  contacts "$dir/new/contacts"
  local kind
  for kind in json alerting; do
    rm -rf "${provisioning:?}/$kind.new" "${provisioning:?}/$kind.old"
    cp -r "$dir/new/$kind" "$provisioning/$kind.new"
    chown -R root:grafana "$provisioning/$kind.new"
    chmod -R u=rwX,g=rX,o= "$provisioning/$kind.new"
    [ -d "$provisioning/$kind" ] && mv "$provisioning/$kind" "$provisioning/$kind.old"
    mv "$provisioning/$kind.new" "$provisioning/$kind"
    rm -rf "${provisioning:?}/$kind.old"
  done
  changed=yes
  cp "$dir/sum" "$provisioning/bundle.new"
  rm -rf "$dir"
}

# contacts puts each URL that alerts are sent to, a secret, into a file that Grafana alone reads. They
# are there before what names them. Grafana puts something else in place of a dollar sign.
contacts() { # a list of numbers, secrets and keys
  local dir=$settings/contacts was=$step name id key word
  rm -rf "${dir:?}.new"
  mkdir "$dir.new"
  chmod 711 "$dir.new"
  while read -r name id key; do
    step="the secret of contact $((name + 1))"
    word=$(secret "$id" "$key")
    case $word in
    *[[:space:]\$]*) wrong 'there is a space or a dollar sign in it' ;;
    https://?* | http://?*) ;;
    *) wrong 'it is no URL' ;;
    esac
    printf '%s' "$word" >"$dir.new/$name"
    chown grafana: "$dir.new/$name"
    chmod 400 "$dir.new/$name"
  done <"$1"
  rm -rf "${dir:?}"
  mv "$dir.new" "$dir"
  step=$was
}

# alive tells CloudWatch that all is well: a point of now goes in as a function sends it and comes out through
# Grafana, and there is room for more. An alarm goes off where CloudWatch does not hear that; why not stands in the journal.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
alive() {
  local now free=0 percent=100
  ill=
  now=$(date +%s)
  if mountpoint -q "$data"; then
    read -r free percent <<<"$(df --output=avail,pcent --block-size 1 "$data" | tail -n 1)"
  else
    ill='the volume is not mounted'
  fi
  if [ -z "$ill" ] && ! as_writer --data-binary "ephor_alive at=${now}i,free_bytes=${free}i" \
    "https://127.0.0.1:$EPHOR_STORE_PORT/write?db=$EPHOR_DATABASE"; then
    ill='the store does not take a point'
  fi
  if [ -z "$ill" ] && [ "$(as_admin --get --data-urlencode "db=$EPHOR_DATABASE" --data-urlencode 'q=SELECT last("at") FROM "ephor_alive"' \
    "$(grafana_url)/api/datasources/proxy/uid/ephor/query" | jq -r '.results[0].series[0].values[0][1]')" != "$now" ]; then
    ill='the point that the store has taken does not come out through Grafana'
  fi
  if [ -z "$ill" ] && [ "${percent%\%}" -ge 95 ]; then
    ill="the volume is full but for $free bytes: a larger VolumeSize gives it some"
  fi
  if [ -n "$ill" ]; then
    printf 'not well: %s\n' "$ill" >&2
    return 1
  fi
  ill='CloudWatch does not take the metric HostAlive'
  signed monitoring --output /dev/null --data 'Action=PutMetricData&Version=2010-08-01&MetricData.member.1.MetricName=HostAlive&MetricData.member.1.Value=1' \
    --data "Namespace=Ephor/$EPHOR_STACK" "${AWS_ENDPOINT_URL_CLOUDWATCH:-https://monitoring.$EPHOR_REGION.$EPHOR_DOMAIN}"
}

# deploys puts a mark into the store for each application of which another version has been deployed:
# its stack has a parameter that is changed then. A mark that is there already is written over itself.
deploys() {
  local marks
  marks=$(parameters "/ephor/$EPHOR_STACK/deploys" "select(.LastModifiedDate > now - 86400 * $EPHOR_ROLLUP_DAYS)"' |
    "deploy,stack=\(.Name | split("/") | last) text=\(.Value | tojson) \(.LastModifiedDate * 1000 | floor)"')
  if [ -z "$marks" ] || [ "$marks" = "$(cat "$data/deploys" 2>/dev/null)" ]; then return; fi
  step='marking deploys'
  as_writer --data-binary "$marks" "https://127.0.0.1:$EPHOR_STORE_PORT/write?db=$EPHOR_DATABASE&rp=rollup_1m&precision=ms"
  printf '%s' "$marks" >"$data/deploys"
}

# refresh is run every minute. Grafana looks into its folder of dashboards itself, but into that
# of alerts only when asked.
# https://grafana.com/docs/grafana/latest/developers/http_api/admin/#reload-provisioning-configurations
refresh() {
  step='new dashboards' changed=
  fetch_bundle
  if [ -n "$changed" ]; then
    as_admin --request POST --output /dev/null "$(grafana_url)/api/admin/provisioning/alerting/reload" || wrong 'Grafana does not take the new alerts'
    mv "$provisioning/bundle.new" "$provisioning/bundle" # or the next minute tries again
  fi
  # A certificate that ends is made anew in time, by the authority that functions know: none is made here.
  if ! certificate_does; then
    [ -s "$data/tls/ca.pem" ] || wrong "there is no certificate authority on the volume: systemctl restart ephor-boot"
    certificates
    run_store network
    run_grafana
  fi
  deploys
  step='a larger volume'
  grown
}
