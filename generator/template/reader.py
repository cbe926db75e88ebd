"""One template file, read whole: the entry to this wing."""

import gc
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.errors import ImagegenError, InvalidTemplate, Problem
from generator.settings import Settings
from generator.template import plain, urls, warnings
from generator.template.document import Document, in_order, written
from generator.template.document import Path as DocumentPath
from generator.template.load import MAX_BYTES, load

if TYPE_CHECKING:
    from generator.template.schema import ImageTemplate


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*')  # a text or a number in JSON
_VALUE = re.compile(r"true|false|null|[0-9.eE+-]+")  # what JSON has without quotes
SHORTEST_TOLD = 6  # characters; a secret, or what was made of one, of fewer is likely to stand elsewhere by chance
ASSUMED = ": it is read as "  # see arm/assumed.py
SHORTEST_SECRET = 3  # characters; to star out less would garble every message and hide nothing


@dataclass(frozen=True)
class Read:
    """What a template file says: the model, the document with its places, the bytes of the file and the warnings.

    `warnings` are of the format and, where the template was read for building, of the target, without those that are
    accepted. `refusals` is what the
    target of the settings does not carry out, errors and warnings; reading for building raises where it has errors.
    `parameters` are the bytes of the parameter file, for a workspace to keep; `secrets` are the values of secure
    parameters and what was made of them; `short` is of the latter what is too short to be told from other text.
    """

    template: "ImageTemplate"
    document: Document
    warnings: list[Problem]
    raw: bytes
    refusals: list[Problem]
    parameters: bytes | None = None
    secrets: frozenset[str] = frozenset()
    short: frozenset[str] = frozenset()

    def kept(self, text: str) -> str:
        """A text as a workspace may keep it: without secure parameters and the secrets of addresses.

        What a script says itself stays.
        """
        if text in self.secrets:
            return "***"
        words = {secret for secret in self.secrets if not _VALUE.fullmatch(secret)}  # those were tokens of their own
        return _starred(_starred_tokens(text, self.secrets, self._keeper.kept), words)

    @cached_property
    def _keeper(self) -> urls.Keeper:
        """What removes the secrets of the template's URLs."""
        from generator.template.fetch import addresses_in  # noqa: PLC0415

        blobs = [getattr(target, "uri", None) or "" for target in self.template.properties.distribute]
        uris = [*(uri for _, uri, *_ in addresses_in(self.template)), *blobs]
        return urls.Keeper(uris, _texts(self.template.model_dump(), set(uris)))


def _texts(value: Any, without: set[str]) -> Iterator[str]:
    """Every text in a template, but for some."""
    if isinstance(value, str):
        if value not in without:
            yield value
    elif isinstance(value, dict | list | tuple):
        for one in (*value, *value.values()) if isinstance(value, dict) else value:
            yield from _texts(one, without)


def read(path: Path, settings: Settings, *, building: bool = True, accepted: bool = False) -> Read:
    """Read and check a template file; nothing is downloaded.

    `building`: refuse also what the target does not carry out; `accepted`: return also the warnings that the settings
    accept. Raises InvalidTemplate with every error and warning in
    the order of the file, ImagegenError when the file cannot be read.
    """
    parameters = (str(settings.parameters), read_file(settings.parameters)) if settings.parameters else None
    content = read_file(path)
    return read_bytes(content, str(path), settings, building=building, accepted=accepted, parameters=parameters)


def read_bytes(
    raw: bytes, file: str, settings: Settings, *, building: bool = True, accepted: bool = False,
    parameters: tuple[str, bytes] | None = None,
) -> Read:  # fmt: skip
    """Check a template that is already in memory; `file` is its name in messages. Raises as `read` does.

    `parameters`: name and bytes of the parameter file.
    """
    # pydantic costs 0.1 s to import, which commands that read no template need not pay.
    from generator.template import inputs  # noqa: PLC0415
    from generator.template.check import check  # noqa: PLC0415

    warnings.require_known(settings.accept)
    with _without_collecting():
        document = loaded(raw, file)
        given = inputs.put_in(document, settings, parameters)
        decisive = given.places if building and settings.target == "azure" else []
        assumed = [_decided(problem, decisive) for problem in given.assumed]
        checked = check(given.document, settings, [*given.problems, *assumed])
    said = [*checked.problems, *(checked.refusals if building else [])]
    if settings.strict:
        relaxed = [replace(problem, code=warnings.LENIENT_JSON, level="warning") for problem in document.relaxed]
        said = [_counted(problem, settings.accept) for problem in (*said, *relaxed)]
    if not accepted:
        said = [problem for problem in said if problem.level == "error" or problem.code not in settings.accept]
    secrets = given.secrets | {one for one in given.made if len(one) >= SHORTEST_TOLD}
    said = in_order(_masked(problem, secrets) for problem in said)
    if checked.template is None or any(problem.level == "error" for problem in said):
        raise InvalidTemplate(said)
    kept = parameters[1] if parameters else None
    return Read(
        checked.template, checked.document, said, raw, checked.refusals, kept, frozenset(secrets),
        frozenset(one for one in given.made if len(one) < SHORTEST_TOLD),
    )  # fmt: skip


def loaded(raw: bytes, file: str) -> Document:
    """A document that may be an image template. Raises InvalidTemplate, with one error for what is something else."""
    from generator.template import kinds, texts  # noqa: PLC0415

    try:
        document = load(raw, file)
    except InvalidTemplate as error:
        if found := texts.of_text(raw):
            message = f"this is {found.what}, not an image template in JSON"
            raise InvalidTemplate([Problem(file, 1, 1, "", message, found.hint, quoted=False)]) from error
        raise
    if found := kinds.of_template(document.value):
        problem = document.problem(found.path, f"this is {found.what}", found.hint)
        raise InvalidTemplate([replace(problem, quoted=bool(found.path))])  # what else is in it may be secret
    return document


def _decided(problem: Problem, decisive: list[DocumentPath]) -> Problem:
    """An assumption: an error where it would decide where Azure builds something."""
    if problem.path not in map(written, decisive):
        return problem
    return replace(problem, level="error", code="", message=problem.message.partition(ASSUMED)[0])


@contextmanager
def _without_collecting() -> Iterator[None]:
    """What is read stays, all of it: to search it for garbage again and again took a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _counted(problem: Problem, accept: Sequence[str]) -> Problem:
    """A problem as `--strict` counts it: a warning that is not accepted is an error."""
    return problem if problem.code in accept else replace(problem, level="error")


def _masked(problem: Problem, secrets: set[str]) -> Problem:
    """A problem without the texts that were declared secret, and those of URLs."""
    hint = urls.mask(_starred(problem.hint, secrets)) if problem.hint else None
    return replace(problem, message=urls.mask(_starred(problem.message, secrets)), hint=hint)


def _starred_tokens(text: str, secrets: Iterable[str], change: Callable[[str], str]) -> str:
    """A JSON text without the secrets, however it spells them, and with each of its texts, and what stands between
    them, changed."""
    known = frozenset(secrets)

    def star(found: re.Match[str]) -> str:
        if not found[0].startswith('"'):
            return '"***"' if found[0] in known else found[0]
        try:
            value = json.loads(found[0], strict=False)
        except ValueError:
            return found[0]
        shown = _starred(change(value), known)
        return found[0] if shown == value else json.dumps(shown, ensure_ascii=False)

    return change(_TOKEN.sub(star, text))


def _starred(text: str, secrets: Iterable[str]) -> str:
    """A text without the secrets, the longest first, since one may be part of another."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


def problems_of(templates: Mapping[Path, Settings], *, building: bool) -> dict[Path, list[Problem]]:
    """Everything that is to be said of several templates, each by itself and with its own settings; warnings that are
    accepted, too.

    A name given by `--set` is unknown only where none of them uses it. Raises ImagegenError when there is one path,
    and it cannot be read.
    """
    from generator.template.inputs import FLAG  # noqa: PLC0415

    found: dict[Path, list[Problem]] = {}
    for path, settings in templates.items():
        try:
            found[path] = read(path, settings, building=building, accepted=True).warnings
        except InvalidTemplate as error:
            found[path] = error.problems
        except ImagegenError as error:
            if len(templates) == 1:
                raise
            found[path] = [Problem(str(path), 0, 0, "", error.message, error.hint)]
    unused = [{problem.file for problem in problems if problem.file.startswith(FLAG)} for problems in found.values()]
    by_none = set.intersection(*unused) if unused else set()
    return {
        path: [problem for problem in problems if not problem.file.startswith(FLAG) or problem.file in by_none]
        for path, problems in found.items()
    }


def read_file(path: Path) -> bytes:
    """The bytes of a template file, at most one more than is allowed. Raises ImagegenError.

    In a workspace, which may be a stranger's, that is a plain file.
    """
    try:
        if path.is_dir():
            raise ImagegenError(f"{path} is a folder, not a template", "name the template's file")
        if plain.in_workspace(path):
            return plain.read(path, MAX_BYTES + 1)
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ImagegenError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise ImagegenError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
