#!/bin/sh
# Ends the machine of a folder: stop.sh FOLDER. Only the process that machine.json names, and only while its start time
# (field 22 of /proc/PID/stat) is the recorded one, since process ids are used again, and while it works in that folder:
# the folder may be a copy.
folder=$1
record=$folder/machine.json
[ -f "$record" ] || exit 0
number() {
  sed -n "s/.*\"$1\": *\([0-9][0-9]*\).*/\1/p" "$record"
}
pid=$(number pid)
start_time=$(number start_time)
runs() {
  # shellcheck disable=SC2046 # the fields after the process's name, of which the first is its state
  set -- $(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null)
  [ "${20}" = "$start_time" ] && [ "$1" != Z ] && [ "$(readlink "/proc/$pid/cwd")" = "$(cd -- "$folder" && pwd -P)" ]
}
for signal in TERM KILL; do
  tries=0
  while runs && [ "$tries" -lt 50 ]; do
    [ "$tries" -gt 0 ] || kill -s "$signal" "$pid"
    sleep 0.1
    tries=$((tries + 1))
  done
done
! runs && rm -f "$record"
