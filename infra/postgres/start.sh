#!/bin/bash
# The start of a PostgreSQL in a container: makes the cluster at the first start, with the two logins that everything else begins with, then hands
# over to the server. Arguments are the server's. With STANDBY_OF it follows the server of that name instead of making a cluster of its own.
#
# It does what the entry point of the official image would do and two things that this one cannot: passwords come from files that only this
# container sees and are nobody's environment, and a start that is killed while it makes the cluster begins anew instead of going on with half of it.
set -euo pipefail
export PGDATA=/var/lib/postgresql/18/docker
new=$PGDATA.new
here=$(dirname "$0")
password() { sed "s/'/''/g" "/run/artifact-store/$1"; }

make_cluster() {
  # The builtin locale sorts alike everywhere, whatever C library is below.
  initdb --pgdata="$new" --username=postgres --encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 --auth-local=peer --auth-host=reject
  echo "include_if_exists 'synchronous.conf'" >> "$new/postgresql.conf"
  # In single-user mode a line is a statement. Not a superuser: to make schemas and roles in its own database is all that a migration does.
  postgres --single -D "$new" -c log_statement=none postgres > /dev/null <<SQL
create role migrate login createrole password '$(password migrate)'
create role standby login replication password '$(password standby)'
create database artifact_store owner migrate
SQL
}

follow_primary() {
  PGPASSWORD=$(cat /run/artifact-store/standby) pg_basebackup --pgdata="$new" --dbname="host=$STANDBY_OF user=standby application_name=standby" \
    --write-recovery-conf --checkpoint=fast
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  rm -rf "$new"
  mkdir -p "${PGDATA%/*}"
  if [ -n "${STANDBY_OF:-}" ]; then follow_primary; else make_cluster; fi
  mv "$new" "$PGDATA"
fi
# In a file, which alter system may overrule while a standby is away, as it could not overrule the command line.
printf "synchronous_standby_names = '%s'\n" "${SYNCHRONOUS_STANDBY_NAMES:-}" > "$PGDATA/synchronous.conf"
exec postgres -c listen_addresses='*' -c hba_file="$here/pg_hba.conf" -c unix_socket_directories="$PGHOST" "$@"
