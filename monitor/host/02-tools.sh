# shellcheck shell=bash
# --- The steps.

tools() {
  say 'installing what this script itself needs'
  local missing=() p
  for p in ca-certificates curl diffutils e2fsprogs gpg jq openssl; do
    installed "$p" || missing+=("$p")
  done
  [ ${#missing[@]} = 0 ] && return
  prepared
  waited 60 get "${missing[@]}"
}

# installed tells whether a package is all there: one that a kill has left in the middle has a version, too.
installed() { # package, version
  [ "$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null | cut -d ' ' "-f1${2:+,2}")" = "installed${2:+ $2}" ]
}

get() { apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install --no-install-recommends --allow-downgrades --allow-change-held-packages "$@" >/dev/null; }

# settled mends what a killed run has left of the packages; Debian's own upkeep may have the lock after a boot.
# What was not even unpacked goes: apt does nothing as long as it cannot have such a package anew.
settled() {
  local torn
  torn=$(dpkg-query -W -f '${db:Status-Eflag} ${Package}\n' | sed -n 's/^reinstreq //p')
  # shellcheck disable=SC2086 # names of packages
  [ -z "$torn" ] || waited 60 dpkg --remove --force-hold --force-remove-reinstreq --force-depends $torn
  waited 60 dpkg --configure -a
}

# prepared reads the repositories. That fails if one of them does not answer, which apt takes for a success by itself.
prepared() {
  settled
  waited 60 apt-get -qq -o APT::Update::Error-Mode=any update
}
