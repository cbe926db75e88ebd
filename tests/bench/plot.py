"""The plot in the README: build times beside Packer's, as an SVG that reads on light and dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT = 720, 200, 70
BAR, GAP, BETWEEN, TOP, BOTTOM = 18, 4, 18, 34, 44
STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .small { font-size: 11px; fill: #59636e; }
  .grid { stroke: #d1d9e0; }
  .ours { fill: #0969da; }
  .other { fill: #9198a1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .ours { fill: #4493f8; }
    .other { fill: #656c76; }
  }
"""


@dataclass(frozen=True)
class Group:
    """One job: its name and the seconds that imagegen and Packer take for it."""

    name: str
    ours: float
    other: float


def draw(groups: Sequence[Group], note: str) -> str:
    """The SVG. `note` stands below, small: what it was measured on."""
    longest = max(max(group.ours, group.other) for group in groups)
    tick = next(step for step in (5, 10, 20, 30, 60, 120, 300, 600, 3600) if longest / step <= 6)
    scale = (WIDTH - LEFT - RIGHT) / longest
    high = 2 * BAR + GAP + BETWEEN
    height = TOP + len(groups) * high + BOTTOM
    floor = TOP + len(groups) * high
    described = "; ".join(f"{group.name}: {group.ours:.0f} s and {group.other:.0f} s" for group in groups)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img">',
        f"<title>Build times of imagegen and Packer: {escape(described)}</title>",
        f"<style>{STYLE}</style>",
        *_key("ours", "imagegen", LEFT), *_key("other", "Packer, qemu builder", LEFT + 110),
    ]  # fmt: skip
    for seconds in range(0, int(longest) + 1, tick):
        at = LEFT + seconds * scale
        lines.append(f'<line class="grid" x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{floor}"/>')
        lines.append(f'<text class="small" x="{at:.1f}" y="{floor + 14}" text-anchor="middle">{seconds} s</text>')
    for number, group in enumerate(groups):
        y = TOP + number * high + BETWEEN // 2
        lines.append(f'<text x="{LEFT - 12}" y="{y + BAR + 6}" text-anchor="end">{escape(group.name)}</text>')
        for row, (kind, took) in enumerate((("ours", group.ours), ("other", group.other))):
            top = y + row * (BAR + GAP)
            lines.append(f'<rect class="{kind}" x="{LEFT}" y="{top}" width="{took * scale:.1f}" height="{BAR}"/>')
            lines.append(f'<text x="{LEFT + took * scale + 6:.1f}" y="{top + 14}">{took:.1f} s</text>')
    lines.append(f'<text class="small" x="{LEFT}" y="{height - 8}">{escape(note)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _key(kind: str, name: str, at: int) -> list[str]:
    """An entry of the legend."""
    return [
        f'<rect class="{kind}" x="{at}" y="10" width="12" height="12"/>',
        f'<text x="{at + 18}" y="21">{name}</text>',
    ]
