"""Whole workspaces, through the command line: equal to what is committed, twice the same, and right for Terraform."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import hcl2
import pytest

from tests.azure_sim.fixtures import azure_sim, azurerm_mirror
from tests.azure_sim.mirror import AzureSim
from tests.golden.regenerate import cases, generate

__all__ = ["azure_sim", "azurerm_mirror"]

CASES = cases()
BACKEND_ASIDE = 'terraform {\n  backend "local" {}\n}\n'


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a workspace but what Terraform and builds put there."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".terraform", ".imagegen"} & set(path.relative_to(folder).parts)
    }


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """A workspace that was generated just now, and the committed one."""
    template, committed = CASES[request.param]
    copy = tmp_path / "case"
    shutil.copytree(template.parent, copy, ignore=shutil.ignore_patterns("workspace"))
    out = copy / "workspace"
    generate(copy / template.name, out)
    return out, committed


def test_the_workspace_is_as_committed(case: tuple[Path, Path]) -> None:
    """`make golden` refreshes what is committed."""
    out, committed = case
    generated, golden = tree(out), tree(committed)
    assert sorted(generated) == sorted(golden)
    for path, content in generated.items():
        assert content.decode("utf-8", "replace") == golden[path].decode("utf-8", "replace"), path
        assert content == golden[path], path


def test_generated_twice_and_from_the_workspace_itself_it_is_the_same(case: tuple[Path, Path]) -> None:
    """From elsewhere, over itself, and from the folder: the same bytes."""
    out, _ = case
    before = tree(out)
    generate(out, out)
    assert tree(out) == before


@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_a_clone_of_another_name_gives_the_same_bytes(name: str, named: bool, tmp_path: Path) -> None:
    """`generate --check` holds in every checkout, also if the template has no name of its own."""
    template, _ = CASES[name]
    first, clone = tmp_path / "first", tmp_path / "clone"
    shutil.copytree(template.parent, first, ignore=shutil.ignore_patterns("workspace"))
    if not named:
        text = json.loads((first / template.name).read_text())
        text.pop("name", None)
        (first / template.name).write_text(json.dumps(text))
    generate(first / template.name, first / "workspace")
    shutil.copytree(first, clone)
    generate(clone / template.name, clone / "workspace", "--check")
    assert tree(clone / "workspace") == tree(first / "workspace")


def test_terraform_accepts_it_and_formats_nothing(case: tuple[Path, Path], azure_sim: AzureSim) -> None:
    """fmt is a fixed point, validate passes, and a plan at rest is empty."""
    out, _ = case

    def terraform(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["terraform", *arguments],
            cwd=out,
            env=os.environ | azure_sim.env,
            capture_output=True,
            text=True,
            check=False,
        )

    formatted = terraform("fmt", "-check", "-diff", "-recursive")
    assert formatted.returncode == 0, formatted.stdout
    (out / "backend_override.tf").write_text(BACKEND_ASIDE)
    initialised = terraform("init", "-no-color")
    assert initialised.returncode == 0, initialised.stdout + initialised.stderr
    validated = terraform("validate", "-no-color")
    assert validated.returncode == 0, validated.stdout + validated.stderr
    planned = terraform("plan", "-no-color", "-detailed-exitcode")
    assert planned.returncode == 0, planned.stdout + planned.stderr


def test_every_module_call_passes_what_the_module_declares(case: tuple[Path, Path]) -> None:
    """Read back with hcl2: each argument is a variable of the module, each variable without default is given."""
    out, _ = case
    calls = hcl2.loads((out / "main.tf").read_text())["module"]
    meta = {"source", "count", "for_each", "depends_on", "providers", "__is_block__"}
    assert calls
    for block in calls:
        for name, call in block.items():
            declared = hcl2.loads((out / call["source"].strip('"') / "variables.tf").read_text())["variable"]
            variables = {key.strip('"'): body for entry in declared for key, body in entry.items()}
            given = set(call) - meta
            assert given <= set(variables), name
            assert {key for key, body in variables.items() if "default" not in body} <= given, name
            for key, body in variables.items():
                assert body.get("description"), f"{name}: {key}"
                assert body.get("type"), f"{name}: {key}"
