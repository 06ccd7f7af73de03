# shellcheck shell=bash
# The gate is what the network sees of the store: nginx, which ends TLS and lets three requests through. InfluxDB 1.x answers more, and asks
# for no password there: /debug/vars, /debug/requests and /metrics tell its command line, its figures, and who asks it from where. Its own
# settings shut them in some versions only, and not by what they are called.
# https://github.com/influxdata/influxdb/issues/20031
#
# The store behind it is on another port than the one that asks for no password, so what comes in by the network
# has no way to that one.

: "${EPHOR_INNER_PORT:=8087}" # on loopback, with passwords

gate_config() {
  cat <<END
daemon off;
pid /run/ephor-gate/pid;
error_log stderr error;
worker_processes auto;
events {
  worker_connections 16384;
}
http {
  access_log off;
  server_tokens off;
  client_body_temp_path /run/ephor-gate/body;
  proxy_temp_path /run/ephor-gate/proxy;
  fastcgi_temp_path /run/ephor-gate/fastcgi;
  uwsgi_temp_path /run/ephor-gate/uwsgi;
  scgi_temp_path /run/ephor-gate/scgi;
  client_max_body_size 25m;
  # An execution environment that is not asked for an hour has its connection still.
  keepalive_timeout 1h;
  keepalive_requests 1000000;
  upstream store {
    server 127.0.0.1:$EPHOR_INNER_PORT;
    keepalive 64;
  }
  server {
    listen $EPHOR_STORE_PORT ssl;
    ssl_certificate $settings/host.pem;
    ssl_certificate_key $settings/www-data.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:tls:4m;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    # Nothing is kept of who has no password yet, and no answer stands on a disk.
    proxy_request_buffering off;
    proxy_max_temp_file_size 0;
    proxy_read_timeout 90s;
    # A stranger's connection is not kept.
    location / {
      keepalive_timeout 0;
      return 404;
    }
$(gate_way /ping GET; gate_way /query 'GET POST'; gate_way /write POST)
  }
}
END
}

# gate_way lets a path through, which is written anew: the store shall not see one like /debug/vars/../../ping.
gate_way() { # path, methods; GET is HEAD as well
  printf '    location = %s {\n      limit_except %s {\n        deny all;\n      }\n      proxy_pass http://store%s;\n    }\n' "$1" "$2" "$1"
}

# gate_program installs Debian's nginx, whose own service never runs.
gate_program() {
  if installed nginx; then return; fi
  idle nginx
  prepared
  waited 60 get nginx
}

run_gate() {
  gate_config >"$settings/gate.conf.new"
  chmod 644 "$settings/gate.conf.new"
  mv "$settings/gate.conf.new" "$settings/gate.conf"
  mkdir -p /run/ephor-gate
  chown www-data: /run/ephor-gate
  service ephor-gate www-data /usr/sbin/nginx -e stderr -c "$settings/gate.conf"
}
