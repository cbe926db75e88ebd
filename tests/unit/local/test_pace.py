"""A slow computer gets longer waits, by what its boots took."""

from pathlib import Path

import pytest

from generator.local import pace


def test_a_computer_that_was_never_measured_is_taken_for_a_usual_one(tmp_path: Path) -> None:
    assert pace.times(tmp_path) == 1
    assert pace.note(tmp_path) is None


def test_waits_grow_with_the_slowest_of_the_last_boots(tmp_path: Path) -> None:
    for seconds in (300.0, 20.0, 90.0, 25.0, 20.0, 21.0):
        pace.remember(tmp_path, seconds)
    assert pace.times(tmp_path) == 3
    assert pace.note(tmp_path) == "a boot took 90 s on this computer: waits are 3.0 times as long"


def test_a_fast_computer_waits_no_less(tmp_path: Path) -> None:
    pace.remember(tmp_path, 2.0)
    assert pace.times(tmp_path) == 1


@pytest.mark.parametrize(
    "content", ["", "[]", '{"boots": 5}', '{"boots": ["x", null, -1, 1e99, NaN]}', '{"boots": [true]}']
)
def test_a_damaged_record_is_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "pace.json").write_text(content)
    assert pace.times(tmp_path) == 1
    pace.remember(tmp_path, 60.0)
    assert pace.times(tmp_path) == 2


def test_a_cache_that_cannot_be_written_to_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    pace.remember(tmp_path / "file", 60.0)
    assert pace.times(tmp_path / "file") == 1
