#!/bin/sh
# Brings a file to a machine by hand, where imagegen is not at hand: `az` does it, with the rights of its login
# (Storage Blob Data Contributor). STORAGE_ACCOUNT_ID, CONTAINER, BLOB, FILE, SHA256, VM_ID, SYSTEM, DESTINATION and
# USER_NAME. What goes into the machine's script is quoted in base64.
set -eu
account=${STORAGE_ACCOUNT_ID##*/}
az storage container create --account-name "$account" --name "$CONTAINER" --auth-mode login --output none
az storage blob upload --account-name "$account" --container-name "$CONTAINER" --name "$BLOB" --file "$FILE" \
  --overwrite --auth-mode login --output none
expiry=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%MZ)
address=$(az storage blob generate-sas --account-name "$account" --container-name "$CONTAINER" --name "$BLOB" \
  --permissions r --expiry "$expiry" --https-only --as-user --auth-mode login --full-uri --output tsv)
quoted=$(printf %s "$DESTINATION" | base64 -w0)
if [ "$SYSTEM" = windows ]; then
  script="param([string]\$Address)
\$ErrorActionPreference = 'Stop'
\$to = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('$quoted'))
Invoke-WebRequest -UseBasicParsing -Uri \$Address -OutFile \$to
if ((Get-FileHash -Algorithm SHA256 \$to).Hash -ne '$SHA256') { throw 'the file did not arrive whole' }"
else
  script="set -eu
cd \"\$(getent passwd '$USER_NAME' | cut -d: -f6)\"
to=\$(printf %s '$quoted' | base64 -d)
part=\$(mktemp)
trap 'rm -f \"\$part\"' EXIT
curl -fsS --retry 5 -o \"\$part\" \"\$Address\"
echo '$SHA256 '\" \$part\" | sha256sum -c --quiet
chown '$USER_NAME' \"\$part\"
runuser -u '$USER_NAME' -- cp \"\$part\" \"\$to\""
fi
az vm run-command create --ids "$VM_ID" --run-command-name "upload-$BLOB" --script "$script" \
  --protected-parameters "Address=$address" --output none
# A machine takes 25 run commands.
az vm run-command delete --ids "$VM_ID/runCommands/upload-$BLOB" --yes --output none
az storage blob delete --account-name "$account" --container-name "$CONTAINER" --name "$BLOB" --auth-mode login
