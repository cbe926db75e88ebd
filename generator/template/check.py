"""Document → ImageTemplate: the models and the rules, all asked before anything is said."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from generator.errors import Problem
from generator.settings import Settings
from generator.template import explain, lint, placeholders, support, versions
from generator.template.document import LAST_COUNTS, Document, Path, in_order
from generator.template.schema import (
    Customizer,
    Distributor,
    Envelope,
    Identity,
    ImageTemplate,
    Optimize,
    Plain,
    Source,
    Tagged,
    Validate,
    Validator,
    VmProfile,
    VnetConfig,
)
from generator.template.schema.base import Section
from generator.template.schema.shape import bare, fields, is_section
from generator.template.tolerance import tolerant

MOST = 1000  # problems of one origin; a person reads no more, and a hostile file must not make millions
Left = dict[str, list[tuple[Path, bool]]]
ENVELOPE = TypeAdapter(Envelope)
OF_PROPERTIES = tuple((model, TypeAdapter(model)) for model in (Plain, Tagged))
# The parts that rules look at, each read by itself.
PARTS: tuple[tuple[str, TypeAdapter[Any]], ...] = (
    ("identity", TypeAdapter(Identity)),
    ("properties.source", TypeAdapter(Source)),
    ("properties.customize[*]", TypeAdapter(Customizer)),
    ("properties.validate", TypeAdapter(Validate)),
    ("properties.validate.inVMValidations[*]", TypeAdapter(Validator)),
    ("properties.distribute[*]", TypeAdapter(Distributor)),
    ("properties.optimize", TypeAdapter(Optimize)),
    ("properties.vmProfile", TypeAdapter(VmProfile)),
    ("properties.vmProfile.vnetConfig", TypeAdapter(VnetConfig)),
)


class Checked(NamedTuple):
    """The template (None if it has errors), the document as it is meant, and all problems and warnings in order.

    `problems` are those of the format, `refusals` what the target does not carry out.
    """

    template: ImageTemplate | None
    document: Document
    problems: list[Problem]
    refusals: list[Problem]


def check(document: Document, settings: Settings, known: list[Problem]) -> Checked:
    """Everything that is to be said of an image template whose placeholders are filled as far as they are given.

    `settings`: the target, and where it builds; `known`: what its expressions gave already.
    """
    if not isinstance(document.value, dict):
        refused = document.problem((), "an image template is a JSON object: `{ … }`")
        return Checked(None, document, [*known, refused], [])
    version = versions.version_of(document)
    given = document
    document, put_right, without_effect = tolerant(given, version)
    left = _without(placeholders.unfilled(given), without_effect)
    template, refused_by_model = _template(document)
    parts = list(_parts(document))
    found = chain(
        put_right,
        _some(refused_by_model),
        _some(lint.check(document, parts)),
        _some(versions.check(document, version)),
    )
    # Of a value that is none yet, a placeholder or an expression that fails, nothing else is worth saying.
    places = (given.problem(path, "", at_key=at_key) for names in left.values() for path, at_key in names)
    failed = (one for one in known if one.level == "error")
    no_values = {at for one in (*places, *failed) for at in _where(one)}
    problems = [*known, *_duplicates(given, version), *placeholders.problems(given, left)]
    problems += [one for one in found if not _where(one) & no_values]
    by_target = chain(support.check(document, settings.target), support.placement(document, given, parts, settings))
    refusals = [one for one in _some(by_target) if not _where(one) & no_values]
    return Checked(template, document, in_order(problems), in_order(refusals))


def _without(left: Left, without_effect: set[Path]) -> Left:
    """The placeholders that are left but for those in what has no effect."""
    places = {
        name: [one for one in found if not placeholders.is_under(one[0], without_effect)]
        for name, found in left.items()
    }
    return {name: found for name, found in places.items() if found}


def _duplicates(document: Document, version: str | None) -> Iterator[Problem]:
    """Duplicate keys: refused like other mistakes from 2024-02-01 on, before that the last one counts."""
    for one in document.duplicates:
        refused = replace(one, level="error", code="", hint=(one.hint or "").removeprefix(LAST_COUNTS))
        yield refused if versions.is_strict(version) else one


def _where(problem: Problem) -> set[Any]:
    """Where a problem stands: its place, and its path, which lenient reading may have changed."""
    return {(problem.line, problem.column), problem.path}


def _some(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The first problems: as many errors, and as many warnings, as anyone wants to see."""
    seen = {"error": 0, "warning": 0}
    for problem in problems:
        seen[problem.level] += 1
        if seen[problem.level] <= MOST:
            yield problem
        if seen["error"] == MOST:
            return


def _template(document: Document) -> tuple[ImageTemplate | None, Iterator[Problem]]:
    """The whole model, or what it refuses."""
    try:
        return ImageTemplate.model_validate(document.value, by_alias=True, by_name=False), iter(())
    except ValidationError as error:
        return None, explain.problems(document, error, ImageTemplate)


def _parts(document: Document) -> Iterator[tuple[Path, Any]]:
    """Every part that is well-formed by itself, with its path."""
    yield from _part((), _without_inner(document.value, Envelope), ENVELOPE)
    for path, value in document.select("properties"):
        if isinstance(value, dict):
            for model, adapter in OF_PROPERTIES:
                yield from _part(path, _without_inner(value, model), adapter)
    for pattern, adapter in PARTS:
        for path, value in document.select(pattern):
            yield from _part(path, value, adapter)


def _without_inner(value: dict[str, Any], model: type[Section]) -> dict[str, Any]:
    """The members that a section knows, but for those that are sections themselves and are judged as such."""
    known = fields(model)
    return {key: item for key, item in value.items() if key in known and not is_section(bare(known[key]))}


def _part(path: Path, value: Any, adapter: TypeAdapter[Any]) -> Iterator[tuple[Path, Any]]:
    with suppress(ValidationError):
        yield path, adapter.validate_python(value, by_alias=True, by_name=False)
