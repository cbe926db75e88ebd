"""What the cloud remembers: resources by id, faults, and hooks, which tests set with `Cloud.set`."""

from typing import Any

Resource = dict[str, Any]
Contents = dict[str, Any]
MACHINES = "Microsoft.Compute/virtualMachines"


def empty() -> Contents:
    """A cloud with nothing in it, and every hook at rest."""
    return HOOKS | {"resources": {}, "faults": [], "ran": []}


HOOKS: Contents = {
    # The public addresses to hand out first.
    "addresses": [],
    # Seconds from a boot until the guest agent is ready.
    "agent_delay": 0.0,
    # What a machine's serial console says, by the machine's name.
    "console": {},
    # Copies of blobs: `reads` of the blob until the end, and how it `fails`. Of snapshots: `snapshot_seconds`.
    "copies": {},
    # Seconds that an operation takes, by type or by `*`.
    "delay": {},
    # Operations that are taken away, by scope: {"/subscriptions/S": ["Microsoft.Compute/images/write"]}; `*` is known.
    "denied": {},
    # Types whose answers carry ids in other letter case, or `*`.
    "echo_case": [],
    # Where the ARM front listens. Set by it.
    "endpoint": "",
    # Community and shared galleries: see `arm.galleries`.
    "galleries": {},
    # Marketplace images, `publisher:offer:sku` to any of `versions` (none: there is no such image), `generation`,
    # `architecture`, `security`, `os`, `disk_gb`, `plan`, `state`.
    "marketplace": {},
    # How long a page of a list is in the ARM front; 0 for as long as it takes.
    "page": 0,
    # Reads of its status until a version is replicated; a negative number is for ever.
    "replication": 0,
    # Regions to which versions do not replicate: with one of them, the whole ends as Failed.
    "replication_fails": [],
    # What is granted, by scope (`/`: everywhere), as Azure shows it. Asked for by fronts only: a test may do anything.
    "roles": [{"scope": "/", "actions": ["*"], "notActions": [], "dataActions": ["*"], "notDataActions": []}],
    # How scripts end: see `scripts`.
    "scripts": [],
    # Sizes of machines, by `name`, that differ from those of `arm.catalog`: {"name": N, "restrictions": [...]}.
    "skus": [],
    # The only subscriptions there are, by id, with what differs from the usual; with none, any id is one.
    "subscriptions": {},
    # How long a token is good.
    "token_seconds": 3600.0,
    # Resource providers that are not registered.
    "unregistered": [],
    # Cores by family, or for `cores`: (used, allowed).
    "usages": {},
}
