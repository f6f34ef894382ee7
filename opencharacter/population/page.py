"""The page: one HTML file, nothing to load, bars as plain boxes."""

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from opencharacter.population.archetypes import Archetypes
from opencharacter.population.attributes import Distribution
from opencharacter.population.coverage import Coverage
from opencharacter.population.joints import Joint
from opencharacter.population.measured import Measured, Speaker
from opencharacter.population.texts import Variety

_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;"
    "color:#222;background:#fff}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .8rem .2rem 0;"
    "vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".bar{background:#4a7aa8;height:.8rem;border-radius:2px;min-width:1px}"
    ".grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));"
    "gap:0 3rem}"
    "td.w{width:50%}.note{color:#666}.track{position:relative}.wide{overflow-x:auto}"
    ".mark{position:absolute;top:-.1rem;width:2px;height:1rem;background:#c4501b}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;color:#666}dd{margin:0}"
    "section>table{margin-bottom:1rem}"
)
_MOST_VALUES = 12
_MOST_CHARACTERS = 5
_STEP = 0.05  # of `alike`, the width of a bar

ATTRIBUTE_MEASURES = {
    "evenness": "Entropy of the shares over its largest value; 1 = all values that occur do so "
    "equally often (Pielou 1966).",
    "distance": "Half the sum of the differences between the shares here and those of the census, "
    "or without one equal shares (total variation), in [0, 1].",
    "by chance": "What as many characters drawn at random from the census, or from equal shares, "
    "show in the mean. The fewer characters there are, the further this is from 1 and from 0: "
    "compare with it, not with 1 or 0.",
}
JOINT_MEASURES = {
    "association": "Mutual information over the smaller entropy: 0 = independent, 1 = one decides "
    "the other.",
    "by chance": "Mean association when the values of one attribute are dealt out anew among the "
    "characters, 200 times (Vinh et al. 2010): in small samples far above 0.",
    "above chance": "The difference. In grey: more than 1 of 20 such deals gives as much.",
    "oftener": "Pairs of values further from independence than any pair is in 19 of 20 deals.",
}
ARCHETYPE_MEASURES = {
    "archetype": "A group of characters whose texts share half of their words (Jaccard) with the "
    "first of the group, small words and their own names left out. Of more than 5,000 characters "
    "some are grouped, spread over all.",
    "effective": "How many groups of one size would be as uneven (exponential of the entropy, Jost "
    "2006). At most the number of characters; fewer than their personas have = repetition.",
    "largest": "Share of characters in the largest group.",
    "repeated": "Share of characters that are not alone in their group.",
    "by chance": "Mean of 5 deals of all words anew to texts of the same lengths.",
}
COVERAGE_MEASURES = {
    "covered": "Share of the personas around which there is a text of any character, within the "
    "distance to the fifth nearest other persona (Naeem et al. 2020, arXiv 2002.09797; for "
    "populations of personas arXiv 2604.24698), of hashed words and word pairs instead of "
    "embeddings. Higher is better; texts of another kind than personas, such as answers, stay low.",
    "by chance": "What as many texts, or as many words (at most the personas' own number), of "
    "other personas of the same kind would reach.",
    "half": "What every second text covers: if hardly less, more characters reach little more.",
    "words": "Share of the personas' words, each as often as it occurs, that the texts hold "
    "(sample coverage, Good 1953; Chao and Jost 2012).",
}
TEXT_MEASURES = {
    "distinct_1, distinct_2": "Share of words, and of pairs of words, that are different, in "
    "pieces of 100,000 words (Li et al. 2016, arXiv 1510.03055). Higher is more varied. It falls "
    "with the number of words up to there: compare sets of one size.",
    "mattr": "Mean share of different words in a window of 50 words that moves through each text "
    "(Covington and McFall 2010), whatever the number of words. Higher is more varied. – = no "
    "text has 50 words.",
    "compression": "How many times smaller zlib makes the texts (Shaib et al. 2024, arXiv "
    "2403.00553). Lower is more varied. It grows with the number of words.",
    "uniformity": "Log of the mean of exp(−2 d²) over pairs of texts at the distance d (Wang and "
    "Isola 2020, arXiv 2005.10242), of hashed words and word pairs instead of embeddings. 0 = all "
    "are the same, −4 = none share a word. Lower is more varied.",
    "nearest": "Mean similarity (cosine of the same counts) of a text to the one most like it. "
    "Lower is more varied. It grows with the number of texts.",
    "alike": "Mean similarity of two texts, whatever their number: 1 = the same, about 0 = they "
    "share no words. Longer texts are more alike. – = there are no two.",
}
ARCHETYPE_COLUMNS = (
    "characters", "archetypes", "effective", "by chance", "largest", "by chance", "repeated"
)  # fmt: skip
COVERAGE_COLUMNS = ("covered", "by chance", "half", "words", "by chance")
NAME_MEASURES = {
    "chance of the same name": "Share of pairs of characters with the same name (Simpson 1949), "
    "whatever the number of characters.",
}


def page(title: str, measured: Measured) -> str:
    """Return the page."""
    blocks = "".join(map(_bars, measured.distributions))
    varieties = measured.varieties.items()
    rows = "".join(f"<tr>{_cells(name, *_numbers(one))}</tr>" for name, one in varieties)
    head = _cells("texts of", *Variety._fields, tag="th")
    names = measured.names.items()
    figures = "".join(f"<tr>{_cells(name, shown(value))}</tr>" for name, value in names)
    common = "".join(_listed(name, items) for name, items in measured.lists.items())
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style>"
        f"<h1>{escape(title)}</h1><div class=grid>{blocks}</div>{_told(ATTRIBUTE_MEASURES)}"
        f"<h2>Which attributes hang together</h2>{_joint_table(measured.joints)}"
        f"{_told(JOINT_MEASURES)}{_archetype_table(measured.archetypes)}"
        f"{_coverage_table(measured.coverages)}"
        "<h2>How varied the texts are</h2>"
        f"<div class=wide><table><tr>{head}</tr>{rows}</table></div>"
        f"{_told(TEXT_MEASURES)}{_characters(measured)}"
        f"<h2>Names</h2><div class=grid><table>{figures}</table></div>{_told(NAME_MEASURES)}"
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
        others = _Shown(
            f"{len(rest)} other{'s' * (len(rest) > 1)}", sum(line.share for line in rest), census
        )
        rows += _bar(others, None)
    note = (
        f"{len(one.counts)} values, evenness {one.evenness:.2f} (by chance {one.even:.2f}), "
        f"distance from {one.expected} {one.distance:.2f} (by chance {one.chance:.2f})"
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
        f"<tr{'' if one.is_beyond_chance else ' class=note'}>"
        + _cells(
            " × ".join(one.attributes),
            f"{one.above_chance:+.3f}",
            f"{one.association:.3f}",
            f"{one.chance:.3f}",
        )
        + "<td>"
        + escape(", ".join(f"{a} + {b}: {ratio:.1f} times" for a, b, ratio in one.striking))
        for one in joints
    )
    columns = ("attributes", "above chance", "association", "by chance")
    head = _cells(*columns, tag="th") + "<th>oftener than if independent"
    return f"<div class=wide><table><tr>{head}</tr>{rows}</table></div>"


def _archetype_table(found: Mapping[str, Archetypes]) -> str:
    rows = "".join(f"<tr>{_cells(name, *archetype_cells(one))}</tr>" for name, one in found.items())
    listed = "".join(_listed(f"Most say of {name}", one.commonest) for name, one in found.items())
    head = _cells("texts of", *ARCHETYPE_COLUMNS, tag="th")
    return (
        f"<h2>How many characters are of one mould</h2><div class=wide><table><tr>{head}</tr>{rows}"
        f"</table></div>{_told(ARCHETYPE_MEASURES)}<div class=grid>{listed}</div>"
    )


def _coverage_table(found: Mapping[str, Coverage]) -> str:
    rows = "".join(f"<tr>{_cells(name, *map(shown, one))}</tr>" for name, one in found.items())
    head = _cells("texts of", *COVERAGE_COLUMNS, tag="th")
    return (
        f"<h2>How much of their personas they reach</h2><div class=wide><table><tr>{head}</tr>"
        f"{rows}</table></div>{_told(COVERAGE_MEASURES)}"
    )


def archetype_cells(one: Archetypes) -> list[str]:
    """Return the figures under `ARCHETYPE_COLUMNS`."""
    return [
        *map(shown, (one.characters, one.groups)),
        *(f"{value:,.1f}" for value in (one.effective, one.effective_chance)),
        *(f"{value:.1%}" for value in (one.largest, one.largest_chance, one.repeated)),
    ]


def _told(measures: Mapping[str, str]) -> str:
    """Return what measures mean."""
    rows = "".join(f"<dt>{escape(name)}<dd>{escape(text)}" for name, text in measures.items())
    return f"<dl>{rows}</dl>"


def _characters(measured: Measured) -> str:
    """Return how each character's answers repeat themselves: spread, worst and best."""
    ranked = measured.ranked()
    if not ranked:
        return ""
    steps = Counter(math.floor(alike / _STEP) for alike, _ in ranked)
    counts = [(step, steps[step]) for step in range(min(steps), max(steps) + 1)]
    lines = [
        _Shown(f"{step * _STEP:.2f} to {(step + 1) * _STEP:.2f}", count / len(ranked), None)
        for step, count in counts
    ]
    largest = max(line.share for line in lines)
    bars = "".join(_bar(line, largest) for line in lines)
    left = len(measured.speakers) - len(ranked)
    others = f" {left:,} with fewer than two answers are left out." if left else ""
    mean = statistics.mean(alike for alike, _ in ranked)
    return (
        f"<h2>How much each character repeats itself</h2><p>How alike two answers of one "
        f"character are: {shown(mean)} in the mean of {len(ranked):,} characters; two answers of "
        f"two characters: {shown(measured.of_two_characters)}.{others}</p>"
        "<div class=grid><section>"
        f"<table><tr><th>alike<th><th class=n>characters</tr>{bars}</table></section></div>"
        f"<div class=grid>{_speakers('Most', ranked[:_MOST_CHARACTERS])}"
        f"{_speakers('Least', ranked[::-1][:_MOST_CHARACTERS])}</div><p class=note>With few "
        "answers the first and the last are so by luck too: read what they say. All characters "
        "are in report.json.</p>"
    )


def _speakers(title: str, ranked: Sequence[tuple[float, Speaker]]) -> str:
    rows = "".join(
        f"<tr>{_cells(name, *map(shown, (one.texts, one.words, one.mattr, alike)))}</tr>"
        for alike, (_, name, one) in ranked
    )
    head = _cells(title, "answers", "words", "mattr", "alike", tag="th")
    return f"<section><table><tr>{head}</tr>{rows}</table></section>"


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
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2g}" if 0 < value < 0.001 else f"{value:.3f}"


def _cells(*texts: str, tag: str = "td") -> str:
    first, *others = texts
    return f"<{tag}>{escape(first)}" + "".join(f"<{tag} class=n>{escape(t)}" for t in others)
