"""Making, reading, changing and deleting resources, as azurerm does it, against the cloud."""

import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from tests.azure_sim import clock
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.contents import Resource
from tests.azure_sim.errors import AnswerLost, CloudError
from tests.azure_sim.provider.kinds import KINDS, Kind
from tests.azure_sim.provider.schema import Field, Fields, resource_fields
from tests.azure_sim.provider.translate import inward, outward

Values = dict[str, Any]
LOOK_SECONDS = 0.1  # between two looks at an operation; a test may let time pass at once
ATTEMPTS = 5  # azurerm's HTTP client: one, and four more
MINUTES = 60.0
DEFAULT_TIMEOUT = 30 * MINUTES


class Refused(Exception):
    """An operation that did not end well; `state` is what azurerm would keep of it, None for nothing."""

    def __init__(self, message: str, state: Values | None = None) -> None:
        super().__init__(message)
        self.state = state


@dataclass
class Client:
    """A configured provider: one subscription of the cloud."""

    cloud: Cloud
    subscription: str
    stopped: threading.Event = field(default_factory=threading.Event)  # set by an interrupt
    keep_filled_groups: bool = True  # features.resource_group.prevent_deletion_if_contains_resources

    def create(self, kind_name: str, planned: Values, sent: Values) -> Values:
        """Make a resource; `sent` also has the write-only values, which are in no state."""
        kind = KINDS[kind_name]
        sent = _filled(kind, sent)
        planned = planned | {name: sent[name] for name in kind.names}
        arm_id = kind.arm_id(sent, self.subscription)
        planned["id"] = kind.terraform_id(sent, self.subscription)
        if self.ask(lambda: self.cloud.get(arm_id), f"checking for presence of existing {_resource(arm_id)}"):
            raise Refused(_exists(kind_name, planned["id"]))
        self._send(kind_name, arm_id, sent, planned, "creating", "create")
        state = self.read(kind_name, planned)
        if state is None:
            raise Refused(f"creating {arm_id}: it was not found after it was made")
        return state

    def read(self, kind_name: str, state: Values) -> Values | None:
        """A resource as the cloud has it now; None when it is gone. `state` tells which, and what is never told."""
        kind = KINDS[kind_name]
        record = self.ask(
            lambda: self.cloud.get(self._place(kind, state)), f"retrieving {_resource(self._place(kind, state))}"
        )
        if record is None:
            return None
        self._read_more(kind_name, record)
        fields = resource_fields(kind_name)
        values = self._values(kind_name, fields, record)
        names = {name: state[name] for name in kind.names if name in fields}
        return completed(fields, _kept(fields, values | names, state)) | {"id": state["id"]}

    def _read_more(self, kind_name: str, record: Resource) -> None:
        """What azurerm 5.2.0 reads beside a resource, whose rights a role must have (internal/services, `Read`)."""
        match kind_name:
            case "azurerm_storage_account":
                with suppress(CloudError):  # it goes on without the keys
                    self.cloud.request("listKeys", record["id"])
                for service, told in (("blobServices", "reading blob"), ("fileServices", "retrieving share")):
                    place = f"{record['id']}/{service}/default"
                    self.ask(partial(self.cloud.request, "read", place), f"{told} properties for {record['id']}")
            case "azurerm_virtual_machine_extension":
                machine = record["id"].rpartition("/extensions/")[0]
                self.ask(partial(self.cloud.get, machine), f"retrieving {machine}")
            case "azurerm_linux_virtual_machine" | "azurerm_windows_virtual_machine":
                disk = record["properties"]["storageProfile"]["osDisk"]["managedDisk"]["id"]
                self.ask(partial(self.cloud.get, disk), f"flattening `os_disk`: retrieving {disk}")

    def update(self, kind_name: str, planned: Values, sent: Values) -> Values:
        """Change a resource in place."""
        self._send(kind_name, self._place(KINDS[kind_name], planned), sent, planned, "updating", "update")
        state = self.read(kind_name, planned)
        if state is None:
            raise Refused(f"updating {planned['id']}: it was not found")
        return state

    def delete(self, kind_name: str, state: Values) -> None:
        """Delete a resource, and wait until it is gone."""
        arm_id = self._place(KINDS[kind_name], state)
        if kind_name == "azurerm_resource_group" and self.keep_filled_groups:
            self._require_empty(arm_id)
        self.ask(lambda: self.cloud.delete(arm_id), f"deleting {state['id']}")
        if record := self.ask(lambda: self.cloud.get(arm_id), f"deleting {state['id']}"):
            self._wait(record, _timeout(state, "delete"), f"deleting {state['id']}")
        if kind_name.endswith("_virtual_machine"):  # features.virtual_machine.delete_os_disk_on_deletion
            disk_id = state["os_disk"][0]["id"]
            self.ask(lambda: self.cloud.delete(disk_id), f"deleting OS Disk {disk_id}")

    def find(self, kind_name: str, fields: Fields, arm_id: str) -> Values | None:
        """What a data source shows of a resource."""
        record = self.ask(lambda: self.cloud.get(arm_id), f"retrieving {arm_id}")
        return self._values(kind_name, fields, record) if record else None

    def _values(self, kind_name: str, fields: Fields, record: Resource) -> Values:
        values = inward(kind_name, fields, record["properties"])
        shown = {"id": record["id"], "location": record["location"], "tags": record["tags"] or None}
        shown["name"] = values.get("name") or record["name"]  # a role's name is not the last of its id
        values.update({name: value for name, value in shown.items() if name in fields})
        if kind_name.endswith("_virtual_machine"):
            values.update({name: value for name, value in self._seen(record).items() if name in fields})
        return values

    def _seen(self, machine: Resource) -> Values:
        """What azurerm tells of a machine that is not in it: its addresses are those of its interfaces."""
        links = machine["properties"].get("networkProfile", {}).get("networkInterfaces") or []
        interfaces = [one for link in links if (one := self._get_or_none(link["id"]))]
        parts = [part for one in interfaces for part in one["properties"].get("ipConfigurations") or []]
        private = [part["privateIPAddress"] for part in parts]
        ids = [part["publicIPAddressId"] for part in parts if part.get("publicIPAddressId")]
        public = [one["properties"]["ipAddress"] for public_id in ids if (one := self._get_or_none(public_id))]
        return {
            "private_ip_addresses": private, "private_ip_address": next(iter(private), None),
            "public_ip_addresses": public, "public_ip_address": next(iter(public), None),
            "power_state": machine["state"]["power"],
        }  # fmt: skip

    def _get_or_none(self, arm_id: str) -> Resource | None:
        """A resource, None also where reading it is refused: azurerm then does without."""
        try:
            return self.cloud.get(arm_id)
        except CloudError:
            return None

    def _send(self, kind_name: str, arm_id: str, sent: Values, planned: Values, doing: str, timeout: str) -> None:
        kind = KINDS[kind_name]
        properties = outward(kind_name, resource_fields(kind_name), sent, kind.names)
        body = {"location": sent.get("location"), "tags": sent.get("tags"), "properties": properties}
        named = f"{doing} {_resource(arm_id)}"
        record = self.ask(lambda: self.cloud.put(arm_id, body), f"{named}: performing CreateOrUpdate")
        try:
            self._wait(record, _timeout(sent, timeout), named)
        except Refused as refused:
            # azurerm keeps the id of a run command whose script failed, and of nothing else.
            if kind_name == "azurerm_virtual_machine_run_command":
                refused.state = self.read(kind_name, planned)
            raise

    def _wait(self, record: Resource, seconds: float, doing: str) -> None:
        """Wait until an operation is over, or the time for it."""
        limit = time.monotonic() + seconds
        while (left := record["busy_until"] - clock.now()) > 0:
            allowed = limit - time.monotonic()
            if self.stopped.wait(max(0.0, min(left, allowed, LOOK_SECONDS))):
                raise Refused(f"{doing}: polling after CreateOrUpdate: context canceled")
            if allowed <= 0:
                raise Refused(f"{doing}: polling after CreateOrUpdate: context deadline exceeded")
        if failure := self.cloud.failure(record["id"]):
            raise Refused(f"{doing}: polling after CreateOrUpdate: polling failed: {_polled(failure)}")

    def ask(self, request: Callable[[], Any], doing: str) -> Any:
        """A request, asked again while the cloud is too busy or broken, as azurerm's client does."""
        for left in reversed(range(ATTEMPTS)):
            try:
                return request()
            except CloudError as error:
                if left == 0 or (error.status != 429 and error.status < 500):
                    status = f"{error.status} ({error.status} {HTTPStatus(error.status).phrase})"
                    raise Refused(f"{doing}: unexpected status {status} with error: {error}") from error
                if self.stopped.wait(error.retry_after or 0.0):
                    raise Refused(f"{doing}: context canceled") from error
            except AnswerLost as error:
                raise Refused(f"{doing}: HTTP response was nil; {error}") from error
        return None

    def _require_empty(self, group: str) -> None:
        if inside := self.cloud.resources(under=group):
            lines = "\n".join(f"* `{one['id']}`" for one in inside)
            raise Refused(f"deleting Resource Group: the Resource Group still contains Resources.\n\n{lines}")

    def _place(self, kind: Kind, state: Values) -> str:
        return kind.arm_id(state, self.subscription) if kind.id else str(state["id"])


def _polled(failure: CloudError) -> str:
    """go-azure-sdk, sdk/client/resourcemanager/errors.go: the message, and then the whole answer with it."""
    answer = {
        "startTime": "2026-01-01T00:00:00.0000000+00:00", "endTime": "2026-01-01T00:01:00.0000000+00:00",
        "status": "Failed", "error": {"code": failure.code, "message": failure.message},
        "name": str(uuid4()),
    }  # fmt: skip
    quoted = json.dumps(failure.message, ensure_ascii=False)
    return (
        f'the Azure API returned the following error:\n\nStatus: "Failed"\nCode: "{failure.code}"\nMessage: {quoted}\n'
        f'Activity Id: ""\n\n---\n\nAPI Response:\n\n----[start]----\n{json.dumps(answer)}\n-----[end]-----\n'
    )


def _resource(arm_id: str) -> str:
    """An id as go-azure-sdk shows it: the kind, and then each part in a line."""
    segments = arm_id.strip("/").split("/")
    names = dict(zip(segments[0::2], segments[1::2], strict=False))
    names.pop("providers", None)
    kinds = [_words(one).removesuffix("s") for one in names]
    kinds = [
        {"Subscription": "Subscription", "Resource Group": "Resource Group Name"}.get(one, f"{one} Name")
        for one in kinds
    ]
    listed = "\n".join(f'{kind}: "{name}"' for kind, name in zip(kinds, names.values(), strict=True))
    return f"{kinds[-1].removesuffix(' Name')} ({listed})"


def _words(text: str) -> str:
    """`virtualMachines` in words that begin in capitals."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text[:1].upper() + text[1:])


def importable(kind_name: str, text: str) -> Values | None:
    """The state an import begins with; None when the id is not one of this type's."""
    names = KINDS[kind_name].parse(text)
    if names is None:
        return None
    fields = resource_fields(kind_name)
    state = {name: field.absent for name, field in fields.items()}
    return state | {name: value for name, value in names.items() if name in fields} | {"id": text}


def _filled(kind: Kind, sent: Values) -> Values:
    """What azurerm adds to a request for which the configuration is silent, and the names it makes up."""
    usual = {
        name: value.format(**sent) if isinstance(value, str) else value for name, value in (kind.filled or {}).items()
    }
    made_up = {name: str(uuid4()) for name in kind.names if sent.get(name) is None}
    return sent | {name: value for name, value in (usual | made_up).items() if sent.get(name) is None}


def _kept(fields: Fields, values: Values, state: Values) -> Values:
    """Secrets that Azure never tells, and what only Terraform knows, stay as the state has them."""
    return {name: _keep(one, values.get(name), state.get(name)) for name, one in fields.items()}


def _keep(field: Field, value: Any, before: Any) -> Any:
    if field.write_only:
        return None
    if field.name == "timeouts" or (field.sensitive and not field.computed):
        return before
    if not field.fields or not isinstance(value, list):
        return value
    olds = before if isinstance(before, list) else []
    return [_kept(field.fields, item, _before(field, item, olds, place)) for place, item in enumerate(value)]


def _before(field: Field, item: Values, olds: list[Values], place: int) -> Values:
    """What an element was: in a list the one at its place, in a set the one that says the same openly."""
    if field.shape == "list":
        return olds[place] if place < len(olds) else {}
    plain = [name for name, one in field.fields.items() if not one.sensitive and not one.fields]
    return next((old for old in olds if all(old.get(name) == item.get(name) for name in plain)), {})


def completed(fields: Fields, values: Values) -> Values:
    """Every computed value has to be known."""
    return {name: _complete(one, values.get(name)) for name, one in fields.items()}


def _complete(field: Field, value: Any) -> Any:
    if value is None and field.computed:
        return field.zero
    if field.fields and isinstance(value, list):
        return [completed(field.fields, item) for item in value]
    return value


def _timeout(values: Values, operation: str) -> float:
    """The seconds of `timeouts`, which is written as Go writes durations."""
    text = (values.get("timeouts") or {}).get(operation)
    units = {"h": 60 * MINUTES, "m": MINUTES, "s": 1.0}
    parts = re.findall(r"([\d.]+)([hms])", text or "")
    return sum(float(number) * units[unit] for number, unit in parts) if parts else DEFAULT_TIMEOUT


def _exists(kind_name: str, resource_id: str) -> str:
    return (
        f'A resource with the ID "{resource_id}" already exists - to be managed via Terraform this resource needs to '
        f'be imported into the State. Please see the resource documentation for "{kind_name}" for more information.'
    )
