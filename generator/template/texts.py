"""What a file is that is no JSON, told by its first bytes and lines: one error, which says what to do with it."""

import re

from generator.system.files import CONFLICT_HINT, has_conflict
from generator.template.kinds import Kind

MAGIC = {
    b"PK\x03\x04": "a ZIP archive", b"\x1f\x8b": "a gzip archive", b"\x7fELF": "a program",
    b"MZ": "a program of Windows", b"conectix": "a VHD", b"QFI\xfb": "a qcow2 disk", b"%PDF": "a PDF document",
    b"vhdxfile": "a VHDX",
}  # fmt: skip
# What the lines of other languages look like; the first that is found counts. `(?m)^` is the start of a line.
BICEP = (
    r"(?m)^(?:targetScope\s*=|(?:resource|module)\s+\w+\s+'|(?:param|var|type|func|output)\s+\w+[\s=]|@\w+(?:\.\w+)?\()"
)
PACKER = r'(?m)^\s*(?:packer\s*\{|build\s*\{|source\s+"[^"]*"\s+"[^"]*"\s*\{)'
TERRAFORM = (
    r'(?m)^\s*(?:(?:terraform|locals)\s*\{|(?:resource|data)\s+"[^"]*"\s+"|(?:provider|variable|module|output)\s+")'
)
KINDS: tuple[tuple[str, str, str], ...] = (
    (r"(?m)^(?:using|extends)\s+(?:'|none\b)", "a Bicep parameter file",
     "`bicep build-params FILE` makes a parameter file in JSON of it, which is given with --parameters"),
    (r"\s*<(?:!DOCTYPE|html|\?xml|\w+[\s>])", "HTML or XML", "was a page saved in its place, such as one of a login?"),
    (r"\s*#cloud-config", "a configuration of cloud-init", "give an image template"),
    (r"#!", "a script", "give the image template that runs it"),
    (r"\s*(?:<#|\[CmdletBinding|(?i:param)\s*\()", "a script of PowerShell", "give the image template that runs it"),
    (PACKER, "a template of Packer", "write an image template: its `customize` has what are provisioners there"),
    (TERRAFORM, "a configuration of Terraform", "give an image template"),
    (BICEP, "a Bicep file", "`bicep build FILE` makes JSON of it"),
    (r"(?m)^\[[\w.\"-]+\]\s*$", "TOML", "give an image template"),
    (r"(?:\s*#.*\n)*\s*(?:---|%YAML|- \S|[\w.$-]+:(?:\s|$))", "YAML", "write it as JSON: `yq -o json FILE` does so"),
    (r"(?:\s*#.*\n)*\s*[\w-]+\s*=\s*\S", "a file of variables", "give an image template"),
)  # fmt: skip
HEAD = 20_000  # characters that are looked at


def of_text(raw: bytes) -> Kind | None:
    """What bytes are that are no JSON, None where that is not known."""
    for magic, what in MAGIC.items():
        if raw.startswith(magic):
            return Kind(what, "give an image template")
    if has_conflict(raw):
        return Kind("a file with conflict markers of git", CONFLICT_HINT)
    text = raw.removeprefix(b"\xef\xbb\xbf")[:HEAD].decode("utf-8", "replace").replace("\r\n", "\n")
    if text.lstrip()[:1] in ("{", "["):
        return None  # JSON with mistakes, which are worth more
    for pattern, what, hint in KINDS:
        if (re.search if pattern.startswith("(?m)") else re.match)(pattern, text):
            return Kind(what, hint)
    return None
