"""Which VM size a build takes when the template names none."""

from generator.azure.sources import Architecture, Generation


def default_size(generation: Generation, architecture: Architecture, security: str) -> str:
    """Image Builder's defaults: Standard_D1_v2 for Gen1 sources, Standard_D2ds_v4 for Gen2 (FORMAT.md 1.7).

    It has none for ARM64. Both sizes of the second generation can do Trusted Launch (Microsoft, "Trusted Launch for
    Azure virtual machines", supported sizes).
    """
    if architecture == "Arm64":
        return "Standard_D2pds_v5"
    return "Standard_D2ds_v4" if generation == "V2" or security == "TrustedLaunch" else "Standard_D1_v2"
