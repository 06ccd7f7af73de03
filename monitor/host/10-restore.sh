# shellcheck shell=bash
# restore puts the newest whole backup into a store that is not there yet, as on an empty volume. What it does
# stands in a file until it is done, so that a run after a kill begins with the same one anew. Whoever
# writes that file, empty or with a backup's TIME, and runs this script has it in place of what is there.
restore() {
  local mark=$data/restoring place=$data/restore name='' bucket=''
  say 'looking for a backup'
  if [ -e "$data/influxdb/meta/meta.db" ] && ! [ -e "$mark" ]; then return; fi
  if [ -s "$mark" ]; then read -r name bucket <"$mark"; fi
  : "${bucket:=$EPHOR_BACKUP_BUCKET}"
  if [ -z "$name" ]; then
    newest "$bucket"
    if [ -z "$name" ] && [ -n "$EPHOR_RESTORE_FROM" ]; then
      bucket=$EPHOR_RESTORE_FROM
      newest "$bucket"
      [ -n "$name" ] || wrong "the bucket $bucket has no whole backup: RestoreFrom has to name another, or none"
    fi
    if [ -z "$name" ]; then
      ! [ -e "$mark" ] || wrong "there is no backup to restore: without the file $mark the store stays as it is"
      return
    fi
    printf '%s %s\n' "$name" "$bucket" >"$mark.new"
    sync "$mark.new"
    mv "$mark.new" "$mark"
  fi
  say "restoring the backup $name of $bucket"
  halt ephor-store
  rm -rf "$data/influxdb" "$place"
  mkdir -p "$place/new"
  local sum key unpacking
  fetched "$bucket" "whole/$name" --output "$place/whole"
  exec 7> >(exec tar -C "$place/new" -xf - 9>&-)
  unpacking=$!
  while read -r sum key <&6; do
    fetched "$bucket" "$key" --output "$place/piece"
    [ "$(sum_of "$place/piece")" = "$sum" ] || wrong "$key of $bucket is not what was backed up: the file $mark can name another backup, by its time"
    cat "$place/piece" >&7
  done 6<"$place/whole"
  exec 7>&-
  wait "$unpacking"
  rm "$place/piece"
  run_store loopback
  say 'putting the backup into the store'
  influxd restore -portable -host "127.0.0.1:${EPHOR_BACKUP_PORT:-8088}" -db "$EPHOR_DATABASE" "$place/new/store" >"$place/log" 2>&1 ||
    wrong "influxd restore: $(tail -n 1 "$place/log")"
  same_authority "$place/new"
  backed_up "$(date -u -d "${name:0:8} ${name:9:2}:${name:11:2}:${name:13:2}" +%s)" "$name"
  sync -f "$data"
  rm -rf "$place" "$mark"
}

# newest sets name to the newest whole backup of a bucket, or to nothing. A bucket that somebody has deleted has
# none; one that does not answer is no reason to begin with an empty store.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
newest() { # bucket
  local page last=''
  page=$(mktemp)
  name=
  is_listed() {
    case $(fetched "$1" "?list-type=2&prefix=whole%2F&start-after=$last" --no-fail --output "$page" --write-out '%{http_code}') in
    200) ;;
    404) [ "$(element Code <"$page")" = NoSuchBucket ] && : >"$page" ;;
    *) return 1 ;;
    esac
  }
  while :; do
    waited 24 is_listed "$1"
    last=$(grep -o '<Key>whole/[0-9]\{8\}T[0-9]\{6\}Z</Key>' "$page" | tail -n 1 | tr -d -c '0-9TZ') || true # none
    [ -n "$last" ] || break
    name=$last last=whole%2F$last
    grep -q '<IsTruncated>true<' "$page" || break
  done
  rm -f "$page"
}

# same_authority makes functions know this host again, unless there is an authority already. The key of another stack's
# is under that one's password: then a new one is made, as is right where nobody knows the old one.
same_authority() { # place
  local tls=$data/tls word
  if [ -s "$tls/ca.pem" ]; then return; fi
  mkdir -p "$tls"
  word=$(password "$EPHOR_ADMIN_SECRET")
  printf '%s' "$word" | openssl pkey -in "$1/ca.key" -passin stdin -out "$tls/ca.key.new" 2>/dev/null || {
    printf 'the key of the certificate authority in the backup is under another password: there will be another authority\n'
    return 0
  }
  mv "$tls/ca.key.new" "$tls/ca.key"
  if [ -e "$1/signalled" ]; then cp "$1/signalled" "$data/signalled"; fi
  cp "$1/ca.pem" "$tls/ca.pem.new"
  sync "$tls/ca.key" "$tls/ca.pem.new"
  mv "$tls/ca.pem.new" "$tls/ca.pem"
}
