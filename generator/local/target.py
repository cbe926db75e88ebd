"""The local target: QEMU machines on this computer, images in the workspace's own folder."""

import os
import random
import shlex
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from generator.build.events import Events
from generator.build.releases import Release
from generator.build.target import Job, Values
from generator.errors import ImagegenError
from generator.local import accelerator, bases, catalogue, host, images, machine
from generator.settings import Settings
from generator.workspace import names, sizes
from generator.workspace.blueprint import BUILD_USER, Blueprint

# Below Linux's ephemeral ports (ip(7): 32768 and up), so no outgoing connection takes one in the meantime.
PORTS = range(20000, 32000)
BOOT_SECONDS = 600
GIB = 1024**3


class LocalTarget:
    """See build/target.py for what each method does."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def require(self, blueprint: Blueprint) -> None:
        """Refuse, naming all that is missing, before anything starts."""
        wanted = catalogue.find(self.settings, blueprint.source)
        host.require(building_base=bases.lookup(self.settings, wanted.name) is None, terraform=self.settings.terraform)

    def resolve(self, blueprint: Blueprint, events: Events) -> str:
        """The base for the source, built now where it is missing."""
        wanted = catalogue.find(self.settings, blueprint.source)
        if wanted.note:
            events.note(wanted.note)
        base = bases.lookup(self.settings, wanted.name)
        if base is None:
            events.note(f"building the base {wanted.name} once; it is kept for all later builds")
            base = bases.ensure(self.settings, wanted.name, lambda line: events.output("base", line))
        size = base.disk.stat().st_size
        if 0 < blueprint.disk_size_gb * GIB < size:
            raise ImagegenError(
                f"osDiskSizeGB {blueprint.disk_size_gb} is too small: the source has {size / GIB:g} GiB"
            )
        if blueprint.vm_size and sizes.shape(blueprint.vm_size) is None:
            events.note(f"unknown VM size {blueprint.vm_size}: building with the shape of {sizes.DEFAULT}")
        return f"{blueprint.source.publisher}:{blueprint.source.offer}:{blueprint.source.sku}:{base.version}"

    def build_values(self, job: Job, public_key: str) -> Values:
        """The machine of this build, with everything that must not change from phase to phase."""
        base = self._base(job.blueprint)
        return self._values(job, public_key, _free_port(), {
            "backing": str(base.disk), "format": "raw", "seed": base.seed, "size_gb": job.blueprint.disk_size_gb,
        }, accelerator.choose(self.settings, base))  # fmt: skip

    def planned_values(self, job: Job) -> Values:
        """Placeholders where only a build decides."""
        disk = {"backing": "planned", "format": "raw", "seed": "agent", "size_gb": job.blueprint.disk_size_gb}
        return self._values(job, "planned", PORTS.start, disk, "tcg")

    def _values(self, job: Job, public_key: str, port: int, disk: Values, accelerated: str) -> Values:
        shape = sizes.shape(job.blueprint.vm_size) or sizes.shape(sizes.DEFAULT)
        assert shape is not None  # noqa: S101 - the default is in the table
        shape = sizes.capped(shape, host.cores(), host.memory_mb())
        machine_values = {
            "accelerator": accelerated, "cores": shape.cores, "directory": str(job.directory / "machine"), "disk": disk,
            "memory_mb": shape.memory_mb, "name": job.blueprint.name, "public_key": public_key, "ssh_port": port,
            "timeout_seconds": BOOT_SECONDS, "tool": _tool(), "user": BUILD_USER,
        }  # fmt: skip
        return {"image_tool": _tool(), "machine": machine_values}

    def capture(self, job: Job, timeout: float) -> str:
        """The deprovisioned machine powers itself off; its overlay is the captured disk."""
        machine.wait_off(job.directory / "machine", timeout)
        return str(job.directory / "machine" / "disk.qcow2")

    def validation_values(self, job: Job, source_id: str, public_key: str) -> Values:
        """The second machine starts from an overlay over the captured disk."""
        port, seed, accelerated = PORTS.start, "agent", "tcg"
        if source_id != "planned":
            base = self._base(job.blueprint)
            port, seed, accelerated = _free_port(), base.seed, accelerator.choose(self.settings, base)
        disk = {"backing": source_id, "format": "qcow2", "seed": seed, "size_gb": 0}
        values: Values = self._values(job, public_key, port, disk, accelerated)["machine"]
        return {"validation_machine": values | {"directory": str(job.directory / "validation")}}

    def coming(self, job: Job, source_id: str, source: str) -> Release:
        """One image for each distributor, in images/NAME/VERSION."""
        return {
            "source": source,
            "template": job.template_digest,
            "images": {
                destination.name: {
                    "directory": names.image_folder(destination.name, job.version),
                    "kind": destination.kind,
                    "manifest": {
                        "name": destination.name, "source": source, "tags": dict(destination.tags),
                        "template": job.template_digest, "version": job.version,
                    },
                    "resource": destination.resource,
                    "source_id": source_id,
                }
                for destination in job.blueprint.destinations
            },
        }  # fmt: skip

    def stop(self, directory: Path) -> None:
        """End the build's machines."""
        for name in ("machine", "validation"):
            machine.stop(directory / name)

    def whole(self, workspace: Path, release: Release) -> bool:
        """Whether each image is there and is this release's: a folder appears by one rename, with all that is in it."""
        return all(_is_made(workspace, image) for image in release["images"].values())

    def occupied(self, workspace: Path, blueprint: Blueprint) -> set[str]:
        """The versions for which a folder of one of the outputs exists, whoever made it."""
        parents = [
            Path(workspace, names.image_folder(output.name, "0.0.0")).parent for output in blueprint.destinations
        ]
        return {folder.name for parent in parents for folder in parent.glob("*.*.*") if not folder.name.startswith(".")}

    def discard(self, workspace: Path, release: Release) -> None:
        """Remove the images of a release, whole or half-written. A folder that a link leads to is left alone."""
        for image in release["images"].values():
            folder = workspace / image["directory"]
            if folder.resolve() == workspace.resolve() / image["directory"]:
                images.discard(folder)
                with suppress(OSError):  # other versions are there
                    folder.parent.rmdir()

    def login(self, directory: Path) -> list[str] | None:
        """ssh to a machine that runs, with the build's key."""
        for name in ("validation", "machine"):
            if running := machine.running(directory / name):
                return [
                    "ssh", "-i", str(directory / "key"), "-p", str(running.ssh_port),
                    "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                    f"{running.user}@127.0.0.1",
                ]  # fmt: skip
        return None

    def describe(self, workspace: Path, release: Release) -> list[dict[str, Any]]:
        """What each manifest says of its image."""
        return [
            images.manifest(workspace / image["directory"])
            | {"path": str(workspace / image["directory"] / "image.vhd"), "output": name}
            for name, image in sorted(release["images"].items())
        ]

    def boot_hint(self, workspace: Path, release: Release) -> str | None:
        """A QEMU command that boots the first image and leaves it as it is."""
        image = next(iter(sorted(release["images"].items())))[1]
        vhd = shlex.quote(str(workspace / image["directory"] / "image.vhd"))
        return (
            "qemu-system-x86_64 -M q35 -m 1024 -nographic -snapshot -bios /usr/share/ovmf/OVMF.fd "
            f"-drive if=virtio,format=vpc,file={vhd} -nic user,model=virtio,hostfwd=tcp:127.0.0.1:8080-:80"
        )

    def _base(self, blueprint: Blueprint) -> bases.Base:
        base = bases.lookup(self.settings, catalogue.find(self.settings, blueprint.source).name)
        if base is None:
            raise ImagegenError(f"the base for {blueprint.source} is gone", "run the build again")
        return base


def _is_made(workspace: Path, image: dict[str, Any]) -> bool:
    """Whether an image was made as its ledger entry says, in this very build."""
    try:
        said = images.manifest(workspace / image["directory"])
    except ImagegenError:
        return False
    return all(said.get(name) == value for name, value in image["manifest"].items())


def _tool() -> list[str]:
    """The machine program as Terraform starts it: with no environment but the search path and the home."""
    kept = [f"{name}={os.environ[name]}" for name in ("PATH", "HOME", "TMPDIR") if name in os.environ]
    return ["/usr/bin/env", "-i", *kept, "LC_ALL=C.UTF-8", sys.executable, "-P", "-m", "generator.local.machine"]


def _free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    for _ in range(200):
        port = random.choice(PORTS)  # noqa: S311 - not a secret
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ImagegenError("no free port between 20000 and 32000 on 127.0.0.1")
