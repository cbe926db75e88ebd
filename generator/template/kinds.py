"""What a file is that is no image template, told by its JSON: one error, which says what to do with it."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from generator.errors import to_paste
from generator.template.arm.deployed import is_deployment
from generator.template.document import Path
from generator.template.rules.resource import PROVIDER, RESOURCE_TYPE

API_VERSION = "2024-02-01"
PARTS = {"source", "customize", "distribute"}  # of `properties`, as its flat forms have them at the top
CUT = ("@{", "System.Object[]", "System.Collections.", "System.Management.Automation.")
DEEPEST = 20_000  # values of a document that are looked at for what PowerShell has cut
MOST_LISTED = 10


class Kind(NamedTuple):
    """What a file is, what to do with it, and where it shows."""

    what: str
    hint: str
    path: Path = ()


def of_template(value: Any) -> Kind | None:
    """What a document is that was given as an image template, where it is known and none."""
    if isinstance(value, list):
        return _list(value)
    if not isinstance(value, dict):
        return None
    low = {key.lower(): item for key, item in value.items()}
    return next((kind for look in LOOKS if (kind := look(value, low))), None)


def of_parameters(value: Any) -> Kind | None:
    """What a document is that was given as a parameter file, where it is known and none."""
    hint = "give it as the template, and the file of its parameters with --parameters"
    if is_deployment(value):
        return Kind("a deployment template", hint)
    if isinstance(value, dict) and (_is_image_template(value) or PARTS & {key.lower() for key in value}):
        return Kind("an image template", hint)
    if isinstance(value, dict) and "terraform_version" in value:
        return Kind("a file of Terraform's", "write an ARM parameter file")
    return None


Look = Callable[[dict[str, Any], dict[str, Any]], Kind | None]


def _list(items: list[Any]) -> Kind | None:
    templates = [one for one in items if isinstance(one, dict) and _is_image_template(one)]
    if not templates:
        return None
    names = [str(one.get("name", one.get("Name", "?")))[:80] for one in templates]
    listed = ", ".join(names[:MOST_LISTED]) + (", …" if len(names) > MOST_LISTED else "")
    what = f"a list of {len(templates)} image template{'s' if len(templates) > 1 else ''}: {listed}"
    return Kind(what, f"save one of them as a file: {_show(templates[0])}")


def _of_rest(_: dict[str, Any], low: dict[str, Any]) -> Kind | None:
    """`{"value": […], "nextLink": …}`: what Azure's REST API answers for a list."""
    if isinstance(low.get("value"), list) and low.keys() <= {"value", "nextlink", "id", "count"}:
        found = _list(low["value"])
        listed = found.what.removeprefix("a list of ") if found else f"{len(low['value'])} things"
        return Kind(f"an answer of Azure's REST API that lists {listed}", "save one image template as a file")
    if isinstance(low.get("error"), dict) and low.keys() <= {"error", "status"}:
        code = str(low["error"].get("code", ""))[:80]
        return Kind(f"an error that Azure answered{f': {code}' if code else ''}", "save the image template itself")
    return None


def _parameter_file(value: dict[str, Any], low: dict[str, Any]) -> Kind | None:
    entries = low.get("parameters")
    by_schema = "deploymentparameters" in str(low.get("$schema", ""))[:200].lower()
    by_form = (
        isinstance(entries, dict) and entries and not is_deployment(value) and all(map(_is_entry, entries.values()))
    )
    if by_schema or (by_form and not low.keys() - {"$schema", "contentversion", "parameters"}):
        return Kind("an ARM parameter file", "give the template, and this file with --parameters")
    return None


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and bool({"value", "reference", "expression"} & {key.lower() for key in entry})


def _deployment_record(_: dict[str, Any], low: dict[str, Any]) -> Kind | None:
    """What tools answer of deployments, and what they send."""
    found = low.get("properties")
    properties = found if isinstance(found, dict) else {}
    changes = low.get("changes", properties.get("changes"))
    if isinstance(changes, list) and all(isinstance(one, dict) and "changeType" in one for one in changes):
        return Kind("the output of `az deployment … what-if`", "give the template that was deployed")
    if isinstance(properties.get("template"), dict):
        return Kind("a request to deploy a template", "save its `properties.template` as a file")
    kind = str(low.get("type", "")).lower()
    if kind == "microsoft.resources/deployments":
        name = str(low.get("name", "NAME"))[:80]
        hint = f"`az deployment group export -n {name} -g GROUP` prints the template that was deployed"
        return Kind("the record of a deployment", hint)
    if isinstance(low.get("maintemplate", properties.get("mainTemplate")), dict):
        return Kind("a template spec", "save its `mainTemplate` as a file")
    return None


def _schema(_: dict[str, Any], low: dict[str, Any]) -> Kind | None:
    """Documents that say by a schema, a version or their keys what they are."""
    schema = str(low.get("$schema", ""))[:200].lower()
    if "createuidefinition" in schema or str(low.get("handler", "")).startswith("Microsoft.Azure.CreateUIDef"):
        return Kind("the definition of a form of the Azure portal", "give the template that it is for")
    if "json-schema.org" in schema:
        return Kind("a JSON Schema", "give an image template")
    if "responses" in low and isinstance(low.get("parameters"), dict):
        return Kind("an example of a REST API", "save its request body as a file")
    return None


def _of_other_tools(_: dict[str, Any], low: dict[str, Any]) -> Kind | None:
    """Files of Terraform, Packer and imagegen itself."""
    if "terraform_version" in low or ("format_version" in low and {"planned_values", "resource_changes"} & low.keys()):
        return Kind("a state or a plan of Terraform", "give the image template that it was made from")
    blocks = {"resource", "data", "variable", "provider", "terraform", "module", "output", "locals"}
    if low and low.keys() <= blocks | {"//"}:
        return Kind("a configuration of Terraform in JSON", "give an image template")
    if isinstance(low.get("builders"), list):
        return Kind("a template of Packer", "write an image template: its `customize` has what are provisioners there")
    if {"files", "settings"} <= low.keys():
        return Kind("the lock of a workspace of imagegen", "give the folder, or its template.json")
    if "releases" in low or low.keys() == {"steps"} or {"steps", "staging_group"} <= low.keys():
        return Kind("a file of a workspace of imagegen", "give the folder, or its template.json")
    return None


def _flat(value: dict[str, Any], low: dict[str, Any]) -> Kind | None:
    """An image template without `properties`, whose parts stand at the top, as tools show it."""
    if "properties" in low or len(PARTS & low.keys()) < 2:
        return None
    if any(key in value for key in ("Customize", "Distribute", "ProvisioningState")):
        what = "the output of Get-AzImageBuilderTemplate, which has other names than a template"
        return Kind(what, f"save this instead: {_request(value)}")
    if "provisioningState" in value or "id" in value:
        what = "the output of `az image builder show`, which has the properties at the top and may lack some"
        return Kind(what, f"save this instead: {_show(value)}")
    return Kind("an image template without `properties`", 'put what is not about the resource into "properties": {…}')


def _cut(value: dict[str, Any], _: dict[str, Any]) -> Kind | None:
    """What PowerShell writes for parts that lie deeper than it was told to go."""
    for path, one in () if is_deployment(value) else _texts(value):
        if one.startswith(CUT) and (one.endswith("}") or one.startswith("System.")):
            what = "cut off: PowerShell has not written what lies deeper"
            return Kind(what, "write it with ConvertTo-Json -Depth 100", path)
    return None


def _texts(value: Any) -> Iterator[tuple[Path, str]]:
    """The texts in a document outside of scripts, as far as it is worth looking."""
    waiting: list[tuple[Path, Any]] = [((), value)]
    for _ in range(DEEPEST):
        if not waiting:
            return
        path, one = waiting.pop()
        if isinstance(one, str):
            yield path, one
        elif isinstance(one, dict):
            waiting.extend(((*path, key), item) for key, item in one.items())
        elif isinstance(one, list) and path[-1:] not in (("inline",), ("Inline",)):
            waiting.extend(((*path, index), item) for index, item in enumerate(one))


def _other_resource(value: dict[str, Any], low: dict[str, Any]) -> Kind | None:
    """Another resource of Azure's, such as an image or a run output."""
    kind = low.get("type", low.get("resourcetype"))
    if not isinstance(kind, str) or "/" not in kind or is_deployment(value) or "<" in kind or kind.startswith("["):
        return None
    if kind.lower() in (RESOURCE_TYPE.lower(), PROVIDER.lower()):
        return None
    path = next((key for key in value if key.lower() in ("type", "resourcetype")), "type")
    return Kind(
        f"not an image template but a resource of the type {kind[:100]}", f"the type is {RESOURCE_TYPE}", (path,)
    )


LOOKS: tuple[Look, ...] = (
    _of_rest, _parameter_file, _deployment_record, _schema, _of_other_tools, _cut, _other_resource, _flat,
)  # fmt: skip


def _is_image_template(value: dict[str, Any]) -> bool:
    low = {key.lower(): item for key, item in value.items()}
    kind = str(low.get("type", low.get("resourcetype", ""))).lower()
    return kind in (RESOURCE_TYPE.lower(), PROVIDER.lower())


def _id(value: dict[str, Any]) -> str:
    found = next((item for key, item in value.items() if key.lower() in ("id", "resourceid")), None)
    return found if isinstance(found, str) and "'" not in found and '"' not in found else "ID"


def _show(value: dict[str, Any]) -> str:
    return to_paste("az", "resource", "show", "--api-version", API_VERSION, "--ids", _id(value))


def _request(value: dict[str, Any]) -> str:
    return f'(Invoke-AzRestMethod -Path "{_id(value)}?api-version={API_VERSION}").Content'
