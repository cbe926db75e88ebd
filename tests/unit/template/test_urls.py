"""Secrets of URLs: in messages and in what a workspace keeps."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.settings import Settings
from generator.template import urls
from generator.workspace import store
from generator.workspace.generate import generate
from generator.workspace.locked import with_locked
from tests.hostile.examine import command
from tests.unit.template.making import shell, template

LONG = "HUNTER2hunter2HUNTER2"
# Each has a secret that begins with HUNTER, and a path that may be shown.
SECRET = [
    *(f"https://h.example/a.sh?{name}=HUNTER2" for name in (
        "sig", "pwd", "pass", "password", "sas", "hmac", "ticket", "bearer", "access_code", "token", "x", "auth", "jwt",
        "client_secret", "X-Amz-Signature", "AWSAccessKeyId", "s", "st_token", "se2", "unheard-of", "p%61ss", "%73ig",
        "sig%20", "sv%5B%5D", "SIG", "a.b", "a[b]", "\u00e4",
    )),
    "https://h.example/a.sh?HUNTER2", "https://h.example/a.sh?HUNTER2==", "https://h.example/a.sh?HUNTER2=",
    "https://h.example/a.sh?sv=2020&HUNTER2", "https://h.example/a.sh?sv=2020&sig=HUNTER2&sr=b",
    "https://h.example/a.sh?sv=2020;sig=HUNTER2", "https://h.example/a.sh?sig='HUNTER2", "https://h.example/a.sh?sig=a=HUNTER2",
    "https://h.example/a.sh#HUNTER2", "https://h.example/a.sh?raw=true#token=HUNTER2", "https://h.example/a.sh#?x=HUNTER2",
    "https://HUNTER2@h.example/a.sh", "https://u:HUNTER2@h.example/a.sh", "https://u:p@HUNTER2@h.example/a.sh",
    "https://u:p@@HUNTER2@h.example/a.sh", "https://:HUNTER2@h.example:8443/a.sh", "https://u:HUNTER%402@h.example/a.sh",
    "https://h.example/https://u:HUNTER2@x/a.sh", "https://h.example/a.sh;token=HUNTER2", "https://h.example/;s=HUNTER2/a.sh?raw=1",
    "https://h.example/a.sh&sig=HUNTER2", "https://h.example/a.sh,sig=HUNTER2", "https://h.example/token=HUNTER2/a.sh",
    "https://h.example/a.sh%3Fsv=1&sig=HUNTER2", "https://h.example/a.sh%3fsig=HUNTER2",
    "https://h.example/a.sh?path=https://u:HUNTER2@x/", f"https://h.example/a.sh?v={LONG * 5}",
]  # fmt: skip


@pytest.mark.parametrize("uri", SECRET)
def test_a_message_shows_no_secret(uri: str) -> None:
    for shown in (urls.redact(uri), urls.plain(uri), urls.mask(uri), urls.mask(json.dumps(f"curl {uri} -o x"))):
        assert "HUNTER" not in shown, shown
        assert "//" in shown
        assert "h.example" in shown
    assert urls.has_secret(uri)
    assert len(urls.mask(uri)) == len(uri)


@pytest.mark.parametrize(
    "uri", ["https://u:p/HUNTER2@h.example/a.sh", "https://u:p?HUNTER2@h.example/a.sh", "https://u:#HUNTER2@h.example/"]
)
def test_a_password_with_a_mark_of_urls_is_no_part_of_a_path(uri: str) -> None:
    """It should have been encoded; that is a reason to refuse it, not to show it."""
    for shown in (urls.redact(uri), urls.plain(uri), urls.mask(uri)):
        assert "HUNTER" not in shown


@pytest.mark.parametrize(
    "text",
    [
        r"https:\/\/u:HUNTER2@h.example\/a?sig=HUNTER2",
        r"https://h.example/a\u003fsig=HUNTER2",
        r"https://\u0075:HUNTER2@h/",
    ],
)
def test_a_line_of_json_is_masked_however_it_is_spelt(text: str) -> None:
    assert "HUNTER" not in urls.mask(f'{{"scriptUri": "{text}"}}')


@pytest.mark.parametrize(
    "uri",
    ["https:/u:HUNTER2@h/a", "https:u:HUNTER2@h/a", "Http:\\\\u:HUNTER2@h/a", "http:///u:HUNTER2@h", "//u:HUNTER2@h/a"],
)
def test_a_mistake_in_the_scheme_shows_no_password(uri: str) -> None:
    for shown in (urls.redact(uri), urls.mask(uri), urls.mask(json.dumps({"scriptUri": uri}))):
        assert "HUNTER" not in shown


@pytest.mark.parametrize(
    "uri",
    [
        "[concat(parameters('base'), '/a.sh?sv=2020-01-01&sig=HUNTER2')]", "a.sh?sig=HUNTER2", "../a.sh?token=HUNTER2",
        "[format('{0}a.sh?{1}', 'x', '?code=HUNTER2')]", "https:/u:HUNTER2@h/a.sh", "//u:HUNTER2@h/a.sh",
    ],
)  # fmt: skip
def test_no_command_shows_a_piece_of_a_url(tmp_path: Path, uri: str) -> None:
    """Neither in the message nor in the line that it quotes."""
    path = tmp_path / "t.json"
    wrong = shell(scriptUri=uri, name="x" * 5000, sha256Checksum="no")
    path.write_text(json.dumps(template(customize=[wrong]), indent=1))
    for arguments in (["validate"], ["generate", "--target", "local"]):
        said = command(*arguments, path)
        assert said.code == 1
        assert "HUNTER" not in said.out + said.err, said.err


PLAIN = ["https://h.example/a.sh", "https://h.example:8443/a@b/c;d/e", "https://[::1]:80/x", "a b/c.sh", "../x.sh"]


@pytest.mark.parametrize("uri", PLAIN)
def test_what_has_no_secret_stays(uri: str) -> None:
    assert urls.redact(uri) == urls.plain(uri) == urls.mask(uri) == uri
    assert not urls.has_secret(uri)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_can_be_shown(one: str, other: str) -> None:
    uri = f"https://{one}?{other}"
    assert len(urls.mask(uri)) == len(uri)
    assert urls.redact(urls.redact(uri)) == urls.redact(uri)
    urls.Keeper([uri], []).kept(other)


def _settings(folder: Path, **more: Any) -> Settings:
    (folder / "mirror").mkdir(exist_ok=True)
    (folder / "mirror/a.sh").write_bytes(b"true\n")
    return Settings(target="local", cache_dir=folder / "c", state_dir=folder / "s", **more)


def _made_twice(path: Path, settings: Settings, uris: list[str], out: Path) -> dict[str, bytes]:
    """The files of a workspace, which is generated again from itself to the same bytes."""
    first = generate(path, settings, out)
    store.write(out, first.files, first.comparison, force=False)
    lock = store.read_lock(out)
    assert lock
    again = generate(out, with_locked(Settings(cache_dir=settings.cache_dir, state_dir=settings.state_dir), lock))
    assert again.files == first.files
    return first.files


@pytest.mark.parametrize("uri", [uri for uri in SECRET if "\u00e4" not in uri])
def test_a_workspace_keeps_no_secret_of_a_url(tmp_path: Path, uri: str) -> None:
    mirrors = ((uri, str(tmp_path / "mirror/a.sh")),)
    path = tmp_path / "t.json"
    text = json.dumps(template(customize=[shell(scriptUri=uri)]))
    for spelt in (text, text.replace("/", "\\/"), text.replace("&", "\\u0026")):
        path.write_text(spelt)
        files = _made_twice(path, _settings(tmp_path, mirrors=mirrors), [uri], tmp_path / f"out{len(spelt)}")
        assert not [name for name, content in files.items() if b"HUNTER" in content]


def test_a_workspace_keeps_what_is_harmless(tmp_path: Path) -> None:
    uri = (
        "https://h.example:8443/p/a.sh?api-version=1&raw=true&sv=2020-01-01&se=2030-01-01T00%3A00%3A00Z&sig=x&ref=main"
    )
    path = tmp_path / "t.json"
    path.write_text(json.dumps(template(customize=[shell(scriptUri=uri)])))
    settings = _settings(tmp_path, mirrors=((uri, str(tmp_path / "mirror/a.sh")),))
    kept = json.loads(_made_twice(path, settings, [uri], tmp_path / "out")["template.json"])
    assert kept["properties"]["customize"][0]["scriptUri"] == uri.replace("sig=x", "sig=***")


def test_two_urls_stay_two(tmp_path: Path) -> None:
    """Though they differ only in what is removed."""
    steps, mirrors = [], []
    for number in range(4):
        (tmp_path / f"{number}.sh").write_text(f"#!/bin/sh\necho {number % 3}\n")
        uri = f"https://h.example/get?what={number % 3}"
        steps.append(shell(scriptUri=uri))
        mirrors.append((uri, str(tmp_path / f"{number}.sh")))
    path = tmp_path / "t.json"
    path.write_text(json.dumps(template(customize=steps)))
    files = _made_twice(path, _settings(tmp_path, mirrors=tuple(mirrors)), [], tmp_path / "out")
    scripts = [files[name] for name in sorted(files) if name.startswith("scripts/")]
    assert scripts == [f"#!/bin/sh\necho {number}\n".encode() for number in (0, 1, 2, 0)]


SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("concat('https://h.example/a.sh?', parameters('a'))", {"a": f"sv=1&access_code={LONG}"}),
        ("concat('https://h.example/a.sh?ticket=', parameters('a'))", {"a": LONG}),
        ("concat('https://h.example/a.sh?ticket=', uriComponent(parameters('a')))", {"a": LONG + "/+="}),
        ("concat('https://u:', parameters('a'), '@h.example/a.sh')", {"a": LONG}),
        (f"concat('https://h.example/a.sh?pass=', '{LONG}')", {"a": ""}),
        ("format('https://h.example/a.sh#{0}', parameters('a'))", {"a": LONG}),
    ],
)
@pytest.mark.parametrize("by", ["default", "set"])
def test_the_parts_of_a_url_are_not_kept_either(
    tmp_path: Path, expression: str, values: dict[str, str], by: str
) -> None:
    resource = {
        "type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2024-02-01", "name": "web",
        "location": "westeurope", **template(customize=[shell(scriptUri=f"[{expression}]")]),
    }  # fmt: skip
    parameters = {
        name: {"type": "string", "defaultValue": value if by == "default" else "x"} for name, value in values.items()
    }
    path = tmp_path / "d.json"
    path.write_text(json.dumps({"$schema": SCHEMA, "parameters": parameters, "resources": [resource]}))
    mirrors = (("https://", f"{tmp_path}/mirror/"),)
    given = _settings(tmp_path, mirrors=mirrors, sets=tuple(values.items()) if by == "set" else ())
    for name in ("h.example", f"u:{LONG}@h.example"):
        (tmp_path / "mirror" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "mirror" / name / "a.sh").write_bytes(b"true\n")
    files = _made_twice(path, given, [], tmp_path / "out")
    assert not [name for name, content in files.items() if b"HUNTER" in content or b"hunter" in content]


def test_a_word_of_the_template_is_no_secret(tmp_path: Path) -> None:
    """Where a value of a query stands elsewhere in the template, it stays there."""
    uri = "https://h.example/a.sh?image=production-image&n=10"
    path = tmp_path / "t.json"
    value = template(customize=[shell(scriptUri=uri), shell(inline=["echo n=10 production-image"])])
    path.write_text(json.dumps(value | {"name": "production-image", "tags": {"n": "n=10"}}))
    settings = _settings(tmp_path, mirrors=((uri, str(tmp_path / "mirror/a.sh")),))
    files = _made_twice(path, settings, [uri], tmp_path / "out")
    kept = json.loads(files["template.json"])
    assert kept["name"] == "production-image"
    assert kept["tags"] == {"n": "n=10"}
    assert kept["properties"]["customize"][0]["scriptUri"] == "https://h.example/a.sh?image=***&n=***"


def test_many_urls_take_linear_time(tmp_path: Path) -> None:
    """Told by the work, not by the clock: each text is looked through once."""
    uris = [f"https://h.example/{number}?sig={number:020}" for number in range(3000)]
    keeper = urls.Keeper(uris, [])
    text = json.dumps(uris)
    assert re.findall(r"sig=(\*\*\*\d*)", keeper.kept(text))[:2] == ["***", "***2"]


def test_a_problem_quotes_no_secret(tmp_path: Path) -> None:
    """At the command line: the line, the message and the hint."""
    path = tmp_path / "t.json"
    for uri in SECRET:
        steps = [shell(scriptUri=uri, sha256Checksum="x"), {"type": "File", "sourceUri": uri, "destination": ""}]
        path.write_text(json.dumps(template(customize=steps)))
        for options in ((), ("--json",)):
            said = command("validate", path, *options)
            assert said.code == 1
            assert "HUNTER" not in said.out + said.err, uri
