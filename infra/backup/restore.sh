#!/bin/bash
# restore.sh DIRECTORY: brings a backup back into the volumes of this project: the newest in DIRECTORY, or DIRECTORY itself where it is one. The project
# must have no volumes yet; a new COMPOSE_PROJECT_NAME gives it new ones. It starts nothing: docker compose up -d --wait does, and artifact admin check proves it.
#
# The event stream is not in a backup: a new one is filled from the log. A broker of your own that is ahead of the restored log has to be told by hand
# (docs/OPERATIONS.md).
set -euo pipefail
[ $# -eq 1 ] && [ -d "$1" ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
from=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
say() { echo "restore.sh: $*" >&2; }

if [ ! -e "$from/sha256sums" ]; then
  newest=$(find "$from" -mindepth 2 -maxdepth 2 -name sha256sums -not -path '*/unfinished-*' -printf '%h\n' | sort | tail -n 1)
  [ -n "$newest" ] || { say "there is no whole backup in $from"; exit 1; }
  from=$newest
fi
case $(basename "$from") in unfinished-*) say "$from is no whole backup: its making was interrupted"; exit 1 ;; esac
(cd "$from" && sha256sum --check --quiet sha256sums) || { say "$from is not what it was when it was made: choose another backup"; exit 1; }
stores=$(dirname "$from")

project=$(docker compose config | sed -n 's/^name: //p')
taken=$(docker volume ls --quiet --filter "label=com.docker.compose.project=$project")
if [ -n "$taken" ]; then
  say "the project $project has volumes already: give another COMPOSE_PROJECT_NAME, or, if they are of no use, remove them by docker compose down --volumes"
  exit 1
fi

# What runs and ends, in a container of this project.
run() { docker compose --profile tools run --rm --no-deps --no-TTY --quiet-pull "$@"; }

say "restoring $from into the project $project"
run --entrypoint tar setup --extract --directory=/secrets < "$from/secrets.tar"
# Into a directory beside its place, as at the first start: what was interrupted is never taken for a cluster.
run --user root --cap-add CHOWN --cap-add DAC_OVERRIDE --cap-add FOWNER --entrypoint bash postgres -euc '
  cd /var/lib/postgresql
  mkdir -p 18/docker.new
  chmod 700 18/docker.new
  tar --extract --directory=18/docker.new
  pg_verifybackup --quiet 18/docker.new
  chown -R postgres:postgres /var/lib/postgresql
  sync
  mv 18/docker.new 18/docker
' < "$from/database.tar"
say "the database is in place; the bytes follow"
for store in blobs log-archive; do
  run --volume "$stores/$store:/backup" --env COPY_FROM=fs:///backup --env COPY_TO="fs:///var/lib/artifact-store/$store" copy-blobs >&2
done
say "start it with docker compose up -d --wait, then see with artifact admin check that it is whole"
