"""Lists in pages."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from tests.azure_sim.arm.front import Arm
from tests.azure_sim.arm.web import Answer, Request, shown


def page(arm: Arm, request: Request, items: Sequence[Any]) -> Answer:
    """A page of a list: as long as the hook `page` says, or `$top`; with no such word, all."""
    size = int(request.query.get("$top") or 0) or arm.cloud.hook("page") or len(items)
    start = int(request.query.get("$skiptoken") or 0)
    body: dict[str, Any] = {"value": list(items[start : start + size])}
    if start + size < len(items):
        query = {**request.query, "$skiptoken": str(start + size)}
        body["nextLink"] = f"{arm.endpoint}{quote(request.path)}?{urlencode(query)}"
    return shown(body)
