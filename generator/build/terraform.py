"""Terraform, driven through python-terraform's command building; how a command runs is ours.

python-terraform 0.10.1 cannot stream, passes `-force` to destroy, which Terraform dropped, and reads the state after
every command. Kept of it is `generate_cmd_string`.
"""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_terraform import IsFlagged
from python_terraform import Terraform as CommandBuilder

from generator import run
from generator.errors import ImagegenError

Event = dict[str, Any]
# A user's own choices of where Terraform finds providers; nothing else of TF_… may change what a build does.
PASSED_ON = ("TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR")


@dataclass(frozen=True)
class Diagnostic:
    """One error of Terraform: its summary and detail, and the address of the resource it is about."""

    summary: str
    detail: str
    address: str


class TerraformFailed(ImagegenError):
    """A terraform command ended with errors."""

    def __init__(self, command: str, diagnostics: list[Diagnostic], output: list[str]) -> None:
        if diagnostics:
            first = diagnostics[0]
            text = " ".join(part for part in (first.summary, " ".join(first.detail.split())) if part)
        else:
            text = next((line.strip() for line in reversed(output) if line.strip()), "it printed nothing")
        super().__init__(f"terraform {command} failed: {text}")
        self.diagnostics = diagnostics


@dataclass(frozen=True)
class Change:
    """One planned change: the resource's address and `create`, `delete`, `update`, `replace`, `import`…"""

    address: str
    action: str


class Terraform(CommandBuilder):  # type: ignore[misc] # the library has no types
    """Terraform in one workspace."""

    def __init__(self, folder: Path, binary: str = "terraform", deadline: float | None = None) -> None:
        super().__init__(working_dir=str(folder), terraform_bin_path=binary)
        self.folder = folder
        self.deadline = deadline

    def read_state_file(self, file_path: str | None = None) -> None:
        """The library reads the state after every command; nobody here asks for it."""

    def init(self) -> None:
        """Initialise the workspace where that is still needed: no provider or module of it changes meanwhile."""
        if not self._initialised():
            shutil.rmtree(self.folder / ".terraform", ignore_errors=True)
            self.execute("init", input=False, no_color=IsFlagged)

    def _initialised(self) -> bool:
        """Whether .terraform knows exactly the modules that the workspace calls, each in its own folder."""
        try:
            known = (self.folder / ".terraform/modules/modules.json").read_bytes()
        except OSError:
            return False
        return known == _modules_json(module_calls(self.folder))

    def plan(
        self, out: Path | None = None, *, var_files: Sequence[Path] = (), targets: Sequence[str] = (),
        refresh: bool = True,
    ) -> list[Change]:  # fmt: skip
        """Plan, and return what would change. `out` keeps the plan for `apply`."""
        changes: list[Change] = []

        def collect(event: Event) -> None:
            if event.get("type") == "planned_change":
                change = event["change"]
                changes.append(Change(change["resource"]["addr"], change["action"]))

        self.execute(
            "plan", on_event=collect, json=IsFlagged, input=False, refresh=None if refresh else False,
            target=list(targets), var_file=[_absolute(path) for path in var_files], out=_absolute(out) if out else None,
            lock_timeout="10s",
        )  # fmt: skip
        return changes

    def apply(
        self, plan: Path | None = None, *, var_files: Sequence[Path] = (), refresh: bool = True,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:  # fmt: skip
        """Apply a kept plan, or plan and apply at once."""
        self.execute(
            "apply", *([_absolute(plan)] if plan else []), on_event=on_event, json=IsFlagged, input=False,
            auto_approve=IsFlagged, refresh=None if refresh or plan else False,
            var_file=[_absolute(path) for path in var_files], lock_timeout="10s",
        )  # fmt: skip

    def state_list(self) -> list[str]:
        """The addresses in the state; empty when there is no state."""
        command = self.generate_cmd_string("state list")
        done = run.run(command, cwd=self.folder, extra_env=_environment(), check=False)
        if done.code != 0 and "No state file was found" not in done.stderr:
            raise TerraformFailed("state list", [], done.stderr.splitlines())
        return done.stdout.splitlines()

    def forget(self, addresses: Sequence[str]) -> None:
        """Take resources out of the state; what they stand for is left alone."""
        command = self.generate_cmd_string("state rm", *addresses, backup="terraform.tfstate.backup")
        run.run(command, cwd=self.folder, extra_env=_environment())

    def execute(
        self, command: str, *args: str, on_event: Callable[[Event], None] | None = None, **options: Any
    ) -> None:
        """Run a command to its end, each line of its `-json` output an event. Raises TerraformFailed."""
        diagnostics: list[Diagnostic] = []
        output: list[str] = []

        def read(line: str) -> None:
            event = _event(line)
            if event is None:
                output.append(line)
                return
            if event.get("type") == "diagnostic" and event["diagnostic"]["severity"] == "error":
                found = event["diagnostic"]
                diagnostics.append(
                    Diagnostic(found.get("summary", ""), found.get("detail", ""), found.get("address", ""))
                )
            if on_event:
                on_event(event)

        argv = self.generate_cmd_string(command, *args, **options)
        code = run.stream(argv, read, cwd=self.folder, extra_env=_environment(), deadline=self.deadline)
        if code != 0:
            raise TerraformFailed(command, diagnostics, output)


def _modules_json(calls: list[tuple[str, str]]) -> bytes:
    """The module manifest of Terraform for these calls, byte for byte as it writes it: any other is done anew."""
    modules = [("", "", "."), *sorted((name, f"./{folder}", folder) for name, folder in calls)]
    entries = [{"Key": key, "Source": source, "Dir": folder} for key, source, folder in modules]
    return json.dumps({"Modules": entries}, separators=(",", ":")).encode()


def _absolute(path: Path) -> str:
    """A path for Terraform, which runs in the workspace and not where we do."""
    return str(path.absolute())


def _environment() -> dict[str, str]:
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"} | passed


def _event(line: str) -> Event | None:
    """A line of `-json` output; None for plain text, which Terraform prints before it has read its flags."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def module_calls(folder: Path) -> list[tuple[str, str]]:
    """The module calls of a workspace, read back from its HCL: (name, folder)."""
    import hcl2  # noqa: PLC0415 - slow to import

    with (folder / "main.tf").open(encoding="utf-8") as stream:
        parsed = hcl2.load(stream)
    return [
        (name.strip('"'), os.path.normpath(call["source"].strip('"')))
        for block in parsed.get("module", [])
        for name, call in block.items()
    ]
