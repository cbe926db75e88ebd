"""Scripts as they come from other computers: what each says when it runs."""

import json
from pathlib import Path

import pytest

from tests.invariants import at_rest
from tests.machine.conftest import Imagegen, Write

pytestmark = pytest.mark.machine
SHELL = (
    b'source /etc/os-release\npkgs=(curl git)\nif [[ $ID == debian ]]; then\n  echo "${#pkgs[@]} packages for $ID"\nfi'
)
FILES = {
    "windows.sh": (b"#!/bin/bash\r\nset -euo pipefail\r\ncat <<EOF\r\nfrom windows\r\nEOF\r\n", "from windows"),
    "nothing-first.sh": (SHELL, "2 packages for debian"),
    "nothing-first-windows.sh": (SHELL.replace(b"\n", b"\r\n"), "2 packages for debian"),
    "mark.sh": (b"\xef\xbb\xbf#!/bin/sh\necho after a mark", "after a mark"),
    "options.py": (b"#!/usr/bin/env -S python3 -u\r\nprint('from python')\r\n", "from python"),
    "data.sh": (b"#!/bin/sh\ntail -n 1 \"$0\" | wc -c\nexit\n\0\r\1\n", "4"),
    "empty.sh": (b"", ""),
}  # fmt: skip
INLINE = ["set -e\r\nif true; then\r\n  echo yes\r\nfi\r\nmkdir -p /tmp/a\r\ntouch /tmp/a/b\r\nls /tmp/a\r\n"]
OWN = ['#!/bin/bash\r\nset -euo pipefail\r\necho "${BASH_VERSION:+in bash}"\r\n']


def test_scripts_of_other_computers_run(imagegen: Imagegen, template: Write, tmp_path: Path) -> None:
    """All in one build, which the last ends: the image has no interpreter for it."""
    files = {name: content for name, (content, _) in FILES.items()} | {"missing.sh": b"#!/usr/bin/nowhere -x\necho a\n"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    steps = [{"type": "Shell", "name": name, "inline": lines} for name, lines in {"lines": INLINE, "own": OWN}.items()]
    steps += [{"type": "Shell", "name": name, "scriptUri": name} for name in files]
    path = template(customize=steps)
    lines = imagegen("apply", path, "--target", "local", "--out", tmp_path / "out", "--json", code=1).stdout
    events = [json.loads(line) for line in lines.splitlines()]
    said: dict[str, list[str]] = {}
    for event in events:
        if event["event"] == "output":
            said.setdefault(event["step"], []).append(event["message"])
    expected = [["yes", "b"], ["in bash"], *([line] if line else [] for _, line in FILES.values())]
    keys = sorted({str(event["step"]) for event in events})
    ran = [said.get(step, []) for step in keys if step[:3].isdigit() and step[:3] != "000"]
    assert ran[: len(expected)] == expected
    (error,) = (event for event in events if event["event"] == "error")
    assert "asks for /usr/bin/nowhere" in error["hint"]
    at_rest(tmp_path / "out", imagegen.state_dir)
