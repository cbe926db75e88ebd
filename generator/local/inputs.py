"""What a machine on this computer is made of, as Terraform gets it: decided once, and the same in every phase."""

import os
import random
import socket
import sys
from typing import Any

from generator.builder.target import PLANNED, Job, Values
from generator.errors import ImagegenError
from generator.local import accelerator, bases, cache, host, pace, states
from generator.settings import Settings
from generator.workspace import sizes
from generator.workspace.blueprint import BUILD_USER

# Below Linux's ephemeral ports (ip(7): 32768 and up), so no outgoing connection takes one in the meantime.
PORTS = range(20000, 32000)
BOOT_SECONDS = 1800  # a boot takes half a minute; on a busy computer without KVM it may take ten


def machine(settings: Settings, job: Job, base: bases.Base | None, public_key: str, port: int) -> Values:
    """The variables of the workspace for a build on a base, with what the cache has for it.

    Without a base, in a mere plan, placeholders stand where only a build decides.
    """
    size = job.blueprint.disk_size_gb
    if base is None:
        return _values(settings, job, public_key, port, _disk(PLANNED, "raw", "agent", size), "tcg")
    root = states.folder(settings.cache_dir)
    kept = {"digest": base.digest} | ({"states": str(root)} if states.takes_writes(root) else {})
    disk = _disk(str(base.disk), "raw", base.seed, size) | kept
    values = _values(settings, job, public_key, port, disk, accelerator.choose(settings, base))
    found = cache.inputs(settings, job.workspace, job.blueprint, values["machine"])
    return values | {"machine": values["machine"] | {"cache": found}}


def validation(
    settings: Settings, job: Job, base: bases.Base | None, captured: str, public_key: str, port: int
) -> Values:
    """The variable of the second machine, on an overlay over the captured disk. Without a base: as in a mere plan."""
    seed, accelerated = (base.seed, accelerator.choose(settings, base)) if base else ("agent", "tcg")
    disk = _disk(captured, "qcow2", seed, 0)
    found: Values = _values(settings, job, public_key, port, disk, accelerated)["machine"]
    return {"validation_machine": found | {"directory": str(job.directory / "validation")}}


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on. Raises ImagegenError where there is none."""
    for _ in range(200):
        port = random.choice(PORTS)  # noqa: S311 - not a secret
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ImagegenError(f"no free port between {PORTS.start} and {PORTS.stop} on 127.0.0.1")


def _values(settings: Settings, job: Job, public_key: str, port: int, disk: Values, accelerated: str) -> Values:
    shape = sizes.shape(job.blueprint.vm_size) or sizes.shape(sizes.DEFAULT)
    assert shape is not None  # noqa: S101 - the default is in the table
    shape = sizes.capped(shape, host.cores(), host.memory_mb())
    boot_seconds = round(BOOT_SECONDS * pace.times(settings.cache_dir))
    machine_values = {
        "accelerator": accelerated, "cores": shape.cores, "directory": str(job.directory / "machine"), "disk": disk,
        "host_access": settings.host_access, "memory_mb": shape.memory_mb, "name": job.blueprint.name,
        "public_key": public_key, "ssh_port": port, "timeout_seconds": boot_seconds, "tool": _tool(),
        "user": BUILD_USER,
    }  # fmt: skip
    return {"image_tool": _tool(), "machine": machine_values}


def _disk(backing: str, kind: str, seed: str, size_gb: int) -> dict[str, Any]:
    """The disk of a machine: an overlay over `backing`, as large as that where `size_gb` is 0."""
    return {"backing": backing, "format": kind, "seed": seed, "size_gb": size_gb}


def _tool() -> list[str]:
    """The machine program as Terraform starts it: with no environment but the search path and the home."""
    kept = [f"{name}={os.environ[name]}" for name in ("PATH", "HOME", "TMPDIR") if name in os.environ]
    return ["/usr/bin/env", "-i", *kept, "LC_ALL=C.UTF-8", sys.executable, "-P", "-m", "generator.local.machine"]
