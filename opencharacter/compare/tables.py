"""Tables of a report, once for the terminal, for Markdown and for the page."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from opencharacter.compare.losses import Measured
from opencharacter.compare.measured import ALL_JUDGES, Gap, Preferred, Report, Row
from opencharacter.records import Domain
from opencharacter.stats.intervals import Estimate

DOMAINS: dict[Domain | None, str] = {
    Domain.inside: "in-domain",
    Domain.outside: "out-of-domain",
    Domain.unknown: "domain unknown",
    Domain.none: "of no domain",
}
NONE = "–"
_SPREAD = {
    "character": "more characters",
    "item": "more questions of each character",
    "sample": "more samples of each question",
    "judge": "more judges",
    "judge with character": "more judges",
    "rest": "more of any",
}
_NARROW = 0.05  # points
_TOLD = {
    "fact_contradicted": " (less is better)",
    "fact": " (share of the profile's facts that nothing contradicts)",
    "fact_shown": " (coverage: share of the profile's facts that the answers show)",
    "preference": " (share preferred to the other run's answer)",
}


class Dot(NamedTuple):
    """A mean with its interval, drawn on the scale of its table."""

    series: int
    estimate: Estimate


class Table(NamedTuple):
    """What a reader sees; the first cell of a line is its name."""

    title: str
    note: str
    columns: Sequence[str]
    lines: Sequence[Sequence[str]]
    dots: Sequence[Sequence[Dot]] = ()
    """For each line, what is drawn; empty = nothing is."""
    series: Sequence[str] = ()
    """What the colours of dots mean."""
    is_difference: bool = False
    """Whether 0 is a place of its own."""


def number(
    value: float | None,
    *,
    sign: bool = False,
    width: float | None = None,
    decimals: int | None = None,
) -> str:
    """Return a score as a reader wants it.

    Args:
        value: None = a dash.
        sign: Show a plus too.
        width: Of its interval: a narrow one earns a third decimal.
        decimals: Those of its column (`places`) instead.
    """
    if value is None:
        return NONE
    if decimals is None:
        decimals = 3 if width is not None and width < _NARROW else 2
    return f"{round(value, decimals) + 0.0:{'+' * sign}.{decimals}f}"  # no -0.00


def chance(p: float | None) -> str:
    """Return a p-value, never as 0."""
    if p is None:
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def places(estimates: Iterable[Estimate | None]) -> int:
    """Return how many decimals a column has: as many as its narrowest interval earns."""
    widths = [
        one.high - one.low
        for one in estimates
        if one and one.low is not None and one.high is not None
    ]
    return 3 if widths and min(widths) < _NARROW else 2


def ranged(estimate: Estimate | None, decimals: int | None = None) -> str:
    """Return a mean with its interval, with the decimals of its column."""
    if estimate is None or estimate.value is None:
        return NONE
    if decimals is None:
        decimals = places([estimate])
    value = number(estimate.value, decimals=decimals)
    if estimate.low is None or estimate.high is None:
        return f"{value} [{'all alike' if estimate.se == 0 else 'no interval'}]"
    low, high = (number(each, decimals=decimals) for each in (estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


def columned(columns: Sequence[Sequence[Estimate | None]]) -> list[list[str]]:
    """Return columns of means with their intervals, each with decimals of its own, as lines."""
    cells = [[ranged(one, places(column)) for one in column] for column in columns]
    return [list(line) for line in zip(*cells, strict=True)]


def ends_words(low: float | None, high: float | None, *, sign: bool = False) -> str:
    """Return the ends of an interval."""
    if low is None or high is None:
        return "no interval"
    width = high - low
    return f"{number(low, sign=sign, width=width)} to {number(high, sign=sign, width=width)}"


def gap_words(gap: Gap, *, level: float, unit: str = "points") -> str:
    """Return the gap as a sentence."""
    if gap.low is None or gap.high is None:
        return (
            f"In-domain characters are scored {number(gap.value, sign=True)} {unit} against "
            "out-of-domain ones; with one character, or all alike, nothing tells what chance does."
        )
    way = "higher" if gap.value >= 0 else "lower"
    ends = ends_words(gap.low, gap.high, sign=True)
    width = gap.high - gap.low
    sure = "" if gap.low > 0 or gap.high < 0 else "; the interval holds 0"
    return (
        f"In-domain characters are scored {number(abs(gap.value), width=width)} {unit} {way} than "
        f"out-of-domain ones ({level:.0%} interval {ends}, p {equals(gap.p)}){sure}."
    )


def domain_names(domains: Sequence[Domain]) -> list[str]:
    """Return what the means of some domains are called: just so where none has a meaning."""
    return ["mean"] if set(domains) == {Domain.none} else [DOMAINS[each] for each in domains]


def tables_of(report: Report) -> list[Table]:
    """Return all tables of a report that have lines."""
    means = partial(_means, report.units)
    found = [
        means("As people would score it", "The judges' means corrected by labels of a part of the "
               "answers (prediction-powered inference); intervals hold the correction's error.",
               [report.corrected] if report.corrected else []),
        means("By task", "The headline's criteria, without controls. A mark is of one "
               "transcript in one criterion, over its judges and turns.", report.tasks),
        means("By criterion", "Without controls; criteria may have different scales.",
               [] if _is_same(report) else _pointwise(report)),
        preference_table(report.preferences),
        means("By turn", "User turns, counted from 1.", report.turns),
        means("By turn, by rule", "What a rule finds at each user turn, beside the headline.",
               report.rule_turns),
        means("Controls", "What is left without the persona, or with another one: the difference "
               "from `none` is what an answer owes to its persona.", report.controls),
        loss_table(report.losses),
        _failures(report),
        _judges(report),
        _spread(report),
    ]  # fmt: skip
    return [table for table in found if table.lines]


def _means(units: str, title: str, note: str, rows: Sequence[Row]) -> Table:
    domains = [domain for domain in Domain if any(domain in row.domains for row in rows)]
    lines, dots = [], []
    shown = columned([[row.domains.get(domain) for row in rows] for domain in domains])
    for row, cells in zip(rows, shown or [[] for _ in rows], strict=True):
        each = [row.domains.get(domain) for domain in domains]
        counts = f"{row.overall.n:,}", f"{row.overall.clusters:,}"
        lines.append(
            [
                row.name + _TOLD.get(row.name.partition(",")[0], ""),
                *cells,
                *counts,
                f"{row.missing:,}",
            ]
        )
        dots.append([Dot(at, one) for at, one in enumerate(each) if one])
    names = domain_names(domains)
    columns = ("", *names, "marks", units, "missing")
    return Table(title, note, columns, lines, dots, names)


def preference_table(found: Mapping[str, Sequence[Preferred]]) -> Table:
    """Return how often one run's answers are preferred to another's.

    Args:
        found: By pair of runs, as in `mine over base`.
    """
    told = [(pair, each) for pair, lines in found.items() for each in lines]
    lines = [
        [
            f"{pair}, {each.judge}",
            *([f"{number(each.bounds[0])} to {number(each.bounds[1])}, bounds", NONE, NONE]
              if each.bounds else map(ranged, (each.plain, each.controlled, each.length))),
            f"{each.comparisons:,}",
            f"{each.missing:,}",
            f"{each.plain.clusters:,}",
        ]
        for pair, each in told
    ]  # fmt: skip
    dots = [
        [] if each.bounds else [Dot(0, each.plain), Dot(1, each.controlled)] for _, each in told
    ]
    columns = ("", "preferred", "at equal length", "effect of length", "comparisons", "missing")
    note = (
        "Answers side by side, in both orders; 0.50 = neither is preferred. What is no role-play "
        "loses. At equal length: of the judged pairs, logistic in the difference of words, fitted "
        "anew for each draw of characters; effect of length on the scale of logits."
    )
    return Table(
        "Preferred, answer beside answer", note, (*columns, "characters"), lines, dots,
        ("preferred", "at equal length"),
    )  # fmt: skip


def loss_table(found: Sequence[Measured]) -> Table:
    """Return what given answers cost a model, by topic."""
    lines = [
        [
            each.name,
            *map(ranged, (each.nats, each.perplexity, each.bits)),
            f"{each.nats.n:,}",
            f"{each.nats.clusters:,}",
        ]
        for each in found
    ]
    columns = ("", "nats a token", "perplexity", "bits a byte", "tokens", "dialogues")
    note = (
        "Less is better. How likely the model holds given answers to general questions, the ends "
        "of turns counted, as in training; intervals over dialogues. Nothing of it is in the "
        "headline. Between models of different tokenizers compare bits a byte."
    )
    dots = [[Dot(0, each.nats)] for each in found]
    return Table("Loss on given answers", note, columns, lines, dots, ("nats a token",))


def preference_words(pair: str, found: Sequence[Preferred]) -> list[str]:
    """Return in a sentence what all judges together prefer; nothing without comparisons."""
    if not found:
        return []
    one = found[0]
    if one.judge != ALL_JUDGES:
        pair = f"{pair} ({one.judge})"
    if one.bounds:
        low, high = number(one.bounds[0]), number(one.bounds[1])
        return [
            f"{pair}: {one.missing:,} of {one.comparisons:,} comparisons have no verdict, so the "
            f"share preferred lies between {low} and {high}."
        ]
    return [
        f"{pair}: preferred in {ranged(one.plain)} of the comparisons, at equal length in "
        f"{ranged(one.controlled)}."
    ]


def _failures(report: Report) -> Table:
    domains = [domain for domain in Domain if domain in report.characters]
    lines = [
        [
            failed.name,
            *(f"{failed.counts.get(domain, 0):,}" for domain in domains),
            percent(failed.share),
        ]
        for failed in report.failures
    ]
    names = domain_names(domains)
    columns = ("", *(["transcripts"] if names == ["mean"] else names), "share")
    note = "Answers that are no role-play, of transcripts without a control; `none` can be judged."
    return Table("Failures", note, columns, lines)


def _spread(report: Report) -> Table:
    lines = [
        [name, f"{part.share:.0%}", _SPREAD[name]]
        for name, part in report.spread.items()
        if part.share is not None
    ]
    note = "Of single scores of the headline. It says what would make the mean more precise."
    columns = ("", "share of the variance", "lowered by")
    return Table("Where the spread comes from", note, columns, lines)


def percent(share: Estimate) -> str:
    """Return a share with its interval."""
    if share.value is None:
        return NONE
    if share.low is None or share.high is None:
        return f"{share.value:.1%}"
    return f"{share.value:.1%} [{share.low:.1%}, {share.high:.1%}]"


def _judges(report: Report) -> Table:
    chose = any(judge.inconsistency is not None for judge in report.judges)
    lines = [
        [
            judge.name,
            judge.family + (f" ({judge.kin})" if judge.kin else ""),
            f"{judge.scores:,}",
            _reasons(judge.unscored.items()),
            ranged(judge.mean),
            ranged(judge.without),
            *([number(judge.inconsistency)] if chose else []),
        ]
        for judge in report.judges
    ]
    columns = ["", "family", "scores", "without a value", "its mean", "headline without it"]
    columns += ["orders differ by"] if chose else []
    note = (
        "Of the headline's criteria, without controls. Its mean is of the scores with a value; "
        "without it failed answers count as in the headline. Beside a family, whose else it is."
    )
    note += " The orders are those of all its comparisons." * chose
    if len(report.judges) > 1:
        note += (
            " In the headline each judge's mean over the answers that all have scored is moved to "
            "that of all judges."
        )
    return Table("Judges", note, columns, lines)


def _is_same(report: Report) -> bool:
    """Tell whether each task has one criterion of its name: one table then says it all."""
    by_task = [(row.name, row.overall) for row in report.tasks]
    return by_task == [(row.name, row.overall) for row in report.criteria_rows]


def _pointwise(report: Report) -> list[Row]:
    """Return the lines of criteria but the preference, which has a table of its own."""
    return [
        row for row in report.criteria_rows if row.name != "preference" or not report.preferences
    ]


def _reasons(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in counts) or "0"


def equals(p: float | None) -> str:
    """Return a p-value after the letter p."""
    return chance(p) if (p or 0) < 0.001 else f"= {chance(p)}"
