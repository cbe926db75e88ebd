"""Names that are safe everywhere, and VM sizes as shapes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.workspace import names
from generator.workspace.sizes import Shape, capped, shape


@given(st.text(max_size=80), st.integers(min_value=1, max_value=3000))
def test_a_key_is_safe_in_paths_and_in_terraform(text: str, position: int) -> None:
    """Only lower-case letters, digits and inner hyphens, whatever the user called the step."""
    key = names.step_key(position, text, "shell")
    assert re.fullmatch(r"\d{3,5}-[a-z0-9]([a-z0-9-]*[a-z0-9])?", key)
    assert re.fullmatch(r"step_[a-z0-9_]+", names.module_name("step", key))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("Standard_D2s_v5", Shape(2, 8192)),
        ("standard_d2ds_v4", Shape(2, 8192)),
        ("Standard_D1_v2", Shape(1, 3584)),
        ("Standard_DS2_v2", Shape(2, 7168)),
        ("Standard_A1_v2", Shape(1, 2048)),
        ("Standard_B2ms", Shape(2, 8192)),
        ("Standard_B1s", Shape(1, 1024)),
        ("Standard_E4-2s_v5", Shape(4, 32768)),
        ("Standard_F4s_v2", Shape(4, 8192)),
        ("Standard_D4ls_v5", Shape(4, 8192)),
        ("Standard_NC24ads_A100_v4", Shape(24, 442368)),
        ("Standard_M128ms", Shape(128, 3670016)),
        ("nonsense", None),
        ("", None),
        ("Standard_D0_v3", None),
        ("Standard_D2s; rm -rf /", None),
    ],
)
def test_sizes(size: str, expected: Shape | None) -> None:
    """Cores and memory by the family's ratio; what is not a size has no shape."""
    assert shape(size) == expected


def test_a_shape_is_capped_by_the_host() -> None:
    """At most the host's cores and half its memory."""
    assert capped(Shape(64, 262144), 2, 8000) == Shape(2, 4000)
    assert capped(Shape(1, 100), 2, 8000) == Shape(1, 512)
