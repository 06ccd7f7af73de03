# shellcheck shell=bash
# fetch_bundle puts in place what Grafana shows. It stands in the stack in parameters of Systems
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
  cp "$dir/sum" "$provisioning/bundle"
  rm -rf "$dir"
}

# refresh is run every minute. Grafana looks into its folder of dashboards itself, but into that
# of alerts only when asked.
# https://grafana.com/docs/grafana/latest/developers/http_api/admin/#reload-provisioning-configurations
refresh() {
  step='new dashboards' changed=
  fetch_bundle
  if [ -n "$changed" ]; then
    as_admin --request POST --output /dev/null "$(grafana_url)/api/admin/provisioning/alerting/reload" || {
      rm -f "$provisioning/bundle" # so that the next minute tries again
      wrong 'Grafana does not take the new alerts'
    }
  fi
  # A certificate that ends is made anew in time.
  if ! certificate_does; then
    certificates
    run_store network
    run_grafana
  fi
}
