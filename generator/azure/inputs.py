"""What a machine in Azure is made of, as Terraform gets it: decided once, and the same in every phase."""

import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from generator.builder.target import PLANNED, Job, Values
from generator.template.ids import canonical
from generator.workspace.azure import BUILD_TAG, UNTIL_TAG
from generator.workspace.blueprint import Blueprint

if TYPE_CHECKING:
    from generator.azure.destinations import Route
    from generator.azure.sources import Resolved as Found

SLACK = timedelta(hours=1)  # for what a build that is out of time still has to end


def facts(blueprint: Blueprint, found: "Found", route: "Route", allow_from: list[str]) -> dict[str, Any]:
    """What was found out of source and destinations, for all phases of a build and for one that goes on."""
    from generator.azure import sizes  # noqa: PLC0415

    size = blueprint.vm_size or sizes.default_size(found.generation, found.architecture, route.security)
    return {
        "allow_from": allow_from, "architecture": found.architecture, "generation": found.generation,
        "image_for": list(route.image_for), "plan": asdict(found.plan) if found.plan else None,
        "security": route.security, "size": size, "source_id": found.id, "validate_by": route.validate_by,
    }  # fmt: skip


def tags(job: Job, now: datetime) -> Values:
    """The tags of this build's staging: those of the workspace, and by which build it was made. One that was begun in
    another folder or on another computer has the same names, and may be under way. `now`: by Azure's clock."""
    assert job.blueprint.azure is not None  # noqa: S101 - decide.py makes it for this target
    until = now + timedelta(minutes=job.blueprint.timeout_minutes) + SLACK
    host = socket.gethostname().encode("ascii", "replace").decode()
    ours = {BUILD_TAG: f"{job.directory.name}@{host}", UNTIL_TAG: until.isoformat(timespec="seconds")}
    return {"staging_tags": dict(job.blueprint.azure.tags) | ours}


def machine(job: Job, facts: Mapping[str, Any], public_key: str) -> Values:
    """The variable `machine` of the workspace. `facts`: what was found out of source and destinations; in a mere plan
    there are none, and the machine is as most are."""
    blueprint = job.blueprint
    linux = blueprint.azure is not None and blueprint.azure.system == "linux"
    return {
        "allow_from": facts.get("allow_from", []),
        "architecture": facts.get("architecture", "x64"),
        "generation": facts.get("generation", "V2"),
        "plan": facts.get("plan"),
        "public_key": public_key if linux else "",
        "security": facts.get("security", "Standard"),
        "size": facts.get("size") or blueprint.vm_size or PLANNED,
        "source_id": facts.get("source_id", canonical(blueprint.source.id)),
        "source_version": job.source.version or blueprint.source.version or "latest",
        "timeout_minutes": blueprint.timeout_minutes,
        "tool": [sys.executable, "-P", "-m", "generator.azure.machine"],
    }
