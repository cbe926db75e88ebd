"""Problems as text."""

import json

from generator.errors import Problem
from generator.template.report import as_json, render


def shown(line: str, column: int) -> list[str]:
    text = render([Problem("t.json", 1, column, "a", "wrong")], {"t.json": line.encode()})
    return [part[4:] for part in text.splitlines() if part.startswith("  | ")]


def test_whole_report() -> None:
    problems = [
        Problem("t.json", 2, 4, "a.b[0]", "`inlin` is not known", "did you mean `inline`?"),
        Problem("t.json", 0, 0, "", "something else", level="warning"),
    ]
    assert render(problems, {"t.json": b'{\r\n   "inlin": 1\r\n}'}) == (
        "t.json:2:4: error: `inlin` is not known\n"
        "  at a.b[0]\n"
        '  |    "inlin": 1\n'
        "  |    ^^^^^^^\n"
        "  hint: did you mean `inline`?\n"
        "\n"
        "t.json: warning: something else\n"
        "\n"
        "1 error and 1 warning\n"
    )


def test_mark_stands_under_what_is_shown() -> None:
    assert shown('\t"a": "b"', 7) == ['    "a": "b"', "         ^^^"]
    assert shown('"漢字": 1', 7) == ['"漢字": 1', "        ^"]
    assert shown('{"a": 1', 8) == ['{"a": 1', "       ^"]


def test_long_lines_are_cut_around_the_mark() -> None:
    line, mark = shown('"' + "x" * 5000 + '", "here": 1', 5005)
    assert len(line) < 110
    assert line[mark.index("^") :].startswith('"here"')


def test_nothing_but_printable_characters_comes_out() -> None:
    evil = "\x1b[2J\x07\x9b31m\u202e\u2028\x00\r"
    problem = Problem(f"t{evil}", 1, 1, f"a{evil}", f"m{evil}", f"h{evil}")
    text = render([problem], {f"t{evil}": f'"{evil}"'.encode()})
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "\\x1b[2J" in text


def test_secrets_of_addresses_are_not_shown() -> None:
    line = '"scriptUri": "https://bob:pass@h.example/a.sh?sv=1&sig=SECRET", "x": 1'
    for column in (14, 66):
        text = "\n".join(shown(line, column))
        assert "SECRET" not in text
        assert "pass" not in text


def test_colour_only_when_asked() -> None:
    problem = Problem("t", 1, 1, "", "m")
    assert "\x1b" not in render([problem])
    assert "\x1b[1;31merror\x1b[0m" in render([problem], colour=True)


def test_json_has_the_same_content() -> None:
    told = as_json([Problem("t", 1, 2, "a", "m", "h"), Problem("t", 1, 2, "a", "m", level="warning")])
    assert json.loads(json.dumps(told)) == told
    assert told["errors"] == told["warnings"] == 1
    assert told["problems"][0] == {
        "file": "t", "line": 1, "column": 2, "path": "a", "level": "error", "message": "m", "hint": "h",
    }  # fmt: skip
