"""The local target: QEMU machines on this computer, images in the workspace's own folder."""

import shlex
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.builder import folders, marked, ssh
from generator.builder.events import Events
from generator.builder.marked import Secrets
from generator.builder.ssh import Login, Route
from generator.builder.target import PLANNED, SAVED, Ask, Job, Resolved, Values
from generator.errors import ImagegenError
from generator.local import bases, boot, cache, catalogue, host, inputs, machine, pace, released, states
from generator.local import images as files_of_images
from generator.local.states import Ground
from generator.settings import Settings
from generator.system import private
from generator.workspace import names, sizes
from generator.workspace.blueprint import Blueprint, Step
from generator.workspace.ledger import Ledger, Release

if TYPE_CHECKING:
    from generator.builder.relay import Relay

GIB = 1024**3
MACHINES = ("machine", "validation")  # their folders in that of a build


class LocalTarget:
    """See build/target.py for what each method does."""

    refreshes = False
    planned_key = PLANNED

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._held = ExitStack()  # what nobody may remove meanwhile

    def require(self, blueprint: Blueprint, *, building: bool) -> None:
        """Refuse, naming all that is missing, before anything starts. To end machines neither their base nor what made
        it is needed."""
        if not building:
            host.require_terraform(self.settings.terraform)
            return
        private.tree(self.settings.cache_dir)
        private.tree(self.settings.state_dir)
        cache.check(self.settings, blueprint)
        wanted = catalogue.find(self.settings, blueprint.source)
        host.require(building_base=bases.lookup(self.settings, wanted.name) is None, terraform=self.settings.terraform)

    def require_login(self) -> None:
        """There is nobody to log in to."""

    def environment(self) -> dict[str, str]:
        """Terraform needs no provider here."""
        return {}

    @contextmanager
    def lease(self, blueprint: Blueprint) -> Iterator[None]:
        """A local workspace is on this computer only: its own lock is enough. Its base stays as long."""
        with self._held:
            yield

    def require_lease(self) -> None:
        """It cannot be lost."""

    def resolve(self, blueprint: Blueprint, events: Events, ask: Ask) -> Resolved:
        """The base for the source, built now where it is missing."""
        wanted = catalogue.find(self.settings, blueprint.source)
        if wanted.note:
            events.note(wanted.note)
        base = bases.lookup(self.settings, wanted.name)
        if base is None:
            events.note(f"building the base {wanted.name} once; it is kept for all later builds")
            base = bases.ensure(self.settings, wanted.name, lambda line: events.output("base", line))
        if not states.takes_writes(self._states):
            events.note(f"{self._states} takes no writes: every step runs, and nothing of this build is kept")
        self._held.enter_context(bases.held(base))
        bases.require_sound(base)
        size = base.disk.stat().st_size
        if 0 < blueprint.disk_size_gb * GIB < size:
            raise ImagegenError(
                f"osDiskSizeGB {blueprint.disk_size_gb} is too small: the source has {size / GIB:g} GiB"
            )
        if blueprint.vm_size and sizes.shape(blueprint.vm_size) is None:
            events.note(f"unknown VM size {blueprint.vm_size}: building with the shape of {sizes.DEFAULT}")
        source = blueprint.source
        return Resolved(f"{source.publisher}:{source.offer}:{source.sku}:{base.version}", base.version)

    def build_values(self, job: Job, public_key: str) -> Values:
        """The machine of this build, with everything that must not change from phase to phase."""
        values = inputs.machine(self.settings, job, self._base(job.blueprint), public_key, inputs.free_port())
        cache.refresh(self.settings, job.blueprint, values["machine"]["cache"], self._states)
        return values

    def renewed(self, values: Values) -> Values | None:
        """All steps run where the machine that had some of them done is gone."""
        known = values["machine"].get("cache", {})
        ground = Ground(Path(values["machine"]["disk"]["backing"]), values["machine"]["disk"].get("digest", ""))
        if not known.get("from") or states.exists(self._states, known["from"], ground):
            return None
        return values | {"machine": values["machine"] | {"cache": known | {"from": "", "steps": []}}}

    def going_on(self, job: Job, values: Values, known: set[str]) -> Values:
        """What a step left that failed half-way, or whoever logged in, is in no other build."""
        found = values["machine"]
        if found.get("cache", {}).get("keep"):
            raise ImagegenError(SAVED)
        if found.get("cache", {}).get("steps") and (self.settings.no_cache or self.settings.no_cache_from):
            raise ImagegenError("some of its steps were cached")
        self._held.enter_context(bases.held(self._base(job.blueprint)))
        machine.unpause(Path(found["directory"]))
        return values | {"machine": found | {"cache": found.get("cache", {}) | {"keep": {}}}}

    def secret_values(self, job: Job) -> Values:
        """The key pair is all that a local machine needs."""
        return {}

    def planned_values(self, job: Job) -> Values:
        """Placeholders where only a build decides."""
        return inputs.machine(self.settings, job, self._known(job.blueprint), PLANNED, inputs.PORTS.start)

    @property
    def _states(self) -> Path:
        """The folder of saved machines."""
        return states.folder(self.settings.cache_dir)

    def ssh_route(self, job: Job) -> Route:
        """The host keys were made on this computer, and lie in the VM's folder."""
        files = [job.directory / name / ssh.KNOWN_HOSTS for name in MACHINES]
        return Route(
            lambda host, port: [key for path in files for key in ssh.read_known_hosts(path, host, port)],
            patience=pace.times(self.settings.cache_dir),
        )

    def give(self, job: Job, secrets: Secrets, relay: "Relay | None") -> None:
        """Over SSH."""
        running = machine.running(job.directory / "machine")
        if running is None or relay is None:
            raise ImagegenError("the VM stopped before its secrets were sent", "run the build again")
        marked.over_ssh(relay, Login(running.user, "127.0.0.1", running.ssh_port), secrets)

    def require_able(self, job: Job) -> None:
        """A guest whose disk could not grow stands still."""
        for name in MACHINES:
            if error := boot.full(job.directory / name):
                raise error

    def alive(self, job: Job) -> bool:
        """Whether QEMU runs, as it was recorded."""
        with suppress(machine.DamagedRecord):
            return any(machine.running(job.directory / name) for name in MACHINES)
        return False

    def capture(self, job: Job, timeout: float) -> str:
        """The deprovisioned machine powers itself off; its overlay is the captured disk."""
        machine.wait_off(job.directory / "machine", timeout)
        return _disk(job)

    def captured_values(self, job: Job, captured: str) -> Values:
        """The captured disk is all that there is to it."""
        return {}

    def validation_values(self, job: Job, captured: str, public_key: str) -> Values:
        """The second machine starts from an overlay over the captured disk."""
        planned = captured == PLANNED
        base = None if planned else self._base(job.blueprint)
        port = inputs.PORTS.start if planned else inputs.free_port()
        return inputs.validation(self.settings, job, base, captured, public_key, port)

    def coming(self, job: Job, captured: str) -> Release:
        """One image for each distributor, in images/NAME/VERSION."""
        source = job.source.exact
        return {
            "source": source,
            "images": {
                destination.name: {
                    "directory": names.image_folder(destination.name, job.version),
                    "kind": destination.kind,
                    "manifest": {
                        "name": destination.name, "source": source, "tags": dict(destination.tags),
                        "content": job.content_digest, "version": job.version,
                    },
                    "resource": destination.resource,
                    "source_id": _disk(job) if captured == PLANNED else captured,
                }
                for destination in job.blueprint.destinations
            },
        }  # fmt: skip

    def displaced(self, job: Job, ledger: Ledger) -> list[tuple[str, str]]:
        """Each version has folders of its own."""
        return []

    def make_room(self, workspace: Path, images: dict[str, Any], events: Events) -> None:
        """Nothing is ever in the way."""

    def exports(self, images: dict[str, Any]) -> dict[str, Any]:
        """Terraform makes all images here."""
        return {}

    def export(self, job: Job, images: dict[str, Any], events: Events) -> None:
        """Terraform makes all images here."""

    def follow(self, job: Job, step: Step, on_line: Callable[[str], None], stop: threading.Event) -> None:
        """Terraform tells what a step prints over SSH."""

    def log_of(self, job: Job, step: Step) -> list[str]:
        """Terraform has told it."""
        return []

    def advice(self, reason: str) -> str | None:
        """The reasons here speak for themselves."""
        return None

    def stop(self, directory: Path) -> None:
        """End the build's machines."""
        for name in MACHINES:
            machine.stop(directory / name)

    def release(self, blueprint: Blueprint, events: Events, known: Collection[str] | None) -> list[str]:
        """All of a local build is in the state, or in its folder; but for a base or a saved machine half made."""
        return [*bases.sweep(self.settings), *states.sweep(self._states)]

    def owns(self, blueprint: Blueprint, resource_id: str) -> bool:
        """Only the folders of machines: the state's own scripts end what is in them."""
        folder = Path(resource_id)
        return folder.name in MACHINES and folder.parent.name.isalnum() and folder.parent.parent.name == folders.BUILDS

    def whole(self, workspace: Path, images: dict[str, Any], events: Events) -> bool:
        """Whether each image is there and is this release's: a folder appears by one rename, with all that is in it."""
        return all(released.is_made(workspace, image) for image in images.values())

    def as_made(self, images: dict[str, Any]) -> dict[str, Any]:
        """They are what they were to be."""
        return images

    def find_released(self, workspace: Path, blueprint: Blueprint) -> dict[str, Release]:
        """By the manifests beside the images."""
        return released.find(workspace, blueprint)

    def occupied(self, workspace: Path, blueprint: Blueprint) -> dict[str, bool]:
        """The versions for which a folder of one of the outputs exists, whoever made it."""
        return dict.fromkeys(released.occupied(workspace, blueprint), False)

    def discard(self, workspace: Path, images: dict[str, Any], events: Events) -> None:
        """Remove images, whole or half-written. A folder that a link leads to is left alone."""
        for image in images.values():
            folder = workspace / image["directory"]
            if folder.resolve() == workspace.resolve() / image["directory"]:
                files_of_images.discard(folder)
                with suppress(OSError):  # other versions are there
                    folder.parent.rmdir()

    def login(self, blueprint: Blueprint, directory: Path) -> list[str] | None:
        """ssh to a machine that runs, with the build's key."""
        for name in reversed(MACHINES):
            if running := machine.running(directory / name):
                known = directory / name / ssh.KNOWN_HOSTS
                return ssh.command(
                    directory / "key", running.user, "127.0.0.1", port=running.ssh_port, known_hosts=known
                )
        return None

    def describe(self, workspace: Path, release: Release) -> list[dict[str, Any]]:
        """What each manifest says of its image."""
        return [
            files_of_images.manifest(workspace / image["directory"])
            | {"path": str(workspace / image["directory"] / "image.vhd"), "output": name}
            for name, image in sorted(release["images"].items())
        ]

    def boot_hint(self, workspace: Path, release: Release) -> str | None:
        """A QEMU command that boots the first image and leaves it as it is."""
        image = next(iter(sorted(release["images"].items())))[1]
        vhd = str((workspace / image["directory"] / "image.vhd").absolute()).replace(",", ",,")
        return (
            "qemu-system-x86_64 -M q35 -m 1024 -nographic -snapshot -bios /usr/share/ovmf/OVMF.fd "
            f"-drive {shlex.quote(f'if=virtio,format=vpc,file={vhd}')} "
            "-nic user,restrict=on,model=virtio,hostfwd=tcp:127.0.0.1:8080-:80"
        )

    def _base(self, blueprint: Blueprint) -> bases.Base:
        base = self._known(blueprint)
        if base is None:
            raise ImagegenError(f"the base for {blueprint.source} is gone", "run the build again")
        return base

    def _known(self, blueprint: Blueprint) -> bases.Base | None:
        return bases.lookup(self.settings, catalogue.find(self.settings, blueprint.source).name)


def _disk(job: Job) -> str:
    """The disk of a build's machine."""
    return str(job.directory / "machine" / "disk.qcow2")
