"""Servers that mislead or break off, at the command line: told in words, nothing written, nobody else asked."""

import ipaddress
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.template import download, fetch
from tests.hostile.documents import SOURCE
from tests.hostile.examine import Said, command
from tests.support.waiting import HANG_SECONDS

SCRIPT = b"#!/bin/sh\necho fetched\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


class Server(socketserver.ThreadingTCPServer):
    """Answers each path with bytes of its own, which need not be HTTP."""

    allow_reuse_address = True
    block_on_close = False
    daemon_threads = True
    answers: dict[str, list[bytes]]
    asked: list[str]


class Handler(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        """One request: its path decides."""
        path = self.rfile.readline().split(b" ")[1].decode()
        while self.rfile.readline().strip():
            continue
        self.server.asked.append(path)
        try:
            for part in self.server.answers[path]:
                self.wfile.write(part)
                self.wfile.flush()
        except OSError:
            return


def _serve(host: str) -> Server:
    server = Server((host, 0), Handler)
    server.answers, server.asked = {}, []
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server elsewhere; for these tests this computer's own addresses are 127.0.0.2 alone."""
    monkeypatch.setattr(download, "PAUSES", (0.0,))
    monkeypatch.setattr(download, "OWN", [ipaddress.ip_network("127.0.0.2/32")])
    monkeypatch.setattr(fetch, "LIMIT", 1_000_000)
    monkeypatch.setenv("no_proxy", "*")
    server = _serve("127.0.0.1")
    yield server
    server.shutdown()
    server.server_close()


Generate = Callable[[str], Said]


@pytest.fixture
def generate(tmp_path: Path) -> Generate:
    """Generate a workspace whose one script is fetched from an address."""

    def run(uri: str) -> Said:
        body = {
            "apiVersion": "2024-02-01", "location": "westeurope",
            "properties": {
                "source": SOURCE, "customize": [{"type": "Shell", "scriptUri": uri}],
                "distribute": [{"type": "VHD", "runOutputName": "out"}],
            },
        }  # fmt: skip
        (tmp_path / "small.json").write_text(json.dumps(body))
        return command("generate", tmp_path / "small.json", "--target", "local", "--out", tmp_path / "made")

    return run


def _at(server: Server, path: str) -> str:
    host, port = server.server_address[:2]
    return f"http://{host!s}:{port}{path}"


def _redirect(location: str) -> list[bytes]:
    return [b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location.encode() + b"\r\n\r\n"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([HEAD % (len(SCRIPT) + 9), SCRIPT], "the connection broke off"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"], "the connection broke off"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\x1b[2J\r\n"], "the connection broke off"),
        ([], "the connection broke off"),
        ([b"\x1b]0;x\x07 no HTTP at all\r\n\r\n"], "the connection broke off"),
        ([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000 + b"\r\n"], "the connection broke off"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + SCRIPT], "the connection broke off"),
        ([b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 65536] * 40], "at most 20 MB"),
        ([HEAD % 10**15, *[b"x" * 65536] * 40], "at most 20 MB"),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], "the server says 204"),
        ([b"HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\n\r\nabc"], "the server says 206"),
        ([b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"], "the server says 302"),
        (_redirect("file:///etc/passwd"), "redirects from http: to file:"),
        (_redirect("FILE:/etc/passwd"), "redirects from http: to file:"),
        (_redirect("unix:///run/docker.sock"), "to unix:"),
        (_redirect("http://169.254.169.254/metadata/identity/oauth2/token"), "metadata address"),
        (_redirect("//169.254.169.254/"), "metadata address"),
        (_redirect("http://[fe80::1]/"), "link-local"),
        (_redirect("http://127.0.0.2:1/"), "redirects to this computer"),
        (_redirect("http://[::ffff:7f00:2]:1/"), "redirects to this computer"),
        (_redirect("http://\x1b[2J/"), "the connection broke off"),
    ],
)  # fmt: skip
def test_a_server_that_misleads(
    server: Server, generate: Generate, tmp_path: Path, answer: list[bytes], words: str
) -> None:
    """Whatever it does, it is one problem of the template's, at its line."""
    server.answers["/script"] = answer
    said = generate(_at(server, "/script"))
    assert said.code == 1
    assert words in said.err, said.err
    assert "small.json:1:" in said.err
    assert "\x1b" not in said.err
    assert set(server.asked) == {"/script"}
    assert not (tmp_path / "made").exists()


def test_more_than_was_said_is_not_taken(server: Server, generate: Generate, tmp_path: Path) -> None:
    """Content-Length ends the content; what comes after it is the server's own affair."""
    server.answers["/script"] = [HEAD % len(SCRIPT), SCRIPT + b"rm -rf /\n"]
    assert generate(_at(server, "/script")).code == 0
    assert (tmp_path / "made/scripts/010-script.sh").read_bytes() == SCRIPT


def test_a_server_that_drips_is_given_up(server: Server, generate: Generate, monkeypatch: pytest.MonkeyPatch) -> None:
    """However steadily: the time for one try is bounded, not only the silence."""
    monkeypatch.setattr(download, "DEADLINE", 0.0)
    server.answers["/script"] = [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 100]
    assert "was not complete after" in generate(_at(server, "/script")).err


def test_a_silent_server_is_given_up(server: Server, generate: Generate, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as such."""
    done = threading.Event()
    monkeypatch.setattr(download, "TIMEOUT", 0.05)
    monkeypatch.setattr(Handler, "handle", lambda _self: done.wait(HANG_SECONDS))
    said = generate(_at(server, "/script"))
    done.set()
    assert "did not answer in time" in said.err


def test_this_computer_may_redirect_to_itself(server: Server, generate: Generate) -> None:
    """A template that names a server here means it, redirects included."""
    inner = _serve("127.0.0.2")
    inner.answers = {"/go": _redirect(_at(inner, "/script")), "/script": [HEAD % len(SCRIPT), SCRIPT]}
    assert generate(_at(inner, "/go")).code == 0
    inner.shutdown()
    inner.server_close()


def test_a_name_that_changes_leads_to_nothing_here(
    server: Server, generate: Generate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redirect to a name that means another computer while it is looked at, and this one when it is asked."""
    inner = _serve("127.0.0.2")
    inner.answers = {"/script": [HEAD % len(SCRIPT), SCRIPT]}
    server.answers = {"/go": _redirect(f"http://changes.test:{inner.server_address[1]}/script")}
    told: list[str] = []
    really = socket.getaddrinfo

    def changing(host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in ("changes.test", b"changes.test"):
            return really(host, *arguments, **options)
        told.append("127.0.0.1" if len(told) < 2 else "127.0.0.2")
        return really(told[-1], *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    said = generate(_at(server, "/go"))
    assert said.code == 1
    assert "leads to this computer: this is not followed" in said.err
    assert told[-1] == "127.0.0.2"
    inner.shutdown()
    inner.server_close()
