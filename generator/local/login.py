"""The first login of a machine: by the guest agent in our own bases, by a cloud-init seed disk in others."""

import base64
import json
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from generator.errors import ImagegenError
from generator.local import host
from generator.local.qmp import Agent
from generator.run import run

READY = "imagegen: cloud-init has finished"
SEED = "seed.img"
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_KEY = re.compile(r"[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\n\r]*)?")

# One process in the guest does all of it: each one more costs a tenth of a second under TCG.
SETUP = """set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
date -s @{now} >/dev/null
# 0x5207 is RNDRESEEDCRNG (linux/random.h); only writing would leave the generator as it is for a while.
echo {entropy} | base64 -d >/dev/urandom
perl -e 'open(my $random, "+<", "/dev/urandom"); ioctl($random, 0x5207, 0)'
echo {name} >/etc/hostname
hostname {name}
id {user} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash --user-group --password '*' {user}
home=$(getent passwd {user} | cut -d: -f6)
install -d -m 700 -o {user} -g {user} "$home/.ssh"
echo '{public_key}' >"$home/.ssh/authorized_keys"
chown {user}:{user} "$home/.ssh/authorized_keys"
chmod 600 "$home/.ssh/authorized_keys"
echo '{user} ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/90-imagegen
chmod 440 /etc/sudoers.d/90-imagegen
# From this file waagent -deprovision+user learns whom to remove, as on Azure.
install -d -m 700 /var/lib/waagent
echo '{ovf_env}' >/var/lib/waagent/ovf-env.xml
chmod 600 /var/lib/waagent/ovf-env.xml
if [ {grow} = yes ]; then
    root=$(findmnt -no SOURCE /)
    # growpart ends with 1 when there is nothing to grow.
    growpart "/dev/$(lsblk -no PKNAME "$root")" "$(cat "/sys/class/block/${{root##*/}}/partition")" || [ $? = 1 ]
    resize2fs "$root" 2>&1
fi
systemctl start ssh
"""

# What waagent reads (azurelinuxagent/common/protocol/ovfenv.py) and no more. `check` lets no markup into the names.
OVF_ENV = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<Environment xmlns="http://schemas.dmtf.org/ovf/environment/1"'
    ' xmlns:wa="http://schemas.microsoft.com/windowsazure">'
    "<wa:ProvisioningSection><wa:Version>1.0</wa:Version><wa:LinuxProvisioningConfigurationSet>"
    "<wa:HostName>{name}</wa:HostName><wa:UserName>{user}</wa:UserName>"
    "<wa:DisableSshPasswordAuthentication>true</wa:DisableSshPasswordAuthentication>"
    "</wa:LinuxProvisioningConfigurationSet></wa:ProvisioningSection>"
    "<wa:PlatformSettingsSection><wa:Version>1.0</wa:Version><wa:PlatformSettings>"
    "<wa:ProvisionGuestAgent>true</wa:ProvisionGuestAgent>"
    "</wa:PlatformSettings></wa:PlatformSettingsSection></Environment>"
)


def check(name: str, user: str, public_key: str) -> None:
    """Refuse names and keys that could mean more than they are: they go into scripts. Raises ImagegenError."""
    for what, pattern, value in (("user name", _USER, user), ("host name", _NAME, name), ("key", _KEY, public_key)):
        if not pattern.fullmatch(value) or "'" in value:
            raise ImagegenError(f"`{value}` is not a {what}")
    if user == "root":
        raise ImagegenError("the build user must not be root")


def setup_script(name: str, user: str, public_key: str, grow: bool) -> str:
    """The script that makes the build user and the machine's identity; it may run again."""
    return SETUP.format(
        now=int(time.time()), entropy=base64.b64encode(secrets.token_bytes(64)).decode(), name=name, user=user,
        public_key=public_key, ovf_env=OVF_ENV.format(name=name, user=user),
        grow="yes" if grow else "no",
    )  # fmt: skip


def by_agent(directory: Path, script: Callable[[], str], deadline: float) -> None:
    """Run the set-up script through the guest agent; it is asked for late, since it carries the time.

    Raises ImagegenError when it fails, TimeoutError at the deadline (time.monotonic).
    """
    with Agent(directory) as agent:
        agent.wait(deadline)
        code, output = agent.script(script(), deadline)
    if code != 0:
        last = output.strip().splitlines()[-1:] or ["it printed nothing"]
        raise ImagegenError(f"the machine's login could not be set up: {last[0]}")


def seed_disk(directory: Path, name: str, user: str, public_key: str) -> Path:
    """Make the disk from which cloud-init takes the same (its NoCloud source): vfat, labelled CIDATA."""
    user_data = {
        "hostname": name,
        "users": [{"name": user, "shell": "/bin/bash", "sudo": "ALL=(ALL) NOPASSWD:ALL", "lock_passwd": True,
                   "ssh_authorized_keys": [public_key]}],
        "write_files": [{"path": "/var/lib/waagent/ovf-env.xml", "permissions": "0600",
                         "content": OVF_ENV.format(name=name, user=user)}],
        "growpart": {"mode": "auto"},
        "runcmd": [["sh", "-c", f"echo '{READY}' >/dev/ttyS0"]],
    }  # fmt: skip
    disk = directory / SEED
    disk.unlink(missing_ok=True)
    with disk.open("wb") as file:
        file.truncate(1024 * 1024)
    run([host.program("mkfs.vfat"), "-n", "CIDATA", str(disk)])
    parts = {
        "user-data": "#cloud-config\n" + json.dumps(user_data),  # JSON is YAML
        "meta-data": json.dumps({"instance-id": f"{name}-{os.urandom(4).hex()}", "local-hostname": name}),
    }
    for part, text in parts.items():
        run([host.program("mcopy"), "-i", str(disk), "-", f"::{part}"], stdin=text.encode())
    return disk
