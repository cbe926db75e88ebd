#!/bin/sh
# Removes the folder of a build's machine: remove.sh FOLDER. Only what a machine leaves there, never a whole tree: the
# path comes from the Terraform state, which somebody else may have written.
[ -d "$1" ] || exit 0
cd -- "$1" || exit 1
rm -f disk.qcow2 seed.img firmware-variables.fd console.log qemu.log qmp.sock agent.sock machine.json .machine.json.*
cd / && rmdir -- "$1"
