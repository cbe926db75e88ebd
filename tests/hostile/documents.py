"""Image templates in which every string that a user controls tries to be more than text."""

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

# Stands in every hostile piece. Names that we make are lower case, so it must never be seen in a file of ours.
MARK = "EVIL"
PIECES = (
    "${EVIL}", "$${EVIL}", "$$${EVIL}", "%{if EVIL}", "%%{EVIL}", "%{~ for EVIL in x ~}", "${file(\"/etc/EVIL\")}",
    '"EVIL"', "'EVIL'", "\\EVIL", "EVIL\\", '\\"EVIL', "\nEVIL\n", "\r\nEVIL", "\rEVIL", "\tEVIL", "\vEVIL\f",
    "\0EVIL", "\x1b[31mEVIL\x1b[2J", "\x1b]0;EVIL\x07", "\x1b]8;;http://EVIL\x1b\\", "\x9b31mEVIL", "\x7fEVIL\b\b",
    "\u202eEVIL\u202c", "\u2066EVIL\u2069", "\u200fEVIL", "\u061cEVIL", "EVIL\u2028EVIL\u2029", "\u0085EVIL",
    "\ufeffEVIL", "\U0001f4a3EVIL", "e\u0301EVIL", "\uffffEVIL", "\U000e0045EVIL", "<<EOF\nEVIL\nEOF\n", "<<-EVIL",
    "EVIL */ x", "/* EVIL", "# EVIL", "// EVIL", "../EVIL", "../../../../etc/EVIL", "/EVIL/../..", "-EVIL",
    "--EVIL=1", "-rf EVIL", "$(EVIL)", "`EVIL`", "; EVIL", "| EVIL", "&& EVIL &", "> /tmp/EVIL",
    "IMAGEGEN_SCRIPT\nEVIL", "IMAGEGEN_ROOT\nEVIL", "EVIL{{ x }}", "{% EVIL %}", "{# EVIL",
    "}\nresource \"EVIL\" \"x\" {", "EVIL\" }\n", "~EVIL", "C:\\EVIL", "EVIL\\u0000", "EVIL%00", "%sEVIL", "EVIL:x:0",
    "con.EVIL", "EVIL\n::error::EVIL", "]]>EVIL", "EVIL=EVIL", ".EVIL", "EVIL ", " EVIL", "EVIL/",
)  # fmt: skip

SOURCE = {"type": "PlatformImage", "publisher": "Debian", "offer": "debian-12", "sku": "12", "version": "latest"}
IDENTITY = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{}"
GROUP = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Compute"

_piece = st.sampled_from(PIECES)
_other = st.text(max_size=8)
_long = st.builds(lambda piece, count: piece * count, _piece, st.integers(100, 700))


def _is_text(text: str) -> bool:
    """Whether it stands for nothing else in a template: no expression, no placeholder."""
    return not text.startswith("[") and not re.search(r"<[A-Za-z][\w .-]*>", text)


TEXT = st.one_of(
    _piece, st.builds("{}{}{}".format, _other, _piece, _other), st.builds("".join, st.lists(_piece, max_size=4)), _long
).filter(_is_text)


def without(pattern: str, longest: int) -> st.SearchStrategy[str]:
    """Hostile text for a place where a rule of the format allows less."""
    # What is taken out may leave a placeholder: of a heredoc with a redirection after it, `<<EOF>`.
    return TEXT.map(lambda text: re.sub(pattern, "", text)[:longest] or MARK).filter(_is_text)


def composed(text: str) -> str:
    """The one form of Unicode in which Terraform keeps text."""
    return unicodedata.normalize("NFC", text)


SEGMENT = without(r"[/\s]", 60)
DESTINATION = without(r"\0", 4000).map(lambda text: "/" + composed(text).strip().rstrip("/\\"))
_SOURCE_NAMES = st.sampled_from(["publisher", "offer", "sku"])
# What Azure allows in names, regions, sizes and tags; all else is refused before anything is made of it.
NAME = without(r"[^A-Za-z0-9]", 60)
GROUP_NAME = without(r"[^A-Za-z0-9_.()-]", 60).map(lambda text: f"{text}_")
IMAGE_NAME = without(r"[^A-Za-z0-9_.-]", 60).map(lambda text: f"a{text}_")
REGION = without(r"[^A-Za-z0-9 -]", 60).map(lambda text: text if text.strip() else MARK)
MARKETPLACE = without(r"[^A-Za-z0-9_.+-]", 60)
SIZE = without(r"[^A-Za-z0-9_-]", 60).map(lambda text: f"a{text}")
TAG = without(r"[<>%&\\?/\x00-\x1f\x7f]", 100).map(composed).map(lambda text: text if text.strip() else MARK)
TAGS = st.dictionaries(TAG, without("(?!)", 200).map(composed), max_size=2).filter(
    lambda tags: len({name.lower() for name in tags}) == len(tags)
)


Expected = tuple[str, list[str] | None, str | None]


@dataclass(frozen=True)
class Hostile:
    """A template, its parameter file if it has one, and what must come back from the workspace.

    steps and validations: of each its title ("" where it has none), its lines (None: a File) and its destination.
    """

    template: bytes
    parameters: bytes | None
    steps: list[Expected]
    validations: list[Expected]
    tags: dict[str, str]
    target: str


@st.composite
def hostile(draw: st.DrawFn) -> Hostile:
    """A template that is right by the rules of the format."""
    steps = draw(st.lists(_step(), min_size=1, max_size=3))
    validators = draw(st.lists(_step(), max_size=1))
    target = draw(st.sampled_from(["azure", "local"]))
    identity = IDENTITY.format(draw(SEGMENT), draw(SEGMENT), draw(SEGMENT))
    tags, location = draw(TAGS), draw(REGION)
    distributor = _distributor(draw, location.upper()) | {"runOutputName": draw(_output), "artifactTags": tags}
    body = {
        "type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2024-02-01", "location": location,
        "name": draw(st.sampled_from(["a", "A.b_c-d", "-", "_.", "..", "x" * 64])),
        "tags": draw(TAGS),
        "properties": {
            "source": SOURCE | {name: draw(MARKETPLACE) for name in draw(st.sets(_SOURCE_NAMES))},
            "customize": steps,
            "distribute": [distributor],
            "managedResourceTags": draw(TAGS),
            "validate": {"inVMValidations": validators},
            "vmProfile": {"vmSize": draw(SIZE)},
        },
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}},
    }  # fmt: skip
    expected = [_expected(step) for step in steps], [_expected(step) for step in validators]
    if not draw(st.booleans()):
        return Hostile(_json(body, draw(st.booleans())), None, *expected, tags, target)
    body["properties"], values = _by_parameters(body["properties"])
    deployment = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0", "parameters": {name: {"type": "string"} for name in values}, "resources": [body],
    }  # fmt: skip
    given = {"parameters": {name: {"value": value} for name, value in values.items()}}
    return Hostile(_json(deployment, draw(st.booleans())), _json(given, True), *expected, tags, target)


def _expected(step: dict[str, Any]) -> Expected:
    return step.get("name", ""), step.get("inline"), step.get("destination")


_output = st.sampled_from(["out", ".", "..", "-rf", "a.tf", "A_b-c", "x" * 64, "CON", "...", "--"])


@st.composite
def _step(draw: st.DrawFn) -> dict[str, Any]:
    named = {"name": draw(TEXT)} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        return {"type": "Shell", "inline": draw(st.lists(TEXT, min_size=1, max_size=3))} | named
    return {"type": "File", "sourceUri": "file.txt", "destination": draw(DESTINATION)} | named


def _distributor(draw: Callable[[st.SearchStrategy[str]], str], location: str) -> dict[str, Any]:
    group = GROUP.format("11111111-1111-1111-1111-111111111111", draw(GROUP_NAME))
    match draw(st.sampled_from(["VHD", "ManagedImage", "SharedImage"])):
        case "VHD":
            return {"type": "VHD", "uri": "https://EVIL.example/vhds/" + draw(without(r"[?#@/]", 200))}
        case "ManagedImage":
            return {"type": "ManagedImage", "imageId": f"{group}/images/{draw(IMAGE_NAME)}", "location": location}
    definition = f"{group}/galleries/{draw(NAME)}/images/{draw(NAME)}"
    return {"type": "SharedImage", "galleryImageId": definition, "targetRegions": [{"name": location}]}


def _by_parameters(value: Any) -> tuple[Any, dict[str, str]]:
    """The same with every hostile value, where it is one, taken from a parameter."""
    values: dict[str, str] = {}

    def moved(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: moved(item) for key, item in part.items()}
        if isinstance(part, list):
            return [moved(item) for item in part]
        if isinstance(part, str) and MARK in part:
            name = f"p{len(values)}"
            values[name] = part
            return f"[parameters('{name}')]"
        return part

    return moved(value), values


def _json(value: Any, ascii_only: bool) -> bytes:
    return json.dumps(value, ensure_ascii=ascii_only).encode()


_WORDS = """
type properties source customize inline name distribute runOutputName scriptUri sourceUri destination tags identity
userAssignedIdentities apiVersion validate inVMValidations vmProfile vnetConfig subnetId sha256Checksum
"""
_MORE = (
    "\ud800", "\udfffEVIL", "[EVIL('\x1b[31m')]", "[concat('\ud83d', '${EVIL}')]", "<EVIL\x1b>", "<EVIL id>",
    "[json('\"\\ud800\"')]", "[uriComponentToString('%ed%a0%80')]", "[base64ToString('7aCA')]", "[EVIL\x1b[2J",
)  # fmt: skip
_KEYS = st.sampled_from(_WORDS.split())
ANY_TEXT = TEXT | st.sampled_from(_MORE) | st.text(max_size=20)
_ANY = st.recursive(
    ANY_TEXT | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS | ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A template with anything at all in one place, or its text cut into: it need not be right."""
    made = draw(hostile())
    value = json.loads(made.template)
    part: Any = value
    while True:
        key = draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part)))) if part else ""
        if not part or not isinstance(part[key], dict | list) or draw(st.integers(0, 3)) == 0:
            break
        part = part[key]
    if isinstance(part, dict):
        part[draw(st.just(key) | ANY_TEXT | _KEYS)] = draw(_ANY)
    else:
        part.append(draw(_ANY))
    raw = _json(value, True)
    if draw(st.integers(0, 3)):
        return raw
    at = draw(st.integers(0, len(raw)))
    return raw[:at] + draw(TEXT | st.just("")).encode(errors="surrogatepass") + raw[at + draw(st.integers(0, 9)) :]
