#!/bin/sh
# Removes run commands that have ended, where imagegen is not at hand: `az` does it. NAMES, VM_ID.
set -eu
for name in $NAMES; do
  az vm run-command delete --ids "$VM_ID/runCommands/$name" --yes --output none
done
