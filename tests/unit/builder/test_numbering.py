"""Which version comes next."""

import pytest

from generator.builder.numbering import choose_version
from generator.errors import ImagegenError
from generator.workspace.blueprint import Versioning


@pytest.mark.parametrize(
    ("versioning", "taken", "version"),
    [
        (Versioning(), [], "1.0.0"),
        (Versioning(major=3), ["1.0.0"], "3.0.0"),
        (Versioning(major=0), [], "0.0.1"),
        (Versioning(), ["1.0.9", "1.0.10", "0.9.9", "no version"], "1.0.11"),
        (Versioning(), ["2.0.0", "1.9.9"], "2.0.1"),
        (Versioning(major=1), ["1.2.3", "2.0.0"], "1.2.4"),
        (Versioning("Source"), ["1.0.0"], "0.20250101.1"),
    ],
)
def test_the_next_version(versioning: Versioning, taken: list[str], version: str) -> None:
    """Compared as numbers, not as text, over the ledger and the galleries."""
    chosen = choose_version({}, occupied=taken, versioning=versioning, source_version="0.20250101.1")
    assert chosen == version
    ledger = dict.fromkeys((one for one in taken if one != "no version"), "released")
    assert choose_version(ledger, versioning=versioning, source_version="0.20250101.1") == version


def test_the_example_of_the_services_documentation() -> None:
    """FORMAT.md 2.6."""
    taken = ["0.1.1", "0.1.2", "1.0.0", "1.0.1", "1.1.0", "1.1.1", "1.2.0", "2.0.0", "2.0.1", "2.1.0"]
    chosen = [choose_version({}, occupied=taken, versioning=Versioning(major=major)) for major in (None, 2, 1, 0)]
    assert chosen == ["2.1.1", "2.1.1", "1.2.1", "0.1.3"]


def test_a_source_of_canonical_loses_its_leading_zeros() -> None:
    """A gallery knows none."""
    chosen = choose_version({}, versioning=Versioning("Source"), source_version="22.04.202502010")
    assert chosen == "22.4.202502010"


@pytest.mark.parametrize(
    ("source", "taken", "said"),
    [
        ("1.2", [], "gives no gallery version"),
        ("1.2.4294967296", [], "gives no gallery version"),
        ("", [], "which has no version"),
        ("1.2.3", ["1.2.3"], "no newer source"),
    ],
)
def test_a_source_that_gives_no_version(source: str, taken: list[str], said: str) -> None:
    """With what to do instead."""
    with pytest.raises(ImagegenError, match=said):
        choose_version({}, occupied=taken, versioning=Versioning("Source"), source_version=source)


def test_an_existing_version_is_refused_whatever_its_state() -> None:
    """A retired number is never used again."""
    with pytest.raises(ImagegenError, match=r"1\.0\.0 exists already \(retired\)"):
        choose_version({"1.0.0": "retired"}, "1.0.0")
    with pytest.raises(ImagegenError, match="where the images would go"):
        choose_version({}, "1.0.0", occupied=["1.0.0"])
    assert choose_version({"1.0.0": "retired"}) == "1.0.1"
    assert choose_version({"1.0.0": "released"}, "2.5.0") == "2.5.0"


@pytest.mark.parametrize("wanted", ["", "1", "1.0", "v1.0.0", "1.0.0-rc1", "01.0.0", "../1.0.0", "1.0.0\n"])
def test_what_is_no_version_is_refused(wanted: str) -> None:
    """With the form that is wanted."""
    with pytest.raises(ImagegenError, match="is not a version"):
        choose_version({}, wanted)


def test_there_is_a_highest_patch() -> None:
    """32 bits."""
    with pytest.raises(ImagegenError, match="no higher patch"):
        choose_version({"1.0.2147483647": "released"})
