"""Whole deployments: parameters, variables, loops, conditions, nested templates, and which image template is meant."""

import json
from typing import Any

import pytest

from generator.errors import InvalidTemplate
from generator.template.arm.deployed import is_deployment
from generator.template.arm.inputs import parameters_of
from generator.template.load import load
from tests.unit.template.arm.making import TYPE, body, expanded, image, problems, value


def with_parameter(says: Any, **inputs: Any) -> Any:
    whole = {"parameters": {"p": says}, "resources": [image(properties={"x": "[parameters('P')]"})]}
    return body(whole, **inputs)["properties"]["x"]


@pytest.mark.parametrize(
    ("says", "text", "expected"),
    [
        ({"type": "string"}, "5", "5"),
        ({"type": "securestring"}, "s3cret", "s3cret"),
        ({"type": "Int", "minValue": 1, "maxValue": 5}, "5", 5),
        ({"type": "bool"}, "True", True),
        ({"type": "array", "allowedValues": ["a", "b"]}, '["B"]', ["B"]),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
        ({"type": "string", "allowedValues": ["West"]}, "west", "west"),
        ({"type": "string", "defaultValue": "[concat('a', 'b')]"}, None, "ab"),
        ({"type": "string", "minLength": 2, "maxLength": 2}, "ab", "ab"),
    ],
)
def test_set(says: Any, text: str | None, expected: Any) -> None:
    assert with_parameter(says, sets={} if text is None else {"P": text}) == expected


@pytest.mark.parametrize(
    ("says", "text", "said"),
    [
        ({"type": "int"}, "five", "must be a whole number"),
        ({"type": "int", "minValue": 6}, "5", "below its minValue 6; it is 5"),
        ({"type": "int", "maxValue": 4}, "5", "above its maxValue 4"),
        ({"type": "bool"}, "yes", "must be true or false"),
        ({"type": "array"}, '{"a": 1}', "must be array in JSON"),
        ({"type": "object"}, "{", "must be object in JSON"),
        ({"type": "string", "allowedValues": ["a"]}, "b", "is not allowed"),
        ({"type": "string", "minLength": 3}, "ab", "its length is 2"),
        ({"type": "text"}, "b", "no parameter type `text`"),
    ],
)
def test_set_refused(says: Any, text: str, said: str) -> None:
    whole = {"parameters": {"p": says}, "resources": [image(tags="[parameters('p')]")]}
    (problem,) = problems(whole, sets={"p": text})
    assert said in problem.message
    assert problem.path == "parameters.p"


def test_a_secret_is_never_said_and_noted() -> None:
    says = {"type": "secureString", "minLength": 20, "allowedValues": ["other-secret"]}
    for each in ({"sets": {"p": "hunter2hunter2"}}, {"parameters": {"p": "hunter2hunter2"}}):
        (problem,) = problems({"parameters": {"p": says}, "resources": [image(tags="[parameters('p')]")]}, **each)
        assert "hunter2" not in str(problem)
        assert "other-secret" not in str(problem)
    found = expanded({"parameters": {"p": {"type": "secureObject"}}, "resources": [image(tags="[parameters('p')]")]},
                     sets={"p": '{"a": ["hunter2"]}'})  # fmt: skip
    assert found.secrets == {"hunter2"}


def test_missing_parameters_are_listed_at_once() -> None:
    needed = {name: {"type": "string"} for name in ("inResource", "inVariable", "inDefault", "elsewhere")}
    needed["defaulted"] = {"type": "string", "defaultValue": "[parameters('inDefault')]"}
    whole = {
        "parameters": needed,
        "variables": {"v": "[parameters('inVariable')]"},
        "resources": [
            image(tags="[if(true(), parameters('defaulted'), concat(parameters('inResource'), variables('v')))]"),
            {"type": "Microsoft.Compute/virtualMachines", "name": "[parameters('elsewhere')]"},
        ],
    }
    found = problems(whole)
    assert [problem.path for problem in found] == [
        f"parameters.{one}" for one in ("inResource", "inVariable", "inDefault")
    ]
    assert found[0].hint == "--set inResource=VALUE"


def test_values_of_a_parameter_file() -> None:
    assert with_parameter({"type": "array"}, parameters={"P": [1]}) == [1]
    assert with_parameter({"type": "string"}, parameters={"p": "a"}, sets={"p": "b"}) == "b"
    (problem,) = problems({"parameters": {"size": {}}, "resources": [image()]}, parameters={"sizes": 1})
    assert (problem.path, problem.hint) == ("parameters", "did you mean `size`?")
    (problem,) = problems({"parameters": {"p": {"type": "int"}}, "resources": [image()]}, parameters={"p": "1"})
    assert problem.message == "the value of `p` is a string, not an int"


def test_a_parameter_file() -> None:
    file = {"$schema": "x", "contentVersion": "1.0.0.0", "parameters": {"a": {"value": 1}, "b": {"value": None}}}
    assert parameters_of(load(json.dumps(file).encode(), "p.json")) == {"a": 1, "b": None}
    file["parameters"] = {"a": {"reference": {"keyVault": {}, "secretName": "x"}}, "b": 5}
    with pytest.raises(InvalidTemplate) as caught:
        parameters_of(load(json.dumps(file).encode(), "p.json"))
    assert [one.path for one in caught.value.problems] == ["parameters.a", "parameters.b"]
    assert "--set a=VALUE" in str(caught.value.problems[0].hint)


def test_used_sets_and_unknown_ones() -> None:
    found = expanded({"parameters": {"p": {"type": "string"}}, "resources": [image()]}, sets={"P": "x", "other": "y"})
    assert found.used == {"P"}


def test_a_value_that_only_azure_knows_is_given() -> None:
    whole = {
        "resources": [
            image(tags={"a": "[reference( resourceId('A/b', 'c') ).principalId]", "b": "[reference('y').z.w]"})
        ]
    }
    (first, second) = problems(whole)
    assert first.hint == "give its value with --set \"reference(resourceId('A/b','c')).principalId=VALUE\""
    assert second.hint == "give its value with --set \"reference('y').z.w=VALUE\""
    sets = {"Reference(resourceId('A/b', 'c')).principalId": "id", "reference('y')": '{"z": {"w": [1]}}'}
    found = expanded(whole, sets=sets)
    assert found.document.value["tags"] == {"a": "id", "b": [1]}
    assert found.used == set(sets)


def test_a_default_that_only_azure_knows_is_better_given_as_the_parameter() -> None:
    says = {"type": "string", "defaultValue": "[deployment().properties.templateLink.uri]"}
    (problem,) = problems({"parameters": {"base": says}, "resources": [image(tags="[parameters('base')]")]})
    assert problem.hint == "--set base=VALUE"
    whole = {"resources": [image(tags="[uri(deployment().properties.templateLink.uri, 'x')]")]}
    assert body(whole, sets={"deployment().properties.templatelink.uri": "https://a/b"})["tags"] == "https://a/x"


def test_nullable_and_definitions() -> None:
    whole = {
        "definitions": {"size": {"type": "int", "minValue": 5, "nullable": True}},
        "parameters": {"p": {"$ref": "#/definitions/size"}},
        "resources": [image(properties={"x": "[parameters('p')]", "y": "[coalesce(parameters('p'), 7)]"})],
    }
    assert body(whole)["properties"] == {"y": 7}
    assert body(whole, sets={"p": "6"})["properties"] == {"x": 6, "y": 6}
    assert "below its minValue" in problems(whole, sets={"p": "1"})[0].message


def test_variables_are_lazy_and_loop() -> None:
    variables = {
        "bad": "[reference('x')]",
        "a": {"b": ["[variables('N')]"], "copy": [{"name": "c", "count": 2, "input": "[copyIndex('c', 1)]"}]},
        "n": 5,
        "copy": [{"name": "list", "count": "[variables('n')]", "input": {"i": "[mul(copyIndex('list'), 2)]"}}],
    }
    assert value("variables('a')", variables=variables) == {"b": [5], "c": [1, 2]}
    assert value("variables('LIST')[4].i", variables=variables) == 8


def test_cycles() -> None:
    variables = {"a": "[variables('b')]", "b": "[concat(variables('c'))]", "c": "[variables('a')]"}
    (problem,) = problems({"variables": variables, "resources": [image(tags="[variables('a')]")]})
    assert problem.path == "variables.c"
    assert "variables('a') → variables('b') → variables('c') → variables('a')" in problem.message
    parameters = {"p": {"type": "string", "defaultValue": "[parameters('p')]"}}
    assert (
        "needs itself"
        in problems({"parameters": parameters, "resources": [image(tags="[parameters('p')]")]})[0].message
    )


def test_property_loops() -> None:
    loop = {"name": "customize", "count": 3, "input": {"n": "[copyIndex('customize')]", "copy": [
        {"name": "inner", "count": "[copyIndex('customize')]", "input": "[copyIndex('inner', 10)]"}]}}  # fmt: skip
    found = body({"resources": [image(properties={"copy": [loop], "a": 1})]})["properties"]
    assert found == {
        "customize": [{"n": 0, "inner": []}, {"n": 1, "inner": [10]}, {"n": 2, "inner": [10, 11]}],
        "a": 1,
    }


@pytest.mark.parametrize(("count", "said"), [(801, "not 801"), (-1, "not -1"), ("x", "not a string")])
def test_wrong_counts(count: Any, said: str) -> None:
    loop = {"name": "a", "input": 1, "count": count}
    (problem,) = problems({"variables": {"copy": [loop]}, "resources": [image(tags="[variables('a')]")]})
    assert said in problem.message
    (problem,) = problems({"resources": [image(copy=loop)]})
    assert said in problem.message


def test_resource_loops_and_the_choice() -> None:
    inner = {"name": "j", "count": 2, "input": "[copyIndex()]"}
    it = image(name="[concat('it-', copyIndex(1))]", tags={"i": "[copyIndex('l')]", "copy": [inner]})
    many = {"resources": [it | {"copy": {"name": "l", "count": 2}}]}
    (problem,) = problems(many)
    assert problem.message == "the deployment has 2 image templates: it-1, it-2"
    assert problem.hint == "choose one with --resource it-1"
    assert body(many, resource="IT-2") == image(name="it-2", tags={"i": 1, "j": [1, 1]})
    assert "no image templates are named `x`" in problems(many, resource="x")[0].message


def test_conditions() -> None:
    pair = [image(name="a", condition="[equals(1, 2)]"), image(name="b", condition=True, dependsOn=["[nope()]"])]
    assert body({"resources": pair}) == image(name="b")
    assert problems({"resources": pair[:1]})[0].hint == "its condition is false"
    assert "true or false, not a string" in problems({"resources": [image(condition="['yes']")]})[0].message
    assert "no image template" in problems({"resources": []})[0].message
    linked = {"type": "Microsoft.Resources/deployments", "properties": {"templateLink": {"uri": "x"}}}
    assert "linked templates are not fetched" in str(problems({"resources": [linked]})[0].hint)


def test_symbolic_names() -> None:
    resources = {"other": {"type": "A/b", "name": "[nope()]"}, "it": image(name="x"), "old": image(existing=True)}
    assert body({"languageVersion": "2.0", "resources": resources}) == image(name="x")
    two = {"one": image(name="x"), "two": image(name="y")}
    assert body({"resources": two}, resource="two") == image(name="y")


def test_keys_are_expressions() -> None:
    found = body({"variables": {"[concat('a')]": 1}, "resources": [image(tags={"[toLower('KEY')]": "v", "[[x]": 1})]})
    assert found["tags"] == {"key": "v", "[x]": 1}
    assert "there twice" in problems({"resources": [image(tags={"a": 1, "[toLower('A')]": 2})]})[0].message
    assert "a key is a string" in problems({"resources": [image(tags={"[add(1, 1)]": 2})]})[0].message


def nested(inner: Any, scope: str | None, **more: Any) -> dict[str, Any]:
    options = {"expressionEvaluationOptions": {"scope": scope}} if scope else {}
    properties = {"mode": "Incremental", "template": inner, **options, **more.pop("properties", {})}
    return {"type": "Microsoft.Resources/deployments", "name": "inner", "properties": properties, **more}


def test_nested_with_its_own_scope() -> None:
    tags = ["[variables('v')]", "[parameters('q')]", "[resourceGroup().name]", "[subscription().subscriptionId]"]
    inner = {
        "parameters": {"p": {"type": "string"}, "q": {"type": "string", "defaultValue": "[deployment().name]"}},
        "variables": {"v": "[concat(parameters('p'), '!')]"},
        "resources": [image(tags=tags)],
    }
    given = {"p": {"value": "[concat(parameters('p'), copyIndex())]"}}
    deployment = nested(inner, "Inner", properties={"parameters": given}, copy={"name": "l", "count": 1},
                        resourceGroup="[concat('r', 'g')]", subscriptionId="s")  # fmt: skip
    whole = {"parameters": {"p": {"type": "string", "defaultValue": "o"}}, "resources": [deployment]}
    assert body(whole)["tags"] == ["o0!", "inner", "rg", "s"]


def test_nested_in_the_scope_around_it() -> None:
    inner = {"variables": {"v": "inner"}, "resources": [image(tags="[variables('v')]")]}
    for scope in ("outer", None):
        assert body({"variables": {"v": "outer"}, "resources": [nested(inner, scope)]})["tags"] == "outer"


def test_nested_twice_and_missing() -> None:
    deepest = {"parameters": {"p": {"type": "string"}}, "resources": [image(tags="[parameters('p')]")]}
    middle = {"resources": [nested(deepest, "inner", properties={"parameters": {"p": {"value": "deep"}}})]}
    assert body({"resources": [nested(middle, "inner")]})["tags"] == "deep"
    (problem,) = problems({"resources": [nested(deepest, "inner")]})
    assert problem.message == "the parameter `p` has no value"
    vault: dict[str, Any] = {"parameters": {"p": {"reference": {}}}}
    assert "Key Vault" in problems({"resources": [nested(deepest, "inner", properties=vault)]})[0].message


def test_what_else_is_deployed_does_not_matter() -> None:
    other = nested(
        {"resources": [{"type": "A/b"}]}, "inner", condition="[reference('x')]", copy={"name": "a", "count": -1}
    )
    assert body({"resources": [other, image()], "outputs": {"x": {"value": "[nope()]"}}}) == image()


def test_places_point_at_the_users_file() -> None:
    text = """{"resources": [{
  "type": "Microsoft.VirtualMachineImages/imageTemplates",
  "properties": {
    "source": "[json('{\\"type\\": 1}')]",
    "[concat('vm', 'Profile')]": {"vmSize":
      "[concat('a')]"},
    "copy": [
      {"name": "customize", "count": 2, "input": {
        "type": "Shell"}}]
  }}]}"""
    document = expanded(text).document
    assert document.value["properties"]["customize"] == [{"type": "Shell"}] * 2

    def at(*path: str | int, at_key: bool = False) -> tuple[int, int]:
        problem = document.problem(path, "x", at_key=at_key)
        return problem.line, problem.column

    assert at("properties", "source", "type") == (4, 15)
    assert at("properties", "vmProfile", at_key=True) == (5, 5)
    assert at("properties", "vmProfile", "vmSize") == (6, 7)
    assert at("properties", "customize", 1, "type") == (9, 17)
    assert at("type") == (2, 11)


def test_nulls_are_left_out_where_computed() -> None:
    found = body(
        {
            "resources": [
                image(tags={"a": "[null()]", "b": None, "c": "[createArray(createObject('d', null()), null())]"})
            ]
        }
    )
    assert found["tags"] == {"b": None, "c": [{}, None]}


@pytest.mark.parametrize(("document", "expected"), [
    ({"resources": []}, True), ({"Resources": {}}, True), ({"$schema": "https://x/deploymentTemplate.json#"}, True),
    ({"type": TYPE}, False), ([], False),
])  # fmt: skip
def test_is_deployment(document: Any, expected: bool) -> None:
    assert is_deployment(document) is expected


@pytest.mark.parametrize("document", [
    {"resources": 5}, {"parameters": [], "resources": [image()]}, {"variables": "x", "resources": [image()]}, [],
    {"resources": [5, None, {"type": 5}]}, {"resources": [image(copy={"name": "x"})]},
    {"parameters": {"p": 5}, "functions": {}, "resources": [image(tags="[parameters('p')]")]},
    {"functions": [5, {"namespace": "a", "members": {"f": 5}}], "resources": [image(tags="[a.f()]")]},
    {"functions": [{"namespace": "a", "members": {"f": {}}}], "resources": [image(tags="[a.f()]")]},
    {"definitions": {"a": {"$ref": "#/definitions/a"}}, "parameters": {"p": {"$ref": "#/definitions/a"}},
     "resources": [image(tags="[parameters('p')]")]},
    {"resources": [nested({"resources": [image(tags="[parameters('p')]")]}, "inner", properties={"parameters": 5})]},
])  # fmt: skip
def test_odd_shapes_are_problems(document: Any) -> None:
    assert problems(document)
