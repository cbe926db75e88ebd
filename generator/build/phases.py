"""A build, phase by phase. `build` reads as the design's table does; what each phase needs is decided in check."""

import os
import secrets as random
import shlex
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from generator.build import journal, releases, secrets
from generator.build.events import Events
from generator.build.recover import clean_up, refuse_behind
from generator.build.target import Job, Request, Target, Values
from generator.build.terraform import Terraform, TerraformFailed
from generator.build.watch import Watch
from generator.errors import ImagegenError, StepFailed
from generator.run import DeadlinePassed
from generator.workspace.render import to_json
from generator.workspace.store import atomic_write


@dataclass
class Build:
    """A build under way: what was decided, and the hands that carry it out."""

    request: Request
    job: Job
    target: Target
    terraform: Terraform
    events: Events
    keys: secrets.KeyPair
    values: Values
    ledger: releases.Ledger
    journal: journal.Journal
    source: str
    deadline: float
    captured: str = ""
    began: float = field(default_factory=time.monotonic)

    @property
    def workspace(self) -> Path:
        """The folder of the workspace."""
        return self.job.workspace

    def enter(self, phase: str, detail: str = "") -> None:
        """Go on to a phase, on record first."""
        self.journal = journal.advance(self.workspace, self.journal, phase)
        self.events.phase(phase, detail)

    def var_files(self) -> list[Path]:
        """The inputs of this build, as Terraform gets them in every phase."""
        path = journal.path(self.workspace, "build.tfvars.json")
        atomic_write(path, to_json(self.values))
        return [path, self.keys.var_file]

    def remaining(self) -> float:
        """Seconds until the build's timeout."""
        return max(0.0, self.deadline - time.monotonic())


@dataclass(frozen=True)
class Outcome:
    """A finished build: its version, its ledger entry, and the validation that failed and did not stop it."""

    version: str
    release: releases.Release
    failure: StepFailed | None


def build(request: Request) -> Outcome:
    """Build one version of a workspace.

    Raises StepFailed for a step that fails, ImagegenError for what is refused, KeyboardInterrupt when interrupted; in
    each case staging is gone afterwards, or kept when that was asked for.
    """
    with journal.lease(request.workspace):
        run = check(request)
        failure: StepFailed | None = None
        try:
            customize(run)
            capture(run)
            failure = validate(run)
            release = distribute(run)
        except BaseException as error:  # a bug of ours, or a closed stdout, leaves nothing behind either
            told = _timed_out(run, error)
            _end_or_keep(run, told)
            raise told from error
        release_staging(run)
        return Outcome(run.job.version, release, failure)


def check(request: Request) -> Build:
    """Everything that can be refused is refused here; then all inputs of the build are decided, once."""
    workspace, blueprint, target, events = request.workspace, request.blueprint, request.target, request.events
    events.phase("check", str(blueprint.source))
    terraform = Terraform(workspace, request.settings.terraform)
    terraform.init()
    ledger = releases.load(workspace)
    releases.choose_version(ledger, request.version or blueprint.version)
    _refuse_kept(request)
    clean_up(request, terraform)
    ledger = releases.load(workspace)  # a build that was cut off may have been released after all
    refuse_behind(ledger, terraform)
    chosen = releases.choose_version(ledger, request.version or blueprint.version)
    if chosen in target.occupied(workspace, blueprint):
        raise ImagegenError(
            f"there are images of {chosen} that the ledger lacks", "move them away, or choose --version"
        )
    source = target.resolve(blueprint, events)
    directory = request.settings.state_dir / "builds" / random.token_hex(6)
    record = journal.Journal(version=chosen, phase="check", directory=str(directory), pid=os.getpid())
    journal.write(workspace, record)
    try:
        job = Job(workspace, blueprint, chosen, directory, request.template_digest)
        keys = secrets.make(directory, workspace)
        values = {"build_version": chosen} | target.build_values(job, keys.public)
    except BaseException:
        clean_up(request, terraform, quiet=True)
        raise
    terraform.deadline = time.monotonic() + blueprint.timeout_minutes * 60
    return Build(
        request=request, job=job, target=target, terraform=terraform, events=events, keys=keys, ledger=ledger,
        journal=record, values=values, source=source, deadline=terraform.deadline,
    )  # fmt: skip


def _refuse_kept(request: Request) -> None:
    """A machine that was kept for a look is not ended unasked."""
    record = journal.read(request.workspace)
    if record and record.kept and not request.ask(f"End the machine of {record.version} that is kept here?"):
        raise ImagegenError(
            f"the machine of {record.version} is kept here",
            f"end it with `imagegen cleanup {request.workspace}`, or build with --yes",
        )


def customize(run: Build) -> None:
    """Staging, machine and steps come up, in the order of their keys; the last step deprovisions."""
    run.enter("build", f"{run.job.blueprint.name} {run.job.version} from {run.source}")
    watch = Watch(run.job.blueprint, run.events)
    try:
        run.terraform.apply(var_files=run.var_files(), refresh=False, on_event=watch)
    except TerraformFailed as error:
        raise watch.explain(error) from error


def capture(run: Build) -> None:
    """The machine is off and generalized: its disk is what images are made of."""
    run.enter("capture")
    run.captured = run.target.capture(run.job, run.remaining())


def validate(run: Build) -> StepFailed | None:
    """A second machine, from the captured disk, runs the validators. A failure is returned when images are made all
    the same (continueDistributeOnFailure)."""
    if not run.job.blueprint.validations:
        return None
    run.enter("validate")
    run.values |= run.target.validation_values(run.job, run.captured, run.keys.public)
    failure: StepFailed | None = None
    try:
        _apply_only(run, "module.validation_", run.var_files(), "validate.tfplan")
    except StepFailed as failed:
        if not run.job.blueprint.distribute_despite_failure:
            raise
        failure = failed
        run.events.note("validation failed; images are made all the same (continueDistributeOnFailure)")
    run.target.stop(run.job.directory)
    return failure


def distribute(run: Build) -> releases.Release:
    """The images of this version are made; then, and not before, the ledger says so."""
    run.enter("distribute")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    release = run.target.coming(run.job, run.captured, run.source) | {"status": "coming", "time": now}
    coming = journal.path(run.workspace, "coming.tfvars.json")
    atomic_write(coming, releases.as_tfvars(run.ledger.with_release(run.job.version, release)), sync=True)
    _apply_only(run, "module.image[", [*run.var_files(), coming], "distribute.tfplan", targets=["module.image"])
    released = release | {"status": "released"}
    releases.save(run.workspace, run.ledger.with_release(run.job.version, released))
    coming.unlink()
    return released


def release_staging(run: Build) -> None:
    """Staging goes; from here a plan is empty. An interrupt does not leave it half gone; a second one would."""
    try:
        run.enter("release")
        _end(run)
    except KeyboardInterrupt:
        run.events.note(f"interrupted: {run.job.version} is released; ending the rest of the build")
        _end(run)
        raise


def _end(run: Build) -> None:
    """End all of this build. The build's time limit never cuts that short."""
    run.terraform.deadline = None
    clean_up(run.request, run.terraform, quiet=True)


def _apply_only(run: Build, prefix: str, var_files: list[Path], name: str, targets: list[str] | None = None) -> None:
    """Plan, see that the plan creates under `prefix` and touches nothing else, and apply that plan (azure-facts 6)."""
    plan = journal.path(run.workspace, name)
    changes = run.terraform.plan(plan, var_files=var_files, targets=targets or (), refresh=False)
    stray = [change for change in changes if change.action != "create" or not change.address.startswith(prefix)]
    if stray:
        raise ImagegenError(
            f"the plan of this phase would also {stray[0].action} {stray[0].address}",
            "nothing was changed; the template or the workspace was edited during the build",
        )
    watch = Watch(run.job.blueprint, run.events)
    secrets_again = [run.keys.var_file]  # an ephemeral value is not in a plan and is passed at both commands
    try:
        run.terraform.apply(plan, var_files=secrets_again, on_event=watch)
    except TerraformFailed as error:
        raise watch.explain(error) from error
    finally:
        plan.unlink(missing_ok=True)


def _timed_out(run: Build, error: BaseException) -> BaseException:
    """A passed deadline in the template's words; anything else as it is."""
    if not isinstance(error, DeadlinePassed):
        return error
    minutes = run.job.blueprint.timeout_minutes
    return ImagegenError(
        f"the build was not done after {minutes} min, its time limit", "raise buildTimeoutInMinutes in the template"
    )


def _end_or_keep(run: Build, error: BaseException) -> None:
    """After a failure: end everything, or keep the machine for a look."""
    blueprint = run.job.blueprint
    validating = run.journal.phase == "validate"
    policy: str = run.request.on_error or (
        blueprint.on_validation_error if validating else blueprint.on_customizer_error
    )
    login = run.target.login(run.job.directory)
    if policy == "ask":
        policy = "abort" if login and run.request.ask("Keep the machine for a look?") else "cleanup"
    if policy == "abort" and login:
        run.journal = replace(run.journal, kept=True)
        journal.write(run.workspace, run.journal)
        folder = shlex.quote(str(run.workspace))
        run.events.note(f"the machine is kept: log in with `imagegen ssh {folder}`")
        run.events.note(f"or with `{shlex.join(login)}`")
        run.events.note(f"end it with `imagegen cleanup {folder}`")
        return
    run.events.note(f"{'interrupted' if isinstance(error, KeyboardInterrupt) else 'failed'}: ending what was started")
    try:
        _end(run)
    except KeyboardInterrupt:
        run.events.note(f"interrupted again: `imagegen cleanup {run.workspace}` ends what is left")
        raise
    except ImagegenError as problem:
        run.events.note(f"{problem.message}; `imagegen cleanup {run.workspace}` ends what is left")
