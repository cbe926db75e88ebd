"""Files of another kind: one error, which says what the file is and what to do; faithful ones are read."""

import json
from typing import Any

import pytest

from tests.templates.command import IMAGE, SUBSCRIPTION, Command, deployment, shared, template

ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.VirtualMachineImages/imageTemplates/t"
PROPERTIES = template(distribute=[shared()])["properties"]
FLAT = PROPERTIES | {
    "id": ID, "name": "t", "location": "westeurope", "provisioningState": "Succeeded", "validation": None,
    "vmProfile": {"osDiskSizeGb": 30}, "resourceGroup": "rg", "type": "Microsoft.VirtualMachineImages/imageTemplates",
}  # fmt: skip
PASCAL = {
    "Id": ID, "Name": "t", "Location": "westeurope", "ProvisioningState": "Succeeded", "VMProfileVmsize": "x",
    "Source": PROPERTIES["source"], "Customize": PROPERTIES["customize"], "Distribute": PROPERTIES["distribute"],
}  # fmt: skip
SECRET = "HUNTER2-of-a-parameter-file"
PARAMETERS = {"parameters": {"pw": {"value": SECRET}}}
DOCUMENTS: list[tuple[Any, str, str]] = [
    (FLAT, "the output of `az image builder show`", f"az resource show --api-version 2024-02-01 --ids {ID}"),
    (PASCAL, "the output of Get-AzImageBuilderTemplate", f'(Invoke-AzRestMethod -Path "{ID}?api-version=2024-02-01")'),
    (PROPERTIES, "an image template without `properties`", '"properties": {…}'),
    (PARAMETERS, "an ARM parameter file", "--parameters"),
    (PARAMETERS | {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"},
     "an ARM parameter file", "--parameters"),
    ([template(), template(envelope={"name": "u"})], "a list of 2 image templates: t, u", "save one of them"),
    ({"value": [template()], "nextLink": "https://x"}, "an answer of Azure's REST API that lists 1 image template: t",
     "save one"),
    ({"error": {"code": "ResourceNotFound", "message": "x"}}, "an error that Azure answered: ResourceNotFound", "save"),
    ({"status": "Succeeded", "changes": [{"changeType": "Create", "after": template(), "resourceId": ID}]},
     "the output of `az deployment … what-if`", "give the template that was deployed"),
    ({"properties": {"changes": [{"changeType": "NoChange"}]}}, "the output of `az deployment … what-if`", "give"),
    ({"properties": {"template": deployment(), "mode": "Incremental"}}, "a request to deploy a template",
     "`properties.template`"),
    ({"id": "x", "name": "dep", "type": "Microsoft.Resources/deployments",
      "properties": {"mode": "Incremental", "outputResources": []}},
     "the record of a deployment", "az deployment group export -n dep"),
    ({"type": "Microsoft.Resources/templateSpecs/versions", "mainTemplate": deployment()}, "a template spec",
     "`mainTemplate`"),
    ({"$schema": "https://schema.management.azure.com/schemas/0.1.2-preview/CreateUIDefinition.MultiVm.json#",
      "handler": "Microsoft.Azure.CreateUIDef"}, "a form of the Azure portal", "the template that it is for"),
    ({"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {}}, "a JSON Schema", "give an image"),
    ({"parameters": {"parameters": template()}, "responses": {"200": {}}}, "an example of a REST API", "request body"),
    ({"version": 4, "terraform_version": "1.11.4", "resources": [], "outputs": {"x": SECRET}},
     "a state or a plan of Terraform", "the image template"),
    ({"format_version": "1.2", "planned_values": {}}, "a state or a plan of Terraform", "the image template"),
    ({"resource": {"azurerm_image": {}}, "terraform": {}}, "a configuration of Terraform in JSON", "give an image"),
    ({"builders": [{"type": "azure-arm", "client_secret": SECRET}], "provisioners": []}, "a template of Packer",
     "`customize`"),
    ({"type": "Microsoft.Compute/images", "id": IMAGE, "properties": {}},
     "a resource of the type Microsoft.Compute/images", "the type is Microsoft.VirtualMachineImages/imageTemplates"),
    ({"type": "Microsoft.VirtualMachineImages/imageTemplates/runOutputs", "properties": {}},
     "a resource of the type Microsoft.VirtualMachineImages/imageTemplates/runOutputs", "the type is"),
    (template(source="@{type=PlatformImage; publisher=Debian}"), "cut off", "ConvertTo-Json -Depth 100"),
    (template(customize="System.Object[]"), "cut off", "ConvertTo-Json -Depth 100"),
    ({"files": {}, "settings": {}, "generator": "0"}, "the lock of a workspace of imagegen", "give the folder"),
]  # fmt: skip
TEXTS: list[tuple[bytes | str, str, str]] = [
    ("using './main.bicep'\nparam n = 'web'\n", "a Bicep parameter file", "bicep build-params"),
    ("// parameters\nusing none\n", "a Bicep parameter file", "bicep build-params"),
    ("@description('x')\nparam n string = 'web'\n", "a Bicep file", "bicep build FILE"),
    ("// an image\ntargetScope = 'subscription'\n", "a Bicep file", "bicep build FILE"),
    ("resource it 'Microsoft.VirtualMachineImages/imageTemplates@2024-02-01' = {\n}\n", "a Bicep file", "bicep build"),
    ('packer {\n}\nsource "azure-arm" "x" {\n}\nbuild {\n}\n', "a template of Packer", "`customize`"),
    ('variable "x" {}\nsource "azure-arm" "x" {\n}\n', "a template of Packer", "`customize`"),
    ('terraform {\n}\nresource "azurerm_image" "x" {\n}\n', "a configuration of Terraform", "give an image template"),
    ("# image\ntype: Microsoft.VirtualMachineImages/imageTemplates\nproperties:\n  source: {}\n", "YAML", "yq -o json"),
    ("---\n- a\n", "YAML", "yq -o json"),
    (f'client_secret = "{SECRET}"\n', "a file of variables", "give an image template"),
    ("#!/bin/sh\necho\n", "a script", "that runs it"),
    ("#cloud-config\nusers: []\n", "a configuration of cloud-init", "give an image template"),
    ("param(\n [string]$x\n)\n", "a script of PowerShell", "that runs it"),
    ("<!DOCTYPE html>\n<html>", "HTML or XML", "a login"),
    (b"PK\x03\x04\x00\x00\xff\xfe", "a ZIP archive", "give an image template"),
    (b"conectix\x00\x00\xff", "a VHD", "give an image template"),
]


@pytest.mark.parametrize(("document", "what", "hint"), DOCUMENTS)
def test_one_error_says_what_it_is(imagegen: Command, document: Any, what: str, hint: str) -> None:
    """By `validate` and by `generate`, whatever else is in it; its lines are not shown, for they may be secret."""
    said = imagegen.validate(json.dumps(document))
    ((level, _, message),) = said.problems
    assert (said.code, level) == (1, "error")
    assert message.startswith("this is ")
    assert what in message
    assert hint in said.hints[0]
    code, out, err = imagegen.run("generate", imagegen.write(json.dumps(document)))
    assert (code, what in err) == (1, True)
    assert SECRET not in said.text + out + err


@pytest.mark.parametrize(("content", "what", "hint"), TEXTS)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_what_is_no_json(imagegen: Command, content: bytes | str, what: str, hint: str, mark: bytes) -> None:
    raw = content if isinstance(content, bytes) else mark + content.replace("\n", "\r\n" if mark else "\n").encode()
    said = imagegen.validate(raw)
    ((_, message),) = said.errors
    assert message == f"this is {what}, not an image template in JSON"
    assert hint in said.hints[0]
    assert SECRET not in imagegen.run("validate", imagegen.write(raw))[2]


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ("using './main.bicep'\nparam n = 'HUNTER2'\n", "this is a Bicep parameter file, not a parameter file in JSON",
         "`bicep build-params FILE` makes a parameter file in JSON of it, which is given with --parameters"),
        ("password: HUNTER2\n", "this is YAML, not a parameter file in JSON", "yq -o json"),
        ('password = "HUNTER2"\n', "this is a file of variables, not a parameter file in JSON", ""),
        (json.dumps(deployment()), "this is a deployment template, not a parameter file", "give it as the template"),
        (json.dumps(template()), "this is an image template, not a parameter file", "give it as the template"),
        ("HUNTER2", "this is not JSON: it begins with `…`", "a parameter file begins with `{`"),
        ('{HUNTER2: 1}', "the key `…` must stand in double quotes", ""),
        ('{"parameters": {"n": {"value": HUNTER2}}}', "`…` is not a JSON value", "text must stand in double quotes"),
    ],
)  # fmt: skip
def test_a_parameter_file_of_another_kind(imagegen: Command, content: str, message: str, hint: str) -> None:
    """None of its words is shown, and what to do is told whole."""
    path = imagegen.write(content, "p")
    code, out, err = imagegen.run("validate", imagegen.write(deployment()), "--parameters", path)
    assert code == 1
    assert f"error: {message}\n" in err
    assert hint in err
    assert "1 error\n" in err
    assert "HUNTER2" not in out + err


def test_az_resource_show_is_read_as_it_is(imagegen: Command) -> None:
    """It is what the other outputs are to be replaced by: the names that it adds mean nothing, without a word."""
    shown = {
        "extendedLocation": None, "id": ID, "kind": None, "managedBy": None, "plan": None, "resourceGroup": "rg",
        "sku": None, "tags": {}, "systemData": {"createdAt": "x"}, "location": "westeurope", "name": "t",
        "identity": {"principalId": None, "tenantId": None, "type": "UserAssigned", "userAssignedIdentities": {
            f"{ID.partition('/providers')[0]}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u": {
                "clientId": "x", "principalId": "y"}}},
        "properties": PROPERTIES | {"provisioningState": "Succeeded", "lastRunStatus": None, "optimize": None,
                                    "exactStagingResourceGroup": "/subscriptions/x"},
        "type": "Microsoft.VirtualMachineImages/imageTemplates",
    }  # fmt: skip
    assert imagegen.validate(shown).problems == []
    own = imagegen.values(shown, "--target", "azure", "--force")
    assert own == imagegen.values(template(distribute=[shared()]), "--target", "azure", "--force")


def test_an_exported_deployment_template_is_read(imagegen: Command) -> None:
    """As `az group export` writes it, with a parameter for each name."""
    resource = template(envelope={"name": "[parameters('imageTemplates_t_name')]"}, provisioningState="Succeeded")
    body = deployment(
        resource, parameters={"imageTemplates_t_name": {"defaultValue": "t", "type": "String"}}, variables={}
    )
    assert imagegen.validate(body).code == 0


@pytest.mark.parametrize(
    "content",
    ['{"properties": {', "[1, 2", '{"source": {}, "customize": []', '// using x\n{"a": }'],
)
def test_broken_json_keeps_its_own_errors(imagegen: Command, content: str) -> None:
    assert not any("this is" in message for _, message in imagegen.validate(content).errors)
