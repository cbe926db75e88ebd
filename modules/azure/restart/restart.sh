#!/bin/sh
# Restarts a Windows machine by hand, where imagegen is not at hand: `az` does it. VM_ID, CHECK_COMMAND ("" for none).
set -eu
az vm restart --ids "$VM_ID"
az vm wait --ids "$VM_ID" --custom "instanceView.vmAgent.statuses[?displayStatus=='Ready']"
# `az` takes what begins with @ for a file of this computer.
[ -z "$CHECK_COMMAND" ] || az vm run-command create --ids "$VM_ID" --run-command-name imagegen-check \
  --script "
$CHECK_COMMAND" --output none
