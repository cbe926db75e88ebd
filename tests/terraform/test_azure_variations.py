"""Workspaces that no golden case has: right for Terraform too, at rest and in a build."""

import base64
import gzip
import json
from collections.abc import Callable

from tests.terraform.root import MACHINE, MAIN, Root

Make = Callable[..., Root]
SHELL = {"type": "Shell", "name": "Greet", "inline": ["echo hello"]}
VHD = {"type": "VHD", "runOutputName": "disk", "uri": "https://company.blob.core.windows.net/vhds/a.vhd"}


def test_linux_steps_in_one_extension(make: Make) -> None:
    root = make("azure-private", 'communicator = "extension"\n', customize=[SHELL, SHELL], validate=None)
    root.let(build_version="1.0.0", machine=MACHINE).apply()
    (extension,) = root.cloud.resources(arm_type="Microsoft.Compute/virtualMachines/extensions")
    script = gzip.decompress(base64.b64decode(json.loads(extension["properties"]["settings"])["script"])).decode()
    parts = [line.split()[1] for line in script.splitlines() if line.startswith("part ")]
    assert parts == ["000-prepare", "010-greet", "020-greet", "999-deprovision"]


def test_only_the_source_is_validated(make: Make) -> None:
    """No machine is made into an image: there is only the one that the validators run in."""
    validate = {"sourceValidationOnly": True, "inVMValidations": [SHELL]}
    root = make("azure-private", customize=[SHELL], validate=validate)
    root.let(build_version="1.0.0", validation_machine=MACHINE).apply()
    assert [one["name"] for one in root.cloud.resources(arm_type="Microsoft.Compute/virtualMachines")] == [
        "validation-d69aeba9"
    ]
    made = [one.rpartition("/")[2] for _, one in root.cloud.journal("create") if "/runCommands/" in one]
    assert made == ["010-greet"]


def test_the_callers_own_subscription_and_no_step_at_all(make: Make) -> None:
    root = make("azure-extension", customize=None, validate=None, distribute=[VHD])
    values = json.loads((root.folder / "template.auto.tfvars.json").read_text())
    assert values["subscription_id"] is None
    root.let(build_version="1.0.0", machine=MACHINE, admin_password="not-for-long-0123456789").apply()
    (machine,) = root.cloud.resources(arm_type="Microsoft.Compute/virtualMachines")
    assert machine["id"].startswith(f"/subscriptions/{root.sim.env['ARM_SUBSCRIPTION_ID']}/")
    made = [one.rpartition("/")[2] for _, one in root.cloud.journal("create") if "/runCommands/" in one]
    assert made == ["000-prepare", "999-deprovision"]


def test_a_machine_takes_from_the_template_what_a_build_does_not_say(make: Make) -> None:
    """By hand nobody repeats the template."""
    root = make("azure-private", customize=[SHELL], validate=None)
    said = {name: MACHINE[name] for name in ("public_key", "timeout_minutes")}
    root.let(build_version="1.0.0", machine=said).apply()
    (machine,) = root.cloud.resources(arm_type="Microsoft.Compute/virtualMachines")
    assert machine["properties"]["hardwareProfile"]["vmSize"] == "Standard_D2s_v5"
    assert machine["properties"]["storageProfile"]["imageReference"]["offer"] == "debian-12"
    assert machine["properties"]["storageProfile"]["imageReference"]["version"] == "latest"


def test_the_source_is_an_image_of_ones_own(make: Make) -> None:
    image = f"{MAIN}/resourceGroups/images/providers/Microsoft.Compute/images/base"
    source = {"type": "ManagedImage", "imageId": image}
    root = make("azure-private", customize=[SHELL], validate=None, source=source)
    root.cloud.put(image, {"location": "westeurope", "properties": {"hyperVGeneration": "V2"}})
    root.let(build_version="1.0.0", machine=MACHINE | {"source_version": ""}).apply()
    (machine,) = root.cloud.resources(arm_type="Microsoft.Compute/virtualMachines")
    assert machine["properties"]["storageProfile"]["imageReference"]["id"] == image
