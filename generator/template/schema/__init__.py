"""The foreign format, name for name: pydantic models of FORMAT.md 1. Their rules are in lint.py."""

from generator.template.schema.customize import Customizer, File, PowerShell, Shell, WindowsRestart, WindowsUpdate
from generator.template.schema.distribute import Distributor, ManagedImage, SharedImage, TargetRegion, Versioning, Vhd
from generator.template.schema.envelope import (
    Envelope,
    Identity,
    ImageTemplate,
    Plain,
    Properties,
    Tagged,
    UserIdentity,
)
from generator.template.schema.profile import (
    DataDisk,
    ErrorHandling,
    OnError,
    Optimize,
    VmProfile,
    VnetConfig,
    Workload,
)
from generator.template.schema.source import (
    IsoSource,
    ManagedImageSource,
    PlanInfo,
    PlatformImage,
    SharedImageVersion,
    Source,
)
from generator.template.schema.validate import Validate, Validator

__all__ = [
    "Customizer",
    "DataDisk",
    "Distributor",
    "Envelope",
    "ErrorHandling",
    "File",
    "Identity",
    "ImageTemplate",
    "IsoSource",
    "ManagedImage",
    "ManagedImageSource",
    "OnError",
    "Optimize",
    "Plain",
    "PlanInfo",
    "PlatformImage",
    "PowerShell",
    "Properties",
    "SharedImage",
    "SharedImageVersion",
    "Shell",
    "Source",
    "Tagged",
    "TargetRegion",
    "UserIdentity",
    "Validate",
    "Validator",
    "Versioning",
    "Vhd",
    "VmProfile",
    "VnetConfig",
    "WindowsRestart",
    "WindowsUpdate",
    "Workload",
]
