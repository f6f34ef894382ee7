"""The page: one HTML file, nothing to load, bars as plain boxes."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from opencharacter.population.attributes import Distribution, Joint
from opencharacter.population.texts import Variety

_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;"
    "color:#222;background:#fff}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .8rem .2rem 0;"
    "vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".bar{background:#4a7aa8;height:.8rem;border-radius:2px;min-width:1px}"
    ".grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));"
    "gap:0 3rem}"
    "td.w{width:50%}p.note{color:#666}.track{position:relative}.wide{overflow-x:auto}"
    ".mark{position:absolute;top:-.1rem;width:2px;height:1rem;background:#c4501b}"
)
_MOST_VALUES = 12


def page(
    title: str,
    *,
    distributions: Sequence[Distribution],
    joints: Sequence[Joint],
    names: Mapping[str, float],
    varieties: Mapping[str, Variety],
    lists: Mapping[str, Sequence[tuple[str, int]]],
) -> str:
    """Return the page.

    Args:
        title: Of the run.
        distributions: A block of bars each.
        joints: A row each.
        names: Figures of them, by what they say.
        varieties: By what was measured, a row each.
        lists: Commonest names and openings, by title.
    """
    blocks = "".join(map(_bars, distributions))
    rows = "".join(f"<tr>{_cells(name, *_numbers(one))}</tr>" for name, one in varieties.items())
    head = _cells("texts of", *Variety._fields, tag="th")
    figures = "".join(f"<tr>{_cells(name, shown(value))}</tr>" for name, value in names.items())
    common = "".join(_listed(name, items) for name, items in lists.items())
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style>"
        f"<h1>{escape(title)}</h1><div class=grid>{blocks}</div>"
        f"<h2>Which attributes hang together</h2>{_joint_table(joints)}"
        "<h2>How varied the texts are</h2>"
        f"<div class=wide><table><tr>{head}</tr>{rows}</table></div>"
        "<p class=note>distinct, mattr: higher is more varied. compression, nearest: lower is more "
        "varied. uniformity: lower is more spread out.</p>"
        f"<h2>Names</h2><div class=grid><table>{figures}</table></div>"
        f"<div class=grid>{common}</div></html>\n"
    )


class _Shown(NamedTuple):
    """One line of a block of bars."""

    value: str
    share: float
    census: float | None
    """Share of the value in the census; None without one."""


def _bars(one: Distribution) -> str:
    """Return a bar for each value; with a census a mark on it, and its share in a column."""
    lines = _lines(one)
    shown, rest = lines[:_MOST_VALUES], lines[_MOST_VALUES:]
    if one.attribute == "age":
        shown.sort(key=lambda line: int(line.value.rstrip("+").partition("-")[0]))
    largest = max(max(line.share, line.census or 0.0) for line in shown)
    rows = "".join(_bar(line, largest) for line in shown)
    if rest:
        census = None if rest[0].census is None else sum(line.census or 0.0 for line in rest)
        others = _Shown(f"{len(rest)} others", sum(line.share for line in rest), census)
        rows += _bar(others, None)
    note = (
        f"{len(one.counts)} values, evenness {one.evenness:.2f}, "
        f"distance from {one.expected} {one.distance:.2f}"
    )
    columns = "<th class=n>here<th class=n>census"
    head = f"<tr><th><th>{columns}" if one.expected == "census" else ""
    return (
        f"<section><h2>{escape(one.attribute)}</h2><p class=note>{note}</p>"
        f"<table>{head}{rows}</table></section>"
    )


def _lines(one: Distribution) -> list[_Shown]:
    """Return all values, those that only the census has too, the commonest first."""
    total = sum(one.counts.values())
    is_census = one.expected == "census"
    lines = [
        _Shown(
            value,
            one.counts.get(value, 0) / total,
            one.expected_shares.get(value, 0.0) if is_census else None,
        )
        for value in {**one.counts, **one.expected_shares}
    ]
    return sorted(lines, key=lambda line: (-line.share, -(line.census or 0.0)))


def _bar(line: _Shown, largest: float | None) -> str:
    """Return a row; without `largest`, the share that fills it, there is no bar."""
    bar = mark = ""
    if largest:
        bar = f"<div class=bar style='width:{100 * line.share / largest:.1f}%'></div>"
        if line.census is not None:
            mark = f"<div class=mark style='left:{100 * line.census / largest:.1f}%'></div>"
    census = "" if line.census is None else f"<td class=n>{line.census:.1%}"
    return (
        f"<tr><td>{escape(line.value)}<td class=w><div class=track>{bar}{mark}</div>"
        f"<td class=n>{line.share:.1%}{census}"
    )


def _joint_table(joints: Sequence[Joint]) -> str:
    rows = "".join(
        "<tr>"
        + _cells(
            " × ".join(one.attributes),
            f"{one.association:.3f}",
        )
        + "<td>"
        + escape(", ".join(f"{a} + {b}: {ratio:.1f} times" for a, b, ratio in one.striking))
        for one in joints
    )
    head = _cells("attributes", "association", tag="th") + "<th>oftener than if independent"
    return f"<table><tr>{head}</tr>{rows}</table>"


def _listed(name: str, items: Sequence[tuple[str, int]]) -> str:
    """Return what occurs more than once; the others say nothing."""
    rows = "".join(f"<tr><td>{escape(text)}<td class=n>{n:,}" for text, n in items if n > 1)
    found = f"<table>{rows}</table>" if rows else "<p class=note>None occurs twice.</p>"
    return f"<section><h2>{escape(name)}</h2>{found}</section>"


def _numbers(one: Variety) -> list[str]:
    return [shown(value) for value in one]


def shown(value: float | None) -> str:
    """Return a number as a reader wants it: a count whole, a missing one as a dash."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _cells(*texts: str, tag: str = "td") -> str:
    first, *others = texts
    return f"<{tag}>{escape(first)}" + "".join(f"<{tag} class=n>{escape(t)}" for t in others)
