"""Secrets that a build has are nowhere that somebody reads: planted or caught, and searched for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.azure.conftest import USUAL, WINDOWS, Azure, Write
from tests.azure.making import MACHINES, Part, private, shared
from tests.azure.rest import nothing_left

SCRIPT: Part = {"type": "PowerShell", "name": "install", "inline": ["Write-Output hello"]}


def holders(secret: str, *folders: Path) -> list[str]:
    """The files below these folders in which a secret stands, by name."""
    assert len(secret) > 8
    return sorted({each.name for each in _files(*folders) if secret.encode() in each.read_bytes()})


def _files(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        for each in folder.rglob("*"):
            if each.is_file() and not (each.is_symlink() or ".terraform" in each.parts):
                yield each


@pytest.mark.parametrize("system", ["windows", "linux"])
def test_no_secret_is_left_where_it_is_read(azure: Azure, template: Write, tmp_path: Path, system: str) -> None:
    """In a build that failed at its end and is kept, with all its files; and after its end."""
    azure.cloud.set(scripts=[{"name": "030-last", "exit_code": 1}, *USUAL])
    image = azure.definition("web", system.capitalize())
    (tmp_path / "tool").write_bytes(b"a tool")
    file = {"type": "File", "name": "tool", "sourceUri": str(tmp_path / "tool"), "destination": "/opt/tool"}
    steps = [SCRIPT, file, SCRIPT | {"name": "last"}]
    if system == "linux":
        steps = [step | {"type": "Shell"} if step["type"] == "PowerShell" else step for step in steps]
    source = {"source": WINDOWS} if system == "windows" else {}
    path = template(*steps, vmProfile=private(azure), distribute=[shared(image)], **source)
    before = azure.names()
    out, builds = tmp_path / "out", azure.imagegen.state_dir / "builds"
    done = azure.imagegen("apply", path, "--out", out, "--on-error", "abort", "--json", code=1)

    (build,) = builds.iterdir()
    assert build.stat().st_mode & 0o777 == 0o700
    assert (build / "key").stat().st_mode & 0o777 == 0o600
    assert (build / "secrets.tfvars.json").stat().st_mode & 0o777 == 0o600
    (upload,) = (each for each in azure.cloud.ran() if each["name"] == "imagegen-020-tool")
    (machine,) = azure.cloud.asked(MACHINES)
    private_key = (build / "key").read_text().splitlines()[1]
    secrets = {
        "client secret": azure.imagegen.environment["ARM_CLIENT_SECRET"],
        "signature": upload["protected"][0]["value"].partition("?")[2],
        "private key": private_key,
    }
    for name, secret in secrets.items():
        assert holders(secret, out) == [], name
        assert secret not in done.stdout + done.stderr
    assert holders(private_key, builds) == ["key", "secrets.tfvars.json"]
    if password := machine["properties"]["osProfile"].get("adminPassword"):
        # azurerm keeps it in the state; the first step has set another one by then (azure/FACTS.md 19).
        assert next(each["name"] for each in azure.cloud.ran()) == "000-prepare"
        assert holders(password, out) == ["terraform.tfstate"]
        assert password not in done.stdout + done.stderr
        secrets["password"] = password
    assert system == "linux" or "password" in secrets
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        assert not any(secret.encode() in _read(place) for secret in secrets.values())

    azure.imagegen("cleanup", out)
    nothing_left(azure, out, before)
    for secret in secrets.values():
        assert holders(secret, out, azure.imagegen.state_dir) == []


def _read(place: Path) -> bytes:
    """A file of a process that may have ended."""
    try:
        return place.read_bytes()
    except OSError:
        return b""
