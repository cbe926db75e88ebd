"""Functions that ask where a deployment goes, when neither a flag nor a setting says so: never answered in silence."""

from typing import Any

import pytest

from tests.templates.command import SUBSCRIPTION, Command, deployment, managed, module, template, vhd

GIVEN = {
    "IMAGEGEN_LOCATION": "northeurope",
    "IMAGEGEN_RESOURCE_GROUP": "mine",
    "IMAGEGEN_SUBSCRIPTION_ID": SUBSCRIPTION,
}
# An expression, what is read without a setting, the settings that would say it, whether Azure needs it.
ASSUMED = [
    ("resourceGroup().location", "westeurope", ["location"], True),
    ("resourceGroup().name", "imagegen", ["resource_group"], True),
    ("resourceGroup().id", "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/imagegen",
     ["subscription_id", "resource_group"], True),
    ("resourceId('Microsoft.Compute/images','i')", "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups"
     "/imagegen/providers/Microsoft.Compute/images/i", ["subscription_id", "resource_group"], True),
    ("resourceId('rg','Microsoft.Compute/images','i')", "/subscriptions/00000000-0000-0000-0000-000000000000"
     "/resourceGroups/rg/providers/Microsoft.Compute/images/i", ["subscription_id"], True),
    ("subscriptionResourceId('Microsoft.Resources/resourceGroups','rg')",
     "/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Resources/resourceGroups/rg",
     ["subscription_id"], True),
    ("subscription().subscriptionId", "00000000-0000-0000-0000-000000000000", ["subscription_id"], True),
    ("subscription().id", "/subscriptions/00000000-0000-0000-0000-000000000000", ["subscription_id"], True),
    ("deployment().location", "westeurope", ["location"], True),
    ("subscription().tenantId", "00000000-0000-0000-0000-000000000000", ["tenant_id"], False),
    ("tenant().tenantId", "00000000-0000-0000-0000-000000000000", ["tenant_id"], False),
    ("deployment().name", "imagegen", ["deployment_name"], False),
    ("utcNow()", "20200101T000000Z", ["utc_now"], False),
    ("utcNow('yyyy')", "2020", ["utc_now"], False),
    ("newGuid()", None, ["seed"], False),
    ("resourceGroup().tags", "{}", [], False),
]  # fmt: skip


def body(expression: str) -> dict[str, Any]:
    """A deployment whose script says what an expression gives."""
    line = f"[concat('echo ', string({expression}))]"
    return deployment(template(customize=[{"type": "Shell", "inline": [line]}]))


@pytest.mark.parametrize(("expression", "value", "settings", "decisive"), ASSUMED)
def test_an_assumption_is_named(
    imagegen: Command, expression: str, value: str | None, settings: list[str], decisive: bool
) -> None:
    """With the expression, what it is read as, and the settings; for Azure an error where it decides the place."""
    said = imagegen.validate(body(expression))
    ((path, message),) = said.warnings
    assert (said.code, path) == (0, "resources[0].properties.customize[0].inline[0]")
    assert message.startswith(f"the value of `{expression}` is not given: it is read as `")
    if value is not None:
        assert message.endswith(f"`{value[:120]}`")
    (hint,) = said.hints
    for name in settings:
        assert f"`{name}`" in hint
        assert f"IMAGEGEN_{name.upper()}" in hint
    assert f'--set "{expression}=VALUE"' in hint
    on_azure = imagegen.validate(body(expression), "--target", "azure")
    assert [message for _, message in on_azure.errors] == (
        [f"the value of `{expression}` is not given"] if decisive else []
    )
    assert imagegen.validate(body(expression), "--target", "local", "--set", f"{expression}=x").problems == []


def test_generate_says_the_same(imagegen: Command) -> None:
    """A warning for this computer, an error for Azure, and nothing is written then."""
    path = imagegen.write(body("resourceGroup().location"))
    code, _, err = imagegen.run("generate", path, "--target", "local", "--out", imagegen.folder / "local")
    assert (code, "the value of `resourceGroup().location` is not given" in err) == (0, True)
    code, _, err = imagegen.run("generate", path, "--target", "azure", "--out", imagegen.folder / "azure")
    assert (code, "the value of `resourceGroup().location` is not given" in err) == (1, True)
    assert not (imagegen.folder / "azure").exists()


def test_what_is_given_is_no_assumption(imagegen: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """By variables, or by imagegen.toml."""
    resource = template(
        envelope={"location": "[resourceGroup().location]"},
        distribute=[
            managed(imageId="[resourceId('Microsoft.Compute/images','i')]", location="[resourceGroup().location]")
        ],
    )
    bad = imagegen.validate(deployment(resource), "--target", "azure")
    assert [message for _, message in bad.errors] == [
        "the value of `resourceGroup().location` is not given",
        "the value of `resourceId('Microsoft.Compute/images','i')` is not given",
    ]
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    assert imagegen.validate(deployment(resource), "--target", "azure").problems == []
    values = imagegen.values(deployment(resource), "--target", "azure")
    assert (values["location"], values["subscription_id"]) == ("northeurope", SUBSCRIPTION)
    for name in GIVEN:
        monkeypatch.delenv(name)
    settings = [f'{name.removeprefix("IMAGEGEN_").lower()} = "{value}"' for name, value in GIVEN.items()]
    imagegen.write("\n".join(settings), "imagegen.toml")
    assert imagegen.validate(deployment(resource), "--target", "azure").problems == []


def test_a_plain_body_asks_too(imagegen: Command) -> None:
    said = imagegen.validate(template(envelope={"location": "[resourceGroup().location]"}), "--target", "azure")
    assert [path for path, _ in said.errors] == ["location"]


def test_an_assumption_in_a_default_value_stands_there_once(imagegen: Command) -> None:
    """However often the parameter is used; one that is not used does not matter."""
    resource = template(envelope={"location": "[parameters('where')]"}, distribute=[
        vhd(), managed(location="[parameters('where')]"),
    ])  # fmt: skip
    parameters = {
        "where": {"type": "string", "defaultValue": "[resourceGroup().location]"},
        "unused": {"type": "string", "defaultValue": "[subscription().subscriptionId]"},
    }
    said = imagegen.validate(deployment(resource, parameters=parameters))
    assert [path for path, _ in said.warnings] == ["parameters.where.defaultValue"]
    assert imagegen.validate(deployment(resource, parameters=parameters), "--set", "where=westus").problems == []


def test_a_nested_deployment_says_where_it_goes(imagegen: Command) -> None:
    """Its group and subscription are given, its location is not."""
    line = "[concat(resourceGroup().id, ' ', deployment().name)]"
    mod = module({"resources": [template(customize=[{"type": "Shell", "inline": [line]}])]})
    mod |= {"resourceGroup": "there", "subscriptionId": SUBSCRIPTION}
    assert imagegen.validate(deployment(mod)).problems == []
    mod["properties"]["template"]["resources"][0]["location"] = "[resourceGroup().location]"
    assert [message for _, message in imagegen.validate(deployment(mod)).warnings] == [
        "the value of `resourceGroup().location` is not given: it is read as `westeurope`"
    ]


@pytest.mark.parametrize(
    "expression",
    [
        "subscription().displayName", "tenant().displayName", "tenant().countryCode", "resourceGroup().managedBy",
        "deployment().properties.templateHash", "deployment().properties.parameters", "managementGroup().name",
        "deployer().objectId", "reference('x').y", "listKeys('x', '2023-01-01').keys[0].value",
    ],
)  # fmt: skip
def test_what_only_azure_knows_is_not_made_up(imagegen: Command, expression: str) -> None:
    said = imagegen.validate(body(expression))
    ((_, message),) = said.errors
    assert "asks Azure" in message
    given = expression.replace(" ", "")
    assert said.hints == [f'give its value with --set "{given}=VALUE"']
    assert imagegen.validate(body(expression), "--set", f"{given}=x").problems == []


@pytest.mark.parametrize(
    ("location", "suffix"),
    [
        ("westeurope", "core.windows.net"),
        ("USGov Virginia", "core.usgovcloudapi.net"),
        ("chinanorth3", "core.chinacloudapi.cn"),
    ],
)
def test_the_cloud_is_that_of_the_location(
    imagegen: Command, monkeypatch: pytest.MonkeyPatch, location: str, suffix: str
) -> None:
    monkeypatch.setenv("IMAGEGEN_LOCATION", location)
    out = imagegen.generate(body("environment().suffixes.storage"), "--target", "local")
    assert f"echo {suffix}" in (out / "scripts/010-shell.sh").read_text()
