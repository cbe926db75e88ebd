"""The SSH host keys of a VM in Azure, from a source that only the VM itself writes to: its serial console.

cloud-init prints the public keys there at the end of the first boot (cloudinit/config/cc_ssh_authkey_fingerprints.py
and cc_keys_to_console.py: a block between BEGIN and END SSH HOST KEY KEYS). Where the image has no cloud-init, a run
command reads them, if the credential may start one.
"""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from generator.azure import machines, runcommands
from generator.azure.session import Session
from generator.builder.ssh import known_host
from generator.errors import ImagegenError
from generator.system import wait
from generator.system.records import private_write

BEGIN, END = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"
CONSOLE_SECONDS = 60.0  # Azure shows what is printed to the console some tens of seconds later
COMMAND_SECONDS = 120.0
COMMAND = "cat /etc/ssh/ssh_host_*_key.pub"
KEY = re.compile(r"((?:ssh|ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=*)(?: |$)")


@dataclass
class HostKeys:
    """Finds the host keys of a build's VMs, once for each address, and keeps them in a known_hosts file."""

    session: Session
    vm_ids: Sequence[str]
    known_hosts: Path
    _found: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, host: str, port: int) -> list[str]:
        """The public keys of the VM at an address, as `TYPE BASE64`; none where no source has them."""
        with self._lock:
            if (host, port) not in self._found:
                self._found[host, port] = self._find(host)
                lines = [known_host(*where, keys) for where, keys in self._found.items() if keys]
                if lines:
                    private_write(self.known_hosts, "".join(lines).encode("ascii"))
            return self._found[host, port]

    def _find(self, host: str) -> list[str]:
        vm_id = self._vm_at(host)
        if vm_id is None:
            return []
        deadline = wait.now() + CONSOLE_SECONDS
        while not (keys := from_console(machines.console(self.session, vm_id))):
            if wait.now() >= deadline:
                return self._by_command(vm_id)
            wait.sleep(wait.LOOK_SECONDS)
        return keys

    def _vm_at(self, host: str) -> str | None:
        """The VM that has this address, its public or its private one."""
        for vm_id in self.vm_ids:
            if host in (machines.host(self.session, vm_id, public=public) for public in (True, False)):
                return vm_id
        return None

    def _by_command(self, vm_id: str) -> list[str]:
        try:
            ran = runcommands.run(self.session, vm_id, "imagegen-host-keys", COMMAND, timeout=COMMAND_SECONDS)
        except ImagegenError:  # not allowed, or the VM has no agent that runs it
            return []
        return _keys(ran.output.splitlines())


def from_console(lines: Sequence[str]) -> list[str]:
    """The host keys in the last whole block of a console's lines; none where there is none."""
    ends = [number for number, line in enumerate(lines) if END in line]
    begins = [number for number, line in enumerate(lines) if BEGIN in line and ends and number < ends[-1]]
    return _keys(lines[begins[-1] : ends[-1]]) if begins else []


def _keys(lines: Sequence[str]) -> list[str]:
    return [found[1] for line in lines if (found := KEY.search(line))]
