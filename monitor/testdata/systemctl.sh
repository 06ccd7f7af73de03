#!/bin/bash
# In systemctl's place, for a root without systemd: it runs what the files of units say, as the user and with as much of the
# confinement as a shell can have, and notes what it was asked.
set -eu
units=/etc/systemd/system
words=() now=
for word; do
  case $word in
  --quiet) ;;
  --now) now=yes ;;
  *) words+=("$word") ;;
  esac
done
verb=${words[0]}
printf '%s\n' "$*" >>/var/log/systemctl

file() {
  local f
  for f in "$units/$1" "/usr/lib/systemd/system/$1"; do
    if [ -e "$f" ]; then printf '%s' "$f" && return; fi
  done
  printf 'Unit %s could not be found.\n' "$1" >&2
  return 5
}
idle() { grep -qsx 'ConditionPathExists=/nonexistent' "$units/$1.d/"*.conf; } # it is not started, and that is no failure
of() { sed -n "s/^$2=//p" "$(file "$1")"; } # unit, setting

stop() {
  local pid
  file "$1" >/dev/null
  pid=$(cat "/run/${1%.service}.pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || return 0
  tail --pid "$pid" -f /dev/null
  rm -f "/run/${1%.service}.pid"
}

start() {
  local command user mount
  case $1 in *.timer) file "$1" >/dev/null && return ;; esac
  if idle "$1"; then return; fi
  command=$(of "$1" ExecStart) user=$(of "$1" User) mount=$(of "$1" AssertPathIsMountPoint)
  if [ -n "$mount" ] && ! mountpoint -q "$mount"; then
    printf 'Assertion failed on job for %s.\n' "$1" >&2
    return 1
  fi
  if [ "$(of "$1" Type)" = oneshot ]; then
    bash -c "$command"
    return
  fi
  # Everything is read-only but what the unit names, of which the parents may not be written to.
  [ "$(of "$1" ProtectSystem)" = strict ] && [ "$(of "$1" PrivateTmp)" = true ] && [ "$(of "$1" NoNewPrivileges)" = true ]
  # shellcheck disable=SC2016,SC2086
  setsid unshare --mount --propagation private bash -ec '
    for path in $1; do mount --bind "$path" "$path"; done
    for mount in "$2" /; do mount -o remount,bind,ro "$mount"; done
    mount -t tmpfs tmpfs /tmp
    exec setpriv --reuid "$3" --regid "$(id -g "$3")" --init-groups --no-new-privs --inh-caps=-all --bounding-set=-all -- "${@:4}"' \
    bash "$(of "$1" ReadWritePaths)" "$mount" "$user" $command >>"/var/log/${1%.service}.log" 2>&1 </dev/null 9>&- &
  printf '%s\n' "$!" >"/run/${1%.service}.pid"
}

if [ "$verb" = daemon-reload ]; then exit; fi
for unit in "${words[@]:1}"; do
  case $unit in *.*) ;; *) unit+=.service ;; esac
  case $verb in
  enable | disable)
    file "$unit" >/dev/null
    if [ "$(readlink "$(file "$unit")")" = /dev/null ]; then
      printf 'Failed to enable unit, unit %s is masked.\n' "$unit" >&2
      exit 1
    fi
    mkdir -p "$units/enabled"
    if [ "$verb" = enable ]; then touch "$units/enabled/$unit"; else rm -f "$units/enabled/$unit"; fi
    if [ -n "$now" ]; then if [ "$verb" = enable ]; then start "$unit"; else stop "$unit"; fi; fi
    ;;
  restart) stop "$unit" && start "$unit" ;;
  stop) stop "$unit" ;;
  *)
    printf 'no stand-in for systemctl %s\n' "$*" >&2
    exit 1
    ;;
  esac
done
