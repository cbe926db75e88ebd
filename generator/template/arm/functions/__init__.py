"""The functions of the language, by their names in small letters, and those that only Azure can answer."""

from difflib import get_close_matches

from generator.template.arm.functions.arrays import ARRAYS
from generator.template.arm.functions.cidr import CIDR
from generator.template.arm.functions.dates import DATES
from generator.template.arm.functions.formats import FORMATS
from generator.template.arm.functions.lambdas import LAMBDAS
from generator.template.arm.functions.logic import LOGIC
from generator.template.arm.functions.objects import OBJECTS
from generator.template.arm.functions.scoped import SCOPED
from generator.template.arm.functions.texts import TEXTS

FUNCTIONS = ARRAYS | OBJECTS | LOGIC | TEXTS | FORMATS | DATES | CIDR | LAMBDAS | SCOPED
FORM_NAMES = ("if", "and", "or", "coalesce", "lambda")
AZURE = {
    "reference", "references", "pickzones", "providers", "getsecret", "managementgroup", "deployer", "externalinput",
    "roledefinitions", "tologicalzone", "tologicalzones", "tophysicalzone", "tophysicalzones", "resourceinput",
}  # fmt: skip
ASKS_AZURE = "asks Azure, and nobody is asked when a template is read"


def asks_azure(name: str) -> bool:
    """Whether only Azure knows what a function returns; `list…` are requests to resource providers."""
    low = name.lower()
    return low in AZURE or low.startswith("list")


def nearest(name: str) -> str | None:
    """A hint with the function whose name is most like this one."""
    found = get_close_matches(name[:40], [*FUNCTIONS, *FORM_NAMES], 1, 0.75)
    if not found:
        return None
    return f"did you mean {FUNCTIONS[found[0]].name if found[0] in FUNCTIONS else found[0]}(…)?"
