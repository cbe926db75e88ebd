"""Logging in as azurerm would: which source is taken, and what is said when none is, or when it is refused."""

import base64
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from generator.azure import machines
from generator.azure.auth import credentials, endpoints
from generator.azure.auth.credentials import Login, credential
from generator.azure.auth.endpoints import PUBLIC
from generator.azure.auth.environment import environment
from generator.azure.auth.errors import unless_missing
from generator.azure.session import Session, connect
from generator.errors import ImagegenError
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.faults import fault
from tests.azure_sim.fixtures import AzureArm
from tests.azure_sim.mirror import SUBSCRIPTION
from tests.unit.azure import making
from tests.unit.azure.making import MACHINE

APPLICATION = {"ARM_TENANT_ID": "11111111-1111-1111-1111-111111111111", "ARM_CLIENT_ID": "app"}
REQUEST = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://pipeline.test/token?x=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "proof"}


def test_one_setting_leads_both_halves_to_one_cloud(azure_arm: AzureArm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", azure_arm.env["SSL_CERT_FILE"])
    session = connect("", azure_arm.env)
    assert session.endpoints.management == azure_arm.endpoint
    assert session.endpoints.custom
    assert (session.subscription_id, session.source) == (SUBSCRIPTION, "client secret")
    assert list(session.compute().disks.list()) == []


def test_a_wrong_secret_is_told_before_anything_is_asked(azure_arm: AzureArm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", azure_arm.env["SSL_CERT_FILE"])
    with pytest.raises(ImagegenError, match="client secret was refused: AADSTS7000215") as told:
        connect("", azure_arm.env | {"ARM_CLIENT_SECRET": "wrong"})
    assert "secret's id" in (told.value.hint or "")
    assert "Trace ID" not in told.value.message
    assert not [seen for seen in azure_arm.requests() if seen.path.startswith("/subscriptions")]


def test_an_untrusted_server_is_told(azure_arm: AzureArm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(ImagegenError, match="metadata") as told:
        connect("", {name: value for name, value in azure_arm.env.items() if name != "SSL_CERT_FILE"})
    assert "SSL_CERT_FILE" in (told.value.hint or "")


def test_without_any_credential_each_source_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(ImagegenError) as told:
        connect("", {"PATH": str(tmp_path), "ARM_CLIENT_ID": "app"})
    for said in ("client secret (no ARM_TENANT_ID, ARM_CLIENT_SECRET)", "ARM_USE_MSI", "`az` is not installed"):
        assert said in told.value.message
    assert "--target local" in (told.value.hint or "")


@pytest.mark.parametrize(
    ("environ", "source"),
    [
        (APPLICATION | {"ARM_CLIENT_SECRET": "s", "ARM_USE_MSI": "true"}, "client secret"),
        (APPLICATION | {"ARM_CLIENT_SECRET": "s", "ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN": "t"}, "client secret"),
        (APPLICATION | {"ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN": "t"} | REQUEST, "OIDC token"),
        (APPLICATION | {"ARM_USE_OIDC": "true", "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID": "c"} | REQUEST, "Azure DevOps"),
        (APPLICATION | {"ARM_USE_OIDC": "true"} | REQUEST, "GitHub"),
        ({"ARM_USE_MSI": "true"}, "managed identity"),
        ({"ARM_USE_MSI": "1", "ARM_MSI_ENDPOINT": "http://127.0.0.1:1"}, "managed identity"),
    ],
)
def test_sources_are_taken_in_azurerms_order(environ: dict[str, str], source: str) -> None:
    assert credential(Login(environ, PUBLIC))[0] == source


def test_oidc_counts_only_when_it_is_switched_on(tmp_path: Path) -> None:
    with pytest.raises(ImagegenError, match="ARM_USE_OIDC is not true"):
        credential(Login(APPLICATION | REQUEST | {"PATH": str(tmp_path)}, PUBLIC))


def test_secrets_and_tokens_may_be_in_files(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s\n")
    login = Login(APPLICATION | {"ARM_CLIENT_SECRET_FILE_PATH": str(file)}, PUBLIC)
    assert credential(login)[0] == "client secret"
    missing = Login(APPLICATION | {"ARM_CLIENT_SECRET_FILE_PATH": str(tmp_path / "none")}, PUBLIC)
    with pytest.raises(ImagegenError, match="ARM_CLIENT_SECRET_FILE_PATH"):
        credential(missing)


def test_a_workload_of_aks_needs_no_arm_variable(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    environ = {
        "ARM_USE_AKS_WORKLOAD_IDENTITY": "true", "AZURE_CLIENT_ID": "app", "AZURE_TENANT_ID": "tenant",
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
    }  # fmt: skip
    assert credential(Login(environ, PUBLIC))[0] == "OIDC token"


def test_a_token_of_a_pipeline_is_good_for_a_login(azure_arm: AzureArm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", azure_arm.env["SSL_CERT_FILE"])
    asked: list[tuple[Any, ...]] = []

    def issue(_login: Login, method: str, query: dict[str, str], member: str) -> str:
        asked.append((method, query["audience"], member))
        return _token()

    monkeypatch.setattr(credentials, "_issued", issue)
    environ = {name: value for name, value in azure_arm.env.items() if name != "ARM_CLIENT_SECRET"}
    assert connect("", environ | REQUEST | {"ARM_USE_OIDC": "true"}).source == "GitHub"
    assert asked == [("GET", "api://AzureADTokenExchange", "value")]


def _token() -> str:
    parts = (
        '{"alg":"RS256"}',
        '{"iss":"https://pipeline.test","sub":"repo","aud":"api://AzureADTokenExchange"}',
        "sig",
    )
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


def test_a_broken_certificate_is_told(tmp_path: Path) -> None:
    (tmp_path / "cert.pfx").write_bytes(b"no certificate")
    with pytest.raises(ImagegenError, match="certificate"):
        credential(Login(APPLICATION | {"ARM_CLIENT_CERTIFICATE_PATH": str(tmp_path / "cert.pfx")}, PUBLIC))


def test_az_says_which_subscription(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    az = tmp_path / "az"
    az.write_text(
        f"#!/bin/sh\nenv >>{tmp_path}/given\n"
        'case "$*" in *get-access-token*) echo \'{"accessToken":"t","expires_on":4102444800,"expiresOn":"x"}\';;\n'
        '*) echo \'{"id":"from-az","tenantId":"tenant-of-az"}\';; esac\n'
    )
    az.chmod(az.stat().st_mode | stat.S_IXUSR)
    path = f"{tmp_path}:{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    for name in ("NPM_TOKEN", "ARM_CLIENT_SECRET", "AZURE_CONFIG_DIR"):
        monkeypatch.setenv(name, f"planted-{name}")
    session = connect("", {"PATH": path})
    assert (session.source, session.subscription_id, session.tenant_id) == ("az", "from-az", "tenant-of-az")
    assert connect("given", {"PATH": path}).subscription_id == "given"
    given = (tmp_path / "given").read_text()
    assert "AZURE_CONFIG_DIR=planted" in given
    assert "TOKEN" not in given
    assert "ARM_" not in given


@pytest.mark.parametrize("says", ["echo a warning", "echo '[]'", "echo nobody is logged in >&2; exit 1"])
def test_an_az_that_gives_no_token_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    az = tmp_path / "az"
    az.write_text(f"#!/bin/sh\n{says}\n")
    az.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(
        ImagegenError, match=r"login to Azure by az was refused: (nobody is logged in|`az account get-acc)"
    ):
        connect("", {"PATH": os.environ["PATH"]})


def test_a_subscription_must_be_said(azure_arm: AzureArm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", azure_arm.env["SSL_CERT_FILE"])
    environ = {name: value for name, value in azure_arm.env.items() if name != "ARM_SUBSCRIPTION_ID"}
    with pytest.raises(ImagegenError, match="which subscription"):
        connect("", environ)


def test_clouds_go_by_azurerms_names() -> None:
    assert endpoints.find({}).management == "https://management.azure.com"
    assert endpoints.find({"ARM_ENVIRONMENT": "USGovernment"}).login == "https://login.microsoftonline.us"
    assert endpoints.find({"ARM_ENVIRONMENT": "china"}).storage_suffix == "core.chinacloudapi.cn"
    with pytest.raises(ImagegenError, match="ARM_ENVIRONMENT"):
        endpoints.find({"ARM_ENVIRONMENT": "moon"})


def test_terraform_gets_what_logs_in_and_nothing_else() -> None:
    given = environment({"ARM_CLIENT_SECRET": "s", "ARM_METADATA_HOSTNAME": "h", "AWS_SECRET_ACCESS_KEY": "no"})
    assert given == {"ARM_CLIENT_SECRET": "s", "ARM_METADATA_HOSTNAME": "h"}


def test_throttling_is_waited_for(azure_arm: AzureArm, cloud: Cloud, session: Session) -> None:
    cloud.plant(fault("read", "*", status=429, code="TooManyRequests", retry_after=0.01))
    assert unless_missing(lambda: session.resources().resource_groups.get("none")) is None
    assert [seen.status for seen in azure_arm.requests() if seen.path.endswith("/none")] == [429, 404]


def test_an_azure_that_never_answers_is_given_up(
    azure_arm: AzureArm, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once is nothing: it is asked again. Azure's clients alone would wait for 20 minutes."""
    monkeypatch.setattr(endpoints, "ANSWER_SECONDS", 2)
    for name in ("SSL_CERT_FILE", "ARM_METADATA_HOSTNAME"):
        monkeypatch.setenv(name, azure_arm.env[name])
    session = connect("", azure_arm.env)
    making.machine(cloud)
    cloud.plant(fault("read", "Microsoft.Compute/virtualMachines", "slow", seconds=5))
    assert machines.runs(session, MACHINE)
    cloud.plant(fault("read", "Microsoft.Compute/virtualMachines", "slow", seconds=5, times=-1))
    with pytest.raises(ImagegenError, match="asking for the machine: there was no answer"):
        machines.runs(session, MACHINE)
