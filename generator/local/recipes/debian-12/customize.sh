#!/bin/sh
# Runs in mmdebstrap after all packages are there; $1 is the tree.
set -eu
chroot "$1" systemctl disable apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
    e2scrub_reap.service
chroot "$1" systemctl enable systemd-networkd systemd-resolved ssh-host-keys
# Boot by firmware alone, on any machine: no entry in NVRAM, a copy at the removable-media path. An update of GRUB
# or shim in the guest keeps to that.
echo "grub-efi-amd64 grub2/update_nvram boolean false
grub-efi-amd64 grub2/force_efi_extra_removable boolean true" | chroot "$1" debconf-set-selections
chroot "$1" passwd --lock root
# Debian's agent leaves the first boot to cloud-init, which this image has not.
sed -i 's/^Provisioning.Agent=.*/Provisioning.Agent=auto/' "$1/etc/waagent.conf"
