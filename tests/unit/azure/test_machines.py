"""What is done to a machine: scripts, restarts, updates, files."""

import base64
import gzip
import hashlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from generator.azure import machine, machines, runcommands
from generator.azure.runcommands import Tail
from generator.azure.session import Session
from generator.errors import ImagegenError
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.fixtures import AzureArm
from tests.support.waiting import HANG_SECONDS
from tests.unit.azure import making
from tests.unit.azure.making import MACHINE, STAGING, power_off, state

PROBED = 'imagegen:{"boot":"{boots}","restart_pending":false}'
PENDING = PROBED.replace("false", "true")
ROUND = 'imagegen:{{"found":{},"installed":{},"failed":false,"restart_pending":{}}}'


def test_a_machine_has_addresses(session: Session, cloud: Cloud) -> None:
    assert machines.host(session, MACHINE, public=True) is None
    network = f"{STAGING}/providers/Microsoft.Network"
    making.put(cloud, STAGING)
    making.put(cloud, f"{network}/publicIPAddresses/machine", publicIPAllocationMethod="Static")
    configuration = {
        "name": "a",
        "publicIPAddressId": f"{network}/publicIPAddresses/machine",
        "privateIPAddress": "10.0.0.4",
    }
    making.put(cloud, f"{network}/networkInterfaces/machine", ipConfigurations=[configuration])
    making.machine(cloud, networkProfile={"networkInterfaces": [{"id": f"{network}/networkInterfaces/machine"}]})
    given = cloud.get(f"{network}/publicIPAddresses/machine")
    assert given is not None
    assert machines.host(session, MACHINE, public=True) == given["properties"]["ipAddress"]
    assert machines.host(session, MACHINE, public=False) == "10.0.0.4"


def test_a_script_runs_to_its_end_and_leaves_nothing(session: Session, cloud: Cloud) -> None:
    making.machine(cloud)
    cloud.set(scripts=[{"match": "hello", "exit_code": 7, "output": "one\ntwo", "error": "oh", "seconds": 0.1}])
    heard: list[str] = []
    ran = runcommands.run(session, MACHINE, "try", "echo hello", protected={"Key": "s3cret"}, on_line=heard.append)
    assert (ran.exit_code, ran.last_line, heard) == (7, "oh", ["one", "two"])
    assert cloud.get(f"{MACHINE}/runCommands/try") is None
    assert cloud.ran()[0]["protected"] == [{"name": "Key", "value": "s3cret"}]


def test_a_script_that_does_not_end_is_told(session: Session, cloud: Cloud) -> None:
    making.machine(cloud)
    cloud.set(scripts=[{"match": "sleep", "seconds": 3600}])
    with pytest.raises(ImagegenError, match="did not end"):
        runcommands.run(session, MACHINE, "try", "sleep", timeout=1)


def test_a_machine_that_is_off_runs_nothing(session: Session, cloud: Cloud) -> None:
    making.machine(cloud)
    power_off(session)
    with pytest.raises(ImagegenError, match="not running"):
        runcommands.run(session, MACHINE, "try", "x")


def test_only_what_is_new_is_told() -> None:
    tail = Tail()
    assert tail.news("a\nb") == ["a"]
    assert tail.news("a\nbc\nd\n") == ["bc", "d"]
    assert tail.news("c\nd\ne\n") == ["e"]  # the beginning fell off: only the last 4 KB are shown
    assert tail.news("quite\nelse") == ["quite"]
    assert tail.news("quite\nelse", final=True) == ["else"]
    assert Tail().news("") == []


def test_terraforms_run_commands_are_followed(session: Session, cloud: Cloud) -> None:
    making.machine(cloud)
    heard: list[str] = []
    stop = threading.Event()
    follower = threading.Thread(target=runcommands.follow, args=(session, MACHINE, "010-a", heard.append, stop))
    follower.start()
    cloud.set(scripts=[{"name": "010-a", "output": "working\ndone"}])
    making.put(cloud, f"{MACHINE}/runCommands/010-a", source={"script": "x"})
    follower.join(10)
    assert heard == ["working", "done"]
    stopped = threading.Event()
    stopped.set()
    runcommands.follow(session, MACHINE, "none", heard.append, stopped)


@pytest.mark.parametrize("system", ["linux", "windows"])
def test_a_long_log_comes_in_pieces(session: Session, cloud: Cloud, system: str) -> None:
    making.machine(cloud)
    lines = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(150)]
    packed = base64.b64encode(gzip.compress("\n".join(lines).encode())).decode()
    pieces = [packed[at : at + runcommands.CHUNK] for at in range(0, len(packed), runcommands.CHUNK)]
    assert 1 < len(pieces) <= runcommands.CHUNKS
    key = "010-a.log"
    cloud.set(scripts=[{"match": key, "output": f"{len(packed)}\r\n{piece}\n", "times": 1} for piece in pieces])
    assert runcommands.tail_log(session, MACHINE, system, "010-a") == lines
    assert (
        f"start={runcommands.CHUNK}" in cloud.ran()[1]["script"] or str(runcommands.CHUNK) in cloud.ran()[1]["script"]
    )


def test_a_log_that_is_not_there_is_empty(session: Session, cloud: Cloud) -> None:
    making.machine(cloud)
    cloud.set(scripts=[{"match": "log", "exit_code": 3}])
    assert runcommands.tail_log(session, MACHINE, "linux", "010-a") == []
    power_off(session)
    assert runcommands.tail_log(session, MACHINE, "linux", "010-a") == []


def test_a_restart_waits_for_another_boot_and_for_the_check(
    session: Session, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    making.machine(cloud)
    cloud.set(scripts=[
        {"match": "LastBootUpTime", "output": PROBED},
        {"match": "Get-Service", "exit_code": 1, "times": 1, "error": "not yet"},
        {"match": "Get-Service", "output": "running"},
    ], agent_delay=0.1)  # fmt: skip
    boots = state(cloud, "boots")
    machine.restart(session, {"vm_id": MACHINE, "timeout_seconds": HANG_SECONDS, "check_command": "Get-Service x"})
    assert state(cloud, "boots") == boots + 1
    said = capsys.readouterr().out
    assert "the machine is up again" in said
    assert "exit code 1: again" in said
    assert "running" in said


def test_a_restart_that_is_not_pending_is_left_out(session: Session, cloud: Cloud) -> None:
    making.machine(cloud)
    cloud.set(scripts=[{"match": "LastBootUpTime", "output": PROBED}])
    boots = state(cloud, "boots")
    machine.restart(session, {"vm_id": MACHINE, "timeout_seconds": HANG_SECONDS, "when_pending": True})
    assert state(cloud, "boots") == boots
    cloud.set(scripts=[{"match": "LastBootUpTime", "output": PENDING}])
    machine.restart(session, {"vm_id": MACHINE, "timeout_seconds": HANG_SECONDS, "when_pending": True})
    assert state(cloud, "boots") == boots + 1


def test_a_machine_that_does_not_come_back_is_told(session: Session, cloud: Cloud) -> None:
    making.machine(cloud)
    cloud.set(scripts=[{"match": "LastBootUpTime", "output": 'imagegen:{"boot":"1","restart_pending":false}'}])
    with pytest.raises(ImagegenError, match="did not come back within 5 s"):
        machine.restart(session, {"vm_id": MACHINE, "timeout_seconds": 5})


def test_a_check_that_never_ends_well_is_told(session: Session, cloud: Cloud) -> None:
    making.machine(cloud)
    cloud.set(scripts=[
        {"match": "LastBootUpTime", "output": PROBED}, {"match": "Get-Service", "exit_code": 5, "error": "no service"},
    ])  # fmt: skip
    with pytest.raises(ImagegenError, match="exit code 5: no service"):
        machine.restart(session, {"vm_id": MACHINE, "timeout_seconds": 5, "check_command": "Get-Service x"})


def updates(tmp_path: Path, **differs: Any) -> dict[str, Any]:
    """Arguments of the verb."""
    (tmp_path / "update.ps1").write_text("# round")
    return {
        "vm_id": MACHINE, "criteria": "c", "filters": ["include:$true"], "limit": 5, "rounds": 3,
        "timeout_seconds": HANG_SECONDS, "script": str(tmp_path / "update.ps1"),
    } | differs  # fmt: skip


def test_updates_go_on_until_nothing_is_found(
    session: Session, cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    making.machine(cloud)
    cloud.set(scripts=[
        {"match": "# round", "output": "installing KB1\n" + ROUND.format(1, 1, "true"), "times": 1},
        {"match": "# round", "output": "nothing to install\n" + ROUND.format(0, 0, "false")},
        {"match": "LastBootUpTime", "output": PROBED},
    ])  # fmt: skip
    boots = state(cloud, "boots")
    machine.update(session, updates(tmp_path))
    assert state(cloud, "boots") == boots + 1
    said = capsys.readouterr().out
    assert "installing KB1" in said
    assert "round 2 of 3" in said
    assert "imagegen:" not in said
    [given] = cloud.ran()[0]["parameters"]
    assert json.loads(base64.b64decode(given["value"])) == {"criteria": "c", "filters": ["include:$true"], "limit": 5}


def test_updates_are_bounded(session: Session, cloud: Cloud, tmp_path: Path) -> None:
    making.machine(cloud)
    cloud.set(scripts=[{"match": "# round", "output": ROUND.format(1, 1, "false")}])
    with pytest.raises(ImagegenError, match="after 2 rounds"):
        machine.update(session, updates(tmp_path, rounds=2))


def test_updates_that_fail_are_told(session: Session, cloud: Cloud, tmp_path: Path) -> None:
    making.machine(cloud)
    cloud.set(scripts=[{"match": "# round", "exit_code": 1, "output": "the search failed\n"}])
    with pytest.raises(ImagegenError, match="the updates failed: the search failed"):
        machine.update(session, updates(tmp_path))


def files(azure_arm: AzureArm, tmp_path: Path, **differs: Any) -> dict[str, Any]:
    """Arguments of the verb, and the account they name."""
    account = f"{STAGING}/providers/Microsoft.Storage/storageAccounts/igs"
    making.machine(azure_arm.cloud)
    making.put(azure_arm.cloud, account)
    (tmp_path / "page").write_bytes(b"hello")
    return {
        "vm_id": MACHINE, "system": "linux", "storage_account_id": account, "container": "files",
        "file": str(tmp_path / "page"), "sha256": hashlib.sha256(b"hello").hexdigest(), "destination": "/tmp/a b'c",
        "user": "imagegen", "timeout_seconds": HANG_SECONDS, "key": "010-page",
    } | differs  # fmt: skip


@pytest.mark.parametrize("system", ["linux", "windows"])
def test_a_file_travels_by_a_short_address(
    session: Session, azure_arm: AzureArm, tmp_path: Path, system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx

    fetched: list[bytes] = []
    run = runcommands.run

    def arriving(*given: Any, protected: Any, **more: Any) -> Any:
        fetched.append(httpx.get(protected["Address"]).content)
        return run(*given, protected=protected, **more)

    monkeypatch.setattr(runcommands, "run", arriving)
    machine.upload(session, files(azure_arm, tmp_path, system=system))
    assert fetched == [b"hello"]
    [ran] = azure_arm.cloud.ran()
    [address] = ran["protected"]
    assert address["name"] == "Address"
    assert "sig=" in address["value"]
    assert "sig=" not in ran["script"]
    assert base64.b64encode(b"/tmp/a b'c").decode() in ran["script"]
    assert httpx.get(address["value"]).status_code == 404


def test_a_file_that_does_not_arrive_is_told(session: Session, azure_arm: AzureArm, tmp_path: Path) -> None:
    azure_arm.cloud.set(scripts=[{"match": "sha256sum", "exit_code": 1, "error": "FAILED"}])
    with pytest.raises(ImagegenError, match=r"did not get to .*FAILED"):
        machine.upload(session, files(azure_arm, tmp_path))


def test_a_file_that_changed_is_not_sent(session: Session, azure_arm: AzureArm, tmp_path: Path) -> None:
    with pytest.raises(ImagegenError, match="has changed"):
        machine.upload(session, files(azure_arm, tmp_path, sha256="0" * 64))
    assert azure_arm.cloud.ran() == []


def test_the_program_tells_in_words(
    azure_arm: AzureArm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in azure_arm.env.items():
        monkeypatch.setenv(name, value)
    making.machine(azure_arm.cloud)
    assert machine.main(["restart", json.dumps({"vm_id": MACHINE, "timeout_seconds": 5, "check_command": ""})]) == 1
    assert "does not tell its boot time" in capsys.readouterr().err.splitlines()[-2]
    azure_arm.cloud.set(scripts=[{"match": "LastBootUpTime", "output": PROBED}])
    assert (
        machine.main(["restart", json.dumps({"vm_id": MACHINE, "timeout_seconds": HANG_SECONDS, "when_pending": True})])
        == 0
    )
    assert capsys.readouterr().out == "no restart is pending\n"


def test_the_program_says_nothing_but_the_reason(azure_arm: AzureArm) -> None:
    environ = os.environ | azure_arm.env | {"ARM_CLIENT_SECRET": "wrong"}
    arguments = json.dumps({"vm_id": MACHINE, "timeout_seconds": 5})
    command = [sys.executable, "-P", "-m", "generator.azure.machine", "restart", arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    reason, hint = done.stderr.splitlines()
    assert reason.startswith("the login to Azure by client secret was refused: AADSTS7000215")
    assert hint.startswith("hint: ")
