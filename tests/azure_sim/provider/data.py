"""The data sources: most show a resource of the same name, some ask for more."""

import re
from collections.abc import Callable
from typing import Any

from tests.azure_sim.assigned import TENANT, stable_uuid
from tests.azure_sim.contents import Resource
from tests.azure_sim.provider.crud import Client, Refused, Values, completed
from tests.azure_sim.provider.kinds import IMAGES, KINDS
from tests.azure_sim.provider.schema import data_fields

RESOURCES = {"azurerm_virtual_machine": "azurerm_linux_virtual_machine"}


def read(client: Client, name: str, config: Values) -> Values:
    """The state of a data source: what was asked for, and what was found."""
    found = READERS[name](client, config) if name in READERS else _resource(client, name, config)
    return completed(data_fields(name), found | {key: value for key, value in config.items() if value is not None})


def _resource(client: Client, name: str, config: Values) -> Values:
    """The resource of the same name, where the arguments say it lies."""
    kind = RESOURCES.get(name, name)
    arm_id = KINDS[kind].arm_id(config, client.subscription)
    found = client.find(kind, data_fields(name), arm_id)
    if found is None:
        raise Refused(f"{name.removeprefix('azurerm_').replace('_', ' ')} {arm_id} was not found")
    return found | {"id": arm_id}


def _gallery(client: Client, config: Values) -> Values:
    found = _resource(client, "azurerm_shared_image_gallery", config)
    images = client.cloud.resources(found["id"], "Microsoft.Compute/galleries/images")
    return found | {"image_names": [one["name"] for one in images]}


def _client_config(client: Client, config: Values) -> Values:
    ids = {name: stable_uuid(client.subscription, name) for name in ("client_id", "object_id")}
    return {"id": stable_uuid(client.subscription), "subscription_id": client.subscription, "tenant_id": TENANT, **ids}


def _subscription(client: Client, config: Values) -> Values:
    subscription = config["subscription_id"] or client.subscription
    return {
        "id": f"/subscriptions/{subscription}", "subscription_id": subscription, "display_name": "Simulated",
        "tenant_id": TENANT, "state": "Enabled",
    }  # fmt: skip


def _platform_image(client: Client, config: Values) -> Values:
    """The newest version, unless one is asked for."""
    publisher, offer, sku = config["publisher"], config["offer"], config["sku"]
    versions = client.ask(lambda: client.cloud.versions(publisher, offer, sku), "listing versions")
    version = config["version"] or versions[-1]
    if version not in versions:
        raise Refused(f"Cannot find image with version {version} in {publisher} {offer} {sku}")
    return {
        "version": version,
        "id": f"/Subscriptions/{client.subscription}/Providers/Microsoft.Compute/Locations/{config['location']}"
        f"/Publishers/{publisher}/ArtifactTypes/VMImage/Offers/{offer}/Skus/{sku}/Versions/{version}",
    }


def _location(client: Client, config: Values) -> Values:
    place = config["location"]
    return {"id": f"/subscriptions/{client.subscription}/locations/{place}", "display_name": place, "zone_mappings": []}


def _image(client: Client, config: Values) -> Values:
    """By name, or the one whose name comes first (or last) among those an expression matches."""
    if config["name"]:
        return _resource(client, "azurerm_image", config)
    found = [one["name"] for one in _images_of(client, config) if re.search(config["name_regex"], one["name"])]
    if not found:
        raise Refused("No Images were found for Resource Group")
    name = sorted(found, reverse=bool(config["sort_descending"]))[0]
    return _resource(client, "azurerm_image", config | {"name": name})


def _images(client: Client, config: Values) -> Values:
    group = _group(client, config)
    wanted = config["tags_filter"] or {}
    return {
        "id": group,
        "images": _listed(client, "azurerm_image", "azurerm_images", _images_of(client, config), wanted),
    }


def _images_of(client: Client, config: Values) -> list[Resource]:
    return client.cloud.resources(_group(client, config), "Microsoft.Compute/images")


def _group(client: Client, config: Values) -> str:
    return KINDS["azurerm_resource_group"].arm_id({"name": config["resource_group_name"]}, client.subscription)


def _version(client: Client, config: Values) -> Values:
    """A version by name; `latest` and `recent` mean the last that may be latest."""
    if config["name"] not in ("latest", "recent"):
        return _resource(client, "azurerm_shared_image_version", config)
    usable = [
        one["name"]
        for one in _versions_of(client, config)
        if not one["properties"].get("publishingProfile", {}).get("excludeFromLatest")
    ]
    if not usable:
        raise Refused("no Image Versions were found that may be latest")
    semantic = config["sort_versions_by_semver"] or config["name"] == "latest"
    name = max(usable, key=_semantic) if semantic else usable[-1]
    return _resource(client, "azurerm_shared_image_version", config | {"name": name})


def _semantic(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _versions(client: Client, config: Values) -> Values:
    wanted = config["tags_filter"] or {}
    records = _versions_of(client, config)
    listed = _listed(client, "azurerm_shared_image_version", "azurerm_shared_image_versions", records, wanted)
    return {"id": _definition(client, config), "images": listed}


def _versions_of(client: Client, config: Values) -> list[Resource]:
    return client.cloud.resources(_definition(client, config), "Microsoft.Compute/galleries/images/versions")


def _definition(client: Client, config: Values) -> str:
    names = {"resource_group_name": config["resource_group_name"], "gallery_name": config["gallery_name"]}
    return f"{IMAGES}/{config['image_name']}".format(subscription=client.subscription, **names)


def _listed(client: Client, kind: str, name: str, records: list[Resource], wanted: dict[str, str]) -> list[Values]:
    """The records that carry all the tags that are wanted, as elements of `images`."""
    fields = data_fields(name)["images"].fields
    chosen = [one for one in records if wanted.items() <= one["tags"].items()]
    return [completed(fields, client.find(kind, fields, one["id"]) or {}) for one in chosen]


READERS: dict[str, Callable[[Client, Values], Any]] = {
    "azurerm_client_config": _client_config,
    "azurerm_subscription": _subscription,
    "azurerm_platform_image": _platform_image,
    "azurerm_location": _location,
    "azurerm_image": _image,
    "azurerm_images": _images,
    "azurerm_shared_image_gallery": _gallery,
    "azurerm_shared_image_version": _version,
    "azurerm_shared_image_versions": _versions,
}
