"""The entry: a deployment template, or a body with expressions → the plain body of one image template."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from typing import Any

from generator.errors import InvalidTemplate, Problem
from generator.template.arm.assumed import decides_the_place
from generator.template.arm.body import Builder
from generator.template.arm.bounds import MAX_DEPTH, ExpressionError, measure
from generator.template.arm.declared import Declaration, check, from_text, members, section
from generator.template.arm.deployment import Candidate, Search
from generator.template.arm.disguise import differing, public
from generator.template.arm.inputs import Inputs
from generator.template.arm.missing import missing
from generator.template.arm.parts import Template, Values
from generator.template.arm.scope import Run, Scope, Where
from generator.template.arm.syntax import is_expression, normal
from generator.template.arm.values import from_json, spelled
from generator.template.document import Document, Path, Place, in_order
from generator.template.load import MAX_BYTES, MAX_VALUES

# Members of a resource that are for Azure Resource Manager itself; the image builder never sees them.
FOR_DEPLOYMENT = {
    "condition", "copy", "dependson", "comments", "metadata", "scope", "existing", "options", "asserts", "import",
    "extension", "resourcegroup", "subscriptionid", "resources", "@options",
}  # fmt: skip
# In a plain body, only a call is surely meant as an expression: `[ -f /etc/x ]` and `[[ … ]]` are shell.
CALLS = re.compile(r"\[\s*[A-Za-z_][\w.]*\s*\(.*\]\s*\Z", re.DOTALL)
MOST_LISTED = 20


@dataclass(frozen=True)
class Expanded:
    """A plain image template with the places of the user's own file.

    used: the names of `--set` that the file knows; secrets: texts that must never be shown; secure: the parameters that
    have them; made: the texts that were made of secrets; assumed: warnings for what nobody said; places: the paths of
    those that decide where something is built.
    """

    document: Document
    used: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    secure: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    assumed: list[Problem] = field(default_factory=list)
    places: list[Path] = field(default_factory=list)


def expand(document: Document, inputs: Inputs) -> Expanded:
    """The image template that a deployment template deploys. Raises InvalidTemplate with all problems."""
    found = _guarded(document, lambda: _expand(document, inputs))
    return replace(found, made=_made_of_secrets(document, inputs, found)) if found.secure else found


def _made_of_secrets(document: Document, inputs: Inputs, found: Expanded) -> set[str]:
    """What is another with other secrets: all that cannot be told, where nothing comes out with those."""
    try:
        other = _guarded(document, lambda: _expand(document, inputs, disguised=True)).document.value
    except InvalidTemplate:
        other = None
    given = [value for name, value in {**inputs.parameters, **inputs.sets}.items() if name.lower() not in found.secure]
    return differing(found.document.value, other) - public(document, given)


def evaluate_body(document: Document, inputs: Inputs) -> Expanded:
    """A plain resource body with its expressions evaluated. Raises InvalidTemplate with all problems.

    There are no declarations: `parameters('x')` is what `--set x=VALUE` gives, or the parameter file.
    """
    return _guarded(document, lambda: _evaluate_body(document, inputs))


def _guarded(document: Document, work: Callable[[], Expanded]) -> Expanded:
    try:
        return work()
    except RecursionError:
        problem = document.problem((), "the expressions of the template stand too deep inside each other")
        raise InvalidTemplate([problem]) from None
    except ExpressionError as error:
        raise InvalidTemplate([document.problem((), error.message, error.hint)]) from None


def _expand(document: Document, inputs: Inputs, *, disguised: bool = False) -> Expanded:
    if not isinstance(document.value, dict):
        raise InvalidTemplate([document.problem((), "a deployment template is a JSON object: `{ … }`")])
    _refuse([*_wrong_sections(document)])
    run = Run(document, inputs, _expressions(inputs), disguised=disguised)
    template = Template(run, document.value, document.places, (), _where(inputs), {})
    template.given, problems = _parameters(template)
    _refuse([*problems, *missing(template)])
    _note_secrets(template)
    chosen = _chosen(run, template)
    resource = chosen.resource
    body = {key: value for key, value in resource.value.items() if key.lower() not in FOR_DEPLOYMENT}
    return _built(run, chosen.scope, body, resource.place, resource.path)


def _note_secrets(template: Template) -> None:
    """Look at every secure parameter that was given, used or not: its text must not be kept anywhere."""
    for name in template.given:
        declared = template.declaration(name)
        if declared and declared.secure:
            template.parameter(declared.name)


def _evaluate_body(document: Document, inputs: Inputs) -> Expanded:
    run = Run(document, inputs, _expressions(inputs), evaluates=lambda text: bool(CALLS.match(text)))
    template = Template(run, {}, document.places, (), _where(inputs), {})
    given: dict[str, Callable[[], Any]] = {name.lower(): _constant(value) for name, value in inputs.parameters.items()}
    given |= {name.lower(): _setting(run, name, text) for name, text in inputs.sets.items()}
    template.given = given
    return _built(run, template.scope(), document.value, document.places, ())


def _built(run: Run, scope: Scope, body: Any, place: Place, path: Path) -> Expanded:
    """The plain document. A large value may be shared within it; counted is what it would be written out."""
    builder = Builder(run, nulls=False)
    value, places = builder.value(scope, body, place, path)
    builder.finish()
    measure(value, MAX_VALUES, MAX_BYTES, MAX_DEPTH * 3)
    document = run.document
    plain = replace(document, value=value, places=places)
    noted = run.assumed
    assumed, decisive = noted.problems(document), decides_the_place(noted.found)
    return Expanded(plain, run.used, run.secrets, run.secure, assumed=assumed, places=decisive)


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise InvalidTemplate(in_order(problems))


def _wrong_sections(document: Document) -> Iterator[Problem]:
    for name, types, said in (
        ("parameters", dict, "an object"),
        ("variables", dict, "an object"),
        ("resources", (dict, list), "an array, or an object in language version 2.0"),
    ):
        key, value = section(document.value, name)
        if key in document.value and not isinstance(value, types):
            yield document.problem((key,), f"`{name}` must be {said}")


def _where(inputs: Inputs) -> Where:
    return Where(
        inputs.resource_group, inputs.location, inputs.subscription_id, inputs.tenant_id, inputs.deployment_name
    )


def _expressions(inputs: Inputs) -> dict[str, tuple[str, Any]]:
    """The names of `--set` that are expressions, in their normal form; JSON values are meant as such."""
    found: dict[str, tuple[str, Any]] = {}
    for name, text in inputs.sets.items():
        if "(" in name:
            try:
                value = from_json(text) if text[:1] in ("{", "[", '"') else text
                found[normal(name[1:-1] if is_expression(name) else name).lower()] = (name, value)
            except ExpressionError:
                continue  # a name of something else: the caller says that nothing uses it
    return found


def _parameters(template: Template) -> tuple[Values, list[Problem]]:
    """The values from outside, by name in small letters, and what is wrong with them; `--set` wins."""
    run, given, problems = template.run, dict[str, Callable[[], Any]](), list[Problem]()
    for name, value in run.inputs.parameters.items():
        declared = template.declaration(name)
        if declared is None:
            problems.append(_undeclared(template, name))
        elif value is not None or "defaultValue" not in declared.says:  # null stands for a value that is not given
            given[declared.name.lower()] = _checked(template, declared, _constant(value), problems)
    for name, text in run.inputs.sets.items():
        declared = template.declaration(name)
        if declared is not None:
            run.used.add(name)
            read = partial(from_text, text, declared)
            given[declared.name.lower()] = _checked(template, declared, read, problems)
    return given, problems


def _undeclared(template: Template, name: str) -> Problem:
    key, declared = members(template.value, "parameters")
    near = get_close_matches(name[:80], list(declared), 1)
    message = f"the parameter file gives `{name[:80]}`, which the template does not declare"
    return template.run.document.problem((key,), message, f"did you mean `{near[0]}`?" if near else None, at_key=True)


def _checked(
    template: Template, declared: Declaration, read: Callable[[], Any], problems: list[Problem]
) -> Callable[[], Any]:
    """A value that was given; what is wrong with it is noted, and then it is null, for it is not missing."""
    try:
        value = read()
        check(value, declared)
    except ExpressionError as error:
        problems.append(template.run.document.problem(declared.path, error.message, error.hint, at_key=True))
        return _constant(None)
    return _constant(value)


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value


def _setting(run: Run, name: str, text: str) -> Callable[[], Any]:
    def take() -> str:
        run.used.add(name)
        return text

    return take


def _chosen(run: Run, template: Template) -> Candidate:
    """The image template that is meant. Raises InvalidTemplate with the candidates when that is not one."""
    search = Search(run)
    search.through(template.scope(), template.value, template.place, ())
    search.builder.finish()
    wanted = (run.inputs.resource or "").lower()
    if len(search.found) == 1 and not wanted:
        return search.found[0]
    if not search.found:
        raise InvalidTemplate([_nothing_found(search)])
    named = [(_name(search, one), one) for one in search.found]
    fitting = [one for name, one in named if wanted in (name.lower(), (one.resource.symbol or "").lower())]
    if len(fitting) == 1 and wanted:
        return fitting[0]
    search.builder.finish()
    message, hint = _undecided([name for name, _ in named], wanted)
    raise InvalidTemplate([run.document.problem(named[0][1].resource.path, message, hint)])


def _nothing_found(search: Search) -> Problem:
    document = search.run.document
    key = section(document.value, "resources")[0]
    message = "the deployment has no image template (Microsoft.VirtualMachineImages/imageTemplates)"
    hint = "its condition is false" if search.left_out else None
    if search.linked:
        hint = "linked templates are not fetched: give the linked file itself"
    return document.problem((key,), message, hint, at_key=True)


def _undecided(names: list[str], wanted: str) -> tuple[str, str]:
    """What to say when none or several image templates may be meant, and what to do."""
    listed = ", ".join(name[:80] for name in names[:MOST_LISTED]) + (", …" if len(names) > MOST_LISTED else "")
    if not wanted:
        message = f"the deployment has {len(names)} image templates: {listed}"
        return message, f"choose one with --resource {names[0][:80]}"
    count = sum(name.lower() == wanted for name in names)
    return f"{count or 'no'} image templates are named `{wanted[:80]}`", f"there are: {listed}"


def _name(search: Search, candidate: Candidate) -> str:
    key = spelled(candidate.resource.value, "name")
    return str(search.built(candidate.scope, candidate.resource, key)) if key else "(without a name)"
