"""Resolves scriptUri and sourceUri to bytes: from the web, from the template's folder, or from what is recorded."""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from generator.errors import ImagegenError, InvalidTemplate, Problem
from generator.settings import Settings
from generator.settings.kinds import is_web
from generator.system import private
from generator.system.home import expand
from generator.template import addresses, allowed
from generator.template.addresses import redact
from generator.template.document import Document, in_order, written
from generator.template.document import Path as JsonPath

if TYPE_CHECKING:
    from generator.template.schema import ImageTemplate

Kind = Literal["script", "file"]
LIMIT = 20_000_000  # bytes; FORMAT.md 2.3 has it for File, nothing is known for scripts
TOO_LARGE = {
    "file": ("File customizers take at most 20 MB", "fetch larger files in a Shell step"),
    "script": ("scripts take at most 20 MB", None),
}


class Held(NamedTuple):
    """What a workspace holds of an address: as it was fetched (a file), or as it runs (a script), with the SHA-256 in
    its lock."""

    content: bytes
    digest: str
    kind: Kind


class Sources:
    """Where the bytes of addresses come from; each address is fetched once.

    `recorded` is what a workspace already holds, by address: if given, nothing else is asked. `downloaded` is what it
    holds of the web: that is not downloaded again while its checksum fits.
    """

    def __init__(
        self, template_path: Path, settings: Settings, recorded: Mapping[str, Held] | None = None,
        downloaded: Mapping[str, Held] | None = None,
    ) -> None:  # fmt: skip
        self.template_path = template_path
        self._settings = settings
        self._recorded = recorded
        self._downloaded = {redact(uri): held for uri, held in (downloaded or {}).items() if is_web(uri)}
        self._got: dict[str, bytes] = {}
        self.read: dict[Path, bytes] = {}  # the files of this computer that were read
        self._roots = allowed.roots_of(template_path, settings)

    def get(self, uri: str, sha256: str | None, kind: Kind) -> bytes:
        """The bytes of an address, compared with `sha256` (lower-case hex; None or empty: unchecked).

        Raises ImagegenError when the address is refused, cannot be read, is too large or has another checksum.
        """
        content = self._got.get(uri)
        if content is None:
            content = self._got[uri] = self._find(uri, sha256, kind)
        if len(content) >= LIMIT:
            raise too_large(uri, kind)
        known = {sha256, self._recorded[uri].digest if self._recorded and kind == "script" else None}
        if sha256 and (actual := hashlib.sha256(content).hexdigest()) not in known:
            raise ImagegenError(
                f"{redact(uri)} has another checksum than the template says: {actual}",
                "if the new content is right, write its checksum into the template",
            )
        return content

    def _find(self, uri: str, sha256: str | None, kind: Kind) -> bytes:
        if self._recorded is not None:
            if uri not in self._recorded:
                hint = "generate the workspace anew from the template"
                raise ImagegenError(f"the workspace holds no copy of {redact(uri)}", hint)
            return self._recorded[uri].content
        if refused := addresses.refusal(uri):
            raise ImagegenError(refused)
        held = self._downloaded.get(redact(uri))
        if held is not None and kind in ("script", held.kind) and _fits(held.content, sha256):
            return held.content
        if (mirrored := self._mirrored(uri)) is not None:
            prefix, rest = mirrored
            if not is_web(prefix):
                return _from_mirror(prefix, rest, uri, kind)
            uri = prefix + rest
        if addresses.kind(uri) in ("relative", "absolute"):
            path = self.template_path.absolute().parent / addresses.path_of(uri)
            content = self.read[path] = _from_disk(path, self._roots, uri, kind)
            return content
        return self._from_web(uri, sha256, kind)

    def _mirrored(self, uri: str) -> tuple[str, str] | None:
        """Replacement and rest of an address by the longest prefix that fits; None without one."""
        fitting = [(prefix, other) for prefix, other in self._settings.mirrors if uri.startswith(prefix)]
        if not fitting:
            return None
        prefix, other = max(fitting, key=lambda pair: len(pair[0]))
        return other, uri[len(prefix) :]

    def _from_web(self, uri: str, sha256: str | None, kind: Kind) -> bytes:
        """Download, or take what an earlier download left; only a checksum tells that it is still the same."""
        cached = self._settings.cache_dir / "downloads" / sha256 if sha256 else None
        if cached:
            with suppress(OSError):
                content = cached.read_bytes()
                if hashlib.sha256(content).hexdigest() == sha256:
                    return content
        from generator.template.download import download  # noqa: PLC0415 - httpx, only where it is needed

        content = download(uri, LIMIT, too_large(uri, kind))
        if cached and hashlib.sha256(content).hexdigest() == sha256:
            _keep(cached, content)
        return content


def _fits(content: bytes, sha256: str | None) -> bool:
    """Whether bytes have a checksum; any have none."""
    return not sha256 or hashlib.sha256(content).hexdigest() == sha256


def fetch_all(template: "ImageTemplate", sources: Sources, document: Document | None = None) -> dict[str, bytes]:
    """The bytes of every address in the template, by address.

    Raises InvalidTemplate with one Problem for each that fails; `document` gives them line and column.
    """
    found: dict[str, bytes] = {}
    problems: list[Problem] = []
    for path, uri, sha256, kind in addresses_in(template):
        try:
            found[uri] = sources.get(uri, sha256, kind)
        except ImagegenError as error:
            if document:
                problems.append(document.problem(path, error.message, error.hint))
            else:
                file = str(sources.template_path)
                problems.append(Problem(file, 0, 0, written(path), error.message, error.hint))
    if problems:
        raise InvalidTemplate(in_order(problems))
    return found


def addresses_in(template: "ImageTemplate") -> Iterator[tuple[JsonPath, str, str, Kind]]:
    """Path, address, checksum and kind of everything that a template wants fetched."""
    from generator.template.schema import File, PowerShell, Shell  # noqa: PLC0415 - pydantic

    properties = template.properties
    steps = [(("properties", "customize", index), step) for index, step in enumerate(properties.customize)]
    checks = enumerate(properties.validate_.in_vm_validations)
    validators = [(("properties", "validate", "inVMValidations", index), step) for index, step in checks]
    for at, step in [*steps, *validators]:
        if isinstance(step, File):
            yield (*at, "sourceUri"), step.source_uri, step.sha256_checksum, "file"
        elif isinstance(step, Shell | PowerShell) and step.script_uri is not None:
            yield (*at, "scriptUri"), step.script_uri, step.sha256_checksum, "script"


def too_large(uri: str, kind: Kind) -> ImagegenError:
    """The error for something above the limit."""
    message, hint = TOO_LARGE[kind]
    return ImagegenError(f"{message}; {redact(uri)} is larger", hint)


def _from_mirror(prefix: str, rest: str, uri: str, kind: Kind) -> bytes:
    """A file of a local mirror: the rest of the address is a path there, without query."""
    base = expand(prefix)
    folder = base if prefix.endswith("/") or base.is_dir() else base.parent
    path = unquote(urlsplit("//mirror/" + rest).path.removeprefix("/"))
    joined = f"{base}/{path}" if prefix.endswith("/") or rest.startswith("/") else f"{base}{path}"
    return _from_disk(folder / joined, [folder], uri, kind, mirror=True)


def scripts_in(template: "ImageTemplate") -> list[str]:
    """Every line that stands in the template itself."""
    properties = template.properties
    steps = [*properties.customize, *properties.validate_.in_vm_validations]
    return [line for step in steps for line in getattr(step, "inline", None) or ()]


def _from_disk(path: Path, roots: list[Path], uri: str, kind: Kind, *, mirror: bool = False) -> bytes:
    """The bytes of a regular file below one of `roots`."""
    shown = redact(uri)
    try:
        content = allowed.read(path, roots, shown, LIMIT, mirror=mirror)
    except FileNotFoundError:
        raise ImagegenError(f"there is no file {shown} in {roots[0]}") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise ImagegenError(f"{shown} cannot be read: {reason}") from error
    if len(content) >= LIMIT:
        raise too_large(uri, kind)
    return content


def _keep(path: Path, content: bytes) -> None:
    """Put a download into the cache, whole or not at all. A cache that cannot be written costs only time."""
    with suppress(OSError):
        private.folder(path.parent)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            try:
                file.write(content)
                file.flush()
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
