"""What large templates cost grows with their length, and not faster. `make bench` has the seconds."""

import time

import pytest

from tests.unit.template.making import SHA, file, problems, shell, template

FEW, MANY = 1_000, 10_000


def spent(count: int, version: str) -> float:
    """Seconds of the processor that checking a template with so many customizers takes."""
    steps = [
        file(name=f"file {n}", sourceUri=f"https://example.org/{n}", sha256Checksum=SHA)
        if n % 2
        else shell(name=f"step {n}", inline=["set -eu", f"echo {n}", "true"])
        for n in range(count)
    ]
    began = time.process_time()
    found = problems(template(customize=steps) | {"apiVersion": version})
    assert [problem.message for problem in found if problem.level == "error"] == []
    return time.process_time() - began


@pytest.mark.parametrize("version", ["2020-02-14", "2024-02-01"])
def test_ten_times_the_customizers_take_about_ten_times_as_long(version: str) -> None:
    few = min(spent(FEW, version) for _ in range(3))
    many = spent(MANY, version)
    assert many < 3 * (MANY / FEW) * few  # what grows with the square takes ten times more than that
