"""Templates that people published are accepted as they are."""

from pathlib import Path

import pytest

from generator.errors import InvalidTemplate
from generator.template import read
from tests.unit.template.corpus import FILES, needs_corpus, settings_for

# Templates that are not accepted, each with its reason.
REFUSED: dict[str, str] = {}


def refused(path: Path) -> list[str]:
    """What keeps a template from being valid."""
    try:
        read(path, settings_for(path), building=False)
    except InvalidTemplate as error:
        return [f"{one.line}: {one.path}: {one.message}" for one in error.problems if one.level == "error"]
    return []


@needs_corpus
def test_at_least_97_in_a_hundred_are_valid() -> None:
    found = {str(path): said for path in FILES if (said := refused(path))}
    assert set(found) <= set(REFUSED), found
    assert len(found) <= 0.03 * len(FILES)


@needs_corpus
@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-2:]))
def test_without_values_it_ends_in_words(path: Path) -> None:
    from tests.unit.template.making import LOCAL, problems

    found = problems(path.read_bytes(), LOCAL)
    assert any(one.level == "error" for one in found)
    assert all(one.line and one.column and one.message for one in found)
