#!/bin/bash
# Makes the cluster and the user of the S3 store at the first start, and runs its three daemons until one of them ends. What is made in steps gets its
# name when it is whole, so that a start which was killed is begun anew.
set -euo pipefail
export CEPH_CONF=/opt/ceph-example/ceph.conf
home=/var/lib/ceph-example
key() { cat "/run/artifact-store/$1"; }
until_so() { for _ in $(seq 600); do if "$@" > /dev/null 2>&1; then return; fi; sleep 0.1; done; echo "does not come about: $*" >&2; exit 1; }

if [ ! -e "$home/is-made" ]; then
  rm -rf "${home:?}"/*
  mkdir "$home/mon" "$home/osd"
  ceph-authtool --create-keyring "$home/keyring" --gen-key -n mon. --cap mon 'allow *'
  ceph-authtool "$home/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
  ceph-authtool "$home/keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' --cap mgr 'allow *'
  ceph-authtool "$home/keyring" --gen-key -n client.rgw --cap mon 'allow rw' --cap osd 'allow rwx'
  fsid=$(cat /proc/sys/kernel/random/uuid)
  monmaptool --create --fsid "$fsid" --addv a '[v1:127.0.0.1:6789]' /tmp/monmap
  ceph-mon --mkfs -i a --fsid "$fsid" --monmap /tmp/monmap --keyring "$home/keyring"
fi

ceph-mon -f -i a &
if [ ! -e "$home/is-made" ]; then
  osd=$(cat /proc/sys/kernel/random/uuid)
  until_so ceph --connect-timeout 5 osd new "$osd"
  ceph-osd -i 0 --mkfs --osd-uuid "$osd"
fi
ceph-osd -f -i 0 &
until_so eval "ceph --connect-timeout 5 osd stat | grep '1 up'"
if [ ! -e "$home/is-made" ]; then
  # Here and not at every start, where it would wait for the gateway that is no more to hear of it.
  radosgw-admin -n client.rgw user create --uid artifact-store --display-name artifact-store \
    --access-key "$(key access-key)" --secret-key "$(key secret-key)" > /dev/null
fi
touch "$home/is-made"

radosgw -f -n client.rgw &
until_so curl --silent --fail http://127.0.0.1:7480/
# A bucket that is its owner's already is no error.
until_so curl --silent --fail --request PUT --aws-sigv4 aws:amz:us-east-1:s3 --user "$(key access-key):$(key secret-key)" \
  --header 'x-amz-content-sha256: UNSIGNED-PAYLOAD' http://127.0.0.1:7480/artifacts
touch /tmp/bucket-is-there

trap 'kill $(jobs -p); wait' TERM
# Whichever ends first: the container ends with it, and is started again.
wait -n
exit 1
