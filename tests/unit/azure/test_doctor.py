"""Whether a build could begin; the role that it needs; and how what Azure says is told."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from generator.azure import doctor, permissions
from generator.azure.auth.errors import told
from generator.azure.doctor import Check
from generator.azure.session import Session
from generator.errors import ImagegenError
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.faults import fault
from tests.azure_sim.fixtures import AzureArm
from tests.azure_sim.mirror import SUBSCRIPTION
from tests.unit.azure import making
from tests.unit.azure.making import DEFINITION, blueprint, gallery_image

ROLES = Path(__file__).parents[3] / "examples" / "roles"
ACTION = re.compile(r"Microsoft\.[A-Za-z]+(/[A-Za-z]+)+/(read|write|delete|action)")
SIZE = "Standard_D2s_v5"


@pytest.fixture
def logged_in(azure_arm: AzureArm, monkeypatch: pytest.MonkeyPatch) -> AzureArm:
    """The simulated Azure, with its variables in our environment."""
    for name, value in azure_arm.env.items():
        monkeypatch.setenv(name, value)
    return azure_arm


def failing(checks: list[Check]) -> dict[str, str]:
    """What is not ok, with its advice."""
    return {check.name: check.advice for check in checks if not check.ok}


def test_all_is_well(logged_in: AzureArm) -> None:
    making.definition(logged_in.cloud)
    checks = doctor.check("", blueprint(gallery_image(), vm_size=SIZE))
    assert failing(checks) == {}
    names = [check.name for check in checks]
    for part in (
        "login by client secret",
        "provider Microsoft.Compute",
        "source Debian:",
        "size Standard_D2s_v5",
        "quota",
    ):
        assert any(name.startswith(part) for name in names), part
    assert failing(doctor.check()) == {}


def test_a_refused_login_ends_it(logged_in: AzureArm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARM_CLIENT_SECRET", "wrong")
    [check] = doctor.check()
    assert not check.ok
    assert "AADSTS7000215" in check.name


def test_everything_that_is_wrong_is_told(logged_in: AzureArm) -> None:
    cloud = logged_in.cloud
    making.definition(cloud, hyperVGeneration="V1")
    plan = {"name": "basic", "product": "firewall", "publisher": "vendor"}
    cloud.set(
        unregistered=["Microsoft.Storage"],
        usages={"standardDSv5Family": (99, 100)},
        denied={DEFINITION: ["Microsoft.Compute/galleries/images/versions/write"]},
        marketplace={"Debian:debian-12:12-gen2": {"versions": ["1.0.0"], "plan": plan}},
    )
    wrong = failing(doctor.check("", blueprint(gallery_image(), vm_size=SIZE)))
    assert wrong["provider Microsoft.Storage"] == "az provider register --namespace Microsoft.Storage"
    assert "versions/write" in wrong["permissions on gallery"]
    assert wrong["terms of vendor:firewall:basic"].startswith("az vm image terms accept")
    assert any("generation V1" in name for name in wrong)
    assert any(name.startswith("quota standardDSv5Family: 1 cores left, 2 needed") for name in wrong)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("Standard_D1_v2", "cannot run images of generation V2"),
        ("Standard_D2ps_v5", "cannot run x64 images"),
        ("Standard_None", "is not in westeurope"),
    ],
)
def test_a_size_that_does_not_suit(logged_in: AzureArm, size: str, said: str) -> None:
    making.definition(logged_in.cloud)
    wrong = failing(doctor.check("", blueprint(gallery_image(), vm_size=size)))
    assert any(said in name for name in wrong)


def test_a_size_that_is_closed_to_us(logged_in: AzureArm) -> None:
    making.definition(logged_in.cloud)
    closed = {"type": "Location", "values": ["westeurope"], "reasonCode": "NotAvailableForSubscription"}
    logged_in.cloud.set(skus=[{"name": SIZE, "restrictions": [closed]}])
    wrong = failing(doctor.check("", blueprint(gallery_image(), vm_size=SIZE)))
    assert any("is not open to this subscription" in name for name in wrong)


def test_what_is_granted_is_read_as_azure_means_it(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    granted = [
        {"actions": ["Microsoft.Compute/*"], "notActions": ["*/delete"], "dataActions": []},
        {
            "actions": ["*/read"],
            "notActions": [],
            "dataActions": ["Microsoft.Storage/*"],
            "notDataActions": ["*/write"],
        },
    ]
    monkeypatch.setattr(Session, "arm", lambda *_given: {"value": granted})
    blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
    needed = ["microsoft.compute/images/write", "Microsoft.Compute/images/delete", "Microsoft.Network/x/read",
              f"{blobs}/read", f"{blobs}/write"]  # fmt: skip
    assert permissions.missing(session, "/s", needed) == ["Microsoft.Compute/images/delete", f"{blobs}/write"]


@pytest.mark.parametrize("name", ["imagegen.json", "imagegen-lookups.json"])
def test_the_role_is_as_the_table_has_it(name: str) -> None:
    """`make golden` writes it."""
    role = json.loads((ROLES / name).read_text())
    assert role == permissions.roles()[name]
    assert len(role["Actions"]) == len(set(map(str.lower, role["Actions"])))
    assert not [action for action in [*role["Actions"], *role["DataActions"]] if not ACTION.fullmatch(action)]


def test_the_roles_readme_agrees() -> None:
    rows = [line for line in (ROLES / "README.md").read_text().splitlines() if line.startswith("|")][2:]
    patterns = [pattern for row in rows for pattern in re.findall(r"`([^`]+)`", row.split("|")[2])]
    covered = {
        pattern: [action for action in permissions.ACTIONS if permissions.matches(pattern, action)]
        for pattern in patterns
    }
    assert all(covered.values()), covered
    assert {action for actions in covered.values() for action in actions} == set(permissions.ACTIONS)


@pytest.mark.parametrize(
    ("code", "message", "said", "hint"),
    [
        ("SkuNotAvailable", "The size is not available.", "doing: The size is not available.", "az vm list-skus"),
        ("OperationNotAllowed", "Operation could not be completed as it results in exceeding approved Total Regional "
         "Cores quota.", "exceeding approved", "azquota"),
        ("MissingSubscriptionRegistration", "The subscription is not registered to use namespace 'Microsoft.Compute'.",
         "not registered", "az provider register --namespace Microsoft.Compute"),
        ("AuthorizationFailed", "The client 'a' with object id 'b' does not have authorization to perform action "
         "'Microsoft.Compute/disks/read' over scope '/subscriptions/s/x' or the scope is invalid.",
         "the credential may not do Microsoft.Compute/disks/read on /subscriptions/s/x", "examples/roles"),
        ("DeploymentFailed", '{"error":{"code":"SkuNotAvailable","message":"Inner."}}', "doing: Inner.", "vmSize"),
    ],
)  # fmt: skip
def test_azures_errors_become_sentences(
    session: Session, cloud: Cloud, code: str, message: str, said: str, hint: str
) -> None:
    cloud.plant(fault("read", "*", status=403, code=code, message=message))
    with pytest.raises(ImagegenError) as caught, told("doing"):
        session.compute().disks.get("g", "d")
    assert said in caught.value.message
    assert "\n" not in caught.value.message
    assert hint in (caught.value.hint or "")


def test_what_fails_late_is_told_too(session: Session, cloud: Cloud) -> None:
    making.put(cloud, making.GROUP)
    cloud.plant(fault("create", "Microsoft.Compute/disks", "fail", code="QuotaExceeded", message="No cores quota."))
    body: Any = {"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}}
    with pytest.raises(ImagegenError, match="doing: No cores quota") as caught, told("doing"):
        session.compute().disks.begin_create_or_update("images", "d", body).result()
    assert "azquota" in (caught.value.hint or "")


def test_a_server_that_does_not_answer_is_told(session: Session, azure_arm: AzureArm) -> None:
    azure_arm.cloud.plant(fault("read", "*", status=503, code="ServerBusy", message="Busy.", retry_after=0, times=-1))
    with pytest.raises(ImagegenError, match="doing: Busy"), told("doing"):
        session.compute().disks.get("g", "d")
    assert len([seen for seen in azure_arm.requests() if seen.path.endswith("/d")]) == 3
    assert SUBSCRIPTION in azure_arm.requests()[-1].path
