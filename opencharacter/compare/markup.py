"""Tables and plots as HTML. Positions are percentages, so that text keeps its size on a phone."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

from opencharacter.compare.results import Scale
from opencharacter.compare.tables import Dot, Table, number
from opencharacter.stats.intervals import Estimate

_MIDDLE = 11  # of a line of a table, in pixels
_HEIGHT = 200  # of a plot, in pixels
_SHAPES = 4  # series that have a colour of their own
_WIDE = 30  # times the smallest place: from there on an axis shows powers


class Point(NamedTuple):
    """A mean at a place of the horizontal axis."""

    at: float
    estimate: Estimate
    group: int = 0
    """Points of two groups are of other dialogues, and are not joined."""


class Line(NamedTuple):
    """Points of one series, joined in order."""

    name: str
    points: Sequence[Point]


def table(given: Table) -> str:
    """Return a table under its title, with its plot in a column where it has dots."""
    ends = ends_of((d.estimate for dots in given.dots for d in dots), zero=given.is_difference)
    drawn = bool(given.dots) and ends is not None
    head = f"<th scope=col>{escape(given.columns[0])}"
    if drawn and ends:
        head += f"<th scope=col class=span><div class=ends><span>{number(ends[0])}</span>"
        head += f"<span>{number(ends[1])}</span></div>"
    head += "".join(f"<th scope=col class=n>{escape(name)}" for name in given.columns[1:])
    body = []
    for at, line in enumerate(given.lines):
        plot = f"<td class=plot>{whiskers(given.dots[at], ends)}" if drawn and ends else ""
        cells = "".join(  # on a phone a cell stands beside the name of its column
            f'<td class=n data-h="{escape(name)}">{escape(cell)}'
            for name, cell in zip(given.columns[1:], line[1:], strict=True)
        )
        body.append(f"<tr><th scope=row>{_breakable(line[0])}{plot}{cells}</tr>")
    key = legend(given.series) if drawn and len(given.series) > 1 else ""
    return (
        f"<section><h2>{escape(given.title)}</h2><p class=note>{escape(given.note)}</p>{key}"
        f"<div class=scroll tabindex=0 role=region aria-label='{escape(given.title)}'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
        "</section>"
    )


def _breakable(name: str) -> str:
    """Return a name that breaks between its parts, not inside of its words."""
    return escape(name).replace("/", "/<wbr>").replace("_", "_<wbr>")


def legend(series: Sequence[str]) -> str:
    """Return what the colours mean."""
    keys = (f"<span class=k{at % _SHAPES}>{escape(name)}</span>" for at, name in enumerate(series))
    return f"<div class=key>{''.join(keys)}</div>"


def ends_of(estimates: Iterable[Estimate], *, zero: bool = False) -> tuple[float, float] | None:
    """Return round ends of an axis that holds all intervals; None = there is no mean.

    Args:
        estimates: What is drawn.
        zero: Whether 0 must be on the axis.
    """
    values = [
        value for one in estimates for value in (one.value, one.low, one.high) if value is not None
    ]
    if not values:
        return None
    low, high = min(values), max(values)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    step = 10 ** math.floor(math.log10((high - low) / 2)) if high > low else 0.1
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    return (low, high) if high > low else (low - step, high + step)


def whiskers(dots: Sequence[Dot], ends: tuple[float, float]) -> str:
    """Return means as dots and intervals as lines; the figures stand beside it in the table."""
    shift = [_MIDDLE + 6 * (at - (len(dots) - 1) / 2) for at in range(len(dots))]
    marks = [_whisker(dot, y, ends) for dot, y in zip(dots, shift, strict=True)]
    height = 2 * _MIDDLE + 6 * max(0, len(dots) - 2)
    axis = f"<line class=axis x1=0% x2=100% y1={height - 1} y2={height - 1} />"
    if ends[0] < 0 < ends[1]:
        zero = _share(0.0, ends)
        axis += f"<line class=axis x1={zero} x2={zero} y1=0 y2={height} />"
    return f"<svg height={height} aria-hidden=true>{axis}{''.join(marks)}</svg>"


def _whisker(dot: Dot, y: float, ends: tuple[float, float]) -> str:
    one = dot.estimate
    if one.value is None:
        return ""
    name = f"s{dot.series % _SHAPES}"
    circle = f"<circle class={name} cx={_share(one.value, ends)} cy={y:g} r=3.5 />"
    if one.low is None or one.high is None:
        return circle
    return (
        f"<line class={name} x1={_share(one.low, ends)} x2={_share(one.high, ends)} "
        f"y1={y:g} y2={y:g} />{circle}"
    )


def lines_plot(
    lines: Sequence[Line], *, across: str, up: str, scale: Scale | None, told: str
) -> str:
    """Return means over a quantity, with their intervals.

    Args:
        lines: Series; a point without a mean is left out.
        across: Name of the horizontal axis.
        up: Name of the vertical one.
        scale: Of the means; where the axis has a part of it only, that is said.
        told: What a reader who cannot see it is told.
    """
    shown = [
        Line(line.name, [point for point in line.points if point.estimate.value is not None])
        for line in lines
    ]
    places = [point.at for line in shown for point in line.points]
    ends = ends_of(point.estimate for line in shown for point in line.points)
    if ends is None or len(set(places)) < 2:
        return ""
    is_wide = min(places) > 0 and max(places) / min(places) >= _WIDE
    along = math.log10 if is_wide else float
    side = along(min(places)), along(max(places))
    moved = [[point._replace(at=along(point.at)) for point in line.points] for line in shown]
    marks = "".join(
        # Apart by some pixels, so that intervals at one place do not hide each other.
        f"<g transform='translate({6 * (at - (len(moved) - 1) / 2):g} 0)'>"
        f"{_series(points, at, side, ends)}</g>"
        for at, points in enumerate(moved)
    )
    ticks, deep = _ticks(shown, lambda place: _share(along(place), side))
    grid = _grid(ends)
    key = legend([line.name for line in lines])
    axis = f"<p class=note>{escape(up)}{_cut_told(ends, scale)}</p>"
    return (
        f"{axis}{key}<div class=lines><svg height={deep + 22} role=img "
        f"aria-label='{escape(told)}'>{grid}{marks}{ticks}"
        f"<text x=50% y={deep + 18} text-anchor=middle>{escape(across)}</text></svg></div>"
    )


def _cut_told(ends: tuple[float, float], scale: Scale | None) -> str:
    """Return that an axis has a part of the scale only; nothing where it has all."""
    if scale is None or (ends[0] <= scale.low and ends[1] >= scale.high):
        return ""
    shown = f"{number(ends[0])} to {number(ends[1])}"
    return f"; the axis is cut to {shown} of {scale.low:g} to {scale.high:g}"


def _anchor(place: float, places: Iterable[float], told: str) -> str:
    """Return how a place is written, so that a long last one stays on the screen."""
    return "end" if place == max(places) and len(told) > 4 else "middle"


def _at(point: Point) -> float:
    return point.at


def _ticks(lines: Sequence[Line], x: Callable[[float], str]) -> tuple[str, int]:
    """Return the places under an axis, and how far down they reach, in pixels.

    Where not all points are of the same dialogues, below the first of each how many marks it has.
    """
    counts: Counter[float] = Counter()
    first: dict[int, float] = {}  # place of each group
    for point in sorted((point for line in lines for point in line.points), key=_at):
        counts[point.at] += point.estimate.n
        first.setdefault(point.group, point.at)
    rows = [[(place, f"{place:,.6g}") for place in _spread(sorted(counts))]]
    if len(first) > 1:
        rows.append([(place, f"n={counts[place]:,}") for place in sorted({*first.values()})])
    ticks = "".join(
        f"<text x={x(place)} y={_HEIGHT + 18 * at} text-anchor={_anchor(place, counts, told)}>"
        f"{told}</text>"
        for at, row in enumerate(rows, 1)
        for place, told in row
    )
    return ticks, _HEIGHT + 18 * len(rows)


def _grid(ends: tuple[float, float]) -> str:
    """Return three lines across a plot with their values."""
    return "".join(
        f"<line class=axis x1=0% x2=100% y1={y:g} y2={y:g} />"
        f"<text x=-14 y={y + 4:g} text-anchor=end>{number(value)}</text>"
        for value in (ends[0], (ends[0] + ends[1]) / 2, ends[1])
        for y in (_down(value, ends),)
    )


def _series(
    given: Sequence[Point], at: int, side: tuple[float, float], ends: tuple[float, float]
) -> str:
    name = f"s{at % _SHAPES}"
    marks = []
    points = sorted(given, key=_at)
    for first, second in pairwise(points):
        if first.group != second.group:
            continue
        marks.append(
            f"<line class={name} x1={_share(first.at, side)} x2={_share(second.at, side)} "
            f"y1={_down(first.estimate.value, ends):g} y2={_down(second.estimate.value, ends):g} />"
        )
    for point in points:
        x, one = _share(point.at, side), point.estimate
        marks.append(f"<circle class={name} cx={x} cy={_down(one.value, ends):g} r=4 />")
        if one.low is not None and one.high is not None:
            marks.append(
                f"<line class={name} x1={x} x2={x} y1={_down(one.low, ends):g} "
                f"y2={_down(one.high, ends):g} />"
            )
    return "".join(marks)


def _share(value: float, ends: tuple[float, float]) -> str:
    return f"{100 * (value - ends[0]) / (ends[1] - ends[0]):.2f}%"


def _down(value: float | None, ends: tuple[float, float]) -> float:
    """Return how far below the top of a plot a value is, in pixels."""
    return _HEIGHT * (1 - ((value or 0.0) - ends[0]) / (ends[1] - ends[0]))


def _spread(places: Sequence[float]) -> list[float]:
    """Return some places, of more than ten six, the ends among them."""
    if len(places) <= 10:
        return list(places)
    return [places[round(at * (len(places) - 1) / 5)] for at in range(6)]
