"""The Azure target: Terraform makes and destroys, the SDK does what Terraform cannot."""

import os
import secrets
import shutil
import threading
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.azure import address, entries, ids, inputs, staged
from generator.build import marked, ssh
from generator.build.events import Events
from generator.build.marked import Secrets
from generator.build.ssh import Login, Route
from generator.build.target import PLANNED, Ask, Job, Resolved, Values
from generator.errors import ImagegenError
from generator.login.environment import environment
from generator.settings import Settings
from generator.workspace.blueprint import BUILD_USER, Azure, Blueprint, Step
from generator.workspace.ledger import Ledger, Release

if TYPE_CHECKING:
    from generator.azure.session import Session
    from generator.build.relay import Relay

# Replication to other regions may take hours (FACTS.md 11).
REPLICATION_SECONDS = 6 * 3600.0
# azurerm sees already in a plan whether a key is one; of this one nobody has the private half.
PLANNED_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f planned"
MACHINES = ("validation", "machine")
NO_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"


class AzureTarget:
    """See build/target.py for what each method does. The wings are imported where they are used: they are heavy."""

    refreshes = True
    planned_key = PLANNED_KEY

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._azure: Azure | None = None
        self._connected: Session | None = None
        self._lost = threading.Event()

    def require(self, blueprint: Blueprint, *, building: bool) -> None:
        """Terraform, and a state that outlives a pipeline's runner."""
        self._azure = _azure(blueprint)
        if shutil.which(self.settings.terraform) is None:
            raise ImagegenError(
                f"`{self.settings.terraform}` is not installed", "https://developer.hashicorp.com/terraform/install"
            )

    def require_login(self) -> None:
        """A session proves its credential."""
        assert self.session  # noqa: S101

    def environment(self) -> dict[str, str]:
        """The credential, as azurerm reads it."""
        return environment()

    def lease(self, blueprint: Blueprint) -> AbstractContextManager[None]:
        """A lease beside a remote state; a local state has the workspace's own lock."""
        azure = self._azure = _azure(blueprint)
        if not azure.backend:
            return nullcontext()
        from generator.azure import lease  # noqa: PLC0415

        return lease.hold_or_stop(self.session, dict(azure.backend), self._lost)

    def require_lease(self) -> None:
        """Raise ImagegenError once the lease is lost."""
        if self._lost.is_set():
            from generator.azure import lease  # noqa: PLC0415

            raise lease.lost_error()

    @property
    def session(self) -> "Session":
        """The login, made once it is needed."""
        if self._connected is None:
            from generator.azure.session import connect  # noqa: PLC0415

            self._connected = connect(self._azure.subscription_id if self._azure else "")
        return self._connected

    def resolve(self, blueprint: Blueprint, events: Events, ask: Ask) -> Resolved:
        """Source, destinations and terms; all that is wrong is told before anything is made."""
        from generator.azure import destinations, lease, sources  # noqa: PLC0415

        azure = self._azure = _azure(blueprint)
        if not azure.backend:
            lease.refuse_local_state_in_ci(self.settings)
        found = sources.resolve(self.session, blueprint.source, azure.location)
        route = destinations.check(self.session, blueprint, found, azure.location)
        if found.plan:
            sources.refuse_unnamed(blueprint.source, found.plan)
            sources.accept_terms(self.session, found.plan, ask)
        if _is_latest(blueprint):
            events.note(f"{blueprint.source} is {found.exact}")
        allowed = (
            address.allowed(self.settings.allow_from) if azure.communicator == "ssh" and not azure.subnet_id else []
        )
        facts = inputs.facts(blueprint, found, route, allowed) | {"subscription_id": self.session.subscription_id}
        return Resolved(found.exact, found.version, facts)

    def build_values(self, job: Job, public_key: str) -> Values:
        """The machine of this build, with everything that must not change from phase to phase."""
        if job.blueprint.source_validation_only:
            return inputs.tags(job, self._now())
        return inputs.tags(job, self._now()) | {"machine": inputs.machine(job, job.source.facts, public_key)}

    def _now(self) -> datetime:
        """The time by Azure's clock; by this computer's for a mere plan, or where Azure does not tell it."""
        if self._connected:
            from azure.core.exceptions import AzureError  # noqa: PLC0415 - heavy

            with suppress(AzureError):
                return self._connected.now()
        return datetime.now(UTC)

    def planned_values(self, job: Job) -> Values:
        """A machine as most are: what it is in truth, the check finds out."""
        return self.build_values(job, PLANNED_KEY)

    def renewed(self, values: Values) -> Values | None:
        """Every build begins with a fresh machine."""
        return None

    def going_on(self, job: Job, values: Values, known: set[str]) -> Values:
        """They are what they were; a run command that Azure has begun and Terraform not heard of is in the way."""
        from generator.azure import runcommands  # noqa: PLC0415

        runcommands.end_others(self.session, self._vm(job), {module.removeprefix("step_") for module in known})
        return values

    def secret_values(self, job: Job) -> Values:
        """The administrator's password: Azure wants one, and the first step makes it worthless (FACTS.md 19)."""
        if _azure(job.blueprint).system == "linux":
            return {}
        return {"admin_password": f"{secrets.token_urlsafe(24)}aA1!"}

    def ssh_route(self, job: Job) -> Route | None:
        """Through the bastion, where there is one; the host keys are read from the VM's serial console."""
        from generator.azure.hostkeys import HostKeys  # noqa: PLC0415

        azure = _azure(job.blueprint)
        if azure.communicator != "ssh":
            return None
        machines = [self._vm(job, name) for name in MACHINES]
        bastion = Login(azure.bastion.user, azure.bastion.host, azure.bastion.port) if azure.bastion else None
        return Route(HostKeys(self.session, machines, job.directory / ssh.KNOWN_HOSTS), bastion)

    def give(self, job: Job, secrets: Secrets, relay: "Relay | None") -> None:
        """Over SSH, or by a run command of our own, which Terraform knows nothing of."""
        azure = _azure(job.blueprint)
        if relay:
            from generator.azure import machines  # noqa: PLC0415

            host = machines.host(self.session, self._vm(job), public=not azure.subnet_id)
            if host is None:
                raise ImagegenError("the VM has no address to send its secrets to", "run the build again")
            marked.over_ssh(relay, Login(BUILD_USER, host), secrets)
        else:
            from generator.azure import secrets as wing  # noqa: PLC0415

            wing.give(self.session, self._vm(job), azure.system, secrets)

    def require_able(self, job: Job) -> None:
        """Azure tells of a machine that cannot go on by itself."""

    def alive(self, job: Job) -> bool:
        """Whether one of the build's machines runs."""
        from generator.azure import machines  # noqa: PLC0415

        return any(machines.runs(self.session, self._vm(job, name)) for name in ("machine", "validation"))

    def capture(self, job: Job, timeout: float) -> str:
        """The machine deprovisions itself and switches off; then it is freed and marked as generalized."""
        from generator.azure import capture  # noqa: PLC0415

        vm_id = self._vm(job)
        limit = min(timeout, capture.OFF_SECONDS[_azure(job.blueprint).system])
        capture.wait_stopped(self.session, vm_id, limit, lambda _line: None)
        capture.deallocate_and_generalize(self.session, vm_id)
        return vm_id

    def captured_values(self, job: Job, captured: str) -> Values:
        """A managed image or a gallery in staging, for whom the machine itself is no source (FACTS.md 4 and 9)."""
        facts = job.source.facts
        validating = facts.get("validate_by") if job.blueprint.validations else ""
        image, gallery = bool(facts.get("image_for")) or validating == "image", validating == "gallery"
        if captured == PLANNED or not (image or gallery):
            return {}
        return {"captured": {"gallery": gallery, "image": image, "vm_id": captured}}

    def validation_values(self, job: Job, captured: str, public_key: str) -> Values:
        """A machine from the image in staging; from the source itself where nothing was built."""
        facts = dict(job.source.facts)
        if captured:
            source = staged.version if facts.get("validate_by") == "gallery" else staged.image
            facts["source_id"] = source(_azure(job.blueprint), self._subscription)
        return {"validation_machine": inputs.machine(job, facts, public_key)}

    def coming(self, job: Job, captured: str) -> Release:
        """What this build makes, with everything resolved: image modules read nothing but this."""
        captured = self._vm(job) if captured == PLANNED else captured
        images = entries.of(job, captured, staged.image(_azure(job.blueprint), self._subscription))
        return {"source": job.source.exact, "images": images}

    def displaced(self, job: Job, ledger: Ledger) -> list[tuple[str, str]]:
        """Managed images and blobs have one name for all versions (FACTS.md 10)."""
        return entries.displaced(job, ledger)

    def make_room(self, workspace: Path, images: dict[str, Any], events: Events) -> None:
        """A managed image has to go before the next is made. A blob is replaced by the finished copy."""
        managed = {name: image for name, image in images.items() if image["kind"] == "ManagedImage"}
        self.discard(workspace, managed, events)

    def exports(self, images: dict[str, Any]) -> dict[str, Any]:
        """Blobs are copied by the SDK: an address with a grant in it never reaches Terraform's state."""
        return {name: image for name, image in images.items() if image["kind"] == "VHD"}

    def export(self, job: Job, images: dict[str, Any], events: Events) -> None:
        """Copy the captured disk to each blob."""
        from generator.azure import vhd  # noqa: PLC0415

        for name, image in images.items():
            events.started(name, f"image {name}")
            vhd.export(self.session, image["source_id"], image["id"], image["tags"], events.note)

    def follow(self, job: Job, step: Step, on_line: Callable[[str], None], stop: threading.Event) -> None:
        """Terraform is silent while a run command runs."""
        if self._by_run_command(job, step):
            from generator.azure import runcommands  # noqa: PLC0415

            runcommands.follow(self.session, self._vm_of(job, step), step.key, on_line, stop)

    def log_of(self, job: Job, step: Step) -> list[str]:
        """Azure shows 4 KB of a run command; the log in the guest has more."""
        if not self._by_run_command(job, step):
            return []
        from generator.azure import runcommands  # noqa: PLC0415

        return runcommands.tail_log(self.session, self._vm_of(job, step), _azure(job.blueprint).system, step.key)

    def _by_run_command(self, job: Job, step: Step) -> bool:
        return _azure(job.blueprint).communicator == "run-command" and step.kind in ("shell", "powershell")

    def advice(self, reason: str) -> str | None:
        """By Azure's code for the error."""
        from generator.login import errors  # noqa: PLC0415

        return errors.advice(reason)

    def stop(self, directory: Path) -> None:
        """Machines go with the staging."""

    def release(self, blueprint: Blueprint, events: Events, known: Collection[str] | None) -> list[str]:
        """Staging goes in one stroke, whatever the state knows of it (FACTS.md 5)."""
        from generator.azure import staging  # noqa: PLC0415

        azure = _azure(blueprint)
        self._azure = self._azure or azure
        there = azure.subscription_id or self.session.subscription_id
        # Whoever holds a lease knows that no other build is under way.
        known = None if azure.backend else known
        return staging.end(replace(self.session, subscription_id=there), azure, events, known)

    def owns(self, blueprint: Blueprint, resource_id: str) -> bool:
        """All of staging is in one group; in one of the user's, the workspace's id is in its names."""
        return staged.is_of(_azure(blueprint), resource_id)

    def whole(self, workspace: Path, images: dict[str, Any], events: Events) -> bool:
        """Ask Azure for each; what is on its way is waited for, what failed is deleted."""
        from generator.azure import versions  # noqa: PLC0415

        return all(versions.whole(self.session, image, REPLICATION_SECONDS, events.note) for image in images.values())

    def find_released(self, workspace: Path, blueprint: Blueprint) -> dict[str, Release]:
        """By the tags of images."""
        from generator.azure import released  # noqa: PLC0415

        return released.find(self.session, blueprint, workspace)

    def occupied(self, workspace: Path, blueprint: Blueprint) -> dict[str, bool]:
        """The versions that the galleries have, in whatever state."""
        from generator.azure import destinations  # noqa: PLC0415

        return destinations.occupied(self.session, blueprint.destinations, _azure(blueprint).id)

    def discard(self, workspace: Path, images: dict[str, Any], events: Events) -> None:
        """Delete images of this workspace; nobody else's, whatever a file says."""
        from generator.azure import versions  # noqa: PLC0415

        for image in images.values():
            versions.retire(self.session, image, events.note)

    def login(self, blueprint: Blueprint, directory: Path) -> list[str] | None:
        """ssh to the machine's public address, or through the bastion."""
        from generator.azure import login  # noqa: PLC0415

        azure = self._azure = _azure(blueprint)
        machines = [staged.machine(azure, self._subscription, name) for name in MACHINES]
        return login.command(self.session, azure, machines, directory / "key")

    def describe(self, workspace: Path, release: Release) -> list[dict[str, Any]]:
        """The id or address of each image."""
        return [
            {"output": name, "kind": image["kind"], "name": ids.name(image["id"]), "path": image["id"]}
            for name, image in sorted(release["images"].items())
        ]

    def boot_hint(self, workspace: Path, release: Release) -> str | None:
        """Nothing boots here."""
        return None

    def _vm_of(self, job: Job, step: Step) -> str:
        return self._vm(job, "validation" if step in job.blueprint.validations else "machine")

    def _vm(self, job: Job, name: str = "machine") -> str:
        return staged.machine(_azure(job.blueprint), self._subscription, name)

    @property
    def _subscription(self) -> str:
        """The subscription of a build whose template names none, as far as it is known without a login."""
        known = self._connected.subscription_id if self._connected else os.environ.get("ARM_SUBSCRIPTION_ID")
        return known or NO_SUBSCRIPTION


def _azure(blueprint: Blueprint) -> Azure:
    assert blueprint.azure is not None  # noqa: S101 - decide.py makes it for this target
    return blueprint.azure


def _is_latest(blueprint: Blueprint) -> bool:
    return "latest" in (blueprint.source.version, ids.name(blueprint.source.id).lower())
