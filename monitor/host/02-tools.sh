# shellcheck shell=bash
# --- The steps.

tools() {
  say 'installing what this script itself needs'
  local missing=() p
  for p in ca-certificates curl e2fsprogs gpg jq openssl; do
    dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || missing+=("$p")
  done
  [ ${#missing[@]} = 0 ] && return
  prepared
  apt-get -qq -o DPkg::Lock::Timeout=300 install --no-install-recommends "${missing[@]}" >/dev/null
}

# prepared mends what a killed run has left, and reads the repositories; Debian's own upkeep may have
# the lock after a boot.
prepared() {
  waited 60 dpkg --configure -a
  waited 60 apt-get -qq -o Acquire::Retries=5 update
}
