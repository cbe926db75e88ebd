#!/bin/sh
# Restarts a Windows machine by hand, where imagegen is not at hand: `az` does it. VM_ID, CHECK_COMMAND ("" for none).
set -eu
az vm restart --ids "$VM_ID"
az vm wait --ids "$VM_ID" --custom "instanceView.vmAgent.statuses[?displayStatus=='Ready']"
# `az` takes what begins with @ for a file of this computer.
if [ -n "$CHECK_COMMAND" ]; then
  az vm run-command create --ids "$VM_ID" --run-command-name imagegen-check --script "
$CHECK_COMMAND" --output none
  # A machine takes 25 run commands.
  az vm run-command delete --ids "$VM_ID/runCommands/imagegen-check" --yes --output none
fi
