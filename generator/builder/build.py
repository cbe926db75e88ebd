"""A build under way: what was decided, and the hands that carry it out."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator.builder import journal, secrets
from generator.builder.events import Events
from generator.builder.relay import Relay
from generator.builder.target import Job, Request, Target, Values
from generator.builder.terraform import Terraform
from generator.system.records import private_write, to_json
from generator.workspace.ledger import Ledger


@dataclass
class Build:
    """What the phases hand on. `deadline` is on the monotonic clock; `captured` the id of the captured disk; `relay`
    holds the SSH connection to the VM, if the steps run over SSH."""

    request: Request
    job: Job
    terraform: Terraform
    keys: secrets.KeyPair
    values: Values
    ledger: Ledger
    journal: journal.Journal
    relay: Relay | None = None
    deadline: float = 0.0
    captured: str = ""
    began: float = field(default_factory=time.monotonic)

    @property
    def workspace(self) -> Path:
        """The folder of the workspace."""
        return self.job.workspace

    @property
    def target(self) -> Target:
        """Where it is built."""
        return self.request.target

    @property
    def events(self) -> Events:
        """Who is told."""
        return self.request.events

    def begin(self) -> None:
        """From here its time limit counts."""
        self.deadline = self.terraform.deadline = time.monotonic() + self.job.blueprint.timeout_minutes * 60
        self.terraform.shelter(self.events.note)

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Within, Terraform's SSH connections lead to a relay that holds one to each VM, if steps run over SSH."""
        if not (route := self.target.ssh_route(self.job)):
            yield
            return
        with Relay(self.keys.private, route, self.events.note, logged_in_before=bool(self.journal.step)) as self.relay:
            secrets.keep(self.job.directory, self.relay.variables())
            yield

    def enter(self, phase: str, detail: str = "") -> None:
        """Go on to a phase, on record first."""
        self.note(phase=phase)
        self.events.phase(phase, detail)

    def note(self, **changes: Any) -> None:
        """Put on record where the build is."""
        self.journal = journal.advance(self.workspace, self.journal, **changes)

    def var_files(self) -> list[Path]:
        """The inputs of this build, as Terraform gets them in every phase."""
        path = self.job.directory / journal.INPUTS
        private_write(path, to_json(self.values), sync=True)
        return [path, self.keys.var_file]

    def remaining(self) -> float:
        """Seconds until the build's timeout."""
        return max(0.0, self.deadline - time.monotonic())
