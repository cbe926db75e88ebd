"""Whole builds in a real machine: template in, VHD out, nothing left."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from generator.local import images
from tests.golden.regenerate import ROOT
from tests.invariants import at_rest, processes, read_ledger, terraform, write_ledger
from tests.machine.conftest import Imagegen, Write, inside
from tests.support.waiting import HANG_SECONDS

pytestmark = pytest.mark.machine
UGLY = ROOT / "tests/golden/cases/ugly"


def test_hostile_text_arrives_byte_for_byte_and_nothing_is_left(imagegen: Imagegen, tmp_path: Path) -> None:
    """Quotes, ${…}, %{…}, backslashes, backticks, CRLF and emoji in scripts, names, tags and files."""
    out = tmp_path / "ugly"
    built = imagegen("apply", UGLY / "template.json", "--target", "local", "--out", out)
    vhd = Path(built.stdout.strip())
    assert vhd == out / "images/ugly.out-1_/1.0.0/image.vhd"
    steps = json.loads((UGLY / "template.json").read_text())["properties"]["customize"]
    text = steps[0]["name"]
    assert inside(vhd, "/opt/ugly/from-inline") == text.encode() + b"a\nb"  # as Packer sends scripts
    assert inside(vhd, "/opt/ugly/from-script") == b"carriage\nreturn"
    assert inside(vhd, "/opt/ugly/from-windows") == b"windows\n"
    assert inside(vhd, "/opt/ugly/file.bin") == (UGLY / "files/ugly bytes.bin").read_bytes()
    manifest = json.loads((vhd.parent / "manifest.json").read_text())
    assert manifest["tags"] == {"${a}": "%{b}", 'q"': text}
    assert vhd.stat().st_size == manifest["size"] == manifest["virtual_size"] + 512
    assert manifest["virtual_size"] % 2**20 == 0
    assert "\x1b" not in built.stderr
    at_rest(out, imagegen.state_dir)


def test_a_second_build_is_the_next_version_and_keeps_the_first(
    imagegen: Imagegen, template: Write, tmp_path: Path
) -> None:
    """Validation in a second machine, two distributors, versions, retiring, and a state that was lost."""
    out = tmp_path / "validated"
    example = ROOT / "examples/validated/template.json"
    lines = imagegen("apply", example, "--target", "local", "--out", out, "--json").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    phases = [event["phase"] for event in events if event["event"] == "phase"]
    assert phases == ["check", "build", "capture", "validate", "distribute", "release"]
    assert "hello from the image" not in [event["message"] for event in events]
    assert {image["output"] for image in events[-1]["images"]} == {"gallery", "disk"}
    first = (out / "images/disk/1.0.0/image.vhd").stat()
    at_rest(out, imagegen.state_dir)

    assert "1.0.0 exists already" in imagegen("apply", out, "--version", "1.0.0", code=1).stderr
    plan = imagegen("plan", out).stdout
    assert "validated 1.0.1" in plan
    for phase in ("build", "customize", "capture", "validate", "distribute", "release"):
        assert f"\n{phase}" in plan
    imagegen("apply", out)
    assert (out / "images/disk/1.0.0/image.vhd").stat() == first
    listed = json.loads(imagegen("releases", out, "--json").stdout)["releases"]
    assert {version: entry["status"] for version, entry in listed.items()} == {"1.0.0": "released", "1.0.1": "released"}
    at_rest(out, imagegen.state_dir)

    (out / "terraform.tfstate").unlink()
    taken_in = terraform(out, "apply", "-auto-approve")
    assert "Resources: 4 imported, 0 added, 0 changed, 0 destroyed" in taken_in.stdout, taken_in.stdout
    at_rest(out, imagegen.state_dir)

    ledger = read_ledger(out)
    write_ledger(out, {"1.0.0": ledger["1.0.0"]})
    assert "your checkout is behind" in imagegen("apply", out, code=1).stderr
    write_ledger(out, ledger)

    assert "prevent_destroy" in terraform(out, "destroy", "-auto-approve").stderr
    imagegen("releases", "retire", out, "1.0.0", "--yes")
    assert not (out / "images/disk/1.0.0").exists()
    at_rest(out, imagegen.state_dir)


def test_the_web_example_boots_by_itself_and_serves_its_page(imagegen: Imagegen, tmp_path: Path) -> None:
    """The printed command boots the VHD under UEFI firmware; nginx serves the page, the image stays untouched."""
    out = tmp_path / "web"
    template = ROOT / "examples/web/template.json"
    built = imagegen("apply", template, "--target", "local", "--out", "web", cwd=tmp_path)
    assert built.stdout == "web/images/web/1.0.0/image.vhd\n"
    vhd = tmp_path / "web/images/web/1.0.0/image.vhd"
    digest = json.loads((vhd.parent / "manifest.json").read_text())["sha256"]
    hint = next(line for line in built.stderr.splitlines() if line.startswith("boot it: "))
    port = free_port()
    argv = shlex.split(hint.removeprefix("boot it: ").replace(":8080-", f":{port}-"))
    machine = subprocess.Popen(
        argv, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        page = fetched(f"http://127.0.0.1:{port}/")
    finally:
        machine.kill()
        machine.wait()
    assert page == (ROOT / "examples/web/files/index.html").read_bytes()
    assert images.digest(vhd) == digest
    at_rest(out, imagegen.state_dir)


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetched(url: str) -> bytes:
    """The body behind an address, as soon as there is one."""
    deadline = time.monotonic() + HANG_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - our own machine
                return bytes(answer.read())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def test_a_failed_validation_makes_no_image(imagegen: Imagegen, template: Write, tmp_path: Path) -> None:
    """The validator's name and output are told; the ledger stays empty."""
    checks = [{"type": "Shell", "name": "must be there", "inline": ["echo looking", "ls /opt/missing"]}]
    path = template("true", validate={"inVMValidations": checks})
    failed = imagegen("apply", path, "--target", "local", "--out", tmp_path / "out", code=1)
    assert "`010 must be there` failed: exit code 2" in failed.stderr
    assert "looking" in failed.stderr
    assert "scripts/validate/010-must-be-there.sh" in failed.stderr
    at_rest(tmp_path / "out", imagegen.state_dir)


def test_a_failing_step_is_named_and_its_machine_can_be_kept(
    imagegen: Imagegen, template: Write, tmp_path: Path
) -> None:
    """Exit code 1, the step, its last lines, its script; with abort the machine stays until cleanup."""
    out = tmp_path / "out"
    path = template("echo one; touch /tmp/was-here", ["echo before", "cat /no/such/file", "echo never"])
    failed = imagegen("apply", path, "--target", "local", "--out", out, "--on-error", "abort", code=1)
    assert "`020 step 2` failed: exit code 1" in failed.stderr
    assert "cat: /no/such/file: No such file or directory" in failed.stderr
    assert "script: scripts/020-step-2.sh" in failed.stderr
    assert "echo never" not in failed.stderr
    assert f"imagegen ssh {out}" in failed.stderr
    assert json.loads(imagegen("status", out, "--json").stdout)["state"] == "kept"
    assert imagegen("ssh", out, "ls", "/tmp/was-here").stdout.strip() == "/tmp/was-here"
    assert imagegen("ssh", out, "ls", "-d", "/tmp").stdout.strip() == "/tmp"
    assert "use MAJOR.MINOR.PATCH" in imagegen("apply", out, "--version", "1", code=2).stderr
    assert "is kept here" in imagegen("apply", out, "--fresh", code=1).stderr
    assert len(processes(str(imagegen.state_dir))) == 1
    imagegen("cleanup", out)
    at_rest(out, imagegen.state_dir)
    assert "nothing was left" in imagegen("cleanup", out).stderr


def wait_for(child: "subprocess.Popen[str]", text: str) -> str:
    """Read a build's output until a line has this text."""
    assert child.stdout is not None
    seen = ""
    for line in child.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"{text!r} never came:\n{seen}")


def test_an_interrupt_ends_everything(imagegen: Imagegen, template: Write, tmp_path: Path) -> None:
    """Ctrl-C in the middle of a step: exit code 130, nothing left."""
    out = tmp_path / "out"
    child = imagegen.start("apply", template("echo now; sleep 600"), "--target", "local", "--out", out)
    wait_for(child, "│ now")
    assert "a build runs" in imagegen("status", out).stdout
    assert f"process {child.pid}" in imagegen("apply", out, code=1).stderr
    os.killpg(child.pid, signal.SIGINT)
    rest, _ = child.communicate(timeout=HANG_SECONDS)
    assert child.returncode == 130, rest
    at_rest(out, imagegen.state_dir)


def test_an_interrupt_during_the_release_loses_nothing(imagegen: Imagegen, template: Write, tmp_path: Path) -> None:
    """The image is released already, and the rest still goes."""
    out = tmp_path / "out"
    child = imagegen.start("apply", template("true"), "--target", "local", "--out", out)
    wait_for(child, " release")
    os.killpg(child.pid, signal.SIGINT)
    rest, _ = child.communicate(timeout=HANG_SECONDS)
    assert child.returncode in (0, 130), rest  # it may have been through just before
    assert json.loads(imagegen("status", out, "--json").stdout)["releases"] == {"1.0.0": "released"}
    at_rest(out, imagegen.state_dir)


@pytest.mark.long
def test_a_reader_that_goes_away_ends_the_build(imagegen: Imagegen, template: Write, tmp_path: Path) -> None:
    """`imagegen apply --json | head` leaves nothing."""
    out = tmp_path / "out"
    child = imagegen.start(
        "apply", template("echo now; sleep 2; echo later"), "--target", "local", "--out", out, "--json"
    )
    wait_for(child, '"message": "now"')
    assert child.stdout is not None
    child.stdout.close()
    assert child.wait(HANG_SECONDS) == 1
    at_rest(out, imagegen.state_dir)


@pytest.mark.long
def test_a_build_has_a_time_limit(imagegen: Imagegen, template: Write, tmp_path: Path) -> None:
    """buildTimeoutInMinutes ends a script that hangs."""
    out = tmp_path / "out"
    path = template(f"sleep {10 * HANG_SECONDS:.0f}", buildTimeoutInMinutes=1)
    failed = imagegen("apply", path, "--target", "local", "--out", out, code=1)
    assert "not done after 1 min" in failed.stderr
    at_rest(out, imagegen.state_dir)


def test_a_killed_build_is_ended_by_the_next_command(imagegen: Imagegen, template: Write, tmp_path: Path) -> None:
    """kill -9 of imagegen and Terraform: status knows it, cleanup ends it."""
    out = tmp_path / "out"
    child = imagegen.start("apply", template("echo now; sleep 600"), "--target", "local", "--out", out)
    wait_for(child, "│ now")
    subprocess.run(["pkill", "-9", "-P", str(child.pid)], check=True)
    child.kill()
    child.wait()
    assert len(processes(str(imagegen.state_dir))) == 1
    assert json.loads(imagegen("status", out, "--json").stdout)["state"] == "left"
    imagegen("cleanup", out)
    at_rest(out, imagegen.state_dir)


def test_two_builds_at_once_one_of_them_from_the_wheel(imagegen: Imagegen, template: Write, tmp_path: Path) -> None:
    """The wheel carries modules and templates; two workspaces share a base and nothing else."""
    environment = tmp_path / "venv"
    pip = [sys.executable, "-m", "pip"]
    subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", str(tmp_path / "dist"), str(ROOT)], check=True)
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    wheel = next((tmp_path / "dist").glob("*.whl"))
    pip = [str(environment / "bin/python"), "-m", "pip"]
    subprocess.run([*pip, "install", "-q", "-c", str(ROOT / "requirements.lock"), str(wheel)], check=True)
    installed = Imagegen(tmp_path / "state", (str(environment / "bin/imagegen"),))
    profile = {"vmSize": "Standard_B1ms", "osDiskSizeGB": 3}
    grown = "test $(df --output=size -B 1M / | tail -1) -gt 2500"
    secret = ["echo ze''bra-$((3 * 7)) | tee /tmp/secret", "sync", "sleep 6", "rm /tmp/secret # gir''affe"]
    steps = ["echo one | sudo tee /opt/which", grown, *secret]
    one = template(steps, name="one", vmProfile=profile)
    two = template("echo two | sudo tee /opt/which", name="two")
    children = [
        imagegen.start("apply", one, "--target", "local", "--out", tmp_path / "one"),
        installed.start("apply", two, "--target", "local", "--out", tmp_path / "two"),
    ]
    for child, name in zip(children, ("one", "two"), strict=True):
        output, _ = child.communicate(timeout=HANG_SECONDS)
        assert child.returncode == 0, output
        assert inside(tmp_path / name / "images/out/1.0.0/image.vhd", "/opt/which") == f"{name}\n".encode()
    deleted = ["zebra-21", "gir''affe"]  # what a step wrote and removed, and the script that did it
    for text in deleted:
        assert (
            subprocess.run(["grep", "-qaF", text, tmp_path / "one/images/out/1.0.0/image.vhd"], check=False).returncode
            == 1
        )
    at_rest(tmp_path / "one", imagegen.state_dir)
    at_rest(tmp_path / "two", installed.state_dir)
