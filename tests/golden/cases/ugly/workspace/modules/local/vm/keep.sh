#!/bin/sh
# Saves a machine where that pays: keep.sh FOLDER PROGRAM ARGUMENT... runs the program when at least three seconds went by
# since the machine came up or was last saved (the time of machine.json). Saving takes a second or two, and so does going
# on from there. It is asked after every step, so the question must cost nothing.
record=$1/machine.json
shift
[ -f "$record" ] || exit 0
[ $(($(date +%s) - $(stat -c %Y "$record"))) -ge 3 ] || exit 0
exec "$@"
