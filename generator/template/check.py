"""Document → ImageTemplate: the models, the rules and what this release supports, all asked before anything is said."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any

from pydantic import TypeAdapter, ValidationError

from generator.errors import Problem
from generator.settings import Settings
from generator.template import explain, lint, support
from generator.template.document import Document, Path, in_order
from generator.template.schema import (
    Customizer,
    Distributor,
    Envelope,
    ImageTemplate,
    Properties,
    Source,
    Validator,
    VnetConfig,
)
from generator.template.schema.shape import fields

MOST = 1000  # problems of one origin; a person reads no more, and a hostile file must not make millions
ENVELOPE = TypeAdapter(Envelope)
# The parts that rules look at, each read by itself.
PARTS: tuple[tuple[str, TypeAdapter[Any]], ...] = (
    ("properties", TypeAdapter(Properties)),
    ("properties.source", TypeAdapter(Source)),
    ("properties.customize[*]", TypeAdapter(Customizer)),
    ("properties.validate.inVMValidations[*]", TypeAdapter(Validator)),
    ("properties.distribute[*]", TypeAdapter(Distributor)),
    ("properties.vmProfile.vnetConfig", TypeAdapter(VnetConfig)),
)


def check(document: Document, settings: Settings) -> tuple[ImageTemplate | None, list[Problem]]:
    """The template (None if it has errors) and all problems and warnings, sorted by position."""
    if refused := support.whole_file(document):
        return None, in_order([*document.relaxed, refused])
    template, refused_by_model = _template(document)
    unresolved = list(_some(support.unresolved(document)))
    found = chain(
        _some(refused_by_model),
        _some(lint.check(document, list(_parts(document)))),
        _some(support.check(document, settings)),
    )
    # Of a value that is an expression or a placeholder, nothing else is worth saying.
    known = {problem.path for problem in unresolved}
    problems = [*document.relaxed, *unresolved, *(one for one in found if one.path not in known)]
    return template, in_order(problems)


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
    known = fields(Envelope)
    envelope = {key: value for key, value in document.value.items() if key in known}
    yield from _part((), envelope, ENVELOPE)
    for pattern, adapter in PARTS:
        for path, value in document.select(pattern):
            yield from _part(path, value, adapter)


def _part(path: Path, value: Any, adapter: TypeAdapter[Any]) -> Iterator[tuple[Path, Any]]:
    with suppress(ValidationError):
        yield path, adapter.validate_python(value, by_alias=True, by_name=False)
