"""The curve as one SVG file that loads nothing: share of facts stated over number of characters."""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from opencharacter.stats.intervals import Estimate

_LEFT, _TOP, _WIDTH, _HEIGHT = 56, 44, 600, 260  # pixels
_COLOURS = ("#1f6fb2", "#c2571a")
_STYLE = (
    "text{font:12px sans-serif;fill:#444}.axis{stroke:#bbb}"
    "@media(prefers-color-scheme:dark){text{fill:#ccc}.axis{stroke:#555}}"
)


class Curve(NamedTuple):
    """Shares over numbers of characters."""

    name: str
    points: Sequence[tuple[int, Estimate]]
    colour: int
    """Of the method."""
    is_dashed: bool
    """Of characters that were trained on."""


def svg(curves: Sequence[Curve], *, ns: Sequence[int], title: str) -> str:
    """Return the plot.

    Args:
        curves: With their points in order.
        ns: Numbers of characters, each with its place on the axis, logarithmic.
        title: What a reader who cannot see it is told.
    """
    side = [math.log2(n) for n in (ns[0], ns[-1])]
    parts = [_axes(ns, side)]
    for at, curve in enumerate(curves):
        parts.append(_curve(curve, side, shift=4 * (at - (len(curves) - 1) / 2)))
        parts.append(_key(curve, at))
    width, height = _LEFT + _WIDTH + 24, _TOP + _HEIGHT + 48
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>{''.join(parts)}</svg>\n"
    )


def _axes(ns: Sequence[int], side: Sequence[float]) -> str:
    lines = [
        f'<line class="axis" x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y:g}" y2="{y:g}"/>'
        f'<text x="{_LEFT - 8}" y="{y + 4:g}" text-anchor="end">{share:.0%}</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
        for y in (_y(share),)
    ]
    below = _TOP + _HEIGHT
    ticks = [
        f'<text x="{_x(n, side):g}" y="{below + 20}" text-anchor="middle">{n:,}</text>' for n in ns
    ]
    name = "facts stated, over the number of characters trained on (equal tokens)"
    middle = _LEFT + _WIDTH / 2
    return "".join([*lines, *ticks]) + (
        f'<text x="{middle:g}" y="{below + 40}" text-anchor="middle">{name}</text>'
    )


def _curve(curve: Curve, side: Sequence[float], *, shift: float) -> str:
    colour = _COLOURS[curve.colour]
    dash = ' stroke-dasharray="5 4"' if curve.is_dashed else ""
    there = [(_x(n, side), one) for n, one in curve.points if one.value is not None]
    joined = " ".join(f"{x:g},{_y(one.value or 0):g}" for x, one in there)
    marks = [f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>']
    for x, one in there:
        marks.append(f'<circle cx="{x:g}" cy="{_y(one.value or 0):g}" r="4" fill="{colour}"/>')
        if one.low is not None and one.high is not None:
            marks.append(
                f'<line x1="{x:g}" x2="{x:g}" y1="{_y(one.low):g}" y2="{_y(one.high):g}" '
                f'stroke="{colour}" stroke-width="2"/>'
            )
    return f'<g transform="translate({shift:g} 0)">{"".join(marks)}</g>'


def _key(curve: Curve, at: int) -> str:
    x, y = _LEFT + 300 * (at % 2), 14 + 18 * (at // 2)
    dash = ' stroke-dasharray="5 4"' if curve.is_dashed else ""
    return (
        f'<line x1="{x}" x2="{x + 24}" y1="{y - 4}" y2="{y - 4}" stroke="{_COLOURS[curve.colour]}" '
        f'stroke-width="2"{dash}/><text x="{x + 30}" y="{y}">{escape(curve.name)}</text>'
    )


def _x(n: int, side: Sequence[float]) -> float:
    return _LEFT + _WIDTH * (math.log2(n) - side[0]) / (side[1] - side[0])


def _y(share: float) -> float:
    return _TOP + _HEIGHT * (1 - share)
