"""Azure that refuses, breaks, stays silent or is late."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from tests.azure.conftest import USUAL
from tests.azure_sim.faults import How, fault
from tests.chaos.azure import AzurePlace
from tests.chaos.faults import Fault, Scene

REFUSALS: dict[int, tuple[str, str]] = {
    401: ("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time."),
    403: (
        "AuthorizationFailed",
        "The client 'x' does not have authorization to perform action 'a/write' over scope '/s' or it expired.",
    ),
    404: ("ResourceNotFound", "The Resource was not found."),
    409: ("Conflict", "Another operation is in progress."),
    429: ("TooManyRequests", "The request is being throttled."),
    500: ("InternalServerError", "An error occurred."),
    503: ("ServiceUnavailable", "The service is unavailable."),
}


@contextmanager
def request(place: AzurePlace, random: Random) -> Iterator[Scene]:
    """One of the requests that a build makes goes wrong, once or some times."""
    action, arm_type = random.choice(place.requests())
    how: How = random.choice(["refuse", "refuse", "refuse", "refuse", "lose", "lose", "fail", "slow"])
    status = random.choice(list(REFUSALS))
    times = random.choice([1, 1, 1, 2, 10])
    code, message = REFUSALS[status]
    seconds = random.uniform(0.5, 8) if how in ("slow", "lose") else 0.0
    planted: dict[str, Any] = {"times": times, "seconds": seconds, "status": status, "code": code, "message": message}
    place.cloud.plant(fault(action, arm_type, how, retry_after=1.0 if status == 429 else None, **planted))
    yield Scene(f"{action} {arm_type.rpartition('Microsoft.')[2]} {how} {status if how == 'refuse' else ''} × {times}")
    place.cloud.set(faults=[])


@contextmanager
def outage(place: AzurePlace, random: Random) -> Iterator[Scene]:
    """From some request on everything of one kind is refused, until the outage is over."""
    action = random.choice(["create", "read", "delete", "list"])
    status = random.choice([401, 403, 429, 500, 503])
    code, message = REFUSALS[status]
    place.cloud.plant(fault(action, "*", status=status, code=code, message=message, times=random.randrange(5, 30)))
    yield Scene(f"{action} {status}")
    place.cloud.set(faults=[])


@contextmanager
def replication(place: AzurePlace, random: Random) -> Iterator[Scene]:
    """A version replicates late, or not at all."""
    late = random.random() < 0.5
    place.cloud.set(replication=2 if late else 0, replication_fails=[] if late else ["westeurope"])
    yield Scene("late" if late else "fails", codes=(0,) if late else (1,))
    place.cloud.set(replication=0, replication_fails=[])


@contextmanager
def script(place: AzurePlace, random: Random) -> Iterator[Scene]:
    """A step fails, reboots the machine, or switches it off."""
    ways: dict[str, dict[str, Any]] = {
        "fails": {"exit_code": 7}, "prints much": {"exit_code": 7, "output": "x" * 10**6},
        "reboots": {"reboots": True}, "switches off": {"powers_off": True},
        "prints binary": {"exit_code": 1, "output": bytes(range(256)).decode("latin-1"), "error": "\x1b[2J\x00"},
    }  # fmt: skip
    way = random.choice(list(ways))
    name = random.choice(["000-prepare", "010-one", "999-deprovision"])
    place.cloud.set(scripts=[{"name": name} | ways[way], *USUAL])
    yield Scene(f"{name} {way}", codes=(0, 1))
    place.cloud.set(scripts=USUAL)


@contextmanager
def copy_fails(place: AzurePlace, random: Random) -> Iterator[Scene]:
    """A blob is copied late, or not to the end."""
    fails = random.random() < 0.5
    place.cloud.set(copies={"fails": "no space"} if fails else {"reads": 3})
    yield Scene("fails" if fails else "late")
    place.cloud.set(copies={})


FAULTS = (
    Fault("request", request, ("azure",), 24),
    Fault("outage", outage, ("azure",), 3),
    Fault("replication", replication, ("azure",), 2),
    Fault("script", script, ("azure",), 3),
    Fault("copy", copy_fails, ("azure",), 2),
)
