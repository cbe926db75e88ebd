"""A guest agent that a step has replaced may answer anything: each answer is checked, none ends in a bug's words."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from generator.errors import ImagegenError
from generator.local import qmp
from generator.local.qmp import Agent
from tests.support.waiting import HANG_SECONDS

Answers = Callable[[dict[str, Any]], list[bytes]]
Guest = Callable[[Answers], Path]
OUT = b"b2s="  # ok


def _line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    """A guest whose agent answers with these lines; returns the folder of its VM."""
    server = socket.socket(socket.AF_UNIX)

    def start(answers: Answers) -> Path:
        before = Path.cwd()
        os.chdir(tmp_path)  # a socket's address is short
        try:
            server.bind("agent.sock")
        finally:
            os.chdir(before)
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with suppress(OSError), connection, connection.makefile("rb") as lines:  # the client may go first
                for line in lines:
                    for answer in answers(json.loads(line)):
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return tmp_path

    yield start
    server.close()


def _agent(started: object, status: object) -> Answers:
    """An agent that answers like this to guest-exec and guest-exec-status."""

    def answers(message: dict[str, Any]) -> list[bytes]:
        kind = message["execute"]
        if kind == "guest-sync":
            return [_line({"return": message["arguments"]["id"]})]
        answer = started if kind == "guest-exec" else status
        return [answer if isinstance(answer, bytes) else _line({"return": answer})]

    return answers


def test_an_agent_runs_a_script(guest: Guest) -> None:
    folder = guest(_agent({"pid": 7}, {"exited": True, "exitcode": 3, "out-data": OUT.decode()}))
    with Agent(folder) as agent:
        agent.wait(time.monotonic() + HANG_SECONDS)
        assert agent.script("true", time.monotonic() + HANG_SECONDS) == (3, "ok")


DEEP = b"[" * 100_000 + b"\n"


@pytest.mark.parametrize(
    ("started", "status"),
    [
        (b"no json\n", {}), (b"[]\n", {}), (b"\xff\n", {}), (DEEP, {}), ("text", {}), ([], {}), ({}, {}),
        ({"pid": "7"}, {}), ({"pid": True}, {}), (_line({"error": "no"}), {}), (_line({"error": {"desc": 5}}), {}),
        ({"pid": 7}, {}), ({"pid": 7}, {"exited": 1}), ({"pid": 7}, None), ({"pid": 7}, {"exited": True}),
        ({"pid": 7}, {"exited": True, "exitcode": "0"}), ({"pid": 7}, {"exited": True, "exitcode": None}),
        ({"pid": 7}, {"exited": True, "exitcode": 0, "out-data": "%"}),
        ({"pid": 7}, {"exited": True, "exitcode": 0, "out-data": 5}),
        ({"pid": 7}, {"exited": True, "exitcode": 0, "err-data": ["x"]}),
        ({"pid": 7}, {"exited": True, "signal": []}),
    ],
    ids=str,
)  # fmt: skip
def test_a_strange_answer_is_refused_in_words(guest: Guest, started: object, status: object) -> None:
    with Agent(guest(_agent(started, status))) as agent, pytest.raises(ImagegenError) as refused:
        agent.script("true", time.monotonic() + HANG_SECONDS)
    assert refused.value.message == "the guest agent answered what its protocol does not have"


def test_an_agent_that_is_strange_from_the_start_is_refused_too(guest: Guest) -> None:
    with Agent(guest(lambda _message: [b"hello\n"])) as agent, pytest.raises(ImagegenError, match="answered what"):
        agent.wait(time.monotonic() + HANG_SECONDS)


def test_an_answer_without_an_end_is_bounded(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qmp, "LARGEST", 1_000_000)
    endless = guest(lambda _message: [b"x" * 100_000] * 20)
    with Agent(endless) as agent, pytest.raises(ImagegenError, match="answered what"):
        agent.wait(time.monotonic() + HANG_SECONDS)


def test_an_agent_that_is_silent_is_told_of(guest: Guest) -> None:
    with (
        Agent(guest(lambda _message: [])) as agent,
        pytest.raises(TimeoutError, match="the guest agent did not answer"),
    ):
        agent.wait(time.monotonic() + 0.2)


def test_an_agent_that_talks_for_ever_is_told_of(guest: Guest) -> None:
    talking = guest(lambda _message: [_line({"event": "x"})] * 1000)
    with Agent(talking) as agent, pytest.raises(TimeoutError, match="the guest agent did not answer"):
        agent.wait(time.monotonic() + 0.5)
