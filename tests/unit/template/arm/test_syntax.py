"""The text of expressions: what is one, what it may look like, and where it is wrong."""

import json
from typing import Any

import pytest

from generator.template.arm.bounds import ExpressionError
from generator.template.arm.expand import evaluate_body
from generator.template.arm.inputs import Inputs
from generator.template.arm.syntax import normal, parse
from generator.template.load import load
from tests.unit.template.arm.making import body, image, problems, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[concat('it''s', '')]", "it's"),
        ("[ CONCAT (\n 'a' ,\t'b' ) ]", "ab"),
        ("[[concat('a')]", "[concat('a')]"),
        ("[a] b", "[a] b"),
        ("[[a] b", "[[a] b"),
        ("['text']", "text"),
        ("[-5]", -5),
        ("[createObject('a', createArray(1, 2)).a[1]]", 2),
        ("[createObject('a', 7)['a']]", 7),
        ("[createArray(1, 2)[add(0, 1)]]", 2),
        ("[createObject('a-b', 7)['A-B']]", 7),
    ],
)
def test_text(text: str, expected: Any) -> None:
    assert body({"resources": [image(properties={"x": text})]})["properties"]["x"] == expected


@pytest.mark.parametrize(
    ("text", "offset", "said"),
    [
        ("[]", 1, "a value is missing"),
        ("[concat('a' 'b')]", 12, "a comma or `)` is missing"),
        ("[concat('a)]", 8, "no closing quote"),
        ("[concat('a',)]", 12, "`)` does not belong here"),
        ("[true]", 1, "`true` is no value by itself"),
        ('[concat("a")]', 8, '`"` does not belong'),
        ("[add(1, 2) + 3]", 11, "`+` does not belong"),
        ("[parameters('a').?b]", 17, "`?` does not belong"),
        ("[1.5]", 1, "whole numbers only"),
        ("[99999999999999999999]", 1, "too large"),
        ("[concat('a')) ]", 12, "the expression ends before this"),
        ("[a.b.c()]", 1, "`b` is no value by itself"),
        ("[concat('a').]", 13, "a property name is missing"),
        ("[concat('a')[0]", 14, "`]` is missing"),
        ("[ -f /etc/x ]", 2, "`-` does not belong"),
    ],
)
def test_wrong(text: str, offset: int, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert said in caught.value.message
    assert caught.value.offset == offset


def test_a_problem_stands_at_its_character() -> None:
    tags = r"[concat('\u00e9\n😀', nope())]"
    text = '{"resources": [{"type": "Microsoft.VirtualMachineImages/imageTemplates",\n "tags": "' + tags + '"}]}'
    (problem,) = problems(text)
    line = text.splitlines()[problem.line - 1]
    assert line[problem.column - 1 :].startswith("nope()")
    assert problem.path == "resources[0].tags"


def test_a_problem_in_a_key_stands_at_the_key() -> None:
    (problem,) = problems('{"resources": [{"type": "Microsoft.VirtualMachineImages/imageTemplates",\n"[nope()]": 1}]}')
    assert (problem.line, problem.column) == (2, 3)


def test_all_problems_at_once() -> None:
    found = problems({"resources": [image(properties={"a": "[nope()]", "b": ["[length(1)]", "[variables('v')]"]})]})
    assert len(found) == 3


def test_normal() -> None:
    assert normal(" reference( 'a b' ) . x [ 0 ]") == "reference('a b').x[0]"


def test_namespaces_and_recursion_of_functions() -> None:
    member = {"parameters": [{"name": "n", "type": "string"}], "output": {"value": "[toUpper(parameters('N'))]"}}
    functions = [{"namespace": "contoso", "members": {"loud": member}}]
    assert value("contoso.LOUD('a')", functions=functions) == "A"
    member["output"] = {"value": "[contoso.loud(parameters('n'))]"}
    (problem,) = problems({"functions": functions, "resources": [image(tags="[contoso.loud('a')]")]})
    assert "too deep inside others" in problem.message


def plain(value: Any, **inputs: Any) -> Any:
    return evaluate_body(load(json.dumps(value).encode(), "t.json"), Inputs(**inputs)).document.value


def test_a_plain_body_has_shell_in_it() -> None:
    shell = {"inline": ["[ -f /etc/x ] && [ -d /y ]", "[[ $a == b ]]", "[a-z]"]}
    assert plain(shell) == shell


def test_a_plain_body_is_evaluated() -> None:
    assert plain({"a": "[concat('x', parameters('p'))]"}, sets={"p": "y"}) == {"a": "xy"}
    assert plain({"[toLower('KEY')]": "[parameters('p')]"}, parameters={"P": [1]}) == {"key": [1]}
