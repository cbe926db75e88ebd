"""`imagegen validate`: its flags, several files at once, what is told to people and to programs."""

import json
from pathlib import Path
from typing import Any

import pytest

from generator.cli import app as cli
from tests.unit.template.making import template, vhd

OLD = {"apiVersion": "2020-02-14"}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def put(name: str, value: Any) -> str:
    Path(name).write_text(json.dumps(value, indent=1))
    return name


def test_strict(capsys: pytest.CaptureFixture[str]) -> None:
    path = put("t.json", template(distribute=[vhd(aritfactTags={})]) | OLD)
    assert cli.run(["validate", path]) == 0
    assert "1 warning\n1 template valid\n" in capsys.readouterr().err
    assert cli.run(["validate", path, "--strict"]) == 1
    Path("imagegen.toml").write_text("strict = true\n")
    assert cli.run(["validate", path]) == 1


def test_the_target_is_asked_only_when_it_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    path = put("t.json", template(additionalDataDisks=[{"sizeGB": 1}]))
    assert cli.run(["validate", path]) == 0
    assert capsys.readouterr().err == "1 template valid\n"
    assert cli.run(["validate", path, "--target", "local"]) == 1
    assert "`additionalDataDisks` is not supported on the local target" in capsys.readouterr().err


def test_several_files_share_their_values(capsys: pytest.CaptureFixture[str]) -> None:
    """A name is unknown only where no file has it; what cannot be read is told among the rest."""
    one, two = put("1.json", template() | {"location": "<a>"}), put("2.json", template() | {"location": "<b>"})
    sets = ["--set", "a=x", "--set", "b=y"]
    assert cli.run(["validate", one, two, *sets]) == 0
    assert capsys.readouterr().err == "2 templates valid\n"
    assert cli.run(["validate", one, two, "none.json", *sets]) == 1
    told = capsys.readouterr().err
    assert "none.json: error: there is no file none.json" in told
    assert told.endswith("2 of 3 templates valid\n")
    assert cli.run(["validate", one, two, *sets, "--set", "c=z"]) == 1
    assert "--set c: error" in capsys.readouterr().err


def test_json_has_the_line_and_its_mark(capsys: pytest.CaptureFixture[str]) -> None:
    path = put("t.json", template(buildTimeoutInMinutes=1000))
    assert cli.run(["validate", path, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    (problem,) = told["problems"]
    assert problem["text"] == '  "buildTimeoutInMinutes": 1000'
    assert problem["mark"] == "                           ^^^^"
    assert told["templates"] == [{"file": path, "valid": False}]


def test_parameters_and_resource(capsys: pytest.CaptureFixture[str]) -> None:
    kind = "Microsoft.VirtualMachineImages/imageTemplates"
    body = {"type": kind, "apiVersion": "2024-02-01", "location": "[parameters('where')]"}
    both = [body | {"name": name, "properties": template()["properties"]} for name in ("one", "two")]
    path = put("d.json", {"$schema": "deploymentTemplate.json", "parameters": {"where": {"type": "string"}},
                          "resources": both})  # fmt: skip
    values = put("p.json", {"parameters": {"where": {"value": "<place>"}}})
    arguments = ["validate", path, "--parameters", values, "--set", "place=x"]
    assert cli.run([*arguments, "--resource", "two"]) == 0
    assert cli.run(arguments) == 1
    assert "--resource" in capsys.readouterr().err
    put("p.json", {"parameters": {"where": 7}})
    assert cli.run([*arguments, "--resource", "two"]) == 1
    assert "p.json:3:" in capsys.readouterr().err
    assert cli.run(["validate", path, "--parameters", "gone.json"]) == 1
    assert "there is no file" in capsys.readouterr().err


def test_a_secret_parameter_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    body = {"type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2024-02-01", "name": "x"}
    properties = template()["properties"] | {"errorHandling": {"onCustomizerError": "[parameters('p')]"}}
    path = put(
        "d.json", {"parameters": {"p": {"type": "secureString"}}, "resources": [body | {"properties": properties}]}
    )
    assert cli.run(["validate", path, "--set", "p=HUNTER2"]) == 1
    told = capsys.readouterr()
    assert "HUNTER2" not in told.err
    assert "`***` is not allowed" in told.err


def test_placeholders_in_a_deployment() -> None:
    """In variables, in expressions, and as a number."""
    body = {"type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2024-02-01", "name": "<name>"}
    properties = template()["properties"] | {"buildTimeoutInMinutes": "<minutes>"}
    resource = body | {"location": "[concat(variables('a'), '<b>')]", "properties": properties}
    path = put("d.json", {"variables": {"a": "<a>"}, "resources": [resource]})
    sets = [f"--set={name}={value}" for name, value in {"a": "x", "b": "y", "name": "n", "minutes": 60}.items()]
    assert cli.run(["validate", path, *sets]) == 0
    assert cli.run(["validate", path]) == 1
