# shellcheck shell=bash
# restore puts the newest whole backup into a store that is not there yet, as on an empty volume. What it does
# stands in a file until it is done, so that a run after a kill begins with the same one anew. Whoever
# writes that file, empty or with a backup's TIME, and runs this script has it in place of what is there.
#
# What is there stays, and goes on, until all of the backup has come and is what was sent; then it stands aside until the store
# has taken the backup in. Without the file it comes back.
restore() {
  local mark=$data/restoring place=$data/restore before=$data/influxdb.before name='' bucket=''
  say 'looking for a backup'
  if ! [ -e "$mark" ]; then
    if [ -e "$before" ]; then put_back "$before"; fi
    rm -rf "$place"
    if [ -e "$data/influxdb/meta/meta.db" ]; then return; fi
  fi
  if [ -s "$mark" ]; then read -r name bucket <"$mark" || true; fi # whose line may have no end
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
  fi
  [[ $name =~ ^[0-9]{8}T[0-9]{6}Z$ ]] || wrong "the file $mark does not hold the time of a backup, such as 20261123T060000Z: without the file the store stays as it is"
  printf '%s %s\n' "$name" "$bucket" >"$mark.new"
  sync "$mark.new"
  mv "$mark.new" "$mark"
  say "restoring the backup $name of $bucket"
  fetch_backup "$name" "$bucket" "$place"
  halt ephor-store
  if [ -e "$before" ]; then
    rm -rf "$data/influxdb" # what a run before this one has begun
  elif [ -e "$data/influxdb" ]; then
    mv "$data/influxdb" "$before"
  fi
  run_store loopback
  say 'putting the backup into the store'
  if ! influxd restore -portable -host "127.0.0.1:${EPHOR_BACKUP_PORT:-8088}" -db "$EPHOR_DATABASE" "$place/new/store" >"$place/log" 2>&1; then
    put_back "$before"
    wrong "influxd restore: $(tail -n 1 "$place/log"): without the file $mark the store stays as it was"
  fi
  same_authority "$place/new"
  backed_up "$(date -u -d "${name:0:8} ${name:9:2}:${name:11:2}:${name:13:2}" +%s)" "$name"
  sync -f "$data"
  # In one step, or half of it would be there to come back.
  if [ -e "$before" ]; then mv "$before" "$place/before"; fi
  rm "$mark"
  rm -rf "$place"
}

# put_back makes the store again what it was before a restore, if there was one.
put_back() { # where it stands
  [ -e "$1" ] || return 0
  halt ephor-store
  rm -rf "$data/influxdb"
  mv "$1" "$data/influxdb"
}

# fetch_backup unpacks a backup, once each piece is seen to be what was sent.
fetch_backup() { # name, bucket, place
  local name=$1 bucket=$2 place=$3 sum key size need=0 have unpacking
  rm -rf "$place"
  mkdir -p "$place/new"
  case $(fetched "$bucket" "whole/$name" --no-fail --output "$place/whole" --write-out '%{http_code}') in
  200) ;;
  404) wrong "the bucket $bucket has no whole backup $name: the file $data/restoring can name another, and without it the store stays as it is" ;;
  *) wrong "the bucket $bucket does not answer: without the file $data/restoring the store stays as it is" ;;
  esac
  while read -r _ _ size; do need=$((need + ${size:-0})); done <"$place/whole"
  need=$((2 * need + (need < EPHOR_BACKUP_PIECE ? need : EPHOR_BACKUP_PIECE))) # unpacked, in the store, and a piece on its way
  have=$(room)
  [ "$have" -ge "$need" ] || wrong "the volume has $have bytes free, and a restore needs $need: a larger VolumeSize gives it some, and without the file $data/restoring the store stays as it is"
  exec 7> >(exec tar -C "$place/new" -xf - 9>&-)
  unpacking=$!
  while read -r sum key _ <&6; do
    fetched "$bucket" "$key" --output "$place/piece"
    [ "$(sum_of "$place/piece")" = "$sum" ] || wrong "$key of $bucket is not what was backed up: the file $data/restoring can name another backup, by its time"
    cat "$place/piece" >&7
  done 6<"$place/whole"
  exec 7>&-
  wait "$unpacking"
  rm "$place/piece"
}

# room is how many bytes the volume has free.
room() { df --output=avail --block-size 1 "$data" | tail -n 1; }

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

# opened tells whether the authority's key in a backup is under the password word, and has it then.
opened() { # place
  printf '%s' "$word" | openssl pkey -in "$1/ca.key" -passin stdin -out "$data/tls/ca.key.new" 2>/dev/null
}

# same_authority makes functions know this host again, unless there is an authority already; a backup from before the password was
# changed is under the one before. The key of another stack's
# is under that one's password: then a new one is made, as is right where nobody knows the old one.
same_authority() { # place
  local tls=$data/tls word
  if [ -s "$tls/ca.pem" ]; then return; fi
  mkdir -p "$tls"
  password "$EPHOR_ADMIN_SECRET"
  if ! opened "$1" && ! { word=$(secret "$EPHOR_ADMIN_SECRET" password AWSPREVIOUS) && opened "$1"; }; then
    printf 'the key of the certificate authority in the backup is under another password: there will be another authority\n'
    return
  fi
  mv "$tls/ca.key.new" "$tls/ca.key"
  if [ -e "$1/signalled" ]; then cp "$1/signalled" "$data/signalled"; fi
  cp "$1/ca.pem" "$tls/ca.pem.new"
  sync "$tls/ca.key" "$tls/ca.pem.new"
  mv "$tls/ca.pem.new" "$tls/ca.pem"
}
