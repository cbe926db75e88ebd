"""The first login of a machine: by the guest agent in our own bases, by a cloud-init seed disk in others."""

import json
import os
import re
import secrets
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from generator.builder.ssh import KNOWN_HOSTS, known_host
from generator.errors import ImagegenError
from generator.local import host
from generator.local.qmp import Agent
from generator.system.records import private_write
from generator.system.run import run

READY = "imagegen: cloud-init has finished"
SEED = "seed.img"
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_KEY = re.compile(r"[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\n\r]*)?")

SETUP = Path(__file__).with_name("setup.pl")
PERL = ("/usr/bin/perl", "-")
HOST_KEYS = ("ecdsa", "ed25519")  # those that the base makes, see its ssh-host-keys.service

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


def setup_script(name: str, user: str, public_key: str, grow: bool, *, identity: Mapping[str, str], saved: bool) -> str:
    """The Perl script that makes the build user and the VM's identity (see `identity`); it may run again.

    saved: whether the VM is one that was saved, whose machine-id other VMs have too.
    """
    values = {
        "now": f"{time.time():.9f}", "name": name, "user": user, "public_key": public_key,
        "ovf_env": OVF_ENV.format(name=name, user=user), "grow": "1" if grow else "", **identity,
        "saved": "1" if saved else "",
    }  # fmt: skip
    told = {key: value.encode().hex() for key, value in values.items()} | {"entropy": secrets.token_hex(64)}
    return SETUP.read_text("utf-8") + "__END__\n" + "".join(f"{key} {value}\n" for key, value in told.items())


def identity(directory: Path, port: int) -> dict[str, str]:
    """A machine-id (machine-id(5)) and SSH host keys, made on this computer: the guest would need half a second.

    The public keys go to the VM's known_hosts file, for the SSH server at 127.0.0.1:`port`. The private ones are for a
    moment in the VM's own folder, and are removed with it if imagegen is killed meanwhile.
    """
    made = {"machine_id": uuid.uuid4().hex}
    public = []
    with tempfile.TemporaryDirectory(prefix="host-keys.", dir=directory) as folder:  # see modules/local/staging
        for kind in HOST_KEYS:
            key = Path(folder, kind)
            run([host.program("ssh-keygen"), "-q", "-N", "", "-C", "", "-t", kind, "-f", str(key)])
            made[f"host_key_{kind}"] = key.read_text("ascii")
            made[f"host_key_{kind}_pub"] = key.with_suffix(".pub").read_text("ascii")
            public.append(made[f"host_key_{kind}_pub"].strip())
    private_write(directory / KNOWN_HOSTS, known_host("127.0.0.1", port, public).encode("ascii"))
    return made


def by_agent(directory: Path, script: Callable[[], str], deadline: float) -> None:
    """Run the set-up script through the guest agent; it is asked for late, since it carries the time.

    Raises ImagegenError when it fails, TimeoutError at the deadline (time.monotonic).
    """
    with Agent(directory) as agent:
        agent.wait(deadline)
        code, output = agent.script(script(), deadline, PERL)
    if code != 0:
        last = output.strip().splitlines()[-1:] or ["it printed nothing"]
        raise ImagegenError(f"the machine's login could not be set up: {last[0]}")


def seed_disk(directory: Path, name: str, user: str, public_key: str, identity: Mapping[str, str]) -> Path:
    """Make the disk from which cloud-init takes the same (its NoCloud source): vfat, labelled CIDATA."""
    keys = {
        f"{kind}_{part}": identity[f"host_key_{kind}{suffix}"]
        for kind in HOST_KEYS
        for part, suffix in (("private", ""), ("public", "_pub"))
    }
    user_data = {
        "hostname": name,
        "users": [{"name": user, "shell": "/bin/bash", "sudo": "ALL=(ALL) NOPASSWD:ALL", "lock_passwd": True,
                   "ssh_authorized_keys": [public_key]}],
        "write_files": [{"path": "/var/lib/waagent/ovf-env.xml", "permissions": "0600",
                         "content": OVF_ENV.format(name=name, user=user)}],
        "growpart": {"mode": "auto"},
        "ssh_keys": keys,
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
