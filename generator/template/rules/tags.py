"""Tags that Azure refuses. An image gets its tags when everything else is done, so they are checked before.

Source: Microsoft, "Use tags to organize your Azure resources", limitations; "Naming rules and restrictions for Azure
resources", Microsoft.Resources.
"""

import re
from collections.abc import Iterator, Mapping
from unicodedata import is_normalized

from generator.template import tags
from generator.template.rules.base import COMPOSE, NOT_COMPOSED, Finding, rule
from generator.template.schema import Envelope, Tagged
from generator.template.schema.distribute import Target

MOST = 50  # on a resource
LONGEST_NAME = 512
LONGEST_STORAGE_NAME = 128  # on a storage account, such as the one that staging needs for files
FORBIDDEN = re.compile(r"[<>%&\\?/\x00-\x1f\x7f]")
LONGEST_SHOWN = 80
# Microsoft, "Tags - Create Or Update" of Azure Resource Manager's REST API: the name of a tag may not begin so.
OF_AZURE = ("microsoft", "azure", "windows")


@rule(Target)
def artifact_tags(target: Target) -> Iterator[Finding]:
    """Tags of an image."""
    yield from _findings("artifactTags", target.artifact_tags, tags.ON_IMAGES, LONGEST_NAME)


@rule(Tagged)
def managed_resource_tags(properties: Tagged) -> Iterator[Finding]:
    """Tags of the temporary resources."""
    given = properties.managed_resource_tags
    yield from _findings("managedResourceTags", given, tags.ON_STAGING, LONGEST_STORAGE_NAME)


@rule(Envelope)
def template_tags(template: Envelope) -> Iterator[Finding]:
    """Tags of the template resource, which imagegen does not create: these only warn."""
    for found in _findings("tags", template.tags, (), LONGEST_NAME):
        yield found._replace(level="warning")


def _findings(field: str, given: Mapping[str, str], added: tuple[str, ...], longest: int) -> Iterator[Finding]:
    """What is wrong with the tags of a field, to which some are added."""
    seen: dict[str, str] = {}
    for name, value in given.items():
        at, shown = (field, name), f"`{name[:LONGEST_SHOWN]}`"
        if not name.strip():
            yield Finding(at, "a tag needs a name")
        elif name.lower() in seen:
            message = f"the tags `{seen[name.lower()][:LONGEST_SHOWN]}` and {shown} are the same to Azure"
            yield Finding(at, message, "keep one: case does not count in the names of tags")
        elif added and name.lower().startswith(tags.RESERVED):
            yield Finding(
                at, f"the tag {shown} is set by imagegen", f"use a name that does not begin with {tags.RESERVED}"
            )
        elif name.lower().startswith(OF_AZURE):
            what = f"the name of the tag {shown} begins as Azure's own do: Azure may refuse it"
            yield Finding(at, what, f"use a name that begins with none of {', '.join(OF_AZURE)}", "warning")
        seen.setdefault(name.lower(), name)
        if wrong := FORBIDDEN.search(name):
            char = f"`{wrong[0]}`" if wrong[0].isprintable() else "a control character"
            yield Finding(at, f"the name of the tag {shown} has {char} in it", r"Azure refuses `<>%&\?/` there")
        if len(name) > longest:
            yield Finding(at, f"the name of the tag {shown} has {len(name)} characters", f"use at most {longest}")
        if len(value) > tags.LONGEST_VALUE:
            hint = f"use at most {tags.LONGEST_VALUE}"
            yield Finding(at, f"the value of the tag {shown} has {len(value)} characters", hint)
        if not is_normalized("NFC", name + value):
            yield Finding(at, NOT_COMPOSED, COMPOSE)
    if (count := tags.count(frozenset(given), added)) > MOST:
        own = f", {count - len(seen)} of them imagegen's" if count > len(seen) else ""
        yield Finding((field,), f"there are {count} tags{own}: Azure takes {MOST} on a resource", "remove some")
