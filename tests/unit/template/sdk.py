"""The fields that Microsoft's SDK has, by the name of its class; `sdk_fields.json` keeps those of its older releases.

One command adds a release: `pip install --no-deps --target DIR azure-mgmt-imagebuilder==VERSION`, then
`python -m tests.unit.template.sdk DIR VERSION` with a Python that has azure-mgmt-core and msrestazure, but not
this package.
"""

import json
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("sdk_fields.json")
NOT_OF_TEMPLATES = re.compile(
    "Error$|Error(Base|Detail|Response|Additional)|Operation|RunOutput|Trigger|List|UpdateParameters|Resource$"
)
Fields = dict[str, list[str]]


def fields(models: Any) -> Fields:
    """Class => names in JSON, of the models module of any release."""
    found: Fields = {}
    for name in dir(models):
        made = getattr(models, name)
        if isinstance(made, type) and not NOT_OF_TEMPLATES.search(name) and (names := _of_old(made) or _of_new(made)):
            found[name] = sorted(names)
    return found


def _of_old(made: type) -> list[str]:
    """Up to 1.4.0; `properties.source` is the flattened `source` of the properties."""
    mapped: dict[str, dict[str, str]] = getattr(made, "_attribute_map", {})
    return [entry["key"] for entry in mapped.values()]


def _of_new(made: type) -> list[str]:
    """From 2.0.0 on; the names are known once one was made."""
    if not any(base.__name__ in {"_Model", "Model"} for base in made.__mro__):
        return []
    model: Any = made
    try:
        model()
    except TypeError:
        model({})
    return [field._rest_name for field in model._attr_to_rest_field.values()]


if __name__ == "__main__":
    folder, version = sys.argv[1:]
    sys.path.insert(0, folder)
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    recorded[version] = fields(import_module("azure.mgmt.imagebuilder.models"))
    RECORDED.write_text(json.dumps(dict(sorted(recorded.items())), indent=1, sort_keys=True) + "\n")
