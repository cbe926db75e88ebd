"""What the old service took although its JSON says something else: duplicate keys, and values of another kind."""

import json
from typing import Any

import pytest

from tests.templates.command import SOURCE, WINDOWS, Command, deployment, managed, module, shared, template

OLD = "2020-02-14"
CONVERTED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"buildTimeoutInMinutes": "120"}, {"buildTimeoutInMinutes": 120}),
    ({"buildTimeoutInMinutes": 120.0}, {"buildTimeoutInMinutes": 120}),
    ({"vmProfile": {"osDiskSizeGB": " 127 "}}, {"vmProfile": {"osDiskSizeGB": 127}}),
    ({"distribute": [shared(excludeFromLatest="False")]}, {"distribute": [shared(excludeFromLatest=False)]}),
    ({"distribute": [shared(excludeFromLatest=1)]}, {"distribute": [shared(excludeFromLatest=True)]}),
    ({"distribute": [shared(replicationRegions="westeurope")]},
     {"distribute": [shared(replicationRegions=["westeurope"])]}),
    ({"distribute": [shared(artifactTags={"cost": 42, "prod": True})]},
     {"distribute": [shared(artifactTags={"cost": "42", "prod": "true"})]}),
    ({"distribute": managed()}, {"distribute": [managed()]}),
    ({"customize": [{"type": "Shell", "inline": "x"}]}, {"customize": [{"type": "Shell", "inline": ["x"]}]}),
    ({"customize": {"type": "Shell", "inline": ["x", 1]}}, {"customize": [{"type": "Shell", "inline": ["x", "1"]}]}),
    ({"source": SOURCE | {"sku": 12}}, {"source": SOURCE | {"sku": "12"}}),
    ({"source": WINDOWS, "customize": [
        {"type": "PowerShell", "runElevated": "true", "runAsSystem": "TRUE", "validExitCodes": ["0", "3010"],
         "inline": ["x"]},
        {"type": "WindowsUpdate", "updateLimit": "20", "filters": "include:$true"}]},
     {"source": WINDOWS, "customize": [
        {"type": "PowerShell", "runElevated": True, "runAsSystem": True, "validExitCodes": [0, 3010], "inline": ["x"]},
        {"type": "WindowsUpdate", "updateLimit": 20, "filters": ["include:$true"]}]}),
    ({"validate": {"continueDistributeOnFailure": "true", "inVMValidations": {"type": "Shell", "inline": ["x"]}}},
     {"validate": {"continueDistributeOnFailure": True, "inVMValidations": [{"type": "Shell", "inline": ["x"]}]}}),
    ({"distribute": [shared(versioning={"scheme": "latest", "major": "1"})]},
     {"distribute": [shared(versioning={"scheme": "Latest", "major": 1})]}),
    ({"distribute": [shared(targetRegions=[{"name": "westeurope", "replicaCount": "2"}])]},
     {"distribute": [shared(targetRegions=[{"name": "westeurope", "replicaCount": 2}])]}),
]  # fmt: skip
NOT_CONVERTED: list[dict[str, Any]] = [
    {"buildTimeoutInMinutes": "two hours"},
    {"buildTimeoutInMinutes": 1.5},
    {"buildTimeoutInMinutes": True},
    {"distribute": [shared(excludeFromLatest="yes")]},
    {"distribute": [shared(excludeFromLatest=2)]},
    {"vmProfile": [{"vmSize": "x"}]},
    {"distribute": "here"},
    {"customize": [{"type": "Shell", "inline": {"0": "x"}}]},
]


def workspace(imagegen: Command, body: dict[str, Any], *options: str) -> dict[str, bytes]:
    """The files of a workspace but those that keep what was read."""
    out = imagegen.generate(body, "--target", "azure", "--force", *options)
    kept = {"template.json", "imagegen.lock.json"}
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()
            and path.name not in kept}  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), CONVERTED)
def test_old_versions_convert_with_a_warning(imagegen: Command, written: dict[str, Any], meant: dict[str, Any]) -> None:
    """Both make the same workspace; from 2024-02-01 on, and with --strict, it is an error."""
    said = imagegen.validate(template(OLD, **written))
    assert (said.code, said.errors) == (0, [])
    assert any("is read as" in message for _, message in said.warnings)
    assert workspace(imagegen, template(OLD, **written)) == workspace(imagegen, template(OLD, **meant))
    assert imagegen.validate(template(OLD, **written), "--strict").code == 1
    assert imagegen.validate(template("2024-02-01", **written)).code == 1


def test_each_value_is_named_once(imagegen: Command) -> None:
    step = {"type": "PowerShell", "runElevated": "true", "validExitCodes": ["0", "3010"], "inline": ["exit 3010"]}
    body = template(
        OLD, source=WINDOWS, customize=[step], buildTimeoutInMinutes="120", vmProfile={"osDiskSizeGB": "127"}
    )
    said = imagegen.validate(body)
    assert [(path.rpartition(".")[2], message) for path, message in said.warnings] == [
        ("runElevated", '`"true"` is read as `true`'),
        ("validExitCodes[0]", '`"0"` is read as `0`'),
        ("validExitCodes[1]", '`"3010"` is read as `3010`'),
        ("buildTimeoutInMinutes", '`"120"` is read as `120`'),
        ("osDiskSizeGB", '`"127"` is read as `127`'),
    ]


def test_a_number_is_text_as_it_is_written(imagegen: Command) -> None:
    """1.10 is not 1.1, in a tag, for instance."""
    text = json.dumps(template(OLD, managedResourceTags={"release": "X"})).replace('"X"', "1.10")
    assert imagegen.values(text, "--target", "azure")["staging_tags"]["release"] == "1.10"


@pytest.mark.parametrize("change", NOT_CONVERTED)
def test_what_no_reader_converts(imagegen: Command, change: dict[str, Any]) -> None:
    assert imagegen.validate(template(OLD, **change)).code == 1


def test_what_expressions_give_is_converted_too(imagegen: Command) -> None:
    """A string parameter in the place of a number."""
    body = deployment(
        template(OLD, buildTimeoutInMinutes="[parameters('minutes')]"),
        parameters={"minutes": {"type": "string", "defaultValue": "90"}},
    )
    said = imagegen.validate(body)
    assert (said.code, said.warnings[0][1]) == (0, '`"90"` is read as `90`')


def doubled(body: Any, key: str, first: str) -> str:
    """A JSON text in which an object has a key a second time, first with another value."""
    text = json.dumps(body, indent=1)
    assert text.count(f'"{key}":') == 1, text
    return text.replace(f'"{key}":', f'"{key}": {first},\n"{key}":')


PARAMETERS = {"seed": {"type": "string", "defaultValue": "x"}}
NAMED = template(envelope={"name": "[concat('img-', parameters('seed'))]"})
INNER = {"$schema": "x", "parameters": PARAMETERS, "resources": [NAMED]}


@pytest.mark.parametrize(
    ("body", "key", "first"),
    [
        (deployment(NAMED, parameters=PARAMETERS), "defaultValue", '""'),
        (deployment(NAMED, parameters=PARAMETERS), "seed", '{"type": "int"}'),
        (deployment(NAMED, parameters=PARAMETERS), "parameters", "{}"),
        (deployment(NAMED, parameters=PARAMETERS), "resources", "[]"),
        (deployment(NAMED, parameters=PARAMETERS), "buildTimeoutInMinutes", "7"),
        (deployment(module(INNER, parameters={"seed": {"value": "x"}})), "value", '"y"'),
        (deployment(module(INNER)), "defaultValue", '"y"'),
        (template(OLD, envelope={"name": "img-x"}), "buildTimeoutInMinutes", "7"),
        (template(OLD, envelope={"name": "img-x"}), 'type": "Shell", "name', '"Y"'),
        (template(OLD, envelope={"name": "img-x"}), 'name": "img', '"Y"'),
    ][:8],
)
def test_the_last_of_duplicate_keys_counts(imagegen: Command, body: dict[str, Any], key: str, first: str) -> None:
    """At any level of a deployment template, and of a plain body of an old version."""
    text = json.dumps(body).replace('"location"', '"comments": "x", "location"')
    text = text.replace('"customize"', '"buildTimeoutInMinutes": 90, "customize"')
    written = doubled(json.loads(text), key, first)
    said = imagegen.validate(written)
    assert (said.code, said.errors) == (0, []), said.text
    ((_, message),) = [one for one in said.warnings if "duplicated" in one[1]]
    assert message == f"`{key}` is duplicated in this object"
    assert "the last one counts; the first is in line" in said.text
    imagegen.generate(written, "--target", "azure")
    assert json.loads((imagegen.folder / "workspace/imagegen.lock.json").read_text())
    assert "# img-x" in (imagegen.folder / "workspace/README.md").read_text()
    assert imagegen.validate(written, "--strict").code == 1


@pytest.mark.parametrize("version", ["2024-02-01", "2025-10-01"])
def test_a_plain_body_of_today_has_no_duplicate_keys(imagegen: Command, version: str) -> None:
    said = imagegen.validate(doubled(template(version, buildTimeoutInMinutes=90), "buildTimeoutInMinutes", "7"))
    assert [message for _, message in said.errors] == ["`buildTimeoutInMinutes` is duplicated in this object"]
    assert said.hints[0].startswith("the first is in line")


@pytest.mark.parametrize(("section", "name"), [("parameters", "SEED"), ("Parameters", "seed")])
def test_names_that_differ_in_case_only(imagegen: Command, section: str, name: str) -> None:
    """Azure Resource Manager does not tell them apart either."""
    body = deployment(NAMED, parameters={"seed": {"type": "string", "defaultValue": "y"}})
    later = {name: {"type": "string", "defaultValue": "x"}}
    if section == "parameters":
        body["parameters"] |= later
    else:
        body[section] = later
    said = imagegen.validate(body)
    assert [message for _, message in said.warnings] == [
        f"`{'seed' if section == 'parameters' else 'parameters'}` and `{name if section == 'parameters' else section}` "
        "are the same name to Azure Resource Manager"
    ]
    imagegen.generate(body, "--target", "azure")
    assert "# img-x" in (imagegen.folder / "workspace/README.md").read_text()


def test_a_parameter_file_with_duplicate_keys(imagegen: Command) -> None:
    """The last one counts there too; no value of the file is shown."""
    path = imagegen.write('{"parameters": {"seed": {"value": "HUNTER2"},\n"seed": {"value": "x"}}}', "p.json")
    body = imagegen.write(deployment(NAMED, parameters=PARAMETERS))
    code, out, err = imagegen.run("validate", body, "--parameters", path)
    assert code == 0
    assert "p.json:2:1: warning: `seed` is duplicated in this object" in err
    assert "HUNTER2" not in out + err
    imagegen.generate(deployment(NAMED, parameters=PARAMETERS), "--parameters", str(path), "--target", "azure")
    assert "# img-x" in (imagegen.folder / "workspace/README.md").read_text()


def test_another_case_of_a_name_in_an_old_body(imagegen: Command) -> None:
    """The name's own spelling counts, else the last; what does not count is named."""
    text = json.dumps(template(OLD)).replace(
        '"customize"', '"BuildTimeoutInMinutes": 7, "buildtimeoutinminutes": 90, "customize"'
    )
    said = imagegen.validate(text)
    assert said.code == 0
    assert [message for _, message in said.warnings] == [
        "`BuildTimeoutInMinutes` has no effect beside `buildtimeoutinminutes`",
        "`buildtimeoutinminutes` is read as `buildTimeoutInMinutes`",
    ]
