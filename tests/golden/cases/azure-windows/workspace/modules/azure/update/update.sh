#!/bin/sh
# Installs Windows updates by hand, where imagegen is not at hand: `az` does it. VM_ID, SCRIPT, SETTINGS and ROUNDS.
set -eu
round=1
# One search more than rounds: it is to find nothing.
while [ "$round" -le $((ROUNDS + 1)) ]; do
  echo "round $round of $ROUNDS"
  output=$(az vm run-command invoke --ids "$VM_ID" --command-id RunPowerShellScript --scripts "@$SCRIPT" \
    --parameters "Settings=$SETTINGS" --query "value[].message" --output tsv)
  echo "$output"
  case $output in
    *'"failed":true'*) exit 1 ;;
    *'"restart_pending":true'*) az vm restart --ids "$VM_ID" ;;
    *'"found":0'*) exit 0 ;;
    *'"found":'*) ;;
    *) exit 1 ;;
  esac
  round=$((round + 1))
done
echo "a restart is still pending, or updates are left, after $ROUNDS rounds" >&2
exit 1
