"""What Terraform and hcl2 read where we wrote: many workspaces at once, since a start of Terraform costs more."""

import base64
import json
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hcl2

from generator import resources
from generator.workspace.hcl import quote
from tests.hostile.documents import composed

_ROOT = """
variable "documents" {
  type = any
}

locals {
  told = base64encode(jsonencode({ documents = var.documents, quoted = local.quoted }))
}
"""
_MODULES = resources.folder("modules")
OURS = {f"./modules/{path.parent.relative_to(_MODULES).as_posix()}" for path in Path(_MODULES).rglob("main.tf")}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))|(\$\$|%%)(?=\{)")
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


def terraform_reads(folder: Path, documents: Sequence[bytes], texts: Sequence[str]) -> tuple[list[Any], list[str]]:
    """What Terraform reads from these tfvars.json files, and from these texts as HCL literals of ours.

    The bytes of each file are put into one, unchanged, so that the same parser reads them.
    """
    folder.mkdir()
    (folder / "main.tf").write_text(_ROOT)
    literals = ",\n".join(map(quote, texts))
    (folder / "quoted.tf").write_text(f"locals {{\n  quoted = [\n{literals}\n  ]\n}}\n", newline="")
    (folder / "all.auto.tfvars.json").write_bytes(b'{"documents": [' + b",".join(documents) + b"]}")
    told = json.loads(base64.b64decode(_terraform("console", folder, given="local.told\n").strip().strip('"')))
    return told["documents"], told["quoted"]


def terraform_accepts(folder: Path, roots: Sequence[bytes]) -> bool:
    """Whether Terraform's parser takes these main.tf files and would format none of them in another way."""
    folder.mkdir()
    for number, root in enumerate(roots):
        (folder / f"{number:05d}.tf").write_bytes(root)
    return _terraform("fmt", folder, "-check", "-list=true") == ""


def hcl2_reads(text: str) -> str:
    """What hcl2 reads from a text as an HCL literal of ours; it leaves the escapes to its caller."""
    literal = hcl2.loads(f"value = {quote(text)}\n")["value"]
    return _ESCAPE.sub(_unescaped, literal[1:-1])


def hcl2_calls(root: str) -> set[str]:
    """The sources of the modules that a main.tf calls."""
    return {call["source"].strip('"') for block in hcl2.loads(root)["module"] for call in block.values()}


def _unescaped(found: "re.Match[str]") -> str:
    if found[3]:
        return found[3][0]
    return chr(int(found[1], 16)) if found[1] else _PLAIN[found[2]]


def as_terraform_keeps(value: Any) -> Any:
    """A value with all its texts in the form of Unicode in which Terraform keeps them."""
    return json.loads(composed(json.dumps(value, ensure_ascii=False)))


def _terraform(command: str, folder: Path, *options: str, given: str = "") -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "CHECKPOINT_DISABLE": "1"}
    argv = ["terraform", command, "-no-color", *options] if command == "fmt" else ["terraform", command, *options]
    done = subprocess.run(argv, cwd=folder, env=environment, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout
