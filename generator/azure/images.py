"""The images of the Azure target: made, looked up, discarded and described; and the session by which that is done."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.azure import entries, ids, staged
from generator.builder.events import Events
from generator.builder.target import PLANNED, Job
from generator.settings import Settings
from generator.workspace.blueprint import Azure, Blueprint
from generator.workspace.ledger import Ledger, Release

if TYPE_CHECKING:
    from generator.azure.session import Session

# Replication to other regions may take hours (FACTS.md 11).
REPLICATION_SECONDS = 6 * 3600.0
NO_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"


class AzureImages:
    """See build/target.py for what each method does. What is heavy is imported where it is used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._azure: Azure | None = None
        self._connected: Session | None = None

    @property
    def session(self) -> "Session":
        """The login, made once it is needed."""
        if self._connected is None:
            from generator.azure.session import connect  # noqa: PLC0415

            self._connected = connect(self._azure.subscription_id if self._azure else "")
        return self._connected

    def vm(self, job: Job, name: str = "machine") -> str:
        """The id of one of the build's VMs: `machine` or `validation`."""
        return staged.machine(blueprint_of(job.blueprint), self.subscription, name)

    @property
    def subscription(self) -> str:
        """The subscription of a build whose template names none, as far as it is known without a login."""
        known = self._connected.subscription_id if self._connected else os.environ.get("ARM_SUBSCRIPTION_ID")
        return known or NO_SUBSCRIPTION

    def coming(self, job: Job, captured: str) -> Release:
        """What this build makes, with everything resolved: image modules read nothing but this."""
        captured = self.vm(job) if captured == PLANNED else captured
        images = entries.of(job, captured, staged.image(blueprint_of(job.blueprint), self.subscription))
        return {"source": job.source.exact, "images": images}

    def displaced(self, job: Job, ledger: Ledger) -> list[tuple[str, str]]:
        """Managed images and blobs have one name for all versions (FACTS.md 10)."""
        return entries.displaced(job, ledger)

    def make_room(self, workspace: Path, images: dict[str, Any], events: Events) -> None:
        """A managed image has to go before the next is made. A blob is replaced by the finished copy."""
        managed = {name: image for name, image in images.items() if image["kind"] == "ManagedImage"}
        self.discard(workspace, managed, events)

    def exports(self, images: dict[str, Any]) -> dict[str, Any]:
        """Blobs are copied by the SDK: an address with a grant in it never reaches Terraform's state."""
        return {name: image for name, image in images.items() if image["kind"] == "VHD"}

    def export(self, job: Job, images: dict[str, Any], events: Events) -> None:
        """Copy the captured disk to each blob."""
        from generator.azure import vhd  # noqa: PLC0415

        for name, image in images.items():
            events.started(name, f"image {name}")
            vhd.export(self.session, image["source_id"], image["id"], image["tags"], events.note)

    def whole(self, workspace: Path, images: dict[str, Any], events: Events) -> bool:
        """Ask Azure for each; what is on its way is waited for, what failed is deleted."""
        from generator.azure import versions  # noqa: PLC0415

        return all(versions.whole(self.session, image, REPLICATION_SECONDS, events.note) for image in images.values())

    def as_made(self, images: dict[str, Any]) -> dict[str, Any]:
        """Gallery versions with their regions in Azure's order: azurerm compares them as a list."""
        from generator.azure import versions  # noqa: PLC0415

        return {name: versions.as_made(self.session, image) for name, image in images.items()}

    def find_released(self, workspace: Path, blueprint: Blueprint) -> dict[str, Release]:
        """By the tags of images."""
        from generator.azure import released  # noqa: PLC0415

        return released.find(self.session, blueprint, workspace)

    def occupied(self, workspace: Path, blueprint: Blueprint) -> dict[str, bool]:
        """The versions that the galleries have, in whatever state."""
        from generator.azure import destinations  # noqa: PLC0415

        return destinations.occupied(self.session, blueprint.destinations, blueprint_of(blueprint).id)

    def discard(self, workspace: Path, images: dict[str, Any], events: Events) -> None:
        """Delete images of this workspace; nobody else's, whatever a file says."""
        from generator.azure import versions  # noqa: PLC0415

        for image in images.values():
            versions.retire(self.session, image, events.note)

    def describe(self, workspace: Path, release: Release) -> list[dict[str, Any]]:
        """The id or address of each image."""
        return [
            {"output": name, "kind": image["kind"], "name": ids.name(image["id"]), "path": image["id"]}
            for name, image in sorted(release["images"].items())
        ]

    def boot_hint(self, workspace: Path, release: Release) -> str | None:
        """Nothing boots here."""
        return None


def blueprint_of(blueprint: Blueprint) -> Azure:
    """What a blueprint says of Azure."""
    assert blueprint.azure is not None  # noqa: S101 - decide.py makes it for this target
    return blueprint.azure
