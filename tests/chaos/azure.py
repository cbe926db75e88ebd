"""A place whose machines are in the simulated Azure."""

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from tests.azure.conftest import IMAGES, LINUX, SUBSCRIPTION, USUAL, Azure
from tests.azure.making import MACHINES, managed, private, shared
from tests.azure_sim import mirror
from tests.azure_sim.arm import certificates
from tests.azure_sim.arm.certificates import Certificates
from tests.azure_sim.arm.server import Server
from tests.azure_sim.arm_id import ArmId
from tests.azure_sim.fixtures import AzureArm
from tests.azure_sim.mirror import Mirror
from tests.chaos.place import Part, Place
from tests.machine.conftest import Imagegen

ACCOUNT = f"{IMAGES}/providers/Microsoft.Storage/storageAccounts/account"
MANAGED = f"{IMAGES}/providers/Microsoft.Compute/images/web"
USERS_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/theirs"
# What every operation takes: builds are cut off within one, too.
DELAY_SECONDS = 0.1
_requests: dict[str, list[tuple[str, str]]] = {}  # by flavour


class AzurePlace(Place):
    """One Azure of its own: nothing that is in it is anybody else's."""

    target = "azure"
    flavours = ("gallery", "managed", "vhd", "validated", "their group")

    def __init__(self, folder: Path, flavour: str, root: Path) -> None:
        super().__init__(folder, flavour)
        (folder / "azure").mkdir()
        made, trusted = _once(root)
        sim = made.configured(folder / "azure")
        self.server = Server(sim.cloud, trusted)
        self.server.__enter__()
        arm = AzureArm(sim, self.server)
        self.azure = Azure(arm, Imagegen(self.state_dir), folder)
        self.cloud = sim.cloud
        self.environment |= arm.env | {"IMAGEGEN_ALLOW_FROM": "192.0.2.1/32", "IMAGEGEN_CACHE_DIR": str(folder / "c")}
        self.cloud.set(
            scripts=USUAL, delay={"*": DELAY_SECONDS}, marketplace={"Debian:debian-12:12-gen2": {"versions": ["1.0.1"]}}
        )
        self._furnish()
        self._before = self.azure.names()
        self._furnished = len(self.cloud.journal())

    def _furnish(self) -> None:
        """What the user has there."""
        self.image = self.azure.definition("web")
        self.subnet = private(self.azure)
        for where in (ACCOUNT, f"{ACCOUNT}/blobServices/default/containers/vhds", USERS_GROUP):
            self.cloud.put(where, {"location": "westeurope"})
        account = self.cloud.get(ACCOUNT)
        assert account
        self.blob = str(account["properties"]["primaryEndpoints"]["blob"]).rstrip("/") + "/vhds/web.vhd"

    def properties(self) -> Part:
        """Steps are run commands; the images go where the flavour says."""
        properties: Part = {"source": LINUX, "vmProfile": self.subnet, "distribute": [shared(self.image)]}
        match self.flavour:
            case "managed":
                properties["distribute"].append(managed(MANAGED))
            case "vhd":
                properties["distribute"].append({"type": "VHD", "runOutputName": "blob", "uri": self.blob})
            case "validated":
                properties["validate"] = {"inVMValidations": [{"type": "Shell", "name": "valid", "inline": ["true"]}]}
            case "their group":
                properties["stagingResourceGroup"] = USERS_GROUP
        return properties

    def released(self) -> dict[str, Any]:
        """What Azure shows of each image; of a blob what is in it."""
        return {name: self._proof(name, image) for name, image in self.in_service().items()}

    def _proof(self, name: str, image: Part) -> str:
        if image["kind"] == "VHD":
            found = self._blobs().get("web.vhd")
            assert found, f"{name} is in the ledger, and its blob is not there"
            marks = (found.metadata.get("imagegen_version"), found.copy.status if found.copy else "success")
            assert marks == (name.partition("/")[0], "success"), f"{name} is in the ledger, and its blob is of {marks}"
            return hashlib.sha256(bytes(found.content)).hexdigest()
        record = next((one for one in self.cloud.resources() if one["id"].lower() == image["id"].lower()), None)
        assert record, f"{name} is in the ledger, and {image['id']} is not there"
        state = record["properties"]["provisioningState"], record["tags"].get("imagegen:version")
        assert state == ("Succeeded", name.partition("/")[0]), f"{name} is in the ledger, and its image is {state}"
        return json.dumps({part: record[part] for part in ("id", "tags", "properties")}, sort_keys=True)

    def learn(self) -> None:
        """Which requests a build makes."""
        _requests[self.flavour] = self._requested()

    def requests(self) -> list[tuple[str, str]]:
        """The requests of a build of this flavour, each action on a type once."""
        return _requests.get(self.flavour) or self._requested() or [("create", MACHINES)]

    def _requested(self) -> list[tuple[str, str]]:
        return sorted({(action, ArmId(where).type) for action, where in self.cloud.journal()[self._furnished :]})

    def nothing_leaks(self, *, built: bool) -> None:  # noqa: ARG002
        """Azure has what it had, and the released images."""
        self.no_process_is_left()
        self.no_files_are_left()
        in_service = self.in_service().values()
        expected = {image["id"].lower() for image in in_service if image["kind"] != "VHD"}
        now = set(self.azure.names())
        assert now == expected | set(self._before), sorted(now ^ (expected | set(self._before)))
        blobs = {"web.vhd"} if any(image["kind"] == "VHD" for image in in_service) else set()
        assert set(self._blobs()) == blobs, set(self._blobs())
        if (self.workspace / "terraform.tfstate").exists():
            self.plan_is_empty()

    def _blobs(self) -> dict[str, Any]:
        found = self.server.arm.blobs.container("account", "vhds").blobs
        return {name: blob for name, blob in found.items() if blob.kind}  # else nothing but blocks, which Azure drops

    def end(self) -> None:
        """Its Azure goes."""
        self.server.__exit__(None, None, None)


@cache
def _once(root: Path) -> tuple[Mirror, Certificates]:
    """A mirror and certificates of this process."""
    for name in ("mirror", "certificates"):
        (root / f"{name}-{os.getpid()}").mkdir()
    return mirror.make(root / f"mirror-{os.getpid()}"), certificates.make(root / f"certificates-{os.getpid()}")
