"""A secret as programs dump it: words and bits, escapes of other languages, encodings of mail."""

import os
import re
import subprocess

import pytest

from generator.system.redact import Redactor, Stream

SECRETS = [
    "hunter2!Passw0rd",
    "p@ss w0rd&<x>\"q'z=",
    "AbC+/=def123==",
    "a long one\nof two lines",
    "tok_9f8e7d6c5b4a3928",
]
PIPES = {
    "xxd -b": "xxd -b -c 256 | cut -d: -f2",
    "xxd -e": "xxd -e -c 256 | cut -c 11-",
    "od": "od -An -v",
    "od -tx4": "od -An -v -tx4",
    "od -to4": "od -An -v -to4",
    "od -a": "od -An -v -w256 -a",
    "od -td1": "od -An -v -w256 -td1",
    "cat -A": "cat -A",
    "UTF-16 in hexadecimal": "iconv -t UTF-16LE | xxd -p",
    "UTF-16 of the other order": "iconv -t UTF-16BE | xxd -p",
}
PYTHON = {
    "CSS": r"''.join('\\%06x' % ord(c) for c in t)",
    "ES6": r"''.join('\\u{%x}' % ord(c) for c in t)",
    "Perl": r"''.join('\\x{%X}' % ord(c) for c in t)",
    "long escapes": r"''.join('\\U%08X' % ord(c) for c in t)",
    "escape() of every character": "''.join('%%u%04X' % ord(c) for c in t)",
    "padded entities": "''.join('&#x%04X;' % ord(c) for c in t)",
    "padded decimal entities": "''.join('&#%03d;' % ord(c) for c in t)",
    "a URL in a URL": "u.quote(u.quote(t, safe=''), safe='')",
    "a list of characters": "list(t)",
    "characters in JSON": "json.dumps(list(t))",
    "code points": "' '.join('U+%04X' % ord(c) for c in t)",
    "bits": "' '.join(format(b, '08b') for b in t.encode())",
    "octal literals": "[oct(b) for b in t.encode()]",
    "hexadecimal without marks": "','.join('%02x' % b for b in t.encode())",
    "quoted-printable": "q.encodestring(t.encode()).decode()",
    "uuencode": "'\\n'.join(b.b2a_uu(t.encode()[i:i + 45]).decode() for i in range(0, len(t), 45))",
    "uuencode in a file": "b.b2a_uu(b'xy' + t.encode()[:40]).decode()",
}


def _printed(name: str, secret: str) -> str:
    if name in PIPES:
        argv = ["bash", "-c", f'printf %s "$TOKEN" | {PIPES[name]}']
    else:
        program = "import os, json, quopri as q, binascii as b, urllib.parse as u; t = os.environ['TOKEN']"
        argv = ["python3", "-c", f"{program}; print({PYTHON[name]})"]
    done = subprocess.run(argv, env=os.environ | {"TOKEN": secret}, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("name", [*PIPES, *PYTHON])
def test_no_large_piece_of_a_dump_is_shown(name: str, secret: str) -> None:
    """Read as one text, or as it comes."""
    printed, stream = _printed(name, secret), Stream(Redactor([secret]))
    streamed = "".join(stream.feed(printed[at : at + 7]) for at in range(0, len(printed), 7)) + stream.rest()
    for shown in (Redactor([secret]).redacted(printed), streamed):
        assert "***" in shown, printed
        left = re.sub(r"\s|[*]", "", shown)
        assert len(left) <= len(re.sub(r"\s", "", printed)) // 2, (printed, shown)
