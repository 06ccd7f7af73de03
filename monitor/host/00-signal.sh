#!/bin/bash
# The boot script of the monitoring host: it makes a machine with Debian the store and Grafana of one
# stack. It is run at every boot, and can be run again after a failure at any line, or at any time:
# what is there already is left or mended. Its settings, EPHOR_…, are in its environment.
#
#   ephor-start         what the user data hold of it: fetches the whole, ephor-boot, and becomes it
#   ephor-boot          everything; then the stack is signalled
#   ephor-boot refresh  dashboards and alerts alone, as they stand in the stack now
#   ephor-boot backup   a backup of the store, if one is due
#
# No password is printed, stands on a command line (which ps shows to everyone) or in a file that
# others can read. printf is the shell's own and no process.
set -Eeuo pipefail
umask 077
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

data=/var/lib/ephor  # the mount point of the volume, which outlives the machine
settings=/etc/ephor  # of this machine
provisioning=$settings/grafana
: "${EPHOR_PAUSE:=5}" # seconds between two looks at what takes its time

# --- What fails is told to the stack, with its line. Only the text of the script is sent, where a
# password has no place: BASH_COMMAND is the command as it is written, before anything is put in.

task=${1:-boot} step=start
failed() { # status, line, command
  # Who runs a subshell judges how it ends: what is tried again has not failed.
  [ "$BASH_SUBSHELL" = 0 ] || exit "$(($1 > 0 ? $1 : 1))"
  trap - ERR
  set +e
  local reason="${0##*/}, line $2 ($step): ${3%%$'\n'*}"
  [ "$1" = 0 ] || reason="$reason: status $1"
  printf '%s\n' "$reason" >&2
  if [ "$task" = boot ]; then
    # The start has no store yet.
    if declare -F shut >/dev/null; then shut; fi
    reason=${reason//[[:cntrl:]]/ }
    reason=${reason//\\/\\\\}
    printf '{"Status":"FAILURE","Reason":"%s","UniqueId":"ephor","Data":""}' "${reason//\"/\\\"}" | signal
  fi
  exit 1
}
trap 'failed $? $LINENO "$BASH_COMMAND"' ERR

say() {
  step=$1
  printf '%s ephor: %s\n' "$(date -u +%FT%TZ)" "$1"
}

# wrong ends the script where it is called.
wrong() { failed 0 "${BASH_LINENO[0]}" "$1"; }

# web is curl, patient. What must not be on a command line comes to it by standard input with
# --config -.
# https://curl.se/docs/manpage.html
web() { curl --silent --show-error "${on_error:---fail}" --location --max-time 60 --retry 8 --retry-all-errors --retry-max-time 240 --retry-delay 2 "$@"; }

# signal sends standard input to the stack's wait condition. The address is a secret by itself.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-waitcondition.html
signal() {
  local body
  body=$(mktemp)
  cat >"$body"
  printf 'url = "%s"\n' "$EPHOR_SIGNAL" | web --config - --request PUT --header 'Content-Type:' --data-binary "@$body"
  rm -f "$body"
}

# waited tries a command until it is true, as often as said, and begins no other try after 10 minutes: the stack waits for 30, and is
# to be told before that what has failed, with the last that the command has said.
waited() {
  local times=$1 i up until why
  shift
  why=$(mktemp)
  read -r up _ </proc/uptime
  until=$((${up%.*} + ${EPHOR_PATIENCE:-600}))
  for ((i = 0; i < times && ${up%.*} < until; i++)); do
    if "$@" 2>"$why"; then
      cat "$why" >&2
      rm "$why"
      return 0
    fi
    cat "$why" >&2
    sleep "$EPHOR_PAUSE"
    read -r up _ </proc/uptime
  done
  failed 0 "${BASH_LINENO[0]}" "waited in vain for: $*: $(tail -n 1 "$why" | head -c 300)"
}
