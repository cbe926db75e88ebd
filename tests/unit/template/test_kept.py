"""What of the user's input a workspace keeps: enough to be generated anew from itself, and no secret of an address."""

import json
from pathlib import Path

import pytest

from generator.errors import ImagegenError
from generator.settings import Settings
from generator.workspace import store
from generator.workspace.generate import generate
from generator.workspace.locked import with_locked
from generator.workspace.store import Generated
from tests.unit.template.making import SOURCE, shell, template, vhd

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def settings(folder: Path, **more: object) -> Settings:
    """With a mirror that has the script."""
    mirror = (("https://", f"{folder}/mirror/"),)
    (folder / "mirror/h").mkdir(parents=True, exist_ok=True)
    (folder / "mirror/h/a.sh").write_bytes(b"true\n")
    return Settings(
        target="local", cache_dir=folder / "c", state_dir=folder / "s", mirrors=mirror, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def made_twice(path: Path, given: Settings, out: Path) -> Generated:
    """A workspace written, and generated anew from itself: the same bytes."""
    first = generate(path, given, out)
    store.write(out, first.files, first.comparison, force=False)
    lock = store.read_lock(out)
    assert lock
    again = generate(out, with_locked(Settings(cache_dir=given.cache_dir, state_dir=given.state_dir), lock))
    assert again.files == first.files
    return first


def deployment(folder: Path) -> Path:
    """A deployment template with two image templates, and parameters."""
    names = {"name": {"type": "string"}, "script": {"type": "string"}, "minutes": {"type": "int", "defaultValue": 5}}
    resource = {"type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2024-02-01", "location": "x"}
    properties = template(customize=[shell(scriptUri="[parameters('script')]")])["properties"] | {
        "buildTimeoutInMinutes": "[parameters('minutes')]"
    }
    both = [resource | {"name": f"[concat(parameters('name'), '{n}')]", "properties": properties} for n in "ab"]
    path = folder / "d.json"
    path.write_text(json.dumps({"$schema": SCHEMA, "parameters": names, "resources": both}))
    return path


def test_parameters_and_the_chosen_resource_are_kept(tmp_path: Path) -> None:
    parameters = tmp_path / "p.json"
    parameters.write_text(json.dumps({"parameters": {"minutes": {"value": 30}, "name": {"value": "web"}}}))
    given = settings(
        tmp_path, parameters=parameters, resource="webb", sets=(("script", "https://h/a.sh"),), utc_now="2021-01-01"
    )
    found = made_twice(deployment(tmp_path), given, tmp_path / "out")
    assert found.blueprint.name == "webb"
    assert found.blueprint.timeout_minutes == 30
    assert found.files["parameters.json"] == parameters.read_bytes()
    locked = json.loads(found.files[store.LOCK])["settings"]
    assert (locked["resource"], locked["utc_now"]) == ("webb", "2021-01-01")


@pytest.mark.parametrize("by", ["template", "set", "parameters"])
def test_no_secret_of_an_address_is_kept(tmp_path: Path, by: str) -> None:
    uri = "https://user:HUNTER2@h/a.sh?sv=1&sig=HUNTER3%3D&x=1"
    given, path = settings(tmp_path), tmp_path / "t.json"
    if by == "template":
        path.write_text(json.dumps(template(customize=[shell(scriptUri=uri)])))
    else:
        path = deployment(tmp_path)
        values = {"name": "web", "script": uri, "minutes": "30"}
        given = settings(tmp_path, sets=tuple(values.items()), resource="weba")
        if by == "parameters":
            entries = {name: {"value": int(value) if value == "30" else value} for name, value in values.items()}
            (tmp_path / "p.json").write_text(json.dumps({"parameters": entries}))
            given = settings(tmp_path, parameters=tmp_path / "p.json", resource="weba")
    mirror = tmp_path / "mirror/user:HUNTER2@h"
    mirror.mkdir(parents=True, exist_ok=True)
    (mirror / "a.sh").write_bytes(b"true\n")
    found = made_twice(path, given, tmp_path / "out")
    assert not any(b"HUNTER" in content for content in found.files.values())
    assert any(b"?sv=1&sig=***&x=***" in content for content in found.files.values())


def test_what_a_script_says_stays(tmp_path: Path) -> None:
    uri = "https://h/a.sh?sig=HUNTER3"
    path = tmp_path / "t.json"
    path.write_text(json.dumps(template(source=SOURCE, distribute=[vhd()], customize=[
        shell(scriptUri=uri), shell(inline=[f"curl '{uri}'"]),
    ])))  # fmt: skip
    made_twice(path, settings(tmp_path), tmp_path / "out")


def secure(folder: Path, line: str) -> Path:
    """A deployment template with a secure parameter, and a step that says this."""
    resource = {"type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2024-02-01", "name": "web"}
    properties = template(customize=[shell(inline=[line])])["properties"]
    path = folder / "secure.json"
    path.write_text(
        json.dumps(
            {
                "$schema": SCHEMA,
                "parameters": {"password": {"type": "securestring"}, "name": {"type": "string", "defaultValue": "x"}},
                "resources": [resource | {"location": "[parameters('name')]", "properties": properties}],
                "outputs": {"unused": {"type": "string", "value": "[parameters('password')]"}},
            }
        )
    )
    return path


def test_a_secure_parameter_is_in_no_file_of_a_workspace(tmp_path: Path) -> None:
    """Given by --set or by a parameter file; nor may a script carry it."""
    parameters = tmp_path / "p.json"
    parameters.write_text(json.dumps({"parameters": {"password": {"value": "hunter2-in-a-file"}}}))
    by_set = settings(tmp_path, sets=(("password", "hunter2-by-set"),))
    by_file = settings(tmp_path, parameters=parameters)
    for given in (by_set, by_file):
        found = generate(secure(tmp_path, "true"), given, tmp_path / "out")
        assert not any(b"hunter2" in content for content in found.files.values())
        with pytest.raises(ImagegenError, match=r"secure parameter would stand in scripts/010-shell\.sh"):
            generate(secure(tmp_path, "[concat('echo ', parameters('password'))]"), given, tmp_path / "out")


@pytest.mark.parametrize("value", ["-----BEGIN KEY-----\nMIIEhunter2\n", 'pa"ss\\hunter2', "h\u00fcnter2/x"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_no_secure_parameter_is_kept_however_it_is_spelt(tmp_path: Path, value: str, ascii_only: bool) -> None:
    """Nor one that is a number: the file is committed."""
    path = deployment(tmp_path)
    document = json.loads(path.read_text())
    document["parameters"] |= {"key": {"type": "secureString"}, "more": {"type": "secureObject"}}
    path.write_text(json.dumps(document))
    values = {"name": "web", "script": "https://h/a.sh", "key": value, "more": {"pin": 48151623}}
    parameters = tmp_path / "p.json"
    given = {"parameters": {name: {"value": one} for name, one in values.items()}}
    parameters.write_text(json.dumps(given, ensure_ascii=ascii_only).replace("/", "\\/"))
    made = made_twice(path, settings(tmp_path, parameters=parameters, resource="webb"), tmp_path / "out")
    kept = json.loads(made.files["parameters.json"])["parameters"]
    assert kept["key"]["value"] == "***"
    assert kept["more"]["value"] == {"pin": "***"}
    assert kept["script"]["value"] == "https://h/a.sh"
