"""What is made of a secure parameter is as secret as itself, and what is told of a file of values shows none."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from generator.errors import ImagegenError
from generator.workspace.generate import generate
from tests.hostile.examine import command
from tests.unit.template.making import SOURCE, shell, template, vhd
from tests.unit.template.test_kept import made_twice, secure, settings

PASSWORD = "hunter2-hunter2"


@pytest.mark.parametrize(
    "line",
    [
        "[concat('echo ', base64(parameters('password')))]",
        "[uriComponent(concat(parameters('password'), '/'))]",
        "[toUpper(parameters('password'))]",
        "[format('echo {0} {0}', substring(parameters('password'), 3))]",
        "[join(map(range(0, 3), lambda('n', substring(parameters('password'), lambdaVariables('n'), 2))), '-')]",
    ],
)
def test_what_is_made_of_a_secret_stands_in_no_script(tmp_path: Path, line: str) -> None:
    with pytest.raises(ImagegenError, match="secure parameter would stand in scripts/010-shell"):
        generate(secure(tmp_path, line), settings(tmp_path, sets=(("password", PASSWORD),)), tmp_path / "out")


def test_a_short_secret_stands_in_no_script(tmp_path: Path) -> None:
    """Alone or in a text."""
    for line in ("[parameters('password')]", "[concat('echo ', parameters('password'))]"):
        with pytest.raises(ImagegenError, match="secure parameter would stand in scripts/010-shell"):
            generate(secure(tmp_path, line), settings(tmp_path, sets=(("password", "4711"),)), tmp_path / "out")


def test_what_the_template_says_itself_is_no_secret(tmp_path: Path) -> None:
    """A secret may choose between words."""
    path = secure(tmp_path, "[if(equals(parameters('password'), 'x'), 'echo yes it is', 'echo no it is not')]")
    made = generate(path, settings(tmp_path, sets=(("password", PASSWORD),)), tmp_path / "out")
    assert b"echo no it is not" in made.files["scripts/010-shell.sh"]
    assert not any(PASSWORD.encode() in content for content in made.files.values())


def test_a_nested_variable_does_not_hide_it(tmp_path: Path) -> None:
    """It is evaluated once, and asked for again."""
    path = secure(tmp_path, "[variables('line')]")
    document = json.loads(path.read_text())
    document["variables"] = {"inner": "[base64(parameters('password'))]", "line": "[concat(variables('inner'), '=')]"}
    path.write_text(json.dumps(document))
    with pytest.raises(ImagegenError, match="secure parameter would stand in scripts/010-shell"):
        generate(path, settings(tmp_path, sets=(("password", PASSWORD),)), tmp_path / "out")


CONFIG = {"token": "[parameters('password')]", "package": "[parameters('name')]", "place": "[resourceGroup().location]"}


@pytest.mark.parametrize(
    "line",
    [
        "[concat('apt-get install -y ', variables('config').package)]",
        "[concat('echo in ', variables('config').place)]",
        "[if(empty(parameters('password')), parameters('name'), concat('echo for ', parameters('name')))]",
        "[if(startsWith(parameters('password'), '?'), 'never', parameters('name'))]",
        "[if(empty(parameters('password')), 'x', string(map(range(0, 3), lambda('n', add(lambdaVariables('n'), 5)))))]",
        "[toLower(string(empty(parameters('password'))))]",
    ],
)
@pytest.mark.parametrize("value", [PASSWORD, "root", "true", "user"])
def test_what_only_stands_beside_a_secret_is_none(tmp_path: Path, line: str, value: str) -> None:
    """Nor is what it decides by its form; and a workspace of it is as generated."""
    path = secure(tmp_path, line)
    document = json.loads(path.read_text())
    document["variables"] = {"config": CONFIG}
    document["parameters"]["flag"] = {"type": "bool", "defaultValue": True}
    path.write_text(json.dumps(document))
    parameters = tmp_path / "p.json"
    parameters.write_text(json.dumps({"flag": {"value": False}, "password": {"value": value}}))
    sets = (("name", "nginx-full"), ("password", value))
    for given in (settings(tmp_path, sets=sets[:1], parameters=parameters), settings(tmp_path, sets=sets)):
        made = made_twice(path, given, tmp_path / f"out{len(given.sets)}")
        assert value not in json.loads(made.files["imagegen.lock.json"])["settings"]["sets"].values()


@pytest.mark.parametrize(
    ("place", "value"),
    [("artifactTags", {"a": "[parameters('password')]"}), ("runOutputName", "[parameters('password')]")],
)
def test_no_secret_comes_to_the_ledger(tmp_path: Path, place: str, value: object) -> None:
    path = secure(tmp_path, "true")
    document = json.loads(path.read_text())
    document["resources"][0]["properties"]["distribute"][0][place] = value
    path.write_text(json.dumps(document))
    with pytest.raises(ImagegenError, match=r"secure parameter would stand in .*releases"):
        generate(path, settings(tmp_path, sets=(("password", PASSWORD),)), tmp_path / "out")


def test_no_secret_is_the_name_of_a_file(tmp_path: Path) -> None:
    path = secure(tmp_path, "true")
    document = json.loads(path.read_text())
    step = shell(scriptUri="[concat('https://h/', parameters('password'), '.sh')]")
    document["resources"][0]["properties"]["customize"] = [step]
    path.write_text(json.dumps(document))
    (tmp_path / "mirror/h").mkdir(parents=True)
    (tmp_path / "mirror/h/Hunter.Two_99.sh").write_text("true\n")
    with pytest.raises(ImagegenError, match=r"secure parameter would stand in .*scripts/010-"):
        generate(path, settings(tmp_path, sets=(("password", "Hunter.Two_99"),)), tmp_path / "out")


@pytest.mark.parametrize(
    "query",
    [
        "sv=1&sig=HUNTER2-HUNTER2",
        "X-Amz-Credential=HUNTER2-HUNTER2%2F2026&X-Amz-Signature=HUNTER2",
        "x=1&access_token=HUNTER2",
        "code=HUNTER2&x=2",
    ],
)
def test_a_blob_s_address_is_kept_without_its_grant(tmp_path: Path, query: str) -> None:
    path = tmp_path / "t.json"
    uri = f"https://images.blob.core.windows.net/vhds/web.vhd?{query}"
    path.write_text(
        json.dumps(
            template(source=SOURCE, distribute=[vhd(uri=uri)], customize=[shell(scriptUri=f"https://h/a.sh?{query}")])
        )
    )
    made = made_twice(path, replace(settings(tmp_path), target="azure"), tmp_path / "out")
    assert made.blueprint.destinations[0].resource == uri.partition("?")[0]
    assert not any(b"HUNTER" in content for content in made.files.values())


@pytest.mark.parametrize(
    "text",
    [
        '{"parameters": {"password": {"value": hunter2}}}',
        '{"parameters": {"password": {"value": "hunter2}}}',
        "{\"parameters\": {\"password\": {'hunter2': 'x'}}}",
        '{"parameters": {"password": "hunter2"}}',
        '{"parameters": {"password": {"value": "hunter2"},}} hunter2',
        "hunter2",
    ],
)
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_broken_file_of_values_is_not_shown(tmp_path: Path, text: str, flags: list[str]) -> None:
    """The place is told, and what is wrong there."""
    (tmp_path / "p.json").write_text(text)
    path = secure(tmp_path, "true")
    said = command("validate", path, "--target", "local", "--parameters", tmp_path / "p.json", *flags)
    assert said.code == 1
    assert "p.json" in said.out + said.err
    assert "hunter2" not in said.out + said.err


def test_a_setting_of_the_wrong_form_is_not_shown(tmp_path: Path) -> None:
    said = command("validate", secure(tmp_path, "true"), "--set", "hunter2")
    assert "--set has the wrong form" in said.err
    assert "hunter2" not in said.out + said.err
