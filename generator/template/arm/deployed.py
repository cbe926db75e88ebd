"""Whether there is anything of ARM's template language in a document: the rest of the room is slow to import."""

from typing import Any


def is_deployment(value: Any) -> bool:
    """Whether a document is a deployment template: it has resources, or its schema says so."""
    if not isinstance(value, dict):
        return False
    schema = str(value.get("$schema", ""))[:200].lower()
    return "deploymenttemplate" in schema or any(key.lower() == "resources" for key in value)
