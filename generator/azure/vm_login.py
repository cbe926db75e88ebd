"""Logging in to a build's machine."""

from collections.abc import Sequence
from pathlib import Path

from generator.azure import machines
from generator.azure.session import Session
from generator.builder import ssh
from generator.workspace.blueprint import BUILD_USER, Azure


def command(session: Session, azure: Azure, machine_ids: Sequence[str], key: Path) -> list[str] | None:
    """ssh to the first of these machines that stands, at its public address or through the bastion; None where steps
    reach the machine in another way."""
    if azure.communicator != "ssh":
        return None
    bastion = f"{azure.bastion.user}@{azure.bastion.host}:{azure.bastion.port}" if azure.bastion else ""
    for machine_id in machine_ids:
        if host := machines.host(session, machine_id, public=not azure.subnet_id):
            known = key.with_name(ssh.KNOWN_HOSTS)
            return ssh.command(key, BUILD_USER, host, jump=bastion, known_hosts=known)
    return None
