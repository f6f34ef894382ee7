"""The page: one HTML file, nothing to load, bars as plain boxes."""

from collections.abc import Mapping, Sequence
from html import escape

from opencharacter.population.attributes import Distribution, Joint
from opencharacter.population.texts import Variety

_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;"
    "color:#222;background:#fff}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .8rem .2rem 0;"
    "vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".bar{background:#4a7aa8;height:.8rem;border-radius:2px;min-width:1px}"
    ".grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(26rem,1fr));gap:0 3rem}"
    "td.w{width:50%}p.note{color:#666}"
)
_MOST_VALUES = 12


def page(
    title: str,
    *,
    distributions: Sequence[Distribution],
    joints: Sequence[Joint],
    varieties: Mapping[str, Variety],
    lists: Mapping[str, Sequence[tuple[str, int]]],
) -> str:
    """Return the page.

    Args:
        title: Of the run.
        distributions: A block of bars each.
        joints: A row each.
        varieties: By what was measured, a row each.
        lists: Commonest names and openings, by title.
    """
    blocks = "".join(map(_bars, distributions))
    rows = "".join(f"<tr>{_cells(name, *_numbers(one))}</tr>" for name, one in varieties.items())
    head = _cells("texts of", *Variety._fields, tag="th")
    common = "".join(_listed(name, items) for name, items in lists.items())
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style>"
        f"<h1>{escape(title)}</h1><div class=grid>{blocks}</div>"
        f"<h2>Which attributes hang together</h2>{_joint_table(joints)}"
        f"<h2>How varied the texts are</h2><table><tr>{head}</tr>{rows}</table>"
        "<p class=note>distinct, mattr: higher is more varied. compression, nearest: lower is more "
        "varied. uniformity: lower is more spread out.</p>"
        f"<div class=grid>{common}</div></html>\n"
    )


def _bars(one: Distribution) -> str:
    total = sum(one.counts.values())
    shown = list(one.counts.items())[:_MOST_VALUES]
    rest = total - sum(count for _, count in shown)
    if rest:
        shown.append((f"{len(one.counts) - _MOST_VALUES} others", rest))
    largest = max(count for _, count in shown)
    rows = "".join(
        f"<tr><td>{escape(value)}<td class=w>"
        f"<div class=bar style='width:{100 * count / largest:.1f}%'></div>"
        f"<td class=n>{count / total:.1%}"
        for value, count in shown
    )
    note = (
        f"{len(one.counts)} values, evenness {one.evenness:.2f}, "
        f"distance from {one.expected} {one.distance:.2f}"
    )
    return (
        f"<section><h2>{escape(one.attribute)}</h2><p class=note>{note}</p>"
        f"<table>{rows}</table></section>"
    )


def _joint_table(joints: Sequence[Joint]) -> str:
    rows = "".join(
        "<tr>"
        + _cells(
            " × ".join(one.attributes),
            f"{one.association:.3f}",
            ", ".join(f"{a} + {b}: {ratio:.1f} times" for a, b, ratio in one.striking),
        )
        + "</tr>"
        for one in joints
    )
    head = _cells("attributes", "association", "oftener than if independent", tag="th")
    return f"<table><tr>{head}</tr>{rows}</table>"


def _listed(name: str, items: Sequence[tuple[str, int]]) -> str:
    rows = "".join(f"<tr><td>{escape(text)}<td class=n>{count:,}" for text, count in items)
    return f"<section><h2>{escape(name)}</h2><table>{rows}</table></section>"


def _numbers(one: Variety) -> list[str]:
    return [f"{value:,}" if isinstance(value, int) else f"{value:.3f}" for value in one]


def _cells(*texts: str, tag: str = "td") -> str:
    first, *others = texts
    return f"<{tag}>{escape(first)}" + "".join(f"<{tag} class=n>{escape(t)}" for t in others)
