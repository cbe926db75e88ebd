#!/bin/sh
# Removes the folder of a build's machine: remove.sh FOLDER. Only what a machine leaves there, never a whole tree: the
# path comes from the Terraform state, which somebody else may have written.
[ -d "$1" ] || exit 0
cd -- "$1" || exit 1
# Host keys were made there, by one that was killed (generator/local/guest_login.py).
for keys in host-keys.*; do
  if [ -d "$keys" ] && [ ! -L "$keys" ]; then
    rm -f "$keys/ecdsa" "$keys/ecdsa.pub" "$keys/ed25519" "$keys/ed25519.pub"
    rmdir "$keys"
  fi
done
rm -f disk.qcow2 seed.img firmware-variables.fd console.log qemu.log qemu.pid qmp.sock agent.sock machine.json .machine.json.*
cd / && rmdir -- "$1"
