"""Fetching against a real server on the loopback address."""

import hashlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from generator.azure.auth import storage
from generator.errors import ImagegenError, InvalidTemplate
from generator.settings import Settings
from generator.system import blob_login
from generator.template import Sources, addresses, blob, download, fetch_all, read_bytes
from generator.template.addresses import mask, redact
from generator.template.fetch import LIMIT, Held

CONTENT = b"#!/bin/sh\necho hi\n"
SHA = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Answers from a list of (status, headers, body) for each path; the last answer stays."""

    answers: dict[str, list[tuple[int, dict[str, str], bytes]]]
    asked: list[str]
    tokens: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if not self.path.startswith("/token"):
            self.server.tokens.append(self.headers.get("Authorization", ""))
        answers = self.server.answers.get(self.path.partition("?")[0], [(404, {}, b"")])
        status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.answers, server.asked, server.tokens = {"/a.sh": [(200, {}, CONTENT)]}, [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(target="local", cache_dir=tmp_path / "cache", state_dir=tmp_path / "state")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "template"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    return folder


def at(server: Server, path: str) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def sources(folder: Path, settings: Settings, recorded: dict[str, bytes] | None = None) -> Sources:
    held = {uri: Held(content, "", "script") for uri, content in recorded.items()} if recorded else None
    return Sources(folder / "t.json", settings, held)


def refused(sources: Sources, uri: str, sha256: str | None = None) -> str:
    with pytest.raises(ImagegenError) as caught:
        sources.get(uri, sha256, "file")
    return caught.value.message


def test_download(server: Server, folder: Path, settings: Settings) -> None:
    got = sources(folder, settings)
    assert got.get(at(server, "/a.sh"), None, "script") == CONTENT
    assert got.get(at(server, "/a.sh"), SHA, "script") == CONTENT
    assert server.asked == ["/a.sh"]


def test_retried_while_the_server_is_busy(server: Server, folder: Path, settings: Settings) -> None:
    server.answers["/a.sh"] = [(503, {}, b""), (429, {"Retry-After": "0"}, b""), (500, {}, b""), (200, {}, CONTENT)]
    assert sources(folder, settings).get(at(server, "/a.sh"), None, "script") == CONTENT
    server.answers["/busy"] = [(503, {}, b"")]
    message = refused(sources(folder, settings), at(server, "/busy?sig=SECRET"))
    assert "cannot be fetched (4 tries): the server says 503" in message
    assert "SECRET" not in message
    assert len(server.asked) == 8


def test_not_retried_when_it_is_not_there(server: Server, folder: Path, settings: Settings) -> None:
    assert "404" in refused(sources(folder, settings), at(server, "/none"))
    assert server.asked == ["/none"]


def test_no_server(folder: Path, settings: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{free.getsockname()[1]}/x"
    assert "no connection" in refused(sources(folder, settings), uri)


def test_checksum_is_compared_everywhere(server: Server, folder: Path, settings: Settings) -> None:
    (folder / "a.sh").write_bytes(CONTENT)
    for uri in (at(server, "/a.sh"), "a.sh"):
        assert "another checksum" in refused(sources(folder, settings), uri, "0" * 64)
    assert "another checksum" in refused(sources(folder, settings, {"u": CONTENT}), "u", "0" * 64)


def test_too_large(server: Server, folder: Path, settings: Settings) -> None:
    server.answers["/large"] = [(200, {}, b"x" * LIMIT)]
    with (folder / "large").open("wb") as file:
        file.truncate(LIMIT)
    for uri in (at(server, "/large"), "large"):
        assert refused(sources(folder, settings), uri).startswith("File customizers take at most 20 MB")
    with (folder / "large").open("wb") as file:
        file.truncate(LIMIT - 1)
    assert len(sources(folder, settings).get("large", None, "file")) == LIMIT - 1


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://169.254.169.254/metadata", "http://[fe80::1]/", "http://2852039166/",
     "http://[::ffff:169.254.169.254]/", "http://168.63.129.16/", "gopher:x", "http://[bad/"],
)  # fmt: skip
def test_redirect_to_what_must_not_be_asked(server: Server, folder: Path, settings: Settings, location: str) -> None:
    server.answers["/go"] = [(302, {"Location": location}, b"")]
    message = refused(sources(folder, settings), at(server, "/go"))
    assert "redirects" in message or "metadata" in message
    assert len(server.asked) == 1


def test_redirects_are_followed_and_counted(server: Server, folder: Path, settings: Settings) -> None:
    server.answers["/go"] = [(302, {"Location": "a.sh"}, b"")]
    assert sources(folder, settings).get(at(server, "/go"), None, "file") == CONTENT
    server.answers["/loop"] = [(302, {"Location": "/loop"}, b"")]
    assert "more than 5 times" in refused(sources(folder, settings), at(server, "/loop"))


def test_never_from_https_to_http() -> None:
    with pytest.raises(ImagegenError, match="redirects from https: to http:"):
        download._next("https://h.example/x", "http://h.example/x")


def test_name_that_leads_to_metadata(folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: answer)
    assert "metadata address" in refused(sources(folder, settings), "http://innocent.example/x")


def test_relative_path(folder: Path, settings: Settings) -> None:
    (folder / "files").mkdir()
    (folder / "files" / "a b").write_bytes(CONTENT)
    (folder / "inside").symlink_to("files/a b")
    for uri in ("files/a b", "./files/../files/a b", "inside"):
        assert sources(folder, settings).get(uri, None, "file") == CONTENT


def test_what_leaves_the_folder_is_refused(folder: Path, settings: Settings) -> None:
    (folder / "link").symlink_to("../secret")
    (folder / "up").symlink_to("..")
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    for uri in ("../secret", "up/secret", "link", "a/../../secret", str(folder / "x"), f"file://{folder}/x",
                "file://h/x", "none", "pipe", "folder", "x" * 5000, "a\0b", ""):  # fmt: skip
        refused(sources(folder, settings), uri)


def test_a_file_elsewhere_is_read_only_where_it_is_allowed(folder: Path, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "a b").write_bytes(CONTENT)
    uris = (
        f"{tmp_path}/a b",
        "../a b",
        f"file://{tmp_path}/a%20b",
        f"file://localhost{tmp_path}/a%20b",
        f"file:{tmp_path}/a%20b",
    )
    everything = replace(settings, allow_files=(tmp_path,))
    for uri in uris:
        message = refused(sources(folder, settings), uri)
        assert message.endswith(f"leads to {tmp_path}/a b, outside the template's folder")
        for prefix in (tmp_path, tmp_path / "a b", Path("/")):
            allowing = replace(settings, allow_files=(prefix,))
            assert sources(folder, allowing).get(uri, None, "file") == CONTENT
        assert "outside" in refused(sources(folder, replace(settings, allow_files=(tmp_path / "a",))), uri)
    assert "is a folder" in refused(sources(folder, everything), str(tmp_path))


@pytest.mark.parametrize("status", [401, 403, 404, 409])
def test_a_private_blob_asks_for_a_login(
    server: Server, folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(addresses, "wants_login", lambda uri: "?sig=" not in uri)
    monkeypatch.setattr(blob_login, "token", storage.token)
    server.answers["/blob"] = [(status, {}, b""), (200, {}, CONTENT)]
    # azure-identity itself asks for the token, at the managed identity of an App Service, which is this server.
    answer = {"access_token": "TOKEN", "expires_on": str(int(time.time()) + 3600), "token_type": "Bearer"}
    server.answers["/token"] = [(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())]
    monkeypatch.setenv("ARM_USE_MSI", "true")
    monkeypatch.setenv("IDENTITY_ENDPOINT", at(server, "/token"))
    monkeypatch.setenv("IDENTITY_HEADER", "secret")
    assert sources(folder, settings).get(at(server, "/blob"), None, "file") == CONTENT
    asked = [path.partition("?")[0] for path in server.asked]
    assert asked == ["/blob", "/token", "/blob"]
    assert server.tokens == ["", "Bearer TOKEN"]


def test_without_a_credential_the_way_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no az
    monkeypatch.setattr(blob_login, "token", storage.token)
    with pytest.raises(ImagegenError) as caught:
        blob.headers("https://a.blob.core.windows.net/x", 404)
    assert "the server says 404, and no Azure credential was found" in caught.value.message
    assert "az login" in str(caught.value.hint)


def test_which_addresses_want_a_login() -> None:
    host = "https://a.blob.core.windows.net"
    assert addresses.wants_login(f"{host}/c/x")
    assert addresses.wants_login("https://a.z1.blob.storage.azure.net/c/x")
    for uri in (f"{host}/c/x?sv=1&sig=S", "http://a.blob.core.windows.net/x", "https://blob.core.windows.net.evil/x"):
        assert not addresses.wants_login(uri)
    for other in ("core.windows.cn", "core.usgovcloudapi.cn", "core.chinacloudapi.net", "storage.azure.cn"):
        assert not addresses.wants_login(f"https://a.blob.{other}/c/x")


def test_mirror_of_the_web(server: Server, folder: Path, settings: Settings, tmp_path: Path) -> None:
    mirrors = (("https://h.example/", at(server, "/")), ("https://h.example/deep/", f"{tmp_path}/mirror/"))
    mirrored = Settings(cache_dir=settings.cache_dir, state_dir=settings.state_dir, mirrors=mirrors)
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "b c.sh").write_bytes(b"deep")
    assert sources(folder, mirrored).get("https://h.example/a.sh", None, "script") == CONTENT
    assert sources(folder, mirrored).get("https://h.example/deep/b%20c.sh?sig=x", None, "script") == b"deep"
    assert "leads out of" in refused(sources(folder, mirrored), "https://h.example/deep/%2e%2e/secret")
    assert "leads out of" in refused(sources(folder, mirrored), "https://h.example/deep/../secret")


def test_cache_answers_only_with_a_checksum(server: Server, folder: Path, settings: Settings) -> None:
    for _ in range(2):
        sources(folder, settings).get(at(server, "/a.sh"), None, "script")
    assert len(server.asked) == 2
    for _ in range(2):
        sources(folder, settings).get(at(server, "/a.sh"), SHA, "script")
    assert len(server.asked) == 3
    (settings.cache_dir / "downloads" / SHA).write_bytes(b"spoiled")
    assert sources(folder, settings).get(at(server, "/a.sh"), SHA, "script") == CONTENT
    assert [file.name for file in (settings.cache_dir / "downloads").iterdir()] == [SHA]


def test_recorded_bytes_are_the_only_source(server: Server, folder: Path, settings: Settings) -> None:
    (folder / "a.sh").write_bytes(CONTENT)
    recorded = sources(folder, settings, {at(server, "/a.sh"): b"then"})
    assert recorded.get(at(server, "/a.sh"), None, "script") == b"then"
    assert "no copy" in refused(recorded, "a.sh")
    assert server.asked == []


def test_fetch_all_tells_every_problem_at_its_place(server: Server, folder: Path, settings: Settings) -> None:
    steps = [
        {"type": "Shell", "scriptUri": at(server, "/a.sh")},
        {"type": "File", "sourceUri": "none", "destination": "/x"},
        {"type": "Shell", "scriptUri": at(server, "/a.sh?sig=SECRET"), "sha256Checksum": "0" * 64},
    ]
    source = {"type": "PlatformImage", "publisher": "Debian", "offer": "debian-12", "sku": "12", "version": "latest"}
    properties = {"source": source, "distribute": [{"type": "VHD", "runOutputName": "d"}]}
    checks = {"inVMValidations": [{"type": "Shell", "scriptUri": "gone.sh"}]}
    value = {"properties": properties | {"customize": steps, "validate": checks}}
    got = read_bytes(json.dumps(value, indent=1).encode(), "t.json", settings)
    with pytest.raises(InvalidTemplate) as caught:
        fetch_all(got.template, sources(folder, settings), got.document)
    found = [(one.path, one.line > 1, "SECRET" in one.message) for one in caught.value.problems]
    assert found == [
        ("properties.customize[1].sourceUri", True, False),
        ("properties.customize[2].scriptUri", True, False),
        ("properties.validate.inVMValidations[0].scriptUri", True, False),
    ]
    (folder / "none").write_bytes(b"1")
    (folder / "gone.sh").write_bytes(b"2")
    steps[2]["sha256Checksum"] = SHA
    got = read_bytes(json.dumps(value).encode(), "t.json", settings)
    assert fetch_all(got.template, sources(folder, settings)) == {
        at(server, "/a.sh"): CONTENT, at(server, "/a.sh?sig=SECRET"): CONTENT, "none": b"1", "gone.sh": b"2",
    }  # fmt: skip


def test_secrets_are_redacted() -> None:
    assert redact("https://bob:pass@h.example/a?sv=1&sig=S#f") == "https://…@h.example/a?…"
    assert redact("https://h.example/a@b") == "https://h.example/a@b"
    line = 'curl "https://h/x?sig=S" https://u:p@h/'
    assert mask(line) == 'curl "https://h/x?*****" https://***@h/'


def test_kinds_of_addresses() -> None:
    uris = ("HTTPS://h/x", "http://h", "a/b.sh", "/a", "file:///x", "file:x", "s3://b/x")
    assert [addresses.kind(uri) for uri in uris] == [
        "https", "http", "relative", "absolute", "absolute", None, None,
    ]  # fmt: skip
