"""What the user gives, put into a document: placeholders filled, ARM expressions evaluated."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, NamedTuple

from generator.errors import ImagegenError, InvalidTemplate, Problem
from generator.settings import Settings
from generator.template import placeholders
from generator.template.arm.deployed import is_deployment
from generator.template.arm.inputs import Inputs, parameters_of
from generator.template.document import Document, Path, in_order
from generator.template.load import TEMPLATE_BEGINS, load
from generator.template.tokens import SURROGATE

FLAG = "--set "
# A text that may call a function, in the file as it is written; without one and without `--set` there is nothing to
# evaluate, which a large file is spared.
CALL = re.compile(r'"\s*(?:\[|\\u005b)\s*[A-Za-z_\\]', re.IGNORECASE)
WORD = re.compile(r"`[^`]{3,}`|\"[^\"]{3,}\"|(?<=the key )\S+")  # of a file, in a message
PARAMETERS_WANTED = "write an ARM parameter file, or give values with --set NAME=VALUE"
PARAMETERS_BEGIN = "a parameter file begins with `{`"
WHERE = ("resource_group", "location", "subscription_id", "tenant_id", "deployment_name", "utc_now", "seed")


@dataclass(frozen=True)
class Given:
    """The image template that a document holds, with the values that were given for it.

    `problems` are of what was given and of the expressions; `secrets` are texts that must not be shown, `made` those
    that were made of them. `assumed` are warnings for what nobody said; those at `places` decide where something is
    built.
    """

    document: Document
    problems: list[Problem]
    secrets: set[str]
    made: set[str]
    assumed: list[Problem] = field(default_factory=list)
    places: list[Path] = field(default_factory=list)


def put_in(document: Document, settings: Settings, parameters: tuple[str, bytes] | None) -> Given:
    """Fill the placeholders of a document and evaluate its expressions. `parameters`: name and bytes of their file.

    Raises InvalidTemplate where no image template comes out: then with the placeholders that are left, too;
    ImagegenError for bytes of the command line or the environment that are no text.
    """
    sets = dict(settings.sets)
    where = {name: getattr(settings, name) for name in WHERE if getattr(settings, name)}
    for name, value in (sets | where).items():
        if SURROGATE.search(name + value):
            raise ImagegenError(f"what is given for {name} is not text in UTF-8")
    filled, used = placeholders.fill(document, sets)
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    deployed = is_deployment(filled.value)
    if deployed:  # Azure Resource Manager takes the last of duplicate keys, whatever the version of a resource
        from generator.template.arm.samenames import drop_earlier  # noqa: PLC0415 - slow to import

        problems, filled = [*filled.duplicates, *drop_earlier(filled)], replace(filled, duplicates=[])
    if parameters:
        file = _in_file(parameters, sets)
        values, problems = file.values, [*problems, *file.duplicates]
        used |= file.used
    if not sets and not deployed and not CALL.search(document.text):
        return Given(filled, problems, set(), set())
    inputs = Inputs(parameters=values, sets=sets, resource=settings.resource or None, **where)
    from generator.template.arm.expand import evaluate_body, expand  # noqa: PLC0415 - slow to import
    from generator.template.arm.missing import read_places  # noqa: PLC0415

    try:
        expanded = (expand if deployed else evaluate_body)(filled, inputs)
    except InvalidTemplate as error:
        if deployed:
            left = placeholders.unfilled(filled, read_places(filled))
            unfilled = placeholders.problems(filled, left)
            raise InvalidTemplate(in_order([*error.problems, *unfilled, *problems])) from error
        return Given(filled, [*error.problems, *problems], set(), set())
    unused = sorted(set(sets) - used - expanded.used)
    problems = [*problems, *_unused(unused, _wanted(filled))]
    return Given(
        expanded.document, problems, expanded.secrets, expanded.made, expanded.assumed, expanded.places
    )  # fmt: skip


class _File(NamedTuple):
    """What a parameter file says: its values, the names that fill its placeholders, warnings for duplicate keys."""

    values: dict[str, Any]
    used: set[str]
    duplicates: list[Problem]


def _in_file(parameters: tuple[str, bytes], sets: dict[str, str]) -> _File:
    """What a parameter file says. Its lines are not shown: they may be secret, and so may the words of one that is no
    JSON."""
    from generator.template import kinds, texts  # noqa: PLC0415

    raw, file = parameters[1], parameters[0]
    try:
        document = load(raw, file)
    except InvalidTemplate as error:
        if found := texts.of_text(raw):
            message = f"this is {found.what}, not a parameter file in JSON"
            hint = PARAMETERS_WANTED if "image template" in found.hint else found.hint
            raise InvalidTemplate([Problem(file, 1, 1, "", message, hint, quoted=False)]) from None
        raise InvalidTemplate([_wordless(problem) for problem in error.problems]) from None
    if found := kinds.of_parameters(document.value):
        message = f"this is {found.what}, not a parameter file"
        raise InvalidTemplate([Problem(file, 1, 1, "", message, found.hint, quoted=False)])
    try:
        filled = placeholders.fill(document, sets)
        duplicates = [replace(problem, quoted=False) for problem in filled.document.duplicates]
        return _File(parameters_of(filled.document), filled.used, duplicates)
    except InvalidTemplate as error:
        raise InvalidTemplate([replace(problem, quoted=False) for problem in error.problems]) from None


def _wordless(problem: Problem) -> Problem:
    """A problem of a file that may hold secrets, without the words of the file: hints are ours, but for a key's."""
    hint = None if (problem.hint or "").startswith('write "') else problem.hint
    hint = PARAMETERS_BEGIN if hint == TEMPLATE_BEGINS else hint
    return replace(problem, message=WORD.sub("`…`", problem.message), hint=hint, quoted=False)


def _wanted(document: Document) -> list[str]:
    """The names that values could be given for."""
    declared = document.value.get("parameters") if isinstance(document.value, dict) else None
    return [*placeholders.unfilled(document), *(declared if isinstance(declared, dict) else ())]


def _unused(names: Iterable[str], wanted: list[str]) -> Iterator[Problem]:
    """Names that were given and that nothing has; mostly misspelled."""
    known = {one.lower(): one for one in wanted}
    for name in names:
        near = get_close_matches(name.lower(), known, n=1)
        hint = f"did you mean `{known[near[0]]}`?" if near else "take it away"
        yield Problem(f"{FLAG}{name}", 0, 0, "", "the template has no placeholder and no parameter of this name", hint)
