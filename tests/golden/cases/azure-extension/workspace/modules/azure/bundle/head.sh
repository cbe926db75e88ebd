#!/bin/sh
# Every step of this machine, one after the other.
umask 077
mkdir -p /run/imagegen || exit 1
part() {
  echo "imagegen: $1"
  base64 -d >/run/imagegen/part.sh && sh /run/imagegen/part.sh </dev/null && return
  code=$?
  echo "imagegen: $1 failed" >&2
  exit "$code"
}
