"""What functions answer that ask where a deployment goes, when nobody said so: an assumption, which is reported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from generator.errors import Problem
from generator.template.arm.values import as_json
from generator.template.document import Document, Path
from generator.template.warnings import NOT_GIVEN

# The settings that answer, with what is assumed without them.
NOBODY = "00000000-0000-0000-0000-000000000000"
DEFAULTS = {
    "resource_group": "imagegen", "location": "westeurope", "subscription_id": NOBODY, "tenant_id": NOBODY,
    "deployment_name": "imagegen", "utc_now": "2020-01-01T00:00:00Z", "seed": "",
}  # fmt: skip
# Those that decide where a build happens and where its images go.
PLACES = ("location", "resource_group", "subscription_id")
MOST = 20  # assumptions that are reported of a template
LONGEST = 120


@dataclass(frozen=True)
class Assumed:
    """A value that is an assumption. `settings`: those that would say it; none where only `--set` can."""

    value: Any
    settings: tuple[str, ...] = ()


class OnlyAzure:
    """Stands for a property whose value nobody but Azure knows."""


ONLY_AZURE = OnlyAzure()


@dataclass
class Assumptions:
    """The assumptions of one template: the normal text of each expression => where it is first, and what it answers."""

    found: dict[str, tuple[Path, Assumed]] = field(default_factory=dict)
    at: Path = ()

    def note(self, text: str, assumed: Assumed) -> None:
        """Keep an assumption that the expression at the present place makes."""
        if len(self.found) < MOST:
            self.found.setdefault(text, (self.at, assumed))

    def problems(self, document: Document) -> list[Problem]:
        """A warning for each."""
        return [_problem(document, path, text, one) for text, (path, one) in self.found.items()]


def _problem(document: Document, path: Path, text: str, assumed: Assumed) -> Problem:
    shown = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    value = assumed.value if isinstance(assumed.value, str) else as_json(assumed.value)
    what = f"the value of `{shown}` is not given: it is read as `{value[:LONGEST]}`"
    flag = f'give it with --set "{shown}=VALUE"'
    if assumed.settings:
        names = " and ".join(f"`{one}`" for one in assumed.settings)
        variables = " and ".join(f"IMAGEGEN_{one.upper()}" for one in assumed.settings)
        flag = f"set {names} in imagegen.toml, or {variables}; or {flag}"
    return document.problem(path, what, flag, level="warning", code=NOT_GIVEN)


def decides_the_place(assumed: Mapping[str, tuple[Path, Assumed]]) -> list[Path]:
    """The places of the assumptions that decide where something is built or goes to."""
    return [path for path, one in assumed.values() if set(one.settings) & set(PLACES)]


def plain(value: Any, text: str, noted: Assumptions) -> Any:
    """A value without assumptions in it, each noted under the text of its expression."""
    if isinstance(value, Assumed):
        noted.note(text, value)
        return value.value
    if isinstance(value, dict):
        return {key: plain(one, f"{text}.{key}", noted) for key, one in value.items() if one is not ONLY_AZURE}
    return value
