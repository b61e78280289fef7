#!/bin/bash
# backup.sh DIRECTORY: makes a backup of what docker compose runs here, while it serves. DIRECTORY holds all backups; bytes that it has are not copied again.
# Give the same COMPOSE_FILE, COMPOSE_PROJECT_NAME and .env as for `docker compose up`.
#
# The database first, the bytes second (docs/adr/0030): what the copied log names was durable before that copy ended. A backup gets its name when it is
# whole; what was interrupted is called unfinished-…, and the next backup clears it away.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
umask 077
mkdir -p "$1"
target=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
say() { echo "backup.sh: $*" >&2; }

exec 9> "$target/.lock"
flock --nonblock 9 || { say "a backup is already being made in $target: wait until it has ended"; exit 1; }
rm -rf "$target"/unfinished-*
name=$(date -u +%Y-%m-%dT%H-%M-%SZ)
new=$target/unfinished-$name
mkdir "$new"

# What runs and ends, beside what runs: its output is ours.
run() { docker compose --profile tools run --rm --no-deps --no-TTY --quiet-pull "$@"; }

# Copies the blobs that the backup does not have, each proven by its digest. They are written by the user of the images, whoever that is here.
copy_blobs() { # NAME
  mkdir -p "$target/$1"
  run --user root --cap-add CHOWN --volume "$target/$1:/backup" --entrypoint chown copy-blobs node:node /backup
  run --volume "$target/$1:/backup" --env COPY_FROM="fs:///var/lib/artifact-store/$1" --env COPY_TO=fs:///backup copy-blobs >&2
}

docker compose exec -T postgres pg_basebackup --pgdata=- --format=tar --wal-method=fetch --checkpoint=fast --label="artifact-store $name" \
  --manifest-checksums=SHA256 > "$new/database.tar"
run --entrypoint tar setup --create --directory=/secrets . > "$new/secrets.tar"
say "the database is copied; the bytes follow"
damaged=0
for store in blobs log-archive; do
  status=0
  copy_blobs "$store" || status=$?
  case $status in
    0) ;;
    3) damaged=1 ;;
    *) say "the bytes in $store could not be copied"; exit 1 ;;
  esac
done
(cd "$new" && sha256sum database.tar secrets.tar > sha256sums)
sync
mv "$new" "$target/$name"
sync
echo "$target/$name"
[ $damaged -eq 0 ] || { say "the backup is whole but for blobs that are damaged in the store: artifact admin check --bytes names them"; exit 1; }
