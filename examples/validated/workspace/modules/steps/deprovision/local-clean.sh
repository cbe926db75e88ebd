#!/bin/sh
# Removes from a machine what the Azure agent leaves behind where there is no Azure. Runs as root after the deprovision
# script; $1 is the build user. Does not power off. On an emulated processor each program that is started costs a
# twentieth of a second: so few are, and the slow ones run beside the others.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
user=$1

# Stopping this service writes the seed; a running one would do so again at power-off. The journal goes on in memory
# until then.
{
    systemctl stop systemd-random-seed.service 2>/dev/null
    journalctl --relinquish-var 2>/dev/null
} &
services=$!

# The build user, its home, and every trace of what it was allowed.
if id "$user" >/dev/null 2>&1; then
    userdel -f -r "$user" 2>/dev/null || ! id "$user" >/dev/null 2>&1
fi
rm -rf "/home/${user:?}" "/var/mail/$user" "/var/spool/cron/crontabs/$user" "/var/lib/sudo/lectured/$user" \
    /etc/sudoers.d/90-imagegen /etc/sudoers.d/90-cloud-init-users /etc/sudoers.d/waagent \
    /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow- /etc/subuid- /etc/subgid- \
    /root/.ssh/authorized_keys /root/.bash_history /root/.wget-hsts /root/.lesshst

# What makes one machine different from the next.
if command -v cloud-init >/dev/null 2>&1; then
    cloud-init clean --logs --seed || true
    rm -f /etc/netplan/50-cloud-init.yaml /etc/systemd/network/10-cloud-init-* /etc/network/interfaces.d/50-cloud-init
    rm -f /etc/ssh/sshd_config.d/50-cloud-init.conf
fi
: >/etc/machine-id
if [ -d /var/lib/dbus ]; then
    ln -sf /etc/machine-id /var/lib/dbus/machine-id
fi
echo localhost >/etc/hostname
if [ -e /run/systemd/resolve/stub-resolv.conf ]; then
    ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
fi
wait "$services" || true
rm -rf /var/lib/waagent/* /etc/ssh/ssh_host_* /var/lib/systemd/random-seed /var/lib/systemd/credential.secret \
    /var/lib/dhcp/* /var/lib/dhcpcd/* /var/lib/NetworkManager/*.lease /var/lib/systemd/timers/* \
    /var/log/journal/* /var/log/wtmp /var/log/btmp /var/log/lastlog /var/log/waagent.log /var/log/azure \
    /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/* /var/cache/apt/*.bin \
    /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/cache/dnf/* /var/cache/yum/*

# A log that a service keeps open is emptied, not removed.
find /var/log -type f \( -name '*.gz' -o -name '*.xz' -o -name '*.[0-9]' -o -name '*.old' \) -delete \
    -o -type f -exec truncate --size 0 {} +
if [ -d /var/lib/apt/lists ]; then
    find /var/lib/apt/lists -type f -delete
fi
find /tmp /var/tmp -xdev -mindepth 1 -delete 2>/dev/null || true

# Deleted blocks become holes, so that the image is small and the data gone: of every file system, the EFI partition's
# too.
sync
fstrim --all || true
