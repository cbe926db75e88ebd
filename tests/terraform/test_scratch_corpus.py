"""Published templates with a Linux marketplace image: a workspace that Terraform accepts, downloads from a mirror."""

import hashlib
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typing import Any

from generator import cli
from generator.template import read
from generator.template.schema import PlatformImage
from generator.template.systems import system_of
from tests.unit.template.corpus import FILES, settings_for

CONTENT = b"#!/bin/sh\necho hello\n"
# What is served is not what was published then, so its checksum is another.
CHECKSUM = re.compile(r'(?<="sha256Checksum": ")[0-9a-f]{64}(?=")')


def is_linux(path: Path) -> bool:
    """Whether a template starts from a Linux image of the marketplace."""
    source = read(path, settings_for(path), building=False).template.properties.source
    return isinstance(source, PlatformImage) and system_of(source) != "windows"


LINUX = list(FILES)


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


@pytest.mark.skipif(not LINUX, reason="the corpus of public templates is not on this machine")
@pytest.mark.parametrize("path", LINUX, ids=lambda path: "/".join(path.parts[-2:]))
def test_terraform_accepts_its_workspace(
    path: Path, mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], azure_sim: Any
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    [monkeypatch.setenv(k, v) for k, v in azure_sim.env.items()]
    template = tmp_path / "template.json"
    template.write_text(CHECKSUM.sub(hashlib.sha256(CONTENT).hexdigest(), path.read_text("utf-8")))
    sets = [part for name, value in settings_for(path).sets for part in ("--set", f"{name}={value}")]
    out = tmp_path / "out"
    code = cli.run(
        ["generate", str(template), "--target", "azure", "--mirror", f"https://={mirror}", "--out", str(out), *sets]
    )
    assert code == 0, capsys.readouterr().err
    for arguments in (["init", "-no-color"], ["validate", "-no-color"], ["fmt", "-check", "-recursive"]):
        done = subprocess.run(["terraform", *arguments], cwd=out, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert cli.run(["generate", str(out), "--check"]) == 0, capsys.readouterr().err
