"""Secrets that the user marks, where nobody logs in to the machine."""

import base64
from pathlib import Path

import pytest

from tests.azure.conftest import USUAL, WINDOWS, Azure, Write
from tests.azure.making import SHELL, private, shared
from tests.azure.rest import at_rest
from tests.azure.test_failure import FAIL, FAILING

VALUE = "pa$$ 'quoted' word"


@pytest.mark.parametrize("system", ["windows", "linux"])
def test_they_go_by_a_protected_parameter_before_the_first_step(
    azure: Azure, template: Write, tmp_path: Path, system: str
) -> None:
    """Where the wrappers of the steps look for them; and into nothing that is kept here or shown."""
    windows = system == "windows"
    image = azure.definition("image", system.capitalize())
    kind = "PowerShell" if windows else "Shell"
    step = {"type": kind, "inline": ["echo hello"]}
    profile = {} if windows else {"vnetConfig": {"subnetId": azure.subnet()}}
    given = {"source": WINDOWS} if windows else {}
    path = template(step, distribute=[shared(image)], vmProfile=profile, **given)
    before = azure.names()
    azure.imagegen.environment["TOKEN"] = VALUE
    out = tmp_path / "out"
    done = azure.imagegen("apply", path, "--out", out, "--secret", "TOKEN")
    ran = azure.cloud.ran()
    names = [one["name"] for one in ran]
    assert names.index("imagegen-secrets") < names.index("000-prepare") < names.index(f"010-{kind.lower()}")
    (sent,) = [one["protected"] for one in ran if one["name"] == "imagegen-secrets"]
    text = base64.b64decode(sent[0]["value"]).decode("utf-8-sig")
    quoted = "'pa$$ ''quoted'' word'" if windows else "'pa$$ '\"'\"'quoted'\"'\"' word'"
    assert text == f"{'$env:' if windows else 'export '}TOKEN{' = ' if windows else '='}{quoted}\n"
    wrapper = next(one["script"] for one in ran if one["name"].startswith("010-"))
    assert ("secrets.ps1" if windows else "/dev/shm/imagegen/secrets") in wrapper
    told = done.stdout + done.stderr
    kept = [file for file in (*out.rglob("*"), *azure.imagegen.state_dir.rglob("*")) if file.is_file()]
    for spelt in (VALUE, text, sent[0]["value"]):
        assert spelt not in told
        assert not [file for file in kept if spelt.encode() in file.read_bytes()]
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})


def test_a_machine_that_has_secrets_goes_on_with_them_only(azure: Azure, template: Write, tmp_path: Path) -> None:
    """Else what it prints of them would not be masked."""
    azure.cloud.set(scripts=[FAILING, *USUAL])
    image = azure.definition("web")
    path = template(SHELL, FAIL, vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    azure.imagegen.environment["TOKEN"] = VALUE
    out = tmp_path / "out"
    failed = azure.imagegen("apply", path, "--out", out, "--on-error", "abort", "--secret", "TOKEN", code=1)
    assert f"`imagegen apply {out} --secret=TOKEN` resumes at the failed step" in failed.stderr
    azure.cloud.set(scripts=USUAL)
    refused = azure.imagegen("apply", out, code=1)
    assert "was begun with --secret=TOKEN" in refused.stderr
    assert "is kept" in azure.imagegen("status", out).stdout
    done = azure.imagegen("apply", out, "--secret", "TOKEN")
    assert "going on with the build of 1.0.0 at `020 fail`" in done.stderr
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})
