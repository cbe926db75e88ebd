"""What the phases ask of a target. generator/local is one; generator/azure will be the other."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from generator.build.events import Events
from generator.build.releases import Release
from generator.settings import Settings
from generator.workspace.blueprint import Blueprint

Values = dict[str, Any]
OnError = Literal["cleanup", "abort", "ask"]


@dataclass(frozen=True)
class Job:
    """One build, decided: the workspace, what is built, as which version, and the build's own folder."""

    workspace: Path
    blueprint: Blueprint
    version: str
    directory: Path
    template_digest: str


class Target(Protocol):
    """Where images are built. Values are Terraform variables of the workspace's root."""

    def require(self, blueprint: Blueprint) -> None:
        """Raise MissingTools, naming all, when this computer cannot run a build."""

    def resolve(self, blueprint: Blueprint, events: Events) -> str:
        """Make the source ready and return what it is exactly. Raises ImagegenError when there is no such source."""

    def build_values(self, job: Job, public_key: str) -> Values:
        """The build's inputs, decided once and passed to every phase."""

    def planned_values(self, job: Job) -> Values:
        """The same for a mere plan: nothing is made, and what only a build can know is a placeholder."""

    def capture(self, job: Job, timeout: float) -> str:
        """Wait at most `timeout` seconds for the deprovisioned machine to be off; return the id of its disk."""

    def validation_values(self, job: Job, source_id: str, public_key: str) -> Values:
        """Inputs for the second machine, which starts from the captured disk."""

    def coming(self, job: Job, source_id: str, source: str) -> Release:
        """The ledger entry of this build, before its images exist."""

    def stop(self, directory: Path) -> None:
        """End every machine of a build's folder. Never fails for one that is gone."""

    def whole(self, workspace: Path, release: Release) -> bool:
        """Whether every image of a release exists and is complete."""

    def occupied(self, workspace: Path, blueprint: Blueprint) -> set[str]:
        """Versions that exist where images would go, whether or not the ledger knows them."""

    def discard(self, workspace: Path, release: Release) -> None:
        """Remove the images of a release."""

    def login(self, directory: Path) -> list[str] | None:
        """The command that logs in to a machine that still stands, if one does."""

    def describe(self, workspace: Path, release: Release) -> list[dict[str, Any]]:
        """The images of a release for people: name, path, size in bytes, digest."""

    def boot_hint(self, workspace: Path, release: Release) -> str | None:
        """How to try the first image of a release, where that can be done here."""


@dataclass(frozen=True)
class Request:
    """What a user asked for: this workspace, as generated, on this target.

    version: the wanted one, None for the next; on_error: over the template's own choice; ask: puts a yes-or-no
    question to the user.
    """

    workspace: Path
    blueprint: Blueprint
    template_digest: str
    target: Target
    settings: Settings
    events: Events
    version: str | None = None
    on_error: OnError | None = None
    ask: Callable[[str], bool] = lambda _question: False
