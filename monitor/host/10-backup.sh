# shellcheck shell=bash
# --- Backups of the store. Each is whole, because a database of InfluxDB 1.x that is there takes no increment in, only a
# copy of its points through another database; and what is restored shall be right when it is needed.
# https://docs.influxdata.com/influxdb/v1/administration/backup_and_restore/
#
#   part/TIME/000…  a tar, in pieces
#   whole/TIME      written last: the checksum, the key and the size of each piece. Without it a backup is none.

: "${EPHOR_BACKUP_PIECE:=1073741824}" # bytes; S3 takes five times as much at once

# object is a request about one object, or the bucket itself, with the address that S3 has for it. S3 refuses what arrives
# otherwise than the checksum, which is signed, says.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
object() { # bucket, key, checksum of what is sent, arguments for curl…
  local base="https://$1.s3.$EPHOR_REGION.$EPHOR_DOMAIN" key=$2 sum=$3
  [ -z "${AWS_ENDPOINT_URL_S3:-}" ] || base=$AWS_ENDPOINT_URL_S3/$1
  shift 3
  signed s3 --max-time 3600 --header "x-amz-content-sha256: $sum" "$@" "$base/$key"
}

# stored puts a file into the stack's bucket.
stored() { object "$EPHOR_BACKUP_BUCKET" "$1" "$(sum_of "$2")" --upload-file "$2" --output /dev/null; } # key, file

fetched() { object "$1" "$2" "$(sum_of /dev/null)" "${@:3}"; } # bucket, key, arguments for curl…

sum_of() { sha256sum <"$1" | head -c 64; }

# backup is run every hour, so that one that fails is tried again soon, and makes one when the last is as old
# as backup_every, of which half an hour is for the timer. It tells the store how old the last is, for
# the alert.
backup() {
  local last name
  step='looking whether a backup is due'
  [ "$EPHOR_BACKUP_DAYS" != 0 ] || return 0
  exec 8>/run/ephor/backup
  flock --nonblock 8 || return 0
  tell_age
  read -r last name <"$data/backup.last"
  if [ -n "$name" ] && [ "$(($(date +%s) - last))" -lt "$((backup_every - 1800))" ]; then return; fi
  last=$(date +%s)
  name=$(date -u -d "@$last" +%Y%m%dT%H%M%SZ)
  say "making the backup $name"
  dumped "$data/backup"
  local key
  : >"$data/backup/whole"
  # What the pipe's end does, it does in a shell of its own: nothing but files comes out.
  tar -C "$data/backup/new" -cf - . | for ((n = 0; ; n++)); do
    head -c "$EPHOR_BACKUP_PIECE" >"$data/backup/piece"
    [ -s "$data/backup/piece" ] || break
    printf -v key 'part/%s/%03d' "$name" "$n"
    stored "$key" "$data/backup/piece" </dev/null
    printf '%s %s %s\n' "$(sum_of "$data/backup/piece")" "$key" "$(stat -c %s "$data/backup/piece")" >>"$data/backup/whole"
  done
  stored "whole/$name" "$data/backup/whole"
  backed_up "$last" "$name"
  rm -rf "$data/backup"
  tell_age
}

# dumped makes what a backup consists of: the database, the authority by whose certificate functions know this host, its
# key under the administrator's password, and which signal has been sent. Of Grafana there is nothing.
dumped() { # place
  local need have word
  rm -rf "$1"
  need=$(du -s --block-size 1 "$data/influxdb" | cut -f 1)
  # The dump, and the piece of it that is being sent, which is no larger than that.
  need=$((need + (need < EPHOR_BACKUP_PIECE ? need : EPHOR_BACKUP_PIECE)))
  have=$(room)
  [ "$have" -gt "$need" ] || wrong "the volume has $have bytes free, and a backup needs $need: a larger VolumeSize gives it some"
  mkdir -p "$1/new"
  flock 9 # no boot starts the store anew meanwhile
  influxd backup -portable -host "127.0.0.1:${EPHOR_BACKUP_PORT:-8088}" -database "$EPHOR_DATABASE" "$1/new/store" >"$1/log" 2>&1 ||
    wrong "influxd backup: $(tail -n 1 "$1/log")"
  flock --unlock 9
  password "$EPHOR_ADMIN_SECRET"
  printf '%s' "$word" | openssl pkey -in "$data/tls/ca.key" -aes-256-cbc -passout stdin -out "$1/new/ca.key"
  cp "$data/tls/ca.pem" "$1/new/ca.pem"
  if [ -e "$data/signalled" ]; then cp "$data/signalled" "$1/new/signalled"; fi
}

# backed_up notes which backup is the last, and of when. Without a name there has been none since then.
backed_up() { # seconds, name
  printf '%s %s\n' "$1" "$2" >"$data/backup.last.new"
  mv "$data/backup.last.new" "$data/backup.last"
}

tell_age() {
  local since
  read -r since _ <"$data/backup.last"
  as_writer --data-binary "ephor_backup age_s=$(($(date +%s) - since))i" "https://127.0.0.1:$EPHOR_STORE_PORT/write?db=$EPHOR_DATABASE"
}
