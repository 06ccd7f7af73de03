# shellcheck shell=bash
# grafana_config: everything that Grafana reads it may not write.
# https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/
# https://grafana.com/docs/grafana/latest/administration/provisioning/
grafana_config() {
  local word
  mkdir -p "$provisioning"/{datasources,dashboards,alerting,plugins,json} "$data/grafana"
  chown -R grafana: "$data/grafana"
  password "$EPHOR_GRAFANA_SECRET"
  printf '%s' "$word" >"$settings/grafana.password"
  grafana_key
  cat >"$settings/grafana.ini" <<END
[paths]
data = $data/grafana
logs = $data/grafana/log
plugins = $data/grafana/plugins
provisioning = $provisioning
[server]
protocol = https
http_addr =
http_port = $EPHOR_GRAFANA_PORT
root_url = https://$EPHOR_ADDRESS:$EPHOR_GRAFANA_PORT/
cert_file = $settings/host.pem
cert_key = $settings/grafana.key
min_tls_version = TLS1.2
[security]
admin_user = admin
admin_password = \$__file{$settings/grafana.password}
secret_key = \$__file{$settings/grafana.secret}
cookie_secure = true
cookie_samesite = strict
disable_gravatar = true
$(grafana_settings)
[auth.anonymous]
enabled = false
[log]
mode = file
level = warn
END
  password "$EPHOR_READER_SECRET"
  printf '%s' "$word" | jq -R --rawfile ca "$settings/ca.pem" --arg url "https://127.0.0.1:$EPHOR_STORE_PORT" --argjson source "$(grafana_source)" \
    '{apiVersion: 1, prune: true, datasources: [$source * {url: $url, editable: false, basicAuth: true, basicAuthUser: "reader",
      jsonData: {tlsAuthWithCACert: true}, secureJsonData: {basicAuthPassword: ., tlsCACert: $ca}}]}' >"$provisioning/datasources/ephor.yaml"
  grafana_provider | jq --arg path "$provisioning/json" '.providers[0].options.path = $path' >"$provisioning/dashboards/ephor.yaml"
  chown -R root:grafana "$provisioning"
  chmod -R u=rwX,g=rX,o= "$provisioning"
  chown root:grafana "$settings/grafana.ini" "$settings/grafana.password"
  chmod 640 "$settings/grafana.ini" "$settings/grafana.password"
}

# grafana_key is what Grafana encrypts the reader's password with in its database; the one that it comes with is known to everybody.
# It is made once, on the volume beside the database. A database without a key of its own is from before there was one: it stands
# aside, and what is provisioned comes anew.
# https://grafana.com/docs/grafana/latest/setup-grafana/configure-security/configure-database-encryption/
grafana_key() {
  local key=$data/grafana.secret base=$data/grafana/grafana.db
  if ! [ -s "$key" ]; then
    if [ -e "$base" ]; then
      halt ephor-grafana
      mv "$base" "$base.before"
    fi
    openssl rand -hex 32 >"$key.new"
    sync "$key.new"
    mv "$key.new" "$key"
  fi
  install -m 400 -o grafana "$key" "$settings/grafana.secret"
}

run_grafana() {
  say 'starting Grafana'
  grafana_config
  rm -f "$provisioning/bundle" # contacts may have other URLs
  fetch_bundle
  local program=/usr/share/grafana/bin/grafana
  local start=(service ephor-grafana grafana "$program" server --homepath /usr/share/grafana --config "$settings/grafana.ini" --packaging deb)
  "${start[@]}"
  waited 120 grafana_lives
  # The administrator's password is taken from the settings when Grafana's database is made, and
  # never again; a database from the volume may know another.
  if ! as_admin --output /dev/null "$(grafana_url)/api/org"; then
    halt ephor-grafana
    setpriv --reuid grafana --regid "$(id -g grafana)" --init-groups -- \
      "$program" cli --homepath /usr/share/grafana --config "$settings/grafana.ini" admin reset-admin-password --password-from-stdin \
      <"$settings/grafana.password" >/dev/null
    "${start[@]}"
    waited 120 grafana_lives
  fi
}

grafana_url() { printf 'https://127.0.0.1:%s' "$EPHOR_GRAFANA_PORT"; }

# https://grafana.com/docs/grafana/latest/developers/http_api/other/#health-api
grafana_lives() { curl --silent --fail --max-time 5 --output /dev/null --cacert "$settings/ca.pem" "$(grafana_url)/api/health"; }

as_admin() {
  printf 'user = "admin:%s"\n' "$(cat "$settings/grafana.password")" |
    curl --silent --show-error --fail --max-time 30 --config - --cacert "$settings/ca.pem" "$@"
}
