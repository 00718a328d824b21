"""Curves as inline SVG: numbers in, markup out. No files, no scripts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise

WIDTH, HEIGHT = 460, 220
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 26, 34
MOST_POINTS = 400
TICKS = 4


def curve(title: str, x: Sequence[float], y: Sequence[float], unit: str = "step") -> str:
    """One curve with axes; long ones are averaged to `MOST_POINTS`.

    Args:
        title: above it.
        x, y: of one length, at least one point.
        unit: what x counts.
    """
    x, y = _thinned(x), _thinned(y)
    low, high = min(y), max(y)
    span = (high - low) or abs(high) or 1.0
    first, last = min(x), max(x)

    def across(value: float) -> float:
        return LEFT + (value - first) / ((last - first) or 1.0) * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low) / span * (HEIGHT - TOP - BOTTOM)

    points = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in zip(x, y))
    lines = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    lines.append(f'<text x="{LEFT}" y="16" class="title">{escape(title)}</text>')
    for number in range(TICKS + 1):
        level, place = low + span * number / TICKS, first + (last - first) * number / TICKS
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(level):.1f}" y2="{up(level):.1f}" class="grid"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{up(level) + 4:.1f}" text-anchor="end">{level:.3g}</text>')
        lines.append(f'<text x="{across(place):.1f}" y="{HEIGHT - 16}" text-anchor="middle">{place:.4g}</text>')
    lines.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 3}" text-anchor="middle">{escape(unit)}</text>')
    lines.append(f'<polyline points="{points}" class="curve"/></svg>')
    return "\n".join(lines)


def _thinned(values: Sequence[float]) -> list[float]:
    """Means of equal runs, so that no spike vanishes wholly and the file stays small."""
    count = len(values)
    if count <= MOST_POINTS:
        return list(values)
    edges = [count * i // MOST_POINTS for i in range(MOST_POINTS + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
