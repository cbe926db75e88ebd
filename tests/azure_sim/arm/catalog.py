"""What Azure offers: marketplace images and their terms, sizes of machines, and how many one may have."""

from collections.abc import Mapping
from typing import Any

from tests.azure_sim.arm.front import Arm
from tests.azure_sim.arm.pages import page
from tests.azure_sim.arm.web import Answer, Request, shown
from tests.azure_sim.errors import CloudError

Parts = Mapping[str, str]
# Name, family, cores, memory in GB, generations, architecture, and whether Trusted Launch is not to be had.
SIZES = (
    ("Standard_B1ms", "standardBSFamily", 1, 2, "V1,V2", "x64", False),
    ("Standard_B2s", "standardBSFamily", 2, 4, "V1,V2", "x64", False),
    ("Standard_D1_v2", "standardDv2Family", 1, 3.5, "V1", "x64", True),
    ("Standard_D2s_v3", "standardDSv3Family", 2, 8, "V1,V2", "x64", False),
    ("Standard_D2s_v5", "standardDSv5Family", 2, 8, "V1,V2", "x64", False),
    ("Standard_D4s_v5", "standardDSv5Family", 4, 16, "V1,V2", "x64", False),
    ("Standard_D2ds_v6", "standardDdsv6Family", 2, 8, "V2", "x64", False),
    ("Standard_D2ps_v5", "standardDPSv5Family", 2, 8, "V2", "Arm64", True),
    ("Standard_DC2as_v5", "standardDCASv5Family", 2, 8, "V2", "x64", False),
)


def versions(arm: Arm, request: Request, parts: Parts) -> Answer:
    """The versions of a marketplace image, a bare list; ARM sorts them as text."""
    image = _image(arm, parts)
    _, _, direction = request.query.get("$orderby", "").partition(" ")
    names = sorted(image["versions"], reverse=direction.lower() == "desc")
    if top := request.query.get("$top"):
        names = names[: int(top)]
    return shown([_named(name, parts) for name in names])


def version(arm: Arm, request: Request, parts: Parts) -> Answer:
    """A version: generation, architecture, security, disk and plan."""
    image = _image(arm, parts)
    if parts["version"] not in image["versions"]:
        raise _missing()
    security = image.get("security", "TrustedLaunchSupported" if image["generation"] == "V2" else "")
    properties: dict[str, Any] = {
        "hyperVGeneration": image["generation"], "architecture": image["architecture"], "disallowed": {},
        "osDiskImage": {"operatingSystem": image.get("os", "Linux"), "sizeInGb": image.get("disk_gb", 30)},
        "dataDiskImages": [], "automaticOSUpgradeProperties": {"automaticOSUpgradeSupported": False},
        "features": [{"name": "SecurityType", "value": security}] if security else [],
        "imageDeprecationStatus": {"imageState": image.get("state", "Active")},
    }  # fmt: skip
    if image.get("plan"):
        properties["plan"] = image["plan"]
    return shown(_named(parts["version"], parts) | {"properties": properties})


def skus(arm: Arm, request: Request, parts: Parts) -> Answer:
    """The sizes of machines in a location. Entries of the hook `skus` replace those of the same name."""
    location = (request.query.get("$filter") or "location eq 'westeurope'").split("'")[1]
    usual = {one[0]: _sku(*one) for one in SIZES}
    known = usual | {one["name"]: usual.get(one["name"], {}) | one for one in arm.cloud.hook("skus")}
    bodies = [
        {
            "resourceType": "virtualMachines", "tier": "Standard", "restrictions": [], "locations": [location],
            "locationInfo": [{"location": location, "zones": []}],
        } | one
        for one in known.values()
    ]  # fmt: skip
    return page(arm, request, [one for one in bodies if location in one["locations"]])


def usages(arm: Arm, request: Request, parts: Parts) -> Answer:
    """Cores in use and allowed, by family. The hook `usages` has pairs by family, or for `cores`."""
    families = {one[1]: (0, 100) for one in SIZES} | {"cores": (0, 350)}
    values = families | {name: tuple(pair) for name, pair in arm.cloud.hook("usages").items()}
    return page(arm, request, [
        {"unit": "Count", "currentValue": used, "limit": limit, "name": {"value": name, "localizedValue": name}}
        for name, (used, limit) in values.items()
    ])  # fmt: skip


def agreement(arm: Arm, request: Request, parts: Parts) -> Answer:
    """The terms of a marketplace plan: to be read, and accepted by PUT."""
    base = f"/subscriptions/{parts['subscription']}/providers/Microsoft.MarketplaceOrdering"
    place = f"{base}/agreements/{parts['publisher']}/offers/{parts['offer']}/plans/{parts['plan']}"
    if request.method == "PUT":
        accepted = bool(request.json().get("properties", {}).get("accepted"))
        arm.cloud.put(place, {"properties": {"accepted": accepted}})
    record = arm.cloud.get(place)
    # What Terraform's provider accepts has no such property: that it is there says it.
    accepted = bool(record and record["properties"].get("accepted", True))
    terms = f"{arm.endpoint}/terms/{parts['publisher']}/{parts['offer']}/{parts['plan']}"
    return shown({
        "id": request.path, "name": "current", "type": "Microsoft.MarketplaceOrdering/offertypes",
        "properties": {
            "publisher": parts["publisher"], "product": parts["offer"], "plan": parts["plan"], "accepted": accepted,
            "licenseTextLink": f"{terms}/license", "privacyPolicyLink": f"{terms}/privacy",
            "marketplaceTermsLink": f"{terms}/marketplace", "retrieveDatetime": "2025-01-01T00:00:00Z",
            "signature": "SIMULATED",
        },
    })  # fmt: skip


def _image(arm: Arm, parts: Parts) -> dict[str, Any]:
    arm.cloud.request("read", f"/subscriptions/{parts['subscription']}")
    image = arm.cloud.offer(parts["publisher"], parts["offer"], parts["sku"])
    if not image["versions"]:
        raise _missing()
    return image


def _missing() -> CloudError:
    return CloudError(404, "NotFound", "Artifact: VMImage was not found.")


def _named(name: str, parts: Parts) -> dict[str, Any]:
    image = f"Publishers/{parts['publisher']}/ArtifactTypes/VMImage/Offers/{parts['offer']}/Skus/{parts['sku']}"
    base = f"/Subscriptions/{parts['subscription']}/Providers/Microsoft.Compute/Locations/{parts['location']}"
    return {"location": parts["location"], "name": name, "id": f"{base}/{image}/Versions/{name}"}


def _sku(
    name: str, family: str, cores: int, memory_gb: float, generations: str, architecture: str, untrusted: bool
) -> dict[str, Any]:
    """A size as `skus` lists it."""
    capabilities = {
        "vCPUs": cores, "MemoryGB": memory_gb, "HyperVGenerations": generations, "CpuArchitectureType": architecture,
        "PremiumIO": "True", "MaxResourceVolumeMB": 4096, "EphemeralOSDiskSupported": "False",
    }  # fmt: skip
    if untrusted:
        capabilities["TrustedLaunchDisabled"] = "True"
    if name.startswith("Standard_DC"):
        capabilities["ConfidentialComputingType"] = "SNP"
    listed = [{"name": key, "value": str(value)} for key, value in capabilities.items()]
    return {"name": name, "family": family, "size": name.partition("_")[2], "capabilities": listed}
