"""Terraform, driven through python-terraform's command building; how a command runs is ours.

python-terraform 0.10.1 cannot stream, passes `-force` to destroy, which Terraform dropped, and reads the state after
every command. Kept of it is `generate_cmd_string`.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_terraform import IsFlagged
from python_terraform import Terraform as CommandBuilder

from generator.builder import state_lock
from generator.builder.failures import (
    Diagnostic,
    TerraformCrashed,
    TerraformFailed,
    hint_for,
    last_words,
    reason,
    state_failed,
)
from generator.builder.installed import Installed
from generator.settings import Settings
from generator.system import private, run
from generator.system.records import private_write, remove_unfinished

Event = dict[str, Any]
# A socket's address has at most 107 bytes (unix(7)); a provider's is `pluginNNNNNNNNNN` in the temporary folder.
TEMPORARY_LENGTH = 107 - len("/plugin4294967295")
# A user's own choices of where Terraform finds providers; nothing else of TF_… may change what a build does.
PASSED_ON = ("TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR")
# Reading the schemas of providers makes garbage, which a plan, soon at its end, need not collect (pkg.go.dev/runtime).
RARE_COLLECTIONS = {"GOGC": "400"}


@dataclass(frozen=True)
class Change:
    """One planned change: the resource's address and `create`, `delete`, `update`, `replace`, `import`…"""

    address: str
    action: str


class Terraform(CommandBuilder):  # type: ignore[misc] # the library has no types
    """Terraform in one workspace."""

    def __init__(self, folder: Path, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        """`environment`: what the target's providers need of the caller's."""
        super().__init__(working_dir=str(folder), terraform_bin_path=settings.terraform)
        name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:32]
        self._installed = Installed(folder, settings.state_dir / "initialised" / name)
        self._temporary = settings.state_dir / "tmp" / name[:8]
        self.folder = folder
        self.deadline: float | None = None
        self._sheltered = False
        self.environment = _own_environment() | dict(environment or {})

    def read_state_file(self, file_path: str | None = None) -> None:
        """The library reads the state after every command; nobody here asks for it."""

    def shelter(self, note: Callable[[str], None]) -> None:
        """From now on have temporary files where `sweep` finds them: a Terraform or a provider that is killed leaves
        its own. Only for those who hold the lease. A provider's socket is among them, and its address is short.

        A lock of the state that a killed Terraform left is broken; the user is told by `note`.
        """
        self._sheltered = True
        if len(os.fsencode(self._temporary)) <= TEMPORARY_LENGTH:
            with suppress(OSError):  # a full disk: what is to be ended ends all the same
                private.folder(self._temporary)
                self.environment["TMPDIR"] = str(self._temporary)

        def unlock(lock: str) -> str:
            return self._ask("force-unlock", lock, force=IsFlagged).stderr

        if lock := state_lock.break_left(self._temporary, self.folder, unlock):
            note(f"the state was still locked by a Terraform of this workspace that was killed: broke its lock {lock}")

    def sweep(self) -> None:
        """Remove the temporary files of all that was run in this workspace under the lease."""
        shutil.rmtree(self._temporary, ignore_errors=True)
        remove_unfinished([self._installed.mark])
        self.environment.pop("TMPDIR", None)
        self._sheltered = False

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for the files of one command, where a later `sweep` finds it when this one is killed."""
        private.folder(self._temporary)
        with tempfile.TemporaryDirectory(prefix="once-", dir=self._temporary) as folder:
            yield Path(folder)
        with suppress(OSError):  # somebody else has theirs there
            self._temporary.rmdir()

    def init(self) -> None:
        """Initialise the workspace where that is still needed: no provider or module of it changes meanwhile."""
        if not self._installed.is_ours():
            self._installed.remove()
            self.execute("init", input=False, json=IsFlagged)
            self._installed.remember()

    def plan(
        self, out: Path | None = None, *, var_files: Sequence[Path] = (), targets: Sequence[str] = (),
        refresh: bool = True, lock: bool = True,
    ) -> list[Change]:  # fmt: skip
        """Plan, and return what would change. `out` keeps the plan for `apply`; without `lock` a plan that is only
        shown neither waits for a build nor leaves a lock behind when it is killed, and it is fast."""
        changes: list[Change] = []
        if not lock and "GOGC" not in os.environ:
            self.environment |= RARE_COLLECTIONS
        if out:
            private_write(out, b"")  # Terraform keeps the mode; the plan has the values of all variables

        def collect(event: Event) -> None:
            if event.get("type") == "planned_change":
                change = event["change"]
                changes.append(Change(change["resource"]["addr"], change["action"]))

        self.execute(
            "plan", on_event=collect, json=IsFlagged, input=False, refresh=None if refresh else False,
            target=list(targets), var_file=[_absolute(path) for path in var_files], out=_absolute(out) if out else None,
            lock=None if lock else False, lock_timeout="10s" if lock else None,
        )  # fmt: skip
        return changes

    def apply(
        self, plan: Path | None = None, *, var_files: Sequence[Path] = (), refresh: bool = True,
        on_event: Callable[[Event], None] | None = None, targets: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Apply a kept plan, or plan and apply at once, all or the targets with what they need."""
        self.execute(
            "apply", *([_absolute(plan)] if plan else []), on_event=on_event, json=IsFlagged, input=False,
            auto_approve=IsFlagged, refresh=None if refresh or plan else False, target=list(targets),
            var_file=[_absolute(path) for path in var_files], lock_timeout="10s",
        )  # fmt: skip

    def versions(self) -> dict[str, str]:
        """The version of Terraform, as `terraform`, and of each installed provider, by its address in the registry."""
        answer = json.loads(self._ask("version", json=IsFlagged).stdout or "{}")
        providers: dict[str, str] = answer.get("provider_selections", {})
        return {"terraform": answer.get("terraform_version", "")} | providers

    def state_list(self) -> list[str]:
        """The addresses in the state; empty when there is no state."""
        done = self._ask("state list", environment={"TF_CLI_ARGS": "-no-color"})
        if done.code != 0 and "No state file was found" not in done.stderr:
            raise state_failed("state list", done.stderr)
        return done.stdout.splitlines()

    def resources(self) -> dict[str, bool]:
        """The addresses in the state, without an index of their own, and whether the creation came to its end."""
        return {
            address: all(instance.get("status") != "tainted" for instance in instances)
            for address, instances in self._managed().items()
        }

    def ids(self) -> dict[str, set[str]]:
        """The addresses in the state, without an index of their own, and the ids of what they stand for."""
        return {
            address: {str(instance["attributes"].get("id")) for instance in instances}
            for address, instances in self._managed().items()
        }

    def _managed(self) -> dict[str, list[dict[str, Any]]]:
        """What the state has instances of, by address."""
        return {
            ".".join(part for part in (one.get("module"), one["type"], one["name"]) if part): one["instances"]
            for one in self._pulled().get("resources", [])
            if one["instances"] and one["mode"] == "managed"
        }

    def outputs(self) -> dict[str, Any]:
        """The values of the root's outputs in the state, by name."""
        return {name: output["value"] for name, output in self._pulled().get("outputs", {}).items()}

    def attributes(self, kinds: Collection[str]) -> list[dict[str, Any]]:
        """The attributes of the resources of these types that the state has."""
        return [
            instance["attributes"]
            for one in self._pulled().get("resources", [])
            for instance in one["instances"]
            if one["type"] in kinds
        ]

    def _pulled(self) -> dict[str, Any]:
        """The state; empty when there is none."""
        done = self._ask("state pull")
        if done.code != 0:
            raise state_failed("state pull", done.stderr)
        state: dict[str, Any] = json.loads(done.stdout) if done.stdout.strip() else {}
        return state

    def forget(self, addresses: Sequence[str]) -> None:
        """Take resources out of the state; what they stand for is left alone."""
        if not addresses:
            return
        with self._recorded("state rm"):
            done = self._ask("state rm", *addresses, backup="terraform.tfstate.backup")
        if done.code != 0:
            raise state_failed("state rm", done.stderr)

    def _recorded(self, command: str) -> AbstractContextManager[Callable[[Event], None]]:
        """Within, a command runs that may lock the state; it is given its events."""
        if not self._sheltered:
            return nullcontext(lambda _event: None)
        return state_lock.recorded(command, self._temporary, self.folder)

    def _ask(
        self, command: str, *args: str, environment: Mapping[str, str] | None = None, **options: Any
    ) -> run.Completed:
        """Run a short command that has no events. Raises TerraformCrashed; its failures are the caller's to tell."""
        argv = self.generate_cmd_string(command, *args, **options)
        done = run.run(argv, cwd=self.folder, extra_env=self.environment | dict(environment or {}), check=False)
        if done.code not in (0, 1):
            raise TerraformCrashed(f"terraform {command} crashed: {last_words(done.code, done.stderr.splitlines())}")
        return done

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
            heed(event)
            if on_event:
                on_event(event)

        argv = self.generate_cmd_string(command, *args, **options)
        with self._recorded(command) as heed:
            code = run.stream(argv, read, cwd=self.folder, extra_env=self.environment, deadline=self.deadline)
            if code not in (0, 1):
                raise TerraformCrashed(f"terraform {command} crashed: {last_words(code, output)}")
        if code == 1:
            message = f"terraform {command} failed: {reason(diagnostics, output)}"
            raise TerraformFailed(message, diagnostics, hint_for(diagnostics))


def _absolute(path: Path) -> str:
    """A path for Terraform, which runs in the workspace and not where we do."""
    return str(path.absolute())


def _own_environment() -> dict[str, str]:
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"} | passed


def _event(line: str) -> Event | None:
    """A line of `-json` output; None for plain text, which Terraform prints before it has read its flags."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "@level" in event else None
