# shellcheck shell=bash
# certificates makes the stack's certificate authority once, on the volume, which its key leaves in
# backups alone, encrypted, and a certificate for this machine whenever the one that is there would not do.
certificates() {
  say 'making the certificates'
  local tls=$data/tls names="subjectAltName=IP:$EPHOR_ADDRESS,IP:127.0.0.1,DNS:localhost"
  mkdir -p "$tls"
  if ! [ -s "$tls/ca.pem" ]; then
    openssl ecparam -name prime256v1 -genkey -noout -out "$tls/ca.key.new"
    mv "$tls/ca.key.new" "$tls/ca.key"
    openssl req -x509 -new -key "$tls/ca.key" -sha256 -days 7300 -subj "/CN=Ephor monitoring of $EPHOR_STACK" \
      -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' -addext 'keyUsage=critical,keyCertSign,cRLSign' -out "$tls/ca.pem.new"
    sync "$tls/ca.key" "$tls/ca.pem.new"
    mv "$tls/ca.pem.new" "$tls/ca.pem" # with this name there is an authority
  fi
  if ! certificate_does; then
    openssl ecparam -name prime256v1 -genkey -noout -out "$tls/host.key.new"
    openssl req -new -key "$tls/host.key.new" -subj "/CN=$EPHOR_ADDRESS" -addext "$names" \
      -addext 'keyUsage=critical,digitalSignature' -addext 'extendedKeyUsage=serverAuth' -out "$tls/host.csr"
    # 800 days: Apple's limit for any authority is 825. https://support.apple.com/en-us/103769
    openssl x509 -req -in "$tls/host.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -sha256 -days 800 -set_serial "0x$(openssl rand -hex 16)" \
      -copy_extensions copy -out "$tls/host.pem.new" 2>/dev/null
    mv "$tls/host.key.new" "$tls/host.key"
    mv "$tls/host.pem.new" "$tls/host.pem"
    rm -f "$tls/host.csr"
  fi
  local user
  for user in www-data grafana; do
    install -m 400 -o "$user" "$tls/host.key" "$settings/$user.key"
  done
  install -m 644 "$tls/host.pem" "$settings/host.pem"
  install -m 644 "$tls/ca.pem" "$settings/ca.pem"
}

# certificate_does tells whether this machine's certificate is for its address and key, and good for
# a month yet.
certificate_does() {
  local tls=$data/tls
  [ -s "$tls/host.pem" ] && [ -s "$tls/host.key" ] || return 1
  openssl x509 -in "$tls/host.pem" -noout -checkend 2592000 >/dev/null || return 1
  openssl verify -CAfile "$tls/ca.pem" -verify_ip "$EPHOR_ADDRESS" "$tls/host.pem" >/dev/null 2>&1 || return 1
  [ "$(openssl x509 -in "$tls/host.pem" -noout -pubkey)" = "$(openssl pkey -in "$tls/host.key" -pubout)" ]
}
