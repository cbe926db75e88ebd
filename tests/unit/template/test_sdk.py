"""The models hold every field of every API version that Microsoft's own SDK knows."""

import json
from importlib import metadata
from typing import Any

import pytest

from generator.template import schema
from generator.template.schema.base import Switch
from generator.template.schema.shape import fields
from tests.unit.template import sdk

# Each class of the SDK, and the model that stands for it.
MODELS: dict[str, Any] = {
    "DataDisk": schema.DataDisk,
    "DistributeVersioner": schema.Versioning,
    "DistributeVersionerLatest": schema.Versioning,
    "DistributeVersionerSource": schema.Versioning,
    "ImageTemplate": schema.ImageTemplate,
    "ImageTemplateAutoRun": Switch,
    "ImageTemplateCustomizer": schema.Shell,
    "ImageTemplateDistributor": schema.Vhd,
    "ImageTemplateFileCustomizer": schema.File,
    "ImageTemplateFileValidator": schema.File,
    "ImageTemplateIdentity": schema.Identity,
    "ImageTemplateIdentityUserAssignedIdentitiesValue": schema.UserIdentity,
    "ComponentsVrq145SchemasImagetemplateidentityPropertiesUserassignedidentitiesAdditionalproperties":
        schema.UserIdentity,
    "ImageTemplateInVMValidator": schema.Shell,
    "ImageTemplateIsoSource": schema.IsoSource,
    "ImageTemplateManagedImageDistributor": schema.ManagedImage,
    "ImageTemplateManagedImageSource": schema.ManagedImageSource,
    "ImageTemplatePlatformImageSource": schema.PlatformImage,
    "ImageTemplatePowerShellCustomizer": schema.PowerShell,
    "ImageTemplatePowerShellValidator": schema.PowerShell,
    "ImageTemplateProperties": schema.Properties,
    "ImageTemplatePropertiesErrorHandling": schema.ErrorHandling,
    "ImageTemplatePropertiesOptimize": schema.Optimize,
    "ImageTemplatePropertiesOptimizeVmBoot": Switch,
    "ImageTemplatePropertiesOptimizeWorkload": schema.Workload,
    "ImageTemplatePropertiesValidate": schema.Validate,
    "ImageTemplateRestartCustomizer": schema.WindowsRestart,
    "ImageTemplateSharedImageDistributor": schema.SharedImage,
    "ImageTemplateSharedImageVersionSource": schema.SharedImageVersion,
    "ImageTemplateShellCustomizer": schema.Shell,
    "ImageTemplateShellValidator": schema.Shell,
    "ImageTemplateSource": schema.PlatformImage,
    "ImageTemplateVhdDistributor": schema.Vhd,
    "ImageTemplateVmProfile": schema.VmProfile,
    "ImageTemplateWindowsUpdateCustomizer": schema.WindowsUpdate,
    "PlatformImagePurchasePlan": schema.PlanInfo,
    "TargetRegion": schema.TargetRegion,
    "UserAssignedIdentity": schema.UserIdentity,
    "VirtualNetworkConfig": schema.VnetConfig,
}  # fmt: skip
# What the service only answers, or how the SDK passes lists and errors.
ANSWERS = {"CloudErrorBody", "ImageTemplateLastRunStatus", "ImageTemplatePaged", "ProvisioningError", "SystemData"}
RECORDED: dict[str, sdk.Fields] = json.loads(sdk.RECORDED.read_text())


def unknown(found: sdk.Fields) -> list[str]:
    """The SDK's fields that the models lack."""
    missing = [f"class {name}" for name in found if name not in MODELS and name not in ANSWERS]
    for name, model in MODELS.items():
        for field in found.get(name, ()):
            section, _, inner = field.rpartition(".")
            if (inner or field) not in fields(schema.Properties if section == "properties" else model):
                missing.append(f"{name}.{field}")
    return missing


@pytest.mark.parametrize("release", sorted(RECORDED))
def test_older_releases(release: str) -> None:
    assert unknown(RECORDED[release]) == []


def test_the_installed_release() -> None:
    models = pytest.importorskip("azure.mgmt.imagebuilder.models")
    found = sdk.fields(models)
    assert unknown(found) == []
    assert int(metadata.version("azure-mgmt-imagebuilder").partition(".")[0]) < 2 or set(MODELS) - set(found) == {
        name for name in MODELS if "dentitiesValue" in name or name.startswith("Components") or "Iso" in name
    }
