"""The module calls of a workspace, and how Terraform keeps them once it is initialised."""

import json
import os
from pathlib import Path

MODULES = ".terraform/modules/modules.json"


def module_calls(folder: Path) -> list[tuple[str, str]]:
    """The module calls of a workspace, read back from its HCL: (name, folder)."""
    import hcl2  # noqa: PLC0415 - slow to import

    with (folder / "main.tf").open(encoding="utf-8") as stream:
        parsed = hcl2.load(stream)
    return [
        (name.strip('"'), os.path.normpath(call["source"].strip('"')))
        for block in parsed.get("module", [])
        for name, call in block.items()
    ]


def manifest(calls: list[tuple[str, str]]) -> bytes:
    """The module manifest of Terraform for these calls, byte for byte as Terraform writes it: it replaces any other."""
    modules = [("", "", "."), *sorted((name, f"./{folder}", folder) for name, folder in calls)]
    entries = [{"Key": key, "Source": source, "Dir": folder} for key, source, folder in modules]
    return json.dumps({"Modules": entries}, separators=(",", ":")).encode()


def image_modules(folder: Path) -> list[str]:
    """The addresses of the module calls of an initialised workspace that make images."""
    known = json.loads((folder / MODULES).read_bytes())["Modules"]
    return [f"module.{entry['Key']}" for entry in known if entry["Key"].startswith("image")]
