"""What old API versions let pass, put right: names and types in any case, old and misspelled names, unknown ones.

Before 2024-02-01 the service ignored case and what it did not know (aib-reference 1.1); templates rely on that.
"""

import re
from dataclasses import replace
from typing import Any

from generator.errors import Problem
from generator.template.document import Document, Path, Place
from generator.template.placeholders import Given
from generator.template.schema import ImageTemplate
from generator.template.schema.shape import bare, choices, fields, inside, is_section, members, nearest
from generator.template.versions import is_strict, lets_go_nowhere
from generator.template.warnings import DUPLICATE_NAME, SPELLING, UNKNOWN_NAME

# Names of the first previews (aib-reference 1.4, 1.11).
OLD = {"script": "scriptUri"}
# A misspelling is certain from this ratio of difflib on (`aritfactTags` has 0.92), and of much the same length: the
# format itself has `stagingResourceGroup` and `exactStagingResourceGroup`.
CERTAIN = 0.85
LETTERS = 2
WHOLE = re.compile(r"-?[0-9]{1,20}\Z")


def tolerant(document: Document, version: str | None) -> tuple[Document, list[Problem]]:
    """The document as it is meant, every place still that of the user's file, and a warning for what was put right.

    Where the API version is strict, only values that were given for placeholders become the numbers they stand for.
    """
    fitting = _Fitting(document, lenient=not is_strict(version))
    value, places = fitting.fit(ImageTemplate, document.value, document.places, ())
    if lets_go_nowhere(version) and isinstance(value.get("properties"), dict):
        value["properties"].setdefault("distribute", [])
    return replace(document, value=value, places=places), fitting.found


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

    def fit(self, kind: Any, value: Any, place: Place, path: Path) -> tuple[Any, Place]:
        """A value as its type wants it. A value that is no such thing stays as it is: the models refuse it."""
        kind = bare(kind)
        if isinstance(value, dict):
            return self._object(kind, value, place, path)
        if isinstance(value, list):
            given = place.inside if isinstance(place.inside, list) else [place] * len(value)
            pairs = [
                self.fit(inside(kind, index), item, at, (*path, index))
                for index, (item, at) in enumerate(zip(value, given, strict=True))
            ]
            return [item for item, _ in pairs], place._replace(inside=[at for _, at in pairs])
        return (self._text(kind, value, path) if isinstance(value, str) else value), place

    def _object(self, kind: Any, value: dict[str, Any], place: Place, path: Path) -> tuple[Any, Place]:
        model = self._member(kind, value) if members(kind) else kind
        fitted: dict[str, Any] = {}
        at: dict[str, Place] = {}
        given = place.inside if isinstance(place.inside, dict) else {}
        for key, item in value.items():
            name = self._name(model, key, value, path)
            if name is not None and name not in fitted:
                fitted[name], at[name] = self.fit(inside(model, name), item, given.get(key, place), (*path, key))
        return fitted, place._replace(inside=at)

    def _member(self, union: Any, value: dict[str, Any]) -> Any:
        """The member of a union that a `type` names."""
        same = str.lower if self.lenient else str
        wanted = [item for key, item in value.items() if same(key) == "type" and isinstance(item, str)]
        return next((model for name, model in members(union).items() if wanted and same(name) == same(wanted[0])), None)

    def _name(self, model: Any, key: str, value: dict[str, Any], path: Path) -> str | None:
        """The name that a key means; None when it means nothing."""
        names = fields(model)
        if key in names or not self.lenient or not is_section(model):
            return key
        name = OLD.get(key.lower()) if OLD.get(key.lower()) in names else certain(key, list(names))
        if name is None:
            near = nearest(key, list(names))
            hint = f"did you mean `{near}`?" if near else "take it away"
            self._warn((*path, key), f"`{key[:80]}` is not known here and has no effect", hint, UNKNOWN_NAME)
        elif name in value:
            self._warn((*path, key), f"`{key[:80]}` has no effect beside `{name}`", "take it away", DUPLICATE_NAME)
            name = None
        else:
            self._warn((*path, key), f"`{key[:80]}` is read as `{name}`", f"write `{name}`", SPELLING)
        return name

    def _text(self, kind: Any, text: str, path: Path) -> Any:
        """A text in its place: a choice in its own case; a given value as the number or truth that is wanted."""
        allowed = choices(kind)
        if self.lenient and allowed and text not in allowed:
            meant = next((one for one in allowed if one.lower() == text.lower()), text)
            if meant != text:
                self._warn(path, f"`{text}` is read as `{meant}`", f"write `{meant}`", SPELLING, at_key=False)
            return meant
        if isinstance(text, Given):
            if kind is int and WHOLE.match(text):
                return int(text)
            if kind is bool and text.lower() in ("true", "false"):
                return text.lower() == "true"
        return str(text) if isinstance(text, Given) else text

    def _warn(self, path: Path, message: str, hint: str, code: str, *, at_key: bool = True) -> None:
        hint += ": API versions from 2024-02-01 on refuse anything else" if hint.startswith("write") else ""
        self.found.append(self.document.problem(path, message, hint, level="warning", at_key=at_key, code=code))
