"""Secrets of the user, in whatever spelling a program prints them and wherever a stream of its output is cut."""

import base64
import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.azure.runcommands import WINDOW, Ran, Tail
from generator.builder.watch import Printed
from generator.cli import console
from generator.system import redact
from generator.system.redact import Redactor, Stream
from tests.faults.conftest import StandIn, World, base, terraform, world  # noqa: F401 - fixtures
from tests.hostile.conftest import template, workspace  # noqa: F401 - fixtures
from tests.hostile.examine import command

PLAIN = "hunter2-correct-horse"
SECRETS = [
    PLAIN,
    "Hunter2/Correct+Horse=Battery",
    "pa$$ 'quoted' \"word\" & <tag> `back` hunter2!",
    r"hunter2\new\table\\share\0101\x41 100%",
    "-----BEGIN KEY-----\nMIIEhunter2/abcdefghijklmnop+qrst0123456789ABCDEFGHIJKL\nMNOPQRSTUVWX==\n-----END KEY-----\n",
    '{"type": "account", "key": "-----BEGIN\\nhunter2&correct<horse>\\n", "id": "a\'b"}',
    "hünter2-pässwort-日本語",
    "Server=tcp:x.example;Password=hunter2;Key=ab/cd+ef==",
    "a\tb\tc hunter2  two  blanks ",
]
IGNORED = re.compile(r"[\s\x00-\x20\x7f\\'\"`^]")


def _bare(text: str) -> str:
    return IGNORED.sub("", text).lower()


def _has(shown: str, spelt: str, most: int = 11) -> str:
    """A piece of the spelling, longer than `most`, that is shown."""
    shown, spelt = _bare(shown), _bare(spelt)
    size = most + 1
    return next((spelt[at : at + size] for at in range(len(spelt) - size + 1) if spelt[at : at + size] in shown), "")


def _run(script: list[str], secret: str) -> str:
    """What a program prints of TOKEN, its own words left out."""
    if shutil.which(script[0]) is None:
        pytest.skip(f"{script[0]} is not here")
    environment = {"PATH": os.environ["PATH"], "TOKEN": secret, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(script, env=environment, capture_output=True, check=True)
    return (done.stdout + done.stderr).decode("utf-8", "replace")


PROGRAMS = {
    "echo of dash": ["dash", "-c", 'echo "$TOKEN"'],
    "echo -e": ["bash", "-c", 'echo -e "$TOKEN"'],
    "printf %b": ["bash", "-c", 'printf %b "$TOKEN"'],
    "printf %q": ["bash", "-c", 'printf %q "$TOKEN"'],
    "printf %q in C": ["bash", "-c", 'LC_ALL=C; printf %q "$TOKEN"'],
    "declare -p": ["bash", "-c", "declare -p TOKEN"],
    "declare -p of an array": ["bash", "-c", 'all=("$TOKEN" x); declare -p all'],
    "export -p": ["bash", "-c", "export -p"],
    "export -p of dash": ["dash", "-c", "export -p"],
    "set": ["bash", "-c", "set"],
    "set of dash": ["dash", "-c", "set"],
    "a trace": ["bash", "-xc", 'x="$TOKEN"; : "$x"'],
    "@Q": ["bash", "-c", 'echo "${TOKEN@Q} ${TOKEN@A} ${TOKEN@E}"'],
    "printenv": ["printenv", "TOKEN"],
    "capitals": ["bash", "-c", 'echo "${TOKEN^^}"; echo "${TOKEN,,}"'],
    "base64": ["bash", "-c", 'printf %s "$TOKEN" | base64'],
    "base64 in one line": ["bash", "-c", 'printf %s "user:$TOKEN" | base64 -w0'],
    "base64 in short lines": ["bash", "-c", 'printf %s "xy$TOKEN" | base64 -w 13 | sed "s/^/    /"'],
    "base64 with CRLF": ["bash", "-c", 'printf %s "$TOKEN" | base64 | sed "s/$/\\r/"'],
    "openssl base64": ["bash", "-c", 'printf %s "x$TOKEN" | openssl base64'],
    "base64 twice": ["bash", "-c", 'printf %s "u:$TOKEN" | base64 -w0 | base64 -w0'],
    "base64 of base64 in lines": ["bash", "-c", 'printf %s "u:$TOKEN" | base64 | base64'],
    "base32": ["bash", "-c", 'printf %s "abc$TOKEN" | base32'],
    "xxd -p": ["bash", "-c", 'printf %s "$TOKEN" | xxd -p'],
    "xxd -u -p": ["bash", "-c", 'printf %s "$TOKEN" | xxd -u -p -c 7'],
    "xxd -i": ["bash", "-c", 'printf %s "$TOKEN" | xxd -i'],
    "od -tx1": ["bash", "-c", 'printf %s "$TOKEN" | od -An -v -tx1'],
    "od -to1": ["bash", "-c", 'printf %s "$TOKEN" | od -An -v -to1'],
    "od -tu1": ["bash", "-c", 'printf %s "$TOKEN" | od -An -v -w9999 -tu1'],
    "hexdump": ["bash", "-c", """printf %s "$TOKEN" | hexdump -v -e '1/2 "%04x "'"""],
    "fold": ["bash", "-c", 'printf %s "$TOKEN" | fold -w 5'],
    "fold with an indent": ["bash", "-c", 'printf %s "$TOKEN" | fold -w 9 | sed "s/^/      /"'],
    "jq": ["bash", "-c", "jq -n env.TOKEN; jq -n 'env.TOKEN|tojson'"],
    "jq for other formats": ["bash", "-c", "jq -rn 'env.TOKEN|@html,@uri,@sh,@base64,@csv?,[.]|tostring'"],
    "node": ["node", "-e", "t=process.env.TOKEN; console.log(encodeURIComponent(t), escape(t), encodeURI(t), [t])"],
    "node's bytes": ["node", "-e", "b=Buffer.from(process.env.TOKEN); console.log(b.toString('hex'), [...b].join())"],
    "python": ["python3", "-c", "import os; t=os.environ['TOKEN']; print(repr(t), ascii(t), [t], t.encode(), {t: 1})"],
    "perl": ["perl", "-e", 'print join(":", map { sprintf "%02x", $_ } unpack("C*", $ENV{TOKEN}))'],
}  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_what_programs_print_of_a_secret_is_redacted(program: str, secret: str) -> None:
    """Told by another secret: what differs in the output is of the secret, and no large piece of that is shown."""
    printed = _run(PROGRAMS[program], secret)
    shown = Redactor([secret]).redacted(printed)
    for word in ("hunter2", "unter2", *(secret[at : at + 12] for at in range(0, len(secret) - 12, 5))):
        assert _bare(word) not in _bare(shown), shown
    other = set(_run(PROGRAMS[program], "x").split())
    for word in printed.split():
        if word not in other and len(word) > 24:
            assert not _has(shown, word[12:-12], 15), shown
    assert "***" in shown


def _escaped(text: str, special: str) -> str:
    """JSON in which these characters are written by number, for a page of HTML to hold it."""
    return re.sub(f"[{special}]", lambda found: f"\\u{ord(found[0]):04X}", text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "JSON": json.dumps,
    "JSON of Go": lambda text: _escaped(json.dumps(text, ensure_ascii=False), "&<>"),
    "JSON of PowerShell": lambda text: _escaped(json.dumps(text), "&<>'"),
    "JSON of .NET": lambda text: _escaped(json.dumps(text).replace('\\"', '"')[1:-1], "&<>'\"+`"),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"a": text})),
    "JSON of PHP": lambda text: json.dumps(text).replace("/", "\\/"),
    "HTML": html.escape,
    "HTML twice": lambda text: html.escape(html.escape(text)),
    "HTML without quotes": lambda text: html.escape(text, quote=False),
    "XML": lambda text: html.escape(text, quote=False).replace("'", "&apos;").replace('"', "&quot;"),
    "HTML by numbers": lambda text: html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "HTML of JSON": lambda text: html.escape(json.dumps(text)),
    "percent": lambda text: quote(text, safe=""),
    "percent but for slashes": quote,
    "lower-case percent": lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
    "a form": quote_plus,
    "JSON in a query": lambda text: quote(json.dumps(text)),
    "every byte percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "URL-safe base64": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 in a query": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "base64 of JSON": lambda text: base64.b64encode(json.dumps({"key": text}).encode()).decode(),
    "base64 of UTF-16": lambda text: base64.b64encode(f"$x='{text}'".encode("utf-16-le")).decode(),
    "base64 in .NET's JSON": lambda text: base64.b64encode(text.encode()).decode().replace("+", "\\u002B"),
    "UTF-16": lambda text: text.encode("utf-16-le").decode("latin-1") if text.isascii() else text,
    "bytes of PowerShell": lambda text: "\n".join(map(str, text.encode())),
    "BitConverter": lambda text: "-".join(f"{byte:02X}" for byte in text.encode()),
    "C": lambda text: ", ".join(f"0x{byte:02x}" for byte in text.encode()),
    "escapes of bytes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "octal escapes": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "a doubled quote": lambda text: text.replace("'", "''").replace('"', '""'),
    "quotes out of quotes": lambda text: text.replace("'", "'\"'\"'"),
    "carets of cmd": lambda text: re.sub("[&<>]", "^\\g<0>", text),
    "colours": lambda text: "\x1b[31m" + text[:5] + "\x1b[0m" + text[5:],
    "zero width": lambda text: text[:5] + "\u200b" + text[5:],
}  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_are_redacted(name: str, secret: str) -> None:
    """Whole, in lines of any width, and behind a prefix that a log adds to each line."""
    spelt = SPELLINGS[name](secret)
    redactor = Redactor([secret])
    wide = [spelt[at : at + 76] for at in range(0, len(spelt), 76)]
    for text in (spelt, "\n".join(wide), "\r\n  ".join(wide), "\n".join(re.findall(r"(?s).{1,7}", spelt))):
        shown = redact.CONTROLS.sub(
            "", redactor.redacted(redact.CONTROLS.sub(lambda found: "\n" if found[0] == "\n" else "", text))
        )
        assert not _has(shown, spelt[4:-4]), shown
        assert "***" in shown
    assert not _has(redactor.redacted("\n".join(f"#12 0.34 | {line}" for line in wide)), spelt[4:-4], 14)


def _streamed(secret: str, pieces: list[str]) -> list[str]:
    stream = Stream(Redactor([secret]))
    return [*(stream.feed(piece) for piece in pieces), stream.rest()]


@pytest.mark.parametrize("secret", [PLAIN, "hunter2", "h2-x", "correct horse battery staple", SECRETS[4]])
@pytest.mark.parametrize("border", ["", "\n", "\r\n"])
def test_a_secret_that_is_cut_is_redacted_wherever_that_is(secret: str, border: str) -> None:
    """Nothing is shown that a later piece shows to be of a secret, but for one character, and nothing else is lost."""
    for cut in range(1, len(secret)):
        pieces = [f">> {secret[:cut]}{border}", f"{secret[cut:]} <<{border}"]
        shown = "".join(_streamed(secret, pieces))
        assert re.match(rf">> ({re.escape(secret[0])}\s*)?\*\*\*", shown), (cut, shown)
        assert shown.rstrip().endswith(" <<")
        assert not _has(shown, secret, 1), (cut, shown)


@given(st.lists(st.integers(1, 60), max_size=30), st.integers(1, 30))
@settings(deadline=None)
def test_any_cuts_show_no_secret(cuts: list[int], width: int) -> None:
    text = (
        f"one {PLAIN}\n"
        + "\n".join(re.findall(f".{{1,{width}}}", base64.b64encode(f"x{PLAIN}".encode()).decode()))
        + "\nend\n"
    )
    pieces = []
    for size in cuts:
        pieces.append(text[:size])
        text = text[size:]
    shown = "".join(_streamed(PLAIN, [*pieces, text]))
    assert not _has(shown, PLAIN)
    assert not _has(shown, base64.b64encode(PLAIN.encode()).decode()[2:-2])
    assert shown.endswith("end\n")


@given(st.lists(st.text(max_size=40), max_size=20))
@settings(deadline=None)
def test_what_has_no_secret_comes_as_it_is(lines: list[str]) -> None:
    """But for what a terminal would act on."""
    given_lines = [redact.CONTROLS.sub("", line) for line in lines]
    printed = Printed()
    redact.hide([PLAIN + "-beyond-chance"])
    try:
        shown = [line for given_line in given_lines for line in Printed.lines(printed, given_line)] + printed.rest()
    finally:
        redact.hide([])
    assert shown == given_lines


def test_lines_are_shown_at_once_unless_a_secret_may_begin_in_them() -> None:
    redact.hide([PLAIN])
    try:
        printed = Printed()
        assert [printed.lines(line) for line in ("a", "", "bcd", "x hu", "y")] == [
            ["a"],
            [""],
            ["bcd"],
            [],
            ["x hu", "y"],
        ]
        assert printed.rest() == []
        assert printed.lines("see hunter2-c") == []
        assert printed.lines("orrect") == ["see ***", "***"]
    finally:
        redact.hide([])


def test_what_is_held_back_is_bounded() -> None:
    """White space within a secret is waited through, but not for ever."""
    stream = Stream(Redactor([PLAIN]))
    assert stream.feed("hunter2-co") == ""
    assert stream.feed("\n" * (redact.MOST_HELD + 1)).count("\n") > redact.MOST_HELD


def test_lines_stay_lines() -> None:
    """A wrapped text becomes as many lines of stars."""
    wrapped = base64.encodebytes((PLAIN * 20).encode()).decode()
    shown = Redactor([PLAIN * 20]).redacted(f"begin\n{wrapped}end\n").split("\n")
    assert (shown[0], shown[-2], len(shown)) == ("begin", "end", wrapped.count("\n") + 3)
    assert all(line.startswith("***") for line in shown[1:-2])


@pytest.mark.parametrize("text", ["a secret of even length", "the event", "1234567", "hunter", "correct"])
def test_other_text_stays(text: str) -> None:
    assert Redactor([PLAIN, "evens", "7654321"]).redacted(text) == text


@pytest.fixture
def hidden() -> Iterator[None]:
    redact.hide([PLAIN])
    yield
    redact.hide([])


@pytest.mark.usefixtures("hidden")
@pytest.mark.parametrize("cut", range(1, len(PLAIN)))
def test_the_window_of_azure_shows_no_part_of_a_line(cut: int) -> None:
    """It has the end of what was printed, from anywhere on."""
    window = PLAIN[cut:] + "\n" + "line\n" * (WINDOW // 5)
    assert Tail().news(window) == ["…", *["line"] * (WINDOW // 5)]
    assert PLAIN[cut:] not in Ran(1, PLAIN[cut:] + "z" * WINDOW, "").last_line
    tail = Tail()
    assert tail.news("first\n" + PLAIN[:cut]) == ["first"]
    assert PLAIN[:cut] not in "".join(tail.news(window, final=True))


def test_what_is_told_to_programs_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is redacted; and colours in a secret hide it from nobody."""
    redact.hide(["even", "1234", PLAIN])
    try:
        console.put_json({"event": "x", "time": 12345, "line": "\x1b[31mhunter2\x1b[m-correct-horse \x1b[1mbold"})
    finally:
        redact.hide([])
    said = json.loads(capsys.readouterr().out)
    assert said == {"event": "x", "time": 12345, "line": "*** bold"}


@pytest.mark.parametrize("options", [(), ("--json",), ("-q",)])
@pytest.mark.parametrize("secret", [PLAIN, SECRETS[2], SECRETS[4]])
def test_a_build_shows_no_spelling(  # what the steps of a real build print comes in the same events
    workspace: Path, base: Path, world: World, terraform: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,  # noqa: F811
    secret: str, options: tuple[str, ...],
) -> None:  # fmt: skip
    """At the command line: each line of a step's output, cut anywhere, and the last lines in the error."""
    lines: list[str] = []
    for width in (3, 11, 76):
        for make in SPELLINGS.values():
            spelt = redact.CONTROLS.sub("\n", make(secret))
            lines += [
                "begin",
                *(line[at : at + width] for line in spelt.split("\n") for at in range(0, len(line), width)),
                "end",
            ]
    address = "module.step_010_one.terraform_data.run"
    hook = {"resource": {"addr": address}}
    events: list[dict[str, object]] = [{"@level": "info", "type": "apply_start", "hook": hook | {"action": "create"}}]
    for line in ["Connected!", *lines]:
        events.append({"@level": "info", "type": "provision_progress", "hook": hook | {"output": line}})
    diagnostic = {"severity": "error", "summary": "failed", "detail": "exit status 1", "address": address}
    events.append({"@level": "error", "type": "apply_errored", "hook": hook})
    events.append({"@level": "error", "type": "diagnostic", "diagnostic": diagnostic})
    (tmp_path / "events").write_text("".join(json.dumps(event) + "\n" for event in events))
    terraform.fails("apply", f"cat {tmp_path}/events; exit 1")
    monkeypatch.setenv("TOKEN", secret)
    said = command("apply", workspace, "--secret", "TOKEN", *options)
    assert said.code == 1, said
    shown = said.out + said.err
    assert "***" in shown
    for make in SPELLINGS.values():
        assert not _has(shown, redact.CONTROLS.sub("", make(secret))[4:-4], 14), shown
    if options == ("--json",):
        assert [json.loads(line) for line in said.out.splitlines()]
