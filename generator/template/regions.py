"""The regions of Azure, as far as they were public when this was written: to find misspelled ones.

Source: `az account list-locations` of the public cloud, Azure Government and Azure China. New regions appear, and a
private cloud has names of its own, so an unknown region alone is no mistake.
"""

from difflib import get_close_matches

from generator.template.ids import region

_KNOWN = """
    australiacentral australiacentral2 australiaeast australiasoutheast austriaeast belgiumcentral brazilsouth
    brazilsoutheast brazilus canadacentral canadaeast centralindia centralus centraluseuap chilecentral denmarkeast
    eastasia eastus eastus2 eastus2euap eastusstg francecentral francesouth germanynorth germanywestcentral
    indonesiacentral israelcentral italynorth japaneast japanwest jioindiacentral jioindiawest koreacentral koreasouth
    malaysiawest mexicocentral newzealandnorth northcentralus northeurope norwayeast norwaywest polandcentral
    qatarcentral southafricanorth southafricawest southcentralus southeastasia southindia spaincentral swedencentral
    swedensouth switzerlandnorth switzerlandwest taiwannorth uaecentral uaenorth uksouth ukwest westcentralus
    westeurope westindia westus westus2 westus3
    usdodcentral usdodeast usgovarizona usgoviowa usgovtexas usgovvirginia
    chinaeast chinaeast2 chinaeast3 chinanorth chinanorth2 chinanorth3
"""
KNOWN = frozenset(_KNOWN.split())
ALIKE = 0.85  # difflib's ratio of `westeuropa` and `westeurope` is 0.9, of two regions of a country mostly less


def likely(name: str) -> str | None:
    """The region that an unknown name probably means; None for a known region and for a name like no other.

    A name that differs only in its number may be a new region.
    """
    plain = region(name)
    if plain in KNOWN:
        return None
    near = get_close_matches(plain[:80], KNOWN, 1, ALIKE)
    stem = plain.rstrip("0123456789")
    return near[0] if near and near[0].rstrip("0123456789") != stem else None


def is_misspelled(name: str) -> bool:
    """Whether a name is that of a region with other marks in it, such as `west-europe`, which Azure refuses."""
    letters = "".join(char for char in region(name) if char.isalnum())
    return letters != region(name) and letters in KNOWN
