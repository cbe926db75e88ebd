"""The Azure target: Terraform makes and destroys, the SDK does what Terraform cannot."""

import secrets
import shutil
import threading
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from generator.azure import address, ids, inputs, staged
from generator.azure.auth.environment import environment
from generator.azure.images import AzureImages, blueprint_of
from generator.builder import arm_errors, marked, ssh
from generator.builder.events import Events
from generator.builder.marked import Secrets
from generator.builder.ssh import Login, Route
from generator.builder.target import PLANNED, Ask, Job, Resolved, Values
from generator.errors import ImagegenError
from generator.settings import Settings
from generator.workspace.blueprint import BUILD_USER, Blueprint, Step

if TYPE_CHECKING:
    from generator.builder.relay import Relay

# azurerm sees already in a plan whether a key is one; of this one nobody has the private half.
PLANNED_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f planned"
MACHINES = ("validation", "machine")


class AzureTarget(AzureImages):
    """See build/target.py for what each method does. The wings are imported where they are used: they are heavy."""

    refreshes = True
    planned_key = PLANNED_KEY

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._lost = threading.Event()

    def require(self, blueprint: Blueprint, *, building: bool) -> None:
        """Terraform, and a state that outlives a pipeline's runner."""
        self._azure = blueprint_of(blueprint)
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
        azure = self._azure = blueprint_of(blueprint)
        if not azure.backend:
            return nullcontext()
        from generator.azure import lease  # noqa: PLC0415

        return lease.hold_or_stop(self.session, dict(azure.backend), self._lost)

    def require_lease(self) -> None:
        """Raise ImagegenError once the lease is lost."""
        if self._lost.is_set():
            from generator.azure import lease  # noqa: PLC0415

            raise lease.lost_error()

    def resolve(self, blueprint: Blueprint, events: Events, ask: Ask) -> Resolved:
        """Source, destinations and terms; all that is wrong is told before anything is made."""
        from generator.azure import destinations, lease, sources  # noqa: PLC0415
        from generator.template.rules.placement import ARM_HINT, ARM_RUN_COMMANDS  # noqa: PLC0415

        azure = self._azure = blueprint_of(blueprint)
        if not azure.backend:
            lease.refuse_local_state_in_ci(self.settings)
        found = sources.resolve(self.session, blueprint.source, azure.location)
        route = destinations.check(self.session, blueprint, found, azure.location)
        if found.plan:
            sources.refuse_unnamed(blueprint.source, found.plan)
            sources.accept_terms(self.session, found.plan, ask)
        if found.architecture == "Arm64" and (azure.system, azure.communicator) == ("linux", "run-command"):
            events.note(f"{ARM_RUN_COMMANDS}: {ARM_HINT}")
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

        runcommands.end_others(self.session, self.vm(job), {module.removeprefix("step_") for module in known})
        return values

    def secret_values(self, job: Job) -> Values:
        """The administrator's password: Azure wants one, and the first step makes it worthless (FACTS.md 19)."""
        if blueprint_of(job.blueprint).system == "linux":
            return {}
        return {"admin_password": f"{secrets.token_urlsafe(24)}aA1!"}

    def ssh_route(self, job: Job) -> Route | None:
        """Through the bastion, where there is one; the host keys are read from the VM's serial console."""
        from generator.azure.hostkeys import HostKeys  # noqa: PLC0415

        azure = blueprint_of(job.blueprint)
        if azure.communicator != "ssh":
            return None
        machines = [self.vm(job, name) for name in MACHINES]
        bastion = Login(azure.bastion.user, azure.bastion.host, azure.bastion.port) if azure.bastion else None
        return Route(HostKeys(self.session, machines, job.directory / ssh.KNOWN_HOSTS), bastion)

    def give(self, job: Job, secrets: Secrets, relay: "Relay | None") -> None:
        """Over SSH, or by a run command of our own, which Terraform knows nothing of."""
        azure = blueprint_of(job.blueprint)
        if relay:
            from generator.azure import machines  # noqa: PLC0415

            host = machines.host(self.session, self.vm(job), public=not azure.subnet_id)
            if host is None:
                raise ImagegenError("the VM has no address to send its secrets to", "run the build again")
            marked.over_ssh(relay, Login(BUILD_USER, host), secrets)
        else:
            from generator.azure import secrets as wing  # noqa: PLC0415

            wing.give(self.session, self.vm(job), azure.system, secrets)

    def require_able(self, job: Job) -> None:
        """Azure tells of a machine that cannot go on by itself."""

    def alive(self, job: Job) -> bool:
        """Whether one of the build's machines runs."""
        from generator.azure import machines  # noqa: PLC0415

        return any(machines.runs(self.session, self.vm(job, name)) for name in ("machine", "validation"))

    def capture(self, job: Job, timeout: float) -> str:
        """The machine deprovisions itself and switches off; then it is freed and marked as generalized."""
        from generator.azure import capture  # noqa: PLC0415

        vm_id = self.vm(job)
        limit = min(timeout, capture.OFF_SECONDS[blueprint_of(job.blueprint).system])
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
            facts["source_id"] = source(blueprint_of(job.blueprint), self.subscription)
        return {"validation_machine": inputs.machine(job, facts, public_key)}

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

        return runcommands.tail_log(self.session, self._vm_of(job, step), blueprint_of(job.blueprint).system, step.key)

    def _by_run_command(self, job: Job, step: Step) -> bool:
        return blueprint_of(job.blueprint).communicator == "run-command" and step.kind in ("shell", "powershell")

    def advice(self, reason: str) -> str | None:
        """By Azure's code for the error."""
        return arm_errors.advice(reason)

    def stop(self, directory: Path) -> None:
        """Machines go with the staging."""

    def release(self, blueprint: Blueprint, events: Events, known: Collection[str] | None) -> list[str]:
        """Staging goes in one stroke, whatever the state knows of it (FACTS.md 5)."""
        from generator.azure import staging  # noqa: PLC0415

        azure = blueprint_of(blueprint)
        self._azure = self._azure or azure
        there = azure.subscription_id or self.session.subscription_id
        # Whoever holds a lease knows that no other build is under way.
        known = None if azure.backend else known
        return staging.end(replace(self.session, subscription_id=there), azure, events, known)

    def owns(self, blueprint: Blueprint, resource_id: str) -> bool:
        """All of staging is in one group; in one of the user's, the workspace's id is in its names."""
        return staged.is_of(blueprint_of(blueprint), resource_id)

    def login(self, blueprint: Blueprint, directory: Path) -> list[str] | None:
        """ssh to the machine's public address, or through the bastion."""
        from generator.azure import vm_login as login  # noqa: PLC0415

        azure = self._azure = blueprint_of(blueprint)
        machines = [staged.machine(azure, self.subscription, name) for name in MACHINES]
        return login.command(self.session, azure, machines, directory / "key")

    def _vm_of(self, job: Job, step: Step) -> str:
        return self.vm(job, "validation" if step in job.blueprint.validations else "machine")


def _is_latest(blueprint: Blueprint) -> bool:
    return "latest" in (blueprint.source.version, ids.name(blueprint.source.id).lower())
