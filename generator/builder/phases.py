"""A build, phase by phase: `build` calls them in the order of generator/README.md 1. `check` decides their inputs."""

import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from generator.builder import builder_facts, journal
from generator.builder.build import Build
from generator.builder.check import check
from generator.builder.failures import TerraformFailed
from generator.builder.modules import image_modules
from generator.builder.recover import after_failure, clean_up, ends_the_rest
from generator.builder.rest import images_of
from generator.builder.target import Request
from generator.builder.watch import Watch
from generator.errors import ImagegenError, StepFailed, to_paste
from generator.system.records import private_write
from generator.system.run import DeadlinePassed
from generator.workspace import ledger as ledgers

CAPTURED = ("module.captured_",)
VALIDATION = ("module.validation_",)
IMAGES = ("module.image",)
Raised = TypeVar("Raised", bound=BaseException)


@dataclass(frozen=True)
class Outcome:
    """A finished build: its version, its ledger entry, and the validation that failed and did not stop it.

    There is no entry when only the source was validated.
    """

    version: str
    release: ledgers.Release | None
    failure: StepFailed | None


def build(request: Request) -> Outcome:
    """Build one version of a workspace, whose lease the caller holds.

    Raises StepFailed for a step that fails, ImagegenError for what is refused, KeyboardInterrupt when interrupted; in
    each case staging is gone afterwards, or kept when that was asked for.
    """
    with request.target.lease(request.blueprint), request.held:
        run = check(request)
        release = failure = None
        try:
            run.begin()
            with run.connected():
                if not request.blueprint.source_validation_only:
                    customize(run)
                    capture(run)
                failure = validate(run)
            if not request.blueprint.source_validation_only:
                release = distribute(run)
        except BaseException as error:  # a bug of ours, or a closed stdout, leaves nothing behind either
            told = _timed_out(run, error)
            _end_or_keep(run, told)
            if isinstance(told, ImagegenError):
                told.about["version"] = run.job.version
            raise told from error
        release_staging(run)
        return Outcome(run.job.version, release, failure)


def customize(run: Build) -> None:
    """Staging, machine and steps come up, in the order of their keys; the last step deprovisions."""
    run.enter("build", f"{run.job.blueprint.name} {run.job.version} from {run.job.source.exact}")
    try:
        _come_up(run)
    except ImagegenError:
        # Once a step was run, that machine is not to be had anew.
        anew = None if run.journal.step else run.target.renewed(run.values)
        if anew is None:
            raise
        run.events.note("what cached steps left is gone meanwhile: they are run")
        run.values = anew
        _come_up(run)


def _come_up(run: Build) -> None:
    """Apply all but the images."""
    with Watch(run.job, run.target, run.events, lambda step: run.note(step=step), relay=run.relay) as watch:
        try:
            if run.request.secrets:
                machine = ["module.vm"]
                run.terraform.apply(var_files=run.var_files(), refresh=False, on_event=watch, targets=machine)
                run.target.give(run.job, run.request.secrets, run.relay)
            run.terraform.apply(var_files=run.var_files(), refresh=False, on_event=watch)
        except TerraformFailed as error:
            raise watch.explain(error) from error


def capture(run: Build) -> None:
    """The machine is off and generalized: its disk is what images are made of."""
    run.enter("capture")
    run.captured = run.target.capture(run.job, run.remaining())
    if values := run.target.captured_values(run.job, run.captured):
        run.values |= values
        _apply_only(run, CAPTURED, "captured.tfplan")


def validate(run: Build) -> StepFailed | None:
    """A second machine, from the captured disk, runs the validators. A failure is returned when images are made all
    the same (continueDistributeOnFailure)."""
    if not run.job.blueprint.validations:
        return None
    run.enter("validate")
    run.values |= run.target.validation_values(run.job, run.captured, run.keys.public)
    staging = () if run.captured else ("module.staging",)
    failure: StepFailed | None = None
    try:
        _apply_only(run, (*VALIDATION, *staging), "validate.tfplan")
    except StepFailed as failed:
        if not run.job.blueprint.distribute_despite_failure:
            raise
        failure = failed
        run.events.note("validation failed; images are made all the same (continueDistributeOnFailure)")
    run.target.stop(run.job.directory)
    return failure


def distribute(run: Build) -> ledgers.Release:
    """The images of this version are made; then, and not before, the ledger says so."""
    run.enter(journal.DISTRIBUTE)
    release = run.job.pending(run.target.coming(run.job, run.captured), resumed=run.journal.resumed)
    release |= builder_facts.collect(run.workspace, run.terraform)
    superseded = run.target.displaced(run.job, run.ledger)
    pending = run.job.directory / journal.PENDING
    private_write(pending, ledgers.pending_as_tfvars(run.job.version, release, superseded), sync=True)
    _make_room(run, superseded)
    _make_images(run, release, pending)
    released = release | {"images": run.target.as_made(release["images"]), "status": "released"}
    ledgers.save(run.workspace, run.ledger.superseding(superseded).with_release(run.job.version, released))
    pending.unlink()
    return released


def _make_room(run: Build, superseded: list[tuple[str, str]]) -> None:
    """Remove the images whose place is taken, now that the new ones can be made (azure/FACTS.md 10)."""
    for version, output in superseded:
        run.events.note(f"replacing the image `{output}` of {version}")
        run.terraform.forget(images_of(run.terraform.state_list(), version, output))
        run.target.make_room(run.workspace, {output: run.ledger.releases[version]["images"][output]}, run.events)


def _make_images(run: Build, release: ledgers.Release, pending: Path) -> None:
    """Make the images. What Terraform gave up on may still come about: the target is asked, nothing is made twice
    (azure/FACTS.md 11). Images that take the place of others at once come last."""
    images = release["images"]
    exports = run.target.exports(images)
    failure: ImagegenError | None = None
    try:
        _apply_only(run, IMAGES, "distribute.tfplan", targets=image_modules(run.workspace), extra=pending)
    except ImagegenError as error:
        failure = _timed_out(run, error)
    run.terraform.deadline = None
    made = {name: image for name, image in images.items() if name not in exports}
    if not run.target.whole(run.workspace, made, run.events):
        raise failure or ImagegenError(f"not every image of {run.job.version} is complete")
    if failure:
        run.events.note(f"{failure.message}; the images came about all the same")
        run.terraform.forget(images_of(run.terraform.state_list(), run.job.version))
    run.target.export(run.job, exports, run.events)


def release_staging(run: Build) -> None:
    """Staging goes; from here a plan is empty. An interrupt does not leave it half gone; a second one would."""
    try:
        run.enter("release")
        _end(run)
    except KeyboardInterrupt:
        run.events.note(f"interrupted: {run.job.version} is released; ending the rest of the build")
        try:
            _end(run)
        except (KeyboardInterrupt, ImagegenError):
            run.events.note(ends_the_rest(run.request))
        raise
    except OSError:  # nobody could be told; what is left ends all the same
        with after_failure(run.request):
            _end(run)
        raise
    except ImagegenError:
        done = "" if run.job.blueprint.source_validation_only else f"{run.job.version} is released; "
        run.events.note(f"{done}{ends_the_rest(run.request)}")
        raise


def _end(run: Build) -> None:
    """End all of this build. The build's time limit never cuts that short."""
    run.terraform.deadline = None
    try:
        clean_up(run.request, run.terraform, quiet=True)
    except OSError:  # a stdout that cannot be written says so once
        clean_up(run.request, run.terraform, quiet=True)
        raise


def _apply_only(
    run: Build, prefixes: tuple[str, ...], name: str, targets: Sequence[str] = (), extra: Path | None = None
) -> None:
    """Plan, check that the plan only creates resources under `prefixes`, and apply that plan (azure/FACTS.md 6).

    The plan holds the values of all variables, so it lies in the build's own folder.
    """
    plan = run.job.directory / name
    var_files = [*run.var_files(), *([extra] if extra else [])]
    changes = run.terraform.plan(plan, var_files=var_files, targets=targets, refresh=False)
    stray = [change for change in changes if change.action != "create" or not change.address.startswith(prefixes)]
    if stray:
        raise ImagegenError(
            f"the plan of this phase would also {stray[0].action} {stray[0].address}",
            "nothing was changed; the template or the workspace was edited during the build",
        )
    secrets_again = [run.keys.var_file]  # an ephemeral value is not in a plan and is passed at both commands
    with Watch(run.job, run.target, run.events, relay=run.relay) as watch:
        try:
            run.terraform.apply(plan, var_files=secrets_again, on_event=watch)
        except TerraformFailed as error:
            raise watch.explain(error) from error
        finally:
            plan.unlink(missing_ok=True)


def _timed_out(run: Build, error: Raised) -> Raised | ImagegenError:
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
    policy: str = run.journal.on_error or (
        blueprint.on_validation_error if validating else blueprint.on_customizer_error
    )
    try:
        keeps = policy != "cleanup" and _keeps(run, policy, interrupted=isinstance(error, KeyboardInterrupt))
    except KeyboardInterrupt:  # that is the answer
        keeps = False
    if keeps:
        run.note(kept=True)
        if login := _login(run):
            run.events.note(f"the machine is kept: log in with `{to_paste('imagegen', 'ssh', run.workspace)}`")
            run.events.note(f"or with `{shlex.join(login)}`")
        else:
            run.events.note(f"the machine is kept in {blueprint.azure.group if blueprint.azure else 'place'}")
        again, end = run.request.again("apply"), run.request.again("cleanup")
        run.events.note(f"`{again}` resumes at the failed step; `{end}` removes the VM")
        return
    with suppress(OSError):
        what = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        run.events.note(f"{what}: ending what was started")
    with after_failure(run.request):
        _end(run)


def _keeps(run: Build, policy: str, *, interrupted: bool) -> bool:
    """Whether there is a machine to keep, and it is to be kept. Whoever interrupts a build is asked nothing more."""
    if policy == "ask" and interrupted:
        return False
    return _stands(run) and (policy == "abort" or run.request.ask("Keep the machine for a look?"))


def _stands(run: Build) -> bool:
    """Whether there is a machine to keep; where that cannot be asked, none is ended that somebody wants to see."""
    try:
        return run.target.alive(run.job)
    except ImagegenError as error:
        run.events.note(f"whether the machine stands is not known: {error.message}")
        return True


def _login(run: Build) -> list[str] | None:
    """How to log in to the machine, where that is known."""
    try:
        return run.target.login(run.job.blueprint, run.job.directory)
    except ImagegenError:
        return None
