"""A hostile template is refused in words and soon; whatever is written, nothing but InvalidTemplate comes out."""

import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from generator.errors import InvalidTemplate, Problem
from generator.template.arm.functions import FORM_NAMES, FUNCTIONS
from tests.unit.template.arm.making import body, image, problems

LOOP = {"name": "a", "count": 800, "input": "[copyIndex('a')]"}


def deep(loops: int) -> Any:
    loop: Any = 1
    for level in range(loops):
        loop = {"copy": [{"name": f"l{level}", "count": 800, "input": loop}]}
    return loop


def chain(count: int, form: str, first: Any) -> dict[str, Any]:
    return {"v0": first} | {f"v{n}": form.replace("V", f"variables('v{n - 1}')") for n in range(1, count)}


def many(function: str, what: str) -> str:
    return f"[map(range(0, 10000), lambda('i', {function.replace('BIG', what)}))]"


BIG = {"copy": [LOOP], "big": "[range(0, 10000)]", "text": "[padLeft('', 1000000)]"}
HOSTILE: dict[str, dict[str, Any]] = {
    "nested loops": {"resources": [image(properties=deep(4))]},
    "nested lambdas": {"resources": [
        image(tags="[map(range(0, 10000), lambda('a', map(range(0, 10000), lambda('b', 1))))]")]},
    "a billion laughs": {
        "variables": chain(40, "[createArray(V, V)]", "x"), "resources": [image(tags="[variables('v39')]")],
    },
    "a billion laughs, compared": {
        "variables": chain(24, "[createArray(V, V)]", "x"),
        "resources": [image(tags="[equals(variables('v23'), variables('v23'))]")],
    },
    "a doubled text": {
        "variables": chain(30, "[concat(V, V)]", "x"), "resources": [image(tags="[variables('v29')]")],
    },
    "a text that grows": {
        "variables": chain(20, "[replace(V, 'x', 'xxxxxxxx')]", "x"), "resources": [image(tags="[variables('v19')]")],
    },
    "joined": {"variables": BIG, "resources": [image(tags="[join(variables('big'), variables('text'))]")]},
    "a wide format": {"resources": [image(tags="[format('{0,999999}{0,999999}', 1)]")]},
    "padded": {"resources": [image(tags="[padLeft('x', 2000000000)]")]},
    "a long range": {"resources": [image(tags="[range(0, 10001)]")]},
    "deep calls": {"resources": [image(tags="[" + "not(" * 5000 + "true()" + ")" * 5000 + "]")]},
    "a long expression": {"resources": [image(tags="[concat(" + "'a'," * 9000 + "'a')]")]},
    "a deep value": {"resources": [
        image(tags="[reduce(range(0, 9999), 1, lambda('a', 'b', createArray(lambdaVariables('a'))))]")]},
    "deep JSON": {"resources": [image(tags="[json('" + "[" * 9000 + "')]")]},
    "deep JSON that ends": {"resources": [image(tags="[json('" + "[" * 900 + "]" * 900 + "')]")]},
    "a long chain": {"variables": chain(900, "[V]", "x"), "resources": [image(tags="[variables('v899')]")]},
    "searched often": {"variables": BIG, "resources": [image(tags=many("contains(BIG, 'x')", "variables('big')"))]},
    "read often": {"variables": BIG, "resources": [image(tags=many("toLower(BIG)", "variables('text')"))]},
    "looked up often": {
        "variables": {"o": "[toObject(range(0, 10000), lambda('i', string(lambdaVariables('i'))))]"},
        "resources": [image(tags=many("tryGet(BIG, 'x')", "variables('o')"))],
    },
    "one large value often": {
        "variables": BIG, "resources": [image(tags={str(n): "[variables('text')]" for n in range(100)})],
    },
    "many image templates": {"resources": [image(copy=LOOP, name="[concat(variables('x'))]") for _ in range(800)]},
    "nested deployments": {"resources": [{
        "type": "Microsoft.Resources/deployments", "copy": LOOP, "properties": {"template": {"resources": [{
            "type": "Microsoft.Resources/deployments", "copy": LOOP, "properties": {"template": {"resources": [
                image(copy=LOOP)]}}}]}}}]},
    "a recursive function": {
        "functions": [{"namespace": "n", "members": {"f": {"parameters": [], "output": {"value": "[n.f()]"}}}}],
        "resources": [image(tags="[n.f()]")],
    },
    "a function that doubles": {
        "functions": [{"namespace": "n", "members": {f"f{i}": {"parameters": [], "output": {
            "value": f"[add(n.f{i + 1}(), n.f{i + 1}())]" if i < 25 else 1}} for i in range(26)}}],
        "resources": [image(tags="[n.f0()]")],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def unit_of_work() -> float:
    """Seconds of the processor for something that has nothing to do with templates: how fast this computer is."""
    start = time.process_time()
    assert sum(len(str(number)) for number in range(3_000_000)) > 0
    return time.process_time() - start


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str, unit_of_work: float) -> None:
    start = time.process_time()
    found = problems(HOSTILE[name])
    assert time.process_time() - start < 15 * unit_of_work  # the longest takes 3; one without limits, hundreds
    assert 1 <= len(found) <= 60
    assert all(len(problem.message) < 500 for problem in found)


def test_what_a_real_template_may_have() -> None:
    customize = {
        "name": "customize",
        "count": 800,
        "input": {"type": "Shell", "name": "[format('n{0}', copyIndex('customize'))]"},
    }
    found = body({"variables": {"v": "x"}, "resources": [image(properties={"copy": [customize]})]})
    assert found["properties"]["customize"][799] == {"type": "Shell", "name": "n799"}
    wide = {"customize": [{"type": "Shell", "inline": ["[variables('v')]"]} for _ in range(10_000)]}
    assert (
        len(body({"variables": {"v": "x"}, "resources": [image(properties=wide)]})["properties"]["customize"]) == 10_000
    )
    long = chain(40, "[concat(V, 'x')]", "x")
    assert len(body({"variables": long, "resources": [image(name="[variables('v39')]")]})["name"]) == 40


NAMES = st.sampled_from([*FUNCTIONS, *FORM_NAMES, "reference", "contoso.f"])
LEAVES = st.one_of(
    st.integers(-(2**63), 2**63 - 1).map(str),
    st.integers(-3, 12).map(str),
    st.text(max_size=6).map(lambda text: "'" + text.replace("'", "''") + "'"),
    st.sampled_from(
        [
            "'a'",
            "'{0}'",
            "'{0:N2}'",
            "'P1D'",
            "'2020-01-01'",
            "'10.0.0.0/8'",
            "'{\"a\":[1]}'",
            "'A/b'",
            "true()",
            "null()",
            "createObject('a',1)",
            "createArray(1,2)",
            "variables('v')",
            "parameters('p')",
            "lambda('x',lambdaVariables('x'))",
            "lambda(1)",
            "lambda('a','b',true())",
            "copyIndex()",
            "deployment()",
            "resourceGroup().id",
            "json('1.5')",
            "range(0,5)",
            "'yyyy'",
            "'\\ud800'",
            "json('\"\\ud800\"')",
        ]
    ),
)


def _calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    call = st.tuples(NAMES, st.lists(inner, max_size=4)).map(lambda it: f"{it[0]}({','.join(it[1])})")
    return call | st.tuples(call, st.sampled_from([".a", "[0]", "['a']", ".", "]", "[add(0,1)]"])).map("".join)


EXPRESSIONS = st.recursive(LEAVES, _calls, max_leaves=12)
GARBAGE = st.text(alphabet="abz'(),.[]{}\"\\ 019-\n", max_size=30)
TEMPLATE = {"v": {"a": ["x", 1, None]}}


def survives(text: str) -> None:
    whole = {
        "parameters": {"p": {"type": "string", "defaultValue": "d"}},
        "variables": TEMPLATE | {"w": text},
        "resources": [image(tags=text, properties={text: "[variables('w')]"})],
    }
    found: list[Problem] = []
    try:
        body(whole)
    except InvalidTemplate as error:
        found = error.problems
    assert all(problem.line for problem in found)


@settings(max_examples=250, deadline=None)
@given(EXPRESSIONS.map("[{}]".format))
@example("[items(createObject('a', 1))[0].value]")
def test_any_expression(text: str) -> None:
    survives(text.encode("utf-8", "replace").decode())


@settings(max_examples=150, deadline=None)
@given(GARBAGE.map("[{}]".format))
def test_any_text(text: str) -> None:
    survives(text)
