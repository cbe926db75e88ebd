"""Deployments for tests."""

import json
from typing import Any

import pytest

from generator.errors import InvalidTemplate, Problem
from generator.template.arm.expand import Expanded, expand
from generator.template.arm.inputs import Inputs
from generator.template.load import load

TYPE = "Microsoft.VirtualMachineImages/imageTemplates"
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"


def image(**members: Any) -> dict[str, Any]:
    """An image template resource."""
    return {"type": TYPE, "apiVersion": "2024-02-01", "name": "it", **members}


def expanded(template: Any, **inputs: Any) -> Expanded:
    """A template, as JSON text or as a value, expanded."""
    text = template if isinstance(template, str) else json.dumps(template, indent=1, ensure_ascii=False)
    inputs.setdefault("subscription_id", SUBSCRIPTION)
    return expand(load(text.encode(), "t.json"), Inputs(**inputs))


def body(template: Any, **inputs: Any) -> Any:
    """The image template of a deployment."""
    return expanded(template, **inputs).document.value


def problems(template: Any, **inputs: Any) -> list[Problem]:
    """What is wrong with a deployment."""
    with pytest.raises(InvalidTemplate) as caught:
        expanded(template, **inputs)
    return caught.value.problems


def value(expression: str, *, inputs: dict[str, Any] | None = None, **template: Any) -> Any:
    """The value of an expression, without its brackets, in a deployment."""
    whole = {**template, "resources": [image(properties={"x": f"[createArray({expression})]"})]}
    return body(whole, **(inputs or {}))["properties"]["x"][0]


def refused(expression: str, **template: Any) -> str:
    """What is said of an expression."""
    (problem,) = problems({**template, "resources": [image(properties={"x": f"[{expression}]"})]})
    return problem.message
