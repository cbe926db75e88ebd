"""The local target: Debian base disks and QEMU machines on this computer."""
