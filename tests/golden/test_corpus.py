"""Published templates: a workspace that Terraform accepts, downloads from a mirror."""

import hashlib
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from generator.cli import app as cli
from generator.template import read
from generator.template.schema import PlatformImage
from generator.template.systems import system_of
from tests.azure_sim.fixtures import azure_sim, azurerm_mirror
from tests.azure_sim.mirror import AzureSim
from tests.unit.template.corpus import FILES, settings_for

__all__ = ["azure_sim", "azurerm_mirror"]

CONTENT = b"#!/bin/sh\necho hello\n"
# What is served is not what was published then, so its checksum is another.
CHECKSUM = re.compile(r'(?<="sha256Checksum": ")[0-9a-f]{64}(?=")')


def is_linux(path: Path) -> bool:
    """Whether a template starts from a Linux image of the marketplace."""
    source = read(path, settings_for(path), building=False).template.properties.source
    return isinstance(source, PlatformImage) and system_of(source) != "windows"


LINUX = [path for path in FILES if is_linux(path)]


class Handler(BaseHTTPRequestHandler):
    """Gives the same script for every address."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def mirror() -> Iterator[str]:
    """The address of a server that has everything."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


# Where deployments go: Azure is asked by some, and not in silence.
WHERE = {"LOCATION": "westeurope", "RESOURCE_GROUP": "rg", "SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000000"}
NO_CORPUS = "the corpus of public templates is not on this machine"
Generated = tuple[int, Path]


@pytest.fixture
def generate(mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, str], Generated]:
    """Generates the workspace of a published template for a target; the exit code, and where it is."""

    def made(path: Path, target: str) -> Generated:
        monkeypatch.setenv("no_proxy", "*")
        for name, value in WHERE.items():
            monkeypatch.setenv(f"IMAGEGEN_{name}", value)
        template = tmp_path / "template.json"
        template.write_text(CHECKSUM.sub(hashlib.sha256(CONTENT).hexdigest(), path.read_text("utf-8")))
        sets = [part for name, value in settings_for(path).sets for part in ("--set", f"{name}={value}")]
        out = tmp_path / "out"
        options = ["--target", target, "--mirror", f"https://={mirror}", "--out", str(out)]
        return cli.run(["generate", str(template), *options, *sets]), out

    return made


def accepted(out: Path, **env: str) -> None:
    """Terraform finds nothing to say against a workspace, nor does its lock."""
    for arguments in (["init", "-no-color"], ["validate", "-no-color"], ["fmt", "-check", "-recursive"]):
        done = subprocess.run(
            ["terraform", *arguments], cwd=out, env=os.environ | env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert cli.run(["generate", str(out), "--check"]) == 0


@pytest.mark.skipif(not LINUX, reason=NO_CORPUS)
@pytest.mark.parametrize("path", LINUX, ids=lambda path: "/".join(path.parts[-2:]))
def test_terraform_accepts_its_workspace(
    path: Path, generate: Callable[[Path, str], Generated], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = generate(path, "local")
    assert code == 0, capsys.readouterr().err
    accepted(out, TF_CLI_CONFIG_FILE="/dev/null")


@pytest.mark.skipif(not FILES, reason=NO_CORPUS)
@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-2:]))
def test_terraform_accepts_its_workspace_for_azure(
    path: Path,
    generate: Callable[[Path, str], Generated],
    azure_sim: AzureSim,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What only the service can do is refused in words."""
    code, out = generate(path, "azure")
    said = capsys.readouterr().err
    if code:
        assert "is not supported on the azure target" in said, said
    else:
        accepted(out, **azure_sim.env)
