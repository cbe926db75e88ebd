"""The template's own text: Terraform takes strings in a tfvars.json as they are."""

from dataclasses import asdict
from typing import Any

from generator.workspace import context
from generator.workspace.blueprint import Azure, Blueprint, Source, Step


def of(blueprint: Blueprint, other_subscriptions: tuple[str, ...]) -> dict[str, Any]:
    """What template.auto.tfvars.json says."""
    known: dict[str, Any] = {"steps": {step.key: _step(step) for step in blueprint.steps}}
    if blueprint.validations:
        known["validations"] = {step.key: _step(step) for step in blueprint.validations}
    if blueprint.azure:
        known |= _azure(blueprint, blueprint.azure)
        if others := context.others(blueprint, other_subscriptions):
            known["other_subscriptions"] = others
    return known


def _step(step: Step) -> dict[str, Any]:
    return {"file": step.file, "name": step.title, "type": step.kind.capitalize()} | dict(step.options)


def _azure(blueprint: Blueprint, azure: Azure) -> dict[str, Any]:
    known: dict[str, Any] = {
        "disk_size_gb": blueprint.disk_size_gb,
        "identities": list(azure.identities),
        "location": azure.location,
        "source_image": _source(blueprint.source),
        "staging_group": azure.group,
        "staging_tags": dict(azure.tags),
        "subnet_id": azure.subnet_id,
        "subscription_id": azure.subscription_id or None,
        "vm_size": blueprint.vm_size,
    }
    if context.uploads(blueprint):
        known["storage_account"] = azure.storage_account
    if context.updates(blueprint):
        known["update_rounds"] = azure.update_rounds
    if azure.bastion:
        known["bastion"] = asdict(azure.bastion)
    return known


def _source(source: Source) -> dict[str, Any]:
    """What is said of the source; what is not has its default in Terraform."""
    return {name: value for name, value in asdict(source).items() if value}
