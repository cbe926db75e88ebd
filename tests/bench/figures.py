"""What was measured, against what it may cost: medians, spread, ratios."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from generator.cli import console


@dataclass(frozen=True)
class Figure:
    """A row of the table. With `bare`, paired measurements of another program, its value is a ratio of the two.

    budget: the most it may be, None where there is none; unit: of `ours` and `bare`.
    """

    name: str
    budget: float | None
    ours: Sequence[float]
    bare: Sequence[float] = field(default=())
    against: str = ""
    unit: str = "s"

    @property
    def values(self) -> list[float]:
        """What the budget is of, pair by pair."""
        return [one / other for one, other in zip(self.ours, self.bare, strict=True)] if self.bare else list(self.ours)

    @property
    def value(self) -> float:
        """Their median."""
        return statistics.median(self.values)

    @property
    def held(self) -> bool:
        """Whether the budget is held."""
        return self.budget is None or self.value <= self.budget

    def row(self) -> list[str]:
        """As a line of the table."""
        low, high = min(self.values), max(self.values)
        unit = " ×" if self.bare else f" {self.unit}"
        spread = f"{_number(low)}–{_number(high)}" if len(self.values) > 1 else ""
        medians = [_number(statistics.median(one)) for one in (self.ours, self.bare) if one]
        compared = f"{' / '.join(medians)} {self.unit}" if self.bare else ""
        row = [self.name, f"{_number(self.value)}{unit}", spread, compared]
        if self.budget is None:
            return [*row, "", ""]
        return [*row, f"{self.budget:g}{unit} {self.against}".rstrip(), "held" if self.held else "OVER"]

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "name": self.name, "value": round(self.value, 4), "unit": f"× {self.against}" if self.bare else self.unit,
            "budget": self.budget, "held": self.held, "measured": [round(one, 4) for one in self.ours],
            "bare": [round(one, 4) for one in self.bare],
        }  # fmt: skip


HEADER = ["figure", "median", "min–max", "ours / other", "at most", ""]


def table(figures: Sequence[Figure]) -> str:
    """All figures, a line each."""
    return console.table([figure.row() for figure in figures], HEADER)


def paired(count: int, *works: Callable[[], float]) -> list[list[float]]:
    """What each work measures, in turns (A B A B …), so that whatever else the computer does meets all alike."""
    rounds = [[work() for work in works] for _ in range(count)]
    return [list(of_one) for of_one in zip(*rounds, strict=True)]


def _number(value: float) -> str:
    """Three digits or so."""
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 9.95 else f"{value:.2f}"
