"""Looking without touching: what a build would do, what is there, what was released."""

import secrets as random
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from generator.builder import folders, journal, numbering
from generator.builder.address import parse
from generator.builder.failures import TerraformFailed
from generator.builder.rest import refuse_foreign
from generator.builder.target import PLANNED, Job, Request, Resolved, Target, Values
from generator.builder.terraform import Change, Terraform
from generator.builder.watch import CACHED, KEEP, ROOM, phase_of, title
from generator.errors import ImagegenError, to_paste
from generator.system.records import private_write, to_json
from generator.workspace import ledger as ledgers
from generator.workspace.blueprint import Blueprint
from generator.workspace.versions import sort_key

PHASES = ("build", "customize", "capture", "validate", "distribute", "release")


def plan(request: Request) -> dict[str, Any]:
    """The whole build as Terraform plans it, by phase: {name, version, source, phases: [{phase, changes: […]}]}.

    A change has `address`, `action`, `title`, and for a step its file, and `cached` where it is not run. Nothing is
    made; the journal is not touched.
    """
    workspace, blueprint, target = request.workspace, request.blueprint, request.target
    if record := journal.read(workspace):
        if original := folders.original(workspace, record, request.settings.state_dir):
            raise ImagegenError(
                f"{workspace} is a copy of {original}, taken while that one built",
                f"`{to_paste('imagegen', 'cleanup', workspace)}` makes it a workspace at rest; the build there stays",
            )
        what = "retirement" if record.phase == journal.RETIRING else "build"
        raise ImagegenError(
            f"a {what} of {record.version} is not at its end here",
            f"see `{to_paste('imagegen', 'status', workspace)}`; a plan is of a workspace at rest",
        )
    ledger = ledgers.load(workspace)
    chosen = numbering.choose_version(
        ledger.statuses(),
        request.version or blueprint.version,
        versioning=replace(blueprint.versioning, scheme="Latest"),
    )
    directory = request.settings.state_dir / "builds" / random.token_hex(6)
    source = Resolved(str(blueprint.source))
    job = Job(workspace, blueprint, chosen, directory, request.content_digest, source)
    terraform = Terraform(workspace, request.settings, target.environment())
    terraform.init()
    release = job.pending(target.coming(job, PLANNED))
    values: Values = {"build_version": chosen} | target.planned_values(job) | target.secret_values(job)
    if blueprint.validations:
        captured = "" if blueprint.source_validation_only else PLANNED
        values |= target.validation_values(job, captured, target.planned_key)
    values |= target.captured_values(job, PLANNED)
    with terraform.scratch() as scratch:
        inputs = scratch / "plan.tfvars.json"
        private_write(inputs, to_json(values))
        pending = scratch / "pending.tfvars.json"
        private_write(pending, ledgers.pending_as_tfvars(chosen, release, []))
        changes = _planned(request, terraform, [inputs, pending])
    by_phase: dict[str, list[dict[str, Any]]] = {phase: [] for phase in PHASES}
    for change in sorted(changes, key=lambda change: _place(change.address, blueprint)):
        by_phase[phase_of(change.address)].append(_describe(change.address, change.action, blueprint))
    return {
        "name": blueprint.name, "version": chosen, "source": str(blueprint.source), "target": blueprint.target,
        "phases": [{"phase": phase, "changes": by_phase[phase]} for phase in PHASES],
    }  # fmt: skip


def _planned(request: Request, terraform: Terraform, var_files: list[Path]) -> list[Change]:
    """What Terraform would change. If that fails, it may be for want of a login; if it fails or deletes something,
    because the state is another workspace's."""
    try:
        changes = terraform.plan(var_files=var_files, lock=False)
    except TerraformFailed:
        request.target.require_login()
        refuse_foreign(request, terraform)
        raise
    if any(change.action == "delete" for change in changes):
        refuse_foreign(request, terraform)
    return changes


def _place(address: str, blueprint: Blueprint) -> tuple[int, str]:
    """Where a change stands in its phase: staging, the VM, the steps in their order; then by address. Terraform plans
    in another order each time."""
    found = parse(address)
    module = found.module if found else ""
    order = ["staging", "validation_staging", "bundle", "validation_bundle", "vm", "validation_vm"]
    order += [step.module for step in (*blueprint.steps, *blueprint.validations)]
    return order.index(module) if module in order else len(order) * (module != "step_000_prepare"), address


def _describe(address: str, action: str, blueprint: Blueprint) -> dict[str, Any]:
    found = parse(address)
    told = title(blueprint, found.module, found.index, found.kind) if found else address
    value: dict[str, Any] = {"address": address, "action": action, "title": told}
    if CACHED in address:
        value["cached"] = True
    for step in blueprint.steps + blueprint.validations:
        if found and step.module == found.module:
            value |= {"file": step.file} if step.file else {}
            value |= dict(step.options)
    return value


def _is_bookkeeping(address: str) -> bool:
    return address.endswith(".key") or KEEP in address or ROOM in address


def plan_as_text(plan: dict[str, Any], blueprint: Blueprint) -> str:
    """A plan for people: a line for each thing that a phase does."""
    lines = [f"{plan['name']} {plan['version']} from {plan['source']} (target {plan['target']})", ""]
    fixed = {
        "capture": "the machine powers off; its disk is captured",
        "release": "staging and machine are destroyed; from here a plan is empty",
    }
    for entry in plan["phases"]:
        works = [change for change in entry["changes"] if not _is_bookkeeping(change["address"])]
        for number, change in enumerate(works):
            what = change["title"] + (f" → {change['destination']}" if "destination" in change else "")
            file = f"  ({change['file']})" if "file" in change else ""
            sign = {"create": "+", "delete": "-", "update": "~", "import": "="}.get(change["action"], "±")
            cached = "  cached" if "cached" in change else ""
            what = f"{' '.join(f'{what}{file}'.split())}{cached}"
            lines.append(f"{entry['phase'] if number == 0 else '':<11} {sign} {what}")
        if entry["phase"] in fixed:
            lines.append(f"{entry['phase']:<11}   {fixed[entry['phase']]}")
    counts: dict[str, int] = {}
    for entry in plan["phases"]:
        for change in entry["changes"]:
            counts[change["action"]] = counts.get(change["action"], 0) + 1
    told = ", ".join(f"{count} to {action}" for action, count in sorted(counts.items()))
    lines += ["", f"Terraform resources: {told or 'none'}. Time limit {blueprint.timeout_minutes} min."]
    return "\n".join(lines)


def status(workspace: Path, blueprint: Blueprint, target: Target, state_dir: Path) -> dict[str, Any]:
    """What is in a workspace: {name, target, state, build?}.

    `state` is rest, building, ending (a killed build's Terraform), kept, left, or copy (of the workspace `original`,
    whose build its journal tells of).
    """
    value: dict[str, Any] = {"folder": str(workspace), "state": "rest"}
    record = journal.read(workspace)
    owner = journal.holder(workspace)
    original = folders.original(workspace, record, state_dir)
    if record and original:
        value |= {"state": "copy", "original": str(original), "build": {"version": record.version}}
    elif record:
        alone = "kept" if record.kept else "left"
        value["state"] = ("building" if owner.lives else "ending") if owner else alone
        value["build"] = {"version": record.version, "phase": record.phase, "process": owner and owner.pid}
        directory = folders.of_record(record, state_dir)
        if found := folders.elsewhere(record, state_dir):
            value["build"]["problem"] = f"its files are in {found} (hint: set IMAGEGEN_STATE_DIR={found.parent.parent})"
        try:
            if directory and (login := target.login(blueprint, directory)):
                value["build"]["login"] = shlex.join(login)
        except ImagegenError as error:  # where nobody can log in to a cloud there is a status all the same
            value["build"]["problem"] = f"{error.message} (hint: {error.hint})" if error.hint else error.message
    elif owner:
        value |= {"state": "building", "build": {"process": owner.pid}}
    released = ledgers.load(workspace).releases
    value["releases"] = {version: released[version]["status"] for version in sorted(released, key=sort_key)}
    return value


def status_as_text(value: dict[str, Any]) -> str:
    """A status for people."""
    build = value.get("build", {})
    what = "retirement" if build.get("phase") == journal.RETIRING else "build"
    ssh, end = (to_paste("imagegen", command, value["folder"]) for command in ("ssh", "cleanup"))
    told = {
        "copy": f"a copy of {value.get('original')}, whose build of {build.get('version')} it does not touch",
        "rest": "no build under way",
        "building": f"a build runs (process {build.get('process')})",
        "ending": f"the {what} of {build.get('version')} was killed, and what it ran is still ending: wait a minute",
        "kept": f"the machine of {build.get('version')} is kept: `{ssh}`, then `{end}`",
        "left": f"the {what} of {build.get('version')} was left behind in phase {build.get('phase')}: `{end}` ends it",
    }[value["state"]]
    released = [f"{version} ({state})" for version, state in value["releases"].items()]
    problem = f"\nits machine: {build['problem']}" if "problem" in build else ""
    return f"{value['folder']}: {told}{problem}\nreleases: {', '.join(released) or 'none'}"
