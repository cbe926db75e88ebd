"""A place to build in: a workspace, all that lies outside it, and what can be asked of both afterwards."""

import json
import os
import re
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from tests import invariants
from tests.chaos import processes

ROOT = Path(__file__).parents[2]
IMAGEGEN = (sys.executable, "-m", "generator")
# What children of a killed command may still need to end by themselves.
ENDING_SECONDS = 15.0
TIMEOUT_MINUTES = 6  # of a build: less than what any command may take (trial.py)
PHASE = re.compile(r"^\d\d:\d\d (\w+)", re.MULTILINE)
Part = dict[str, Any]


@dataclass(frozen=True)
class Ended:
    """A command that has ended: exit code (None: it was stuck, and was killed), seconds, and all that it printed."""

    code: int | None
    seconds: float
    said: str


@dataclass
class Command:
    """A command that runs."""

    child: "subprocess.Popen[bytes]"
    log: Path
    began: float = field(default_factory=time.monotonic)

    def wait(self, seconds: float) -> Ended:
        """Its end; what is not over after that time is killed."""
        code: int | None
        try:
            code = self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            code = None
        return Ended(code, time.monotonic() - self.began, self.log.read_text("utf-8", "replace"))

    def runs(self, seconds: float = 0.0) -> bool:
        """Whether it still runs after that time."""
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False


class Place(ABC):
    """One workspace of a target in folders of its own: all processes, files and resources of it can be told."""

    target: ClassVar[str]
    flavours: ClassVar[Sequence[str]]

    def __init__(self, folder: Path, flavour: str) -> None:
        self.folder, self.flavour = folder, flavour
        self.disk, self.state_dir, self.temp = folder / "d", folder / "s", folder / "t"
        self.workspace = self.disk / "w"
        self.template_file = folder / "small.json"
        self.duration = 0.0  # of a build, in seconds
        self.own: set[str] = set()  # `disks`: `disk`, `state_dir` and `temp` are some; `cache`: no other place uses it
        for made in (self.disk, self.state_dir, self.temp, folder / "h"):
            made.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(folder / "h"), "TMPDIR": str(self.temp), "NO_COLOR": "1",
            "IMAGEGEN_STATE_DIR": str(self.state_dir),
        }  # fmt: skip
        self._commands = 0

    @abstractmethod
    def properties(self) -> Part:
        """The template's properties, without its steps."""

    @abstractmethod
    def released(self) -> dict[str, Any]:
        """What is released, by `version/output`: what proves it the same. Raises AssertionError unless whole."""

    @abstractmethod
    def nothing_leaks(self, *, built: bool) -> None:
        """Nothing is there but what is released. `built`: a build was the last command. Raises AssertionError."""

    @abstractmethod
    def end(self) -> None:
        """Take everything away."""

    def learn(self) -> None:  # noqa: B027 - not every place has something to learn
        """Note what there is to learn from a build that nothing disturbed."""

    def forget_machines(self) -> None:  # noqa: B027
        """Let the next build boot a machine, and save it, where it would go on from a saved one of the place's own."""

    def write_template(self, *inline: str, **more: Any) -> None:
        """The template of this place with one step of these lines."""
        step = {"type": "Shell", "name": "one", "inline": list(inline) or ["true"]}
        properties = self.properties() | {"customize": [step], "buildTimeoutInMinutes": TIMEOUT_MINUTES} | more
        body = {
            "type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2024-02-01", "name": "small",
            "location": "westeurope", "properties": properties,
        }  # fmt: skip
        self.template_file.write_text(json.dumps(body))

    def apply(self) -> tuple[str, ...]:
        """The arguments of a build of the template."""
        return ("apply", str(self.template_file), "--target", self.target, "--out", str(self.workspace), "--yes")

    def start(
        self, *arguments: str, command: Sequence[str] = IMAGEGEN, environment: Mapping[str, str] | None = None
    ) -> Command:
        """Start imagegen in a session of its own."""
        self._commands += 1
        log = self.folder / f"{self._commands:02d}-{arguments[0]}.log"
        with log.open("wb") as stream:
            child = subprocess.Popen(
                [*command, *arguments], cwd=ROOT, env=self.environment | dict(environment or {}), stdout=stream,
                stderr=stream, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        return Command(child, log)

    def run(self, *arguments: str, bound: float) -> Ended:
        """Run imagegen to its end."""
        return self.start(*arguments).wait(bound)

    def phase(self, command: Command) -> str:
        """Where a build is, as it tells: `before` until it tells anything, `steps` once the first has begun."""
        said = command.log.read_text("utf-8", "replace")
        phase = next(iter(reversed(PHASE.findall(said))), "before")
        return "steps" if phase == "build" and "prepare" in said else phase

    def ledger(self) -> dict[str, Any]:
        """The releases, by version."""
        return invariants.read_ledger(self.workspace)

    def in_service(self) -> dict[str, Part]:
        """The images that the ledger has in service, by `version/output`."""
        return {
            f"{version}/{output}": image
            for version, release in self.ledger().items()
            for output, image in release["images"].items()
            if release["status"] == "released" and image.get("status") != "superseded"
        }

    def no_files_are_left(self) -> None:
        """Nothing of a build is in the workspace, in the state's folder, or in temporary space."""
        ours = self.workspace / ".imagegen"
        left = [
            *self.state_dir.glob("builds/*"),
            *self.temp.iterdir(),
            *([ours, *ours.iterdir()] if ours.exists() else []),
        ]
        assert not left, left
        invariants.nothing_half_written(self.workspace, self.state_dir)

    def no_process_is_left(self) -> None:
        """Nothing of this place runs; what is just ending may do so."""
        deadline = time.monotonic() + ENDING_SECONDS
        while (left := [one.command for one in processes.of_folder(self.folder)]) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not left, left

    def plan_is_empty(self) -> None:
        """Plain Terraform finds nothing to do."""
        planned = subprocess.run(
            ["terraform", "plan", "-no-color", "-input=false", "-detailed-exitcode"], cwd=self.workspace,
            env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert planned.returncode == 0, planned.stdout + planned.stderr

    def evidence(self) -> str:
        """What is there, for those who look into a finding."""
        running = [one.command[:200] for one in processes.of_folder(self.folder)]
        watched = (self.state_dir, self.temp, self.workspace / ".imagegen", self.workspace / "images")
        files = [str(path.relative_to(self.folder)) for each in watched for path in each.rglob("*")]
        return "\n".join([*running, *files[:60]])


def told(ask: Callable[[], object]) -> str:
    """What does not hold, in a line and what it was about; "" when all is well."""
    try:
        ask()
    except AssertionError as error:
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        assert trace
        where = trace.tb_frame.f_code.co_name
        return f"{where}: {str(error)[:2000] or 'does not hold'}"
    return ""
