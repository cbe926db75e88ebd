"""The tags that imagegen adds to those of a template."""

RESERVED = "imagegen:"  # what the names of tags begin with that only imagegen sets
LONGEST_VALUE = 256  # characters (Microsoft, "Use tags to organize your Azure resources", limitations)
WORKSPACE = RESERVED + "workspace"
VERSION = RESERVED + "version"
CONTENT, SOURCE = RESERVED + "content", RESERVED + "source"
BUILD, UNTIL = RESERVED + "build", RESERVED + "until"
CREATED_BY, TEMPLATE_NAME = "createdBy", "imageTemplateName"
# Image Builder's own names, which a template may set itself.
DEFAULTS = (CREATED_BY, TEMPLATE_NAME)
ON_IMAGES = (WORKSPACE, VERSION, CONTENT, SOURCE)
ON_STAGING = (WORKSPACE, BUILD, UNTIL, *DEFAULTS)


def count(names: frozenset[str], added: tuple[str, ...]) -> int:
    """How many tags a resource has with these names and the added ones; names are compared without case."""
    return len({name.lower() for name in (*names, *added)})
