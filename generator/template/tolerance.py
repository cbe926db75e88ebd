"""What old API versions let pass, put right: names and types in any case, old and misspelled names, unknown ones, and
values of another kind, such as "120" for 120.

Before 2024-02-01 the service ignored case and what it did not know, and converted values; templates rely on that.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple, get_origin

from generator.errors import Problem
from generator.template.document import Document, Path, Place
from generator.template.placeholders import Given
from generator.template.schema import ImageTemplate
from generator.template.schema.shape import bare, choices, fields, inside, is_section, members, nearest
from generator.template.versions import is_strict, lets_go_nowhere
from generator.template.warnings import CONVERTED, DUPLICATE_NAME, SPELLING, UNKNOWN_NAME

# Names of the first previews (FORMAT.md 1.4, 1.11).
OLD = {"script": "scriptUri"}
# What `az resource show` and Get-AzResource add to a resource of any type.
OF_RESOURCES = {
    "changedtime", "createdtime", "etag", "extendedlocation", "kind", "managedby", "plan", "resourcegroup",
    "resourcegroupname", "resourceid", "resourcename", "resourcetype", "sku", "subscriptionid", "zones",
}  # fmt: skip
# A misspelling is certain from this ratio of difflib on (`aritfactTags` has 0.92), and of much the same length: the
# format itself has `stagingResourceGroup` and `exactStagingResourceGroup`.
CERTAIN = 0.85
LETTERS = 2
WHOLE = re.compile(r"[+-]?[0-9]{1,20}\Z", re.ASCII)
MISSING = object()


class Tolerant(NamedTuple):
    """The document as it is meant, every place still that of the user's file, a warning for each thing that was put
    right, and the paths in the file that have no effect."""

    document: Document
    found: list[Problem]
    without_effect: set[Path]


def tolerant(document: Document, version: str | None) -> Tolerant:
    """A document as it is meant. Where the API version is strict, only values that were given for placeholders become
    the numbers they stand for."""
    fitting = _Fitting(document, lenient=not is_strict(version))
    value, places = fitting.fit(ImageTemplate, document.value, document.places, ())
    if lets_go_nowhere(version) and isinstance(value.get("properties"), dict):
        value["properties"].setdefault("distribute", [])
    return Tolerant(replace(document, value=value, places=places), fitting.found, fitting.without_effect)


def certain(key: str, names: list[str]) -> str | None:
    """The name that a misspelled one cannot but mean."""
    near = nearest(key, names, CERTAIN)
    return near if near and abs(len(near) - len(key)) <= LETTERS else None


class _Fitting:
    """One pass over a document, along the models."""

    def __init__(self, document: Document, *, lenient: bool) -> None:
        self.document = document
        self.lenient = lenient
        self.found: list[Problem] = []
        self.without_effect: set[Path] = set()

    def fit(self, kind: Any, value: Any, place: Place, path: Path) -> tuple[Any, Place]:
        """A value as its type wants it. A value that is no such thing stays as it is: the models refuse it."""
        kind = bare(kind)
        if self.lenient and get_origin(kind) is tuple and _is_item(inside(kind, 0), value):
            return self._single(kind, value, place, path)
        if isinstance(value, dict):
            return self._object(kind, value, place, path)
        if isinstance(value, list):
            given = place.inside if isinstance(place.inside, list) else [place] * len(value)
            pairs = [
                self.fit(inside(kind, index), item, at, (*path, index))
                for index, (item, at) in enumerate(zip(value, given, strict=True))
            ]
            return [item for item, _ in pairs], place._replace(inside=[at for _, at in pairs])
        return self._plain(kind, value, place, path), place

    def _single(self, kind: Any, value: Any, place: Place, path: Path) -> tuple[Any, Place]:
        """The list of a single value: PowerShell's ConvertTo-Json writes lists of one so."""
        item, at = self.fit(inside(kind, 0), value, place, path)
        self._warn(path, "a single value is read as a list of one", "write it in `[ … ]`", CONVERTED, at_key=False)
        return [item], place._replace(inside=[at])

    def _object(self, kind: Any, value: dict[str, Any], place: Place, path: Path) -> tuple[Any, Place]:
        model = self._member(kind, value) if members(kind) else kind
        fitted: dict[str, Any] = {}
        at: dict[str, Place] = {}
        given = place.inside if isinstance(place.inside, dict) else {}
        for key, name in self._names(model, value, path).items():
            fitted[name], at[name] = self.fit(inside(model, name), value[key], given.get(key, place), (*path, key))
        return fitted, place._replace(inside=at)

    def _member(self, union: Any, value: dict[str, Any]) -> Any:
        """The member of a union that a `type` names."""
        same = str.lower if self.lenient else str
        wanted = [item for key, item in value.items() if same(key) == "type" and isinstance(item, str)]
        return next((model for name, model in members(union).items() if wanted and same(name) == same(wanted[0])), None)

    def _names(self, model: Any, value: dict[str, Any], path: Path) -> dict[str, str]:
        """The keys of an object that count, with the name that each means.

        Of several keys for one name its own spelling counts, else the last in another case, else the first guess.
        """
        if not self.lenient or not is_section(model):
            return {key: key for key in value}
        names = fields(model)
        if value.keys() <= names.keys():  # as nearly all are
            return {key: key for key in value}
        meant = {key: self._name(list(names), key) for key in value}
        counting: dict[str, str] = {}
        for key, name in meant.items():
            if name is not None and (name not in counting or _rank(key, name) >= max(_rank(counting[name], name), 1)):
                counting[name] = key
        for key, name in meant.items():
            if name is None:
                self.without_effect.add((*path, key))
                self._unknown(names, key, value[key], path)
            elif counting[name] != key:
                self.without_effect.add((*path, key))
                message = f"`{key[:80]}` has no effect beside `{counting[name][:80]}`"
                self._warn((*path, key), message, "remove it", DUPLICATE_NAME)
            elif key != name:
                self._warn((*path, key), f"`{key[:80]}` is read as `{name}`", f"write `{name}`", SPELLING)
        return {key: name for key, name in meant.items() if name is not None and counting[name] == key}

    def _name(self, names: list[str], key: str) -> str | None:
        """The name that a key means; None when it means nothing."""
        if key in names:
            return key
        old = OLD.get(key.lower())
        return old if old in names else certain(key, names)

    def _unknown(self, names: dict[str, Any], key: str, value: Any, path: Path) -> None:
        """Warn of a key that means nothing; one without a value says nothing either, nor do the names that tools show
        of any resource."""
        if value is not None and (path or key.lower() not in OF_RESOURCES):
            near = nearest(key, list(names))
            hint = f"did you mean `{near}`?" if near else "remove it"
            self._warn((*path, key), f"`{key[:80]}` is not known here and has no effect", hint, UNKNOWN_NAME)

    def _plain(self, kind: Any, value: Any, place: Place, path: Path) -> Any:
        """A value that is no object and no list, as the kind that is wanted in its place."""
        if isinstance(value, Given):  # what fills a placeholder has no kind of its own
            converted = _converted(kind, str(value)) if kind in (int, bool) else MISSING
            value = str(value) if converted is MISSING else converted
        if not self.lenient:
            return value
        allowed = choices(kind)
        if allowed and isinstance(value, str) and value not in allowed:
            meant = next((one for one in allowed if one.lower() == value.strip().lower()), MISSING)
        else:
            meant = _converted(kind, value, lambda: self._written(value, place))
        if meant is MISSING:
            return value
        shown, read = (json.dumps(one, ensure_ascii=False)[:80] for one in (value, meant))
        code = CONVERTED
        if allowed:
            shown, read, code = str(value)[:80], str(meant), SPELLING
        self._warn(path, f"`{shown}` is read as `{read}`", f"write `{read}`", code, at_key=False)
        return meant

    def _written(self, value: Any, place: Place) -> str:
        """A number as the file writes it, such as `1.10`; what an expression gives is not there."""
        text = self.document.text[place.start : place.end]
        try:
            return text if json.loads(text) == value else json.dumps(value)
        except ValueError:
            return json.dumps(value)

    def _warn(self, path: Path, message: str, hint: str, code: str, *, at_key: bool = True) -> None:
        hint += ": API versions from 2024-02-01 on refuse anything else" if hint.startswith("write") else ""
        self.found.append(self.document.problem(path, message, hint, level="warning", at_key=at_key, code=code))


def _is_item(kind: Any, value: Any) -> bool:
    """Whether a value may be an item of a list of this kind: an object of sections, plain values of others."""
    if is_section(bare(kind)) or members(kind):
        return isinstance(value, dict)
    return isinstance(value, str | int | float)


def _rank(key: str, name: str) -> int:
    """How surely a key means a name: 2 its own spelling, 1 another case, 0 a guess."""
    return 2 if key == name else int(key.lower() == name.lower())


def _converted(kind: Any, value: Any, written: Callable[[], str] = str) -> Any:
    """A plain value as another kind, as JSON readers of many services convert them; MISSING where nothing is to do.

    Texts become numbers and truths, numbers with a fraction of zeros whole ones, 1 and 0 truths, numbers and truths
    texts. `written` gives a number as the file writes it.
    """
    if kind not in (int, bool, str) or type(value) is kind:
        return MISSING
    text = value.strip().lower() if isinstance(value, str) else ""
    if kind is int and WHOLE.match(text):
        converted: Any = int(text)
    elif kind is int and isinstance(value, float) and value.is_integer():
        converted = int(value)
    elif kind is bool and (text in ("true", "false") or (type(value) is int and value in (0, 1))):
        converted = text == "true" or value == 1
    elif kind is str and isinstance(value, bool):
        converted = "true" if value else "false"
    elif kind is str and isinstance(value, int | float):
        converted = written()
    else:
        converted = MISSING
    return converted
