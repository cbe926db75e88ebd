"""What the phases ask of a target: generator/local is one, generator/azure the other."""

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from generator.builder import marked
from generator.builder.events import Events
from generator.builder.folders import Held
from generator.builder.marked import Secrets
from generator.builder.ssh import Route
from generator.errors import Problem, to_paste
from generator.settings import Settings
from generator.system.records import require
from generator.workspace.blueprint import Blueprint, Step
from generator.workspace.ledger import PENDING, SCHEMA, Ledger, Release

if TYPE_CHECKING:
    from generator.builder.relay import Relay

Values = dict[str, Any]
OnError = Literal["cleanup", "abort", "ask"]
Ask = Callable[[str], bool]
# Stands in a mere plan for what only a build can know.
PLANNED = "planned"
# The reason not to resume on the VM of a broken build: one without the traces of the failed step is in the cache.
SAVED = "a saved VM is in the cache"


@dataclass(frozen=True)
class Resolved:
    """The source of a build, made ready: `exact`, what it is, for the ledger; `version`, its number, if it has one;
    `facts`, what else the target found out and later phases need, as JSON."""

    exact: str
    version: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, said: dict[str, Any]) -> "Resolved":
        """What a journal says, which somebody may have spoiled. Raises ValueError."""
        require(said, {"exact": str, "version": str, "facts": dict})
        if wrong := [name for name, fact in said["facts"].items() if not isinstance(fact, str | list | dict | None)]:
            raise ValueError(f"of another kind: {', '.join(wrong)}")
        return cls(said["exact"], said["version"], said["facts"])


@dataclass(frozen=True)
class Job:
    """One build, decided: the workspace, what is built, as which version, from what, and the build's own folder."""

    workspace: Path
    blueprint: Blueprint
    version: str
    directory: Path
    content_digest: str
    source: Resolved

    def pending(self, made: Release, *, resumed: bool = False) -> Release:
        """The ledger entry of this build before its images exist. `made`: what the target says of it."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return made | {
            "content": self.content_digest, "resumed": resumed, "schema": SCHEMA, "status": PENDING, "time": now,
            "version": self.version,
        }  # fmt: skip


class Target(Protocol):
    """Where images are built. Values are Terraform variables of the workspace's root."""

    refreshes: bool
    """Whether Terraform has to look at what there is after `release`, which works behind its back."""

    planned_key: str
    """A public key for a mere plan."""

    def require(self, blueprint: Blueprint, *, building: bool) -> None:
        """Raise an ImagegenError, naming all that is missing, when a build cannot be run from here.

        Where nothing is `building`: when what a build left cannot be ended.
        """

    def require_login(self) -> None:
        """Raise an ImagegenError when the cloud would refuse the caller, or does not know who that is."""

    def environment(self) -> dict[str, str]:
        """What of the caller's environment Terraform needs for this target, beyond its own settings."""

    def lease(self, blueprint: Blueprint) -> AbstractContextManager[None]:
        """Hold what builds of this workspace on other computers share. Raises ImagegenError, naming the holder."""

    def require_lease(self) -> None:
        """Raise ImagegenError once the lease is lost: what there is may be another build's by now."""

    def resolve(self, blueprint: Blueprint, events: Events, ask: Ask) -> Resolved:
        """Make the source ready, see that the destinations take it. Raises ImagegenError when that cannot be."""

    def build_values(self, job: Job, public_key: str) -> Values:
        """The build's inputs, decided once and passed to every phase."""

    def renewed(self, values: Values) -> Values | None:
        """The build's inputs anew where what it was to go on from is gone; None where it is not."""

    def going_on(self, job: Job, values: Values, known: set[str]) -> Values:
        """The inputs of a build that broke, for going on with it on its machine, where whatever began and is not of
        the modules that the state knows is ended.

        Raises ImagegenError with the reason when that cannot be.
        """

    def secret_values(self, job: Job) -> Values:
        """Inputs that go by the build's secret file only."""

    def planned_values(self, job: Job) -> Values:
        """The inputs for a mere plan: nothing is made, and what only a build can know is a placeholder."""

    def ssh_route(self, job: Job) -> Route | None:
        """How the VMs of a build are reached by SSH; None where the steps do not run over SSH."""

    def give(self, job: Job, secrets: Secrets, relay: "Relay | None") -> None:
        """Send the secrets that the user named to the VM, over the relay if the steps run over SSH."""

    def require_able(self, job: Job) -> None:
        """Raise ImagegenError where the machine cannot go on, though it stands, and Terraform waits for it in vain."""

    def alive(self, job: Job) -> bool:
        """Whether a machine of a build still runs, so that the build can go on, or be looked at."""

    def capture(self, job: Job, timeout: float) -> str:
        """Wait at most `timeout` seconds for the deprovisioned machine to be off; return the id of its disk."""

    def captured_values(self, job: Job, captured: str) -> Values:
        """Inputs that make what validation and images need besides the captured disk; empty when that is nothing."""

    def validation_values(self, job: Job, captured: str, public_key: str) -> Values:
        """Inputs for the second machine, which starts from the captured disk; from the source when that is empty."""

    def coming(self, job: Job, captured: str) -> Release:
        """What this build makes, as the ledger has it: `source` and `images`."""

    def displaced(self, job: Job, ledger: Ledger) -> list[tuple[str, str]]:
        """The released images, as (version, output), that this build's will take the place of."""

    def make_room(self, workspace: Path, images: dict[str, Any], events: Events) -> None:
        """Remove displaced images, as far as they do not give way by themselves."""

    def exports(self, images: dict[str, Any]) -> dict[str, Any]:
        """Those images that Terraform does not make, but `export`."""

    def export(self, job: Job, images: dict[str, Any], events: Events) -> None:
        """Make those images."""

    def follow(self, job: Job, step: Step, on_line: Callable[[str], None], stop: threading.Event) -> None:
        """Tell what a running step prints, where Terraform does not. Returns when `stop` is set."""

    def log_of(self, job: Job, step: Step) -> list[str]:
        """The last lines of a failed step, where Terraform does not tell them."""

    def advice(self, reason: str) -> str | None:
        """What to do about a reason that Terraform gives for a failure, where the target knows."""

    def stop(self, directory: Path) -> None:
        """End every machine of a build's folder. Never fails for one that is gone."""

    def release(self, blueprint: Blueprint, events: Events, known: Collection[str] | None) -> list[str]:
        """End all of the workspace's staging, in the state or not; return what was ended.

        known: the builds that are ours to end, by the names of their folders; None: all. Raises ImagegenError for
        another that may be under way.
        """

    def owns(self, blueprint: Blueprint, resource_id: str) -> bool:
        """Whether what a state has can be of this workspace's staging, by its id, or by its folder on this computer."""

    def whole(self, workspace: Path, images: dict[str, Any], events: Events) -> bool:
        """Whether each of these images of a release exists and is complete, waiting for one that is on its way."""

    def as_made(self, images: dict[str, Any]) -> dict[str, Any]:
        """The entries of images that are whole, as the ledger is to have them: in the order in which they are read."""

    def find_released(self, workspace: Path, blueprint: Blueprint) -> dict[str, Release]:
        """The releases of this workspace by version, as the images themselves tell of them."""

    def occupied(self, workspace: Path, blueprint: Blueprint) -> dict[str, bool]:
        """Versions that exist where images would go, in the ledger or not; True: it says it is this workspace's."""

    def discard(self, workspace: Path, images: dict[str, Any], events: Events) -> None:
        """Remove these images of a release, whole or half made."""

    def login(self, blueprint: Blueprint, directory: Path) -> list[str] | None:
        """The command that logs in to a machine that still stands, if one does."""

    def describe(self, workspace: Path, release: Release) -> list[dict[str, Any]]:
        """The images of a release for people: output, name, path, and what is known of size and digest."""

    def boot_hint(self, workspace: Path, release: Release) -> str | None:
        """How to try the first image of a release, where that can be done here."""


@dataclass(frozen=True)
class Request:
    """What a user asked for: this workspace, as generated, on this target.

    version: the wanted one, None for the next; on_error: over the template's own choice; fresh: never go on with a
    build that broke; secrets: marked values for the steps; ask: puts a yes-or-no question to the user; elsewhere: the
    blueprint with the staging of builds that began with another than the template has now; others: end builds too that
    were begun in other folders or on other computers; trust: run a workspace that is not as generated; flags: those of
    this run that the workspace does not record, as words for the next `apply`; warnings: of its template;
    held: the folders of builds that this command works on; folders: those that are to be removed.
    """

    workspace: Path
    blueprint: Blueprint
    content_digest: str
    target: Target
    settings: Settings
    events: Events
    version: str | None = None
    on_error: OnError | None = None
    fresh: bool = False
    secrets: Secrets = field(default_factory=dict)
    ask: Ask = lambda _question: False
    elsewhere: tuple[Blueprint, ...] = ()
    others: bool = False
    trust: bool = False
    flags: tuple[str, ...] = ()
    warnings: Sequence[Problem] = ()
    held: Held = field(default_factory=Held)
    folders: tuple[Path, ...] = ()

    def again(self, command: str, *words: str) -> str:
        """The command line of the next `apply`, `cleanup` or `releases retire` in this workspace, to be pasted into a
        shell: with the flags of this run without which it would be refused."""
        flags = ["--trust"] if self.trust else []
        if command == "apply":
            flags += [*self.flags, *marked.flags(self.secrets)]
        return to_paste("imagegen", *command.split(), self.workspace, *words, *flags)

    @property
    def blueprints(self) -> tuple[Blueprint, ...]:
        """All whose staging is this workspace's."""
        return (self.blueprint, *self.elsewhere)
