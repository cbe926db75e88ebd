"""What Bicep's compiler writes, and people in its style: modules, loops, outputs, functions, loaded texts."""

import json
from typing import Any

import pytest

from tests.templates.command import SUBSCRIPTION, Command, deployment, module, shared, template, vhd


def inner(**sections: Any) -> dict[str, Any]:
    """A module with an image template, whose name is a parameter."""
    resource = template(envelope={"name": "[parameters('name')]"}, **sections.pop("properties", {}))
    body = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "languageVersion": "2.0",
        "parameters": {"name": {"type": "string"}},
        "resources": {"it": resource},
    }
    return body | sections


def written(imagegen: Command, body: dict[str, Any], *options: str) -> dict[str, Any]:
    """The name, the values and the scripts of the workspace of a deployment."""
    imagegen.generate(body, "--target", "local", "--force", *options)
    out = imagegen.folder / "workspace"
    scripts = sorted((out / "scripts").glob("*"))
    return {
        "name": (out / "README.md").read_text().splitlines()[0].removeprefix("# "),
        "scripts": [path.read_text().splitlines()[1:] for path in scripts],
        "steps": json.loads((out / "template.auto.tfvars.json").read_text())["steps"],
    }


def optional(name: str, other: str) -> str:
    """An optional module parameter as Bicep writes it."""
    return f"[if(not(empty(parameters('{name}'))), createObject('value', {other}), createObject('value', null()))]"


def test_an_optional_module_parameter(imagegen: Command) -> None:
    """Its whole entry is an expression; null there leaves a nullable parameter null and others at their default."""
    shown = "[concat(coalesce(parameters('a'), 'null'), '-', parameters('b'), '-', string(parameters('c')))]"
    parameters = {
        "name": {"type": "string"}, "a": {"type": "string", "nullable": True},
        "b": {"type": "string", "defaultValue": "usual"}, "c": {"type": "int", "defaultValue": 3},
    }  # fmt: skip
    mod = module(
        inner(parameters=parameters, properties={"customize": [{"type": "Shell", "inline": [shown]}]}),
        parameters={
            "name": {"value": "web"}, "a": optional("x", "concat(parameters('x'), '!')"),
            "b": optional("x", "parameters('x')"), "c": {"value": None},
        },
    )  # fmt: skip
    body = deployment(mod, parameters={"x": {"type": "string", "defaultValue": ""}})
    assert written(imagegen, body)["scripts"] == [["null-usual-3"]]
    assert written(imagegen, body, "--set", "x=own")["scripts"] == [["own!-own-3"]]
    assert imagegen.validate(body).code == 0


def test_a_module_parameter_that_a_loop_makes(imagegen: Command) -> None:
    """`{"copy": [{"name": "value", …}]}` in the place of `value`."""
    lines = {"copy": [{"name": "value", "count": "[length(parameters('words'))]",
                       "input": "[concat('echo ', parameters('words')[copyIndex('value')])]"}]}  # fmt: skip
    mod = module(
        inner(
            parameters={"name": {"type": "string"}, "lines": {"type": "array"}},
            properties={"customize": [{"type": "Shell", "inline": "[parameters('lines')]"}]},
        ),
        parameters={"name": {"value": "web"}, "lines": lines},
    )
    body = deployment(mod, parameters={"words": {"type": "array", "defaultValue": ["a", "b"]}})
    assert written(imagegen, body)["scripts"] == [["echo a", "echo b"]]


def test_all_parameters_of_a_module_by_one_expression(imagegen: Command) -> None:
    mod = module(inner(), parameters="[variables('given')]")
    body = deployment(mod, variables={"given": {"name": {"value": "[concat('we', 'b')]"}}})
    assert written(imagegen, body)["name"] == "web"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "the parameter has no `value`"),
        ("[createObject()]", "the parameter has no `value`"),
        ("[createArray('web')]", "the parameter is an array, not an object with its `value`"),
        ({"reference": {"keyVault": {"id": "x"}, "secretName": "y"}}, "the parameter is a secret in a Key Vault"),
        ("[createObject('reference', createObject('secretName', 'y'))]", "the parameter is a secret in a Key Vault"),
    ],
)
def test_a_module_parameter_without_a_value(imagegen: Command, entry: Any, message: str) -> None:
    """Named at its own place; one that nothing asks for does not matter."""
    said = imagegen.validate(deployment(module(inner(), parameters={"name": entry})))
    assert [(path, message in text) for path, text in said.errors] == [
        ("resources[0].properties.parameters.name", True)
    ], said.text
    mod = module(inner(), parameters={"name": {"value": "web"}, "other": entry})
    assert imagegen.validate(deployment(mod)).code == 0


def test_a_module_parameter_that_nobody_passes(imagegen: Command) -> None:
    said = imagegen.validate(deployment(module(inner())))
    assert said.errors[0][1] == "the parameter `name` has no value"
    assert "`parameters` of the deployment around" in said.hints[0]


def identity() -> dict[str, Any]:
    """A module that makes something, and puts out what can be told of it and what only Azure knows."""
    return {
        "languageVersion": "2.0",
        "parameters": {"name": {"type": "string"}},
        "resources": {"id": {"type": "Microsoft.ManagedIdentity/userAssignedIdentities", "name": "x"}},
        "outputs": {
            "resourceId": {
                "type": "string",
                "value": "[resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', parameters('name'))]",
            },
            "principalId": {"type": "string", "value": "[reference('id').principalId]"},
            "names": {"type": "array", "copy": {"count": 2, "input": "[concat(parameters('name'), copyIndex())]"}},
        },
    }


OF_MODULE = [
    ("made", True, "reference('made')"),
    ("made", True, "reference('MADE')"),
    ("made", False, "reference('identity-module')"),
    ("made", False, "reference(resourceId('Microsoft.Resources/deployments', 'identity-module'), '2022-09-01')"),
    ("made", False, f"reference(subscriptionResourceId('{SUBSCRIPTION}', 'Microsoft.Resources/deployments', "
     "'identity-module'), '2022-09-01')"),
]  # fmt: skip


@pytest.mark.parametrize(("symbol", "symbolic", "reference"), OF_MODULE)
def test_outputs_of_one_module_used_by_another(imagegen: Command, symbol: str, symbolic: bool, reference: str) -> None:
    """What can be told is told, by symbolic name, by name and by id."""
    used = {"userAssignedIdentities": [f"[{reference}.outputs.resourceId.value]"]}
    lines = f"[concat('echo ', join({reference}.outputs.names.value, ' '))]"
    modules = {
        symbol: module(identity(), "identity-module", parameters={"name": {"value": "me"}}),
        "image": module(
            inner(
                parameters={"name": {"type": "string"}, "profile": {"type": "object"}, "line": {"type": "string"}},
                properties={
                    "vmProfile": "[parameters('profile')]",
                    "customize": [{"type": "Shell", "inline": ["[parameters('line')]"]}],
                },
            ),
            "image-module",
            parameters={"name": {"value": "web"}, "profile": {"value": used}, "line": {"value": lines}},
        ),
    }
    body = deployment(resources=modules if symbolic else list(modules.values()))
    body |= {"languageVersion": "2.0"} if symbolic else {}
    found = written(imagegen, body)
    assert (found["name"], found["scripts"]) == ("web", [["echo me0 me1"]])


def test_an_output_that_only_azure_knows_is_given_where_it_is_used(imagegen: Command) -> None:
    """The hint names the module's output, and its value is found by that name."""
    modules = {
        "made": module(identity(), parameters={"name": {"value": "me"}}),
        "it": template(customize=[{"type": "Shell", "inline": ["[reference('made').outputs.principalId.value]"]}]),
    }
    body = deployment(resources=modules, languageVersion="2.0")
    said = imagegen.validate(body)
    assert [path for path, _ in said.errors] == ["resources.it.properties.customize[0].inline[0]"]
    assert said.hints[0] == "give its value with --set \"reference('made').outputs.principalId.value=VALUE\""
    given = "reference('made').outputs.principalId.value=echo 1234"
    assert written(imagegen, body, "--set", given)["scripts"] == [["echo 1234"]]


def test_outputs_of_a_loop_of_modules(imagegen: Command) -> None:
    """One round by its index, and all of them."""
    looped = module(identity(), "m", parameters={"name": {"value": "[concat('me', copyIndex())]"}})
    looped["copy"] = {"name": "made", "count": 2}
    looped["properties"]["template"]["outputs"].pop("principalId")
    lines = [
        "[concat('echo ', last(split(reference(format('made[{0}]', 1)).outputs.resourceId.value, '/')))]",
        "[concat('echo ', join(map(references('made'), lambda('m', lambdaVariables('m').outputs.names.value[0])), "
        "' '))]",
    ]
    resources = {"made": looped, "it": template(customize=[{"type": "Shell", "inline": lines}])}
    found = written(imagegen, deployment(resources=resources, languageVersion="2.0"))
    assert found["scripts"] == [["echo me1", "echo me00 me10"]]


def test_modules_that_need_each_other(imagegen: Command) -> None:
    """They are refused in words."""
    one, other = identity(), identity()
    resources = {
        "a": module(one, parameters={"name": {"value": "[reference('b').outputs.resourceId.value]"}}),
        "b": module(other, parameters={"name": {"value": "[reference('a').outputs.resourceId.value]"}}),
        "it": template(envelope={"name": "[reference('a').outputs.resourceId.value]"}),
    }
    said = imagegen.validate(deployment(resources=resources, languageVersion="2.0"))
    assert said.code == 1
    assert any("needs itself" in message for _, message in said.errors), said.text


def test_a_module_that_its_condition_leaves_out(imagegen: Command) -> None:
    made = module(identity(), parameters={"name": {"value": "me"}}) | {"condition": "[equals(1, 2)]"}
    resources = {"made": made, "it": template(envelope={"name": "[reference('made').outputs.names.value[0]]"})}
    said = imagegen.validate(deployment(resources=resources, languageVersion="2.0"))
    assert said.errors[0][1] == "the deployment `made` is left out: its condition is false"


def test_a_group_that_the_template_makes_has_the_location_that_it_says(imagegen: Command) -> None:
    """A deployment to a subscription: the module's resourceGroup() is the new group."""
    mod = module(
        inner(properties={"distribute": [vhd()], "customize": [
            {"type": "Shell", "inline": ["[concat(resourceGroup().name, ' ', resourceGroup().location)]"]},
        ]}),
        parameters={"name": {"value": "web"}},
    ) | {"resourceGroup": "[parameters('group')]"}  # fmt: skip
    group = {"type": "Microsoft.Resources/resourceGroups", "name": "[parameters('group')]", "location": "norwayeast"}
    body = deployment(resources=[group, mod], parameters={"group": {"type": "string", "defaultValue": "rg-new"}})
    said = imagegen.validate(body, "--target", "azure")
    assert not any("is not given" in message for _, _, message in said.problems), said.text
    assert written(imagegen, body)["scripts"] == [["rg-new norwayeast"]]


EXPRESSIONS: list[tuple[str, Any]] = [
    ("like('abcdef', 'A*c*')", True),
    ("like('aXbYa', 'a*b*c')", False),
    ("distinct(createArray('a', 'b', 'a', createObject('x', 1), createObject('x', 1)))", ["a", "b", {"x": 1}]),
    ("parseUri('https://example.org:8443/a/b?c=d')",
     {"scheme": "https", "host": "example.org", "port": 8443, "path": "/a/b", "query": "?c=d"}),
    ("buildUri(createObject('scheme', 'https', 'host', 'example.org', 'path', 'a/b', 'query', 'c=d'))",
     "https://example.org/a/b?c=d"),
    ("groupBy(createArray(createObject('k', 'a', 'v', 1), createObject('k', 'a', 'v', 2)), "
     "lambda('o', lambdaVariables('o').k), lambda('o', lambdaVariables('o').v))", {"a": [1, 2]}),
    ("json('{\"a\": [1, 2,], // why\n \"b\": \"c\"}')", {"a": [1, 2], "b": "c"}),
    ("json('{''one'': ''a'', two: \"b\"}')", {"one": "a", "two": "b"}),
    ("tryGet(createObject('a', createObject('b', 1)), 'a', 'b')", 1),
    ("shallowMerge(createArray(createObject('a', 1), createObject('a', 2, 'b', 3)))", {"a": 2, "b": 3}),
    ("mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))", {"a": 2}),
    ("objectKeys(createObject('a', 1, 'b', 2))", ["a", "b"]),
    ("indexFromEnd(createArray(1, 2, 3), 2)", 2),
    ("_1.shout('a')", "A!"),
    ("__bicep.twice('a')", "A!A!"),
    ("resourceInfo('it').name", "t"),
    ("last(split(resourceInfo('known').id, '/'))", "g"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "value"), EXPRESSIONS)
def test_functions_of_bicep(imagegen: Command, expression: str, value: Any) -> None:
    shout = {"parameters": [{"type": "string", "name": "text"}],
             "output": {"type": "string", "value": "[concat(toUpper(parameters('text')), '!')]"}}  # fmt: skip
    twice = shout | {
        "output": {"type": "string", "value": "[concat(_1.shout(parameters('text')), _1.shout(parameters('text')))]"}
    }
    body = deployment(
        resources={
            "it": template(customize=[{"type": "Shell", "inline": [f"[string({expression})]"]}]),
            "known": {"existing": True, "type": "Microsoft.Compute/galleries", "apiVersion": "2023-07-03", "name": "g"},
        },
        languageVersion="2.0",
        functions=[
            {"namespace": "_1", "members": {"shout": shout}},
            {"namespace": "__bicep", "members": {"twice": twice}},
        ],
        metadata={"_generator": {"name": "bicep"}},
    )
    (lines,) = written(imagegen, body)["scripts"]
    said = "\n".join(lines)
    assert said == (value if isinstance(value, str) else str(value)) or json.loads(said.lower()) == value


def test_what_stands_around_a_bicep_template(imagegen: Command) -> None:
    """Types, discriminated unions, resource-derived types, assertions, extensions, decorators and descriptions."""
    body = deployment(
        resources={
            "it": template() | {"@options": {"retryOn": [[]]}, "metadata": {"description": "<b>"}},
            "other": {"import": "graph", "type": "Microsoft.Graph/groups@v1.0", "properties": {"displayName": "<x>"}},
        },
        languageVersion="2.1-experimental",
        definitions={
            "step": {"type": "object", "metadata": {"__bicep_export!": True},
                     "discriminator": {"propertyName": "type", "mapping": {"Shell": {"type": "object"}}}},
            "source": {"type": "object", "metadata": {"__bicep_resource_derived_type!": {
                "source": "Microsoft.VirtualMachineImages/imageTemplates@2024-02-01#properties/properties/source"}}},
        },
        parameters={"step": {"$ref": "#/definitions/step", "nullable": True},
                    "source": {"$ref": "#/definitions/source", "nullable": True}},
        imports={"graph": {"provider": "MicrosoftGraph", "version": "1.0.0"}},
        extensions={"graph": {"name": "MicrosoftGraph", "version": "1.0.0"}},
        asserts={"named": "[equals(1, 1)]"},
    )  # fmt: skip
    said = imagegen.validate(body)
    assert (said.code, said.problems) == (0, []), said.text


def test_a_loaded_text_and_a_loaded_file(imagegen: Command) -> None:
    """`loadTextContent` and `loadFileAsBase64` become variables."""
    body = deployment(
        template(customize=[{"type": "Shell", "inline": ["[variables('$fxv#0')]"]},
                            {"type": "Shell", "inline": ["[base64ToString(variables('$fxv#1'))]"]}]),
        variables={"$fxv#0": "echo one\n", "$fxv#1": "ZWNobyB0d28="},
    )  # fmt: skip
    assert written(imagegen, body)["scripts"] == [["echo one", ""], ["echo two"]]


def test_a_null_in_a_parameter_file_is_a_value_that_is_not_given(imagegen: Command) -> None:
    body = deployment(
        template(envelope={"name": "[concat(parameters('a'), coalesce(parameters('b'), 'null'))]"}),
        parameters={"a": {"type": "string", "defaultValue": "web-"}, "b": {"type": "string", "nullable": True}},
    )
    path = imagegen.write({"parameters": {"a": {"Value": None}, "b": {"value": None}}}, "p.json")
    assert written(imagegen, body, "--parameters", str(path))["name"] == "web-null"


def test_placeholders_are_only_looked_for_where_the_image_template_is_made(imagegen: Command) -> None:
    """Not in descriptions, types, outputs and other resources, at any level."""
    mod = module(
        inner(
            parameters={"name": {"type": "string", "metadata": {"description": "Such as <company name>-<role>."}}},
            outputs={"x": {"type": "string", "value": "<none>"}},
            metadata={"description": "<b>An image</b>"},
            definitions={"t": {"type": "string", "allowedValues": ["<any>"]}},
        ),
        parameters={"name": {"value": "[reference('x').y]"}},
    )
    body = deployment(
        resources=[mod, {"type": "Microsoft.Portal/dashboards", "name": "d", "properties": {"html": "<div>"}}],
        parameters={"unused": {"type": "string", "defaultValue": "<unused>"}},
        variables={"unused": "<unused too>"},
        outputs={"x": {"type": "string", "value": "<html>"}},
    )
    said = imagegen.validate(body)
    assert [path for path, _ in said.errors] == ["resources[0].properties.parameters.name.value"]


def test_placeholders_that_the_image_template_may_take_are_listed_beside_other_errors(imagegen: Command) -> None:
    """In its resource, in variables and in defaults that it names."""
    body = deployment(
        template(envelope={"name": "[reference('x').y]", "location": "<region>"}, vmProfile={
            "vmSize": "[variables('size')]", "userAssignedIdentities": ["[parameters('who')]"],
        }),
        variables={"size": "[parameters('sized')]"},
        parameters={"who": {"type": "string", "defaultValue": "<who>"},
                    "sized": {"type": "string", "defaultValue": "<size>"}},
    )  # fmt: skip
    said = imagegen.validate(body)
    assert {message for _, message in said.errors if "placeholder" in message} == {
        f"the placeholder <{name}> is not filled in" for name in ("region", "who", "size")
    }


@pytest.mark.parametrize(
    "envelope",
    [
        {"comments": "for <team>"},
        {"systemData": {"createdBy": "<x>"}},
        {"note": "see <wiki>"},
    ],
)
def test_text_for_people_has_no_placeholders(imagegen: Command, envelope: dict[str, Any]) -> None:
    """Nor what Azure answered in an exported template, nor what has no effect."""
    exported = {"lastRunStatus": {"message": "failed: <html>"}, "provisioningError": {"message": "<p>"}}
    said = imagegen.validate(template("2020-02-14", envelope, **exported, distribute=[shared()]))
    assert said.code == 0, said.text


# Bicep's own lists, SystemNamespaceType and AzNamespaceType, without what only its compiler knows.
OF_BICEP = """
    array base64 base64ToJson base64ToString bool buildUri cidrHost cidrSubnet concat contains dataUri dataUriToString
    dateTimeAdd dateTimeFromEpoch dateTimeToEpoch distinct empty endsWith fail filter first flatten format groupBy guid
    indexOf int intersection items join json last lastIndexOf length like map mapValues max min newGuid objectKeys
    padLeft parseCidr parseUri range reduce replace shallowMerge skip sort split startsWith string substring take
    toLower toObject toUpper trim union uniqueString uri uriComponent uriComponentToString utcNow
    deployer deployment environment extensionResourceId getSecret managementGroup managementGroupResourceId pickZones
    providers reference resourceGroup resourceId roleDefinitions subscription subscriptionResourceId tenant
    tenantResourceId toLogicalZone toLogicalZones toPhysicalZone toPhysicalZones listKeys
"""


def test_every_function_of_bicep_is_known(imagegen: Command) -> None:
    """Either evaluated, or named as one that asks Azure."""
    lines = [f"[{name}(1, 2, 3, 4, 5, 6, 7, 8, 9)]" for name in OF_BICEP.split()]
    said = imagegen.validate(deployment(template(customize=[{"type": "Shell", "inline": lines}])))
    assert [message for _, message in said.errors if "there is no function" in message] == []
