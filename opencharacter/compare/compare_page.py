"""The comparison of runs as sentences, tables, Markdown and a page."""

from collections.abc import Sequence
from functools import partial
from html import escape
from itertools import combinations

from opencharacter.compare.alike import listed
from opencharacter.compare.compare_beside import (
    fault_sentence,
    fault_table,
    loss_sentence,
    paired_loss_table,
)
from opencharacter.compare.differences import ALL, Comparison, Paired
from opencharacter.compare.document import document, warning
from opencharacter.compare.embedding import Embedded
from opencharacter.compare.favour import favour_table
from opencharacter.compare.markup import Line, Point, lines_plot, table
from opencharacter.compare.report_page import markdown_table
from opencharacter.compare.results import way_told
from opencharacter.compare.tables import (
    DOMAINS,
    NONE,
    Dot,
    Table,
    chance,
    columned,
    domain_names,
    ends_words,
    equals,
    number,
    places,
    preference_table,
    preference_words,
    ranged,
)
from opencharacter.records import Domain

_WHOM = {
    str(Domain.inside): "characters of the mixture",
    str(Domain.outside): "unseen characters",
    str(Domain.unknown): "these characters",
    str(Domain.none): "these questions",
    ALL: "all characters",
}
_IDENTICAL = 1e-9
"""Points below which a difference is rounding."""
FACTS = {
    "characters": "characters",
    "rows": "training dialogues",
    "tokens": "training tokens",
    "held_out": "held out",
    "method": "method",
}
"""What a score is drawn against, where it is known of two runs: key of `System.facts`, axis."""


def sentences(comparison: Comparison) -> list[str]:
    """Return what each pair of runs comes to, on what the comparison is for.

    Where the headline is withheld that is where the difference lies, if scores are missing.
    """
    preferred = comparison.preferences.items()
    is_part = any(system.withheld for system in comparison.systems)
    told = [each for pair, found in preferred for each in preference_words(pair, found)] * (
        not is_part
    )
    told += [loss_sentence(line, level=comparison.level) for line in comparison.losses]
    spoils = (fault_sentence(line, level=comparison.level) for line in comparison.faults)
    told += [each for each in spoils if each and not is_part]
    told += unlike(comparison)
    if comparison.withheld:
        way = way_told(comparison.criteria)
        unit = comparison.measure.unit
        return [*(bounds_words(line, way, unit) for line in comparison.main if line.bounds), *told]
    return [*(sentence(line, comparison) for line in comparison.main), *told]


def bounds_words(line: Paired, way: str = "", unit: str = "points") -> str:
    """Return between what a difference lies; `way` is from `way_told`."""
    if line.bounds is None:
        return ""
    worst, best = (number(each, sign=True) for each in (line.bounds.worst, line.bounds.best))
    return (
        f"{line.second} less {line.first} on {_WHOM.get(line.scope, line.scope)} lies between "
        f"{worst} and {best} {unit}{way}, whatever the missing scores would have been."
    )


def sentence(line: Paired, comparison: Comparison) -> str:
    """Return one paired difference in words: which is better, by how much, or what is not shown."""
    one = line.difference.estimate
    whom, way = _WHOM.get(line.scope, line.scope), way_told(comparison.criteria)
    level, unit = comparison.level, comparison.measure.unit
    if one.value is None:
        return f"{line.first} and {line.second} share no scores on {whom}."
    if one.low is None or one.high is None:
        if abs(one.value) < _IDENTICAL and one.se == 0 and one.clusters > 1:
            return f"{line.first} and {line.second} have identical scores on {whom}."
        told = (
            f"{line.second} is {number(one.value, sign=True)} {unit}{way} against {line.first} "
            f"on {whom}"
        )
        if one.clusters < 2:
            return f"{told}; one character says nothing about chance."
        return (
            f"{told}, on each of {one.clusters:,} alike: without spread there is no interval (p "
            f"{equals(line.p_holm)} after Holm)."
        )
    more, less, low, high = line.second, line.first, one.low, one.high
    if one.value < 0:
        more, less, low, high = less, more, -high, -low
    size = f"{number(abs(one.value), width=high - low)} {unit}"
    sure = (
        f"{comparison.measure.of}{level:.0%} interval {ends_words(low, high, sign=True)}, "
        f"p {equals(line.p_holm)} after Holm"
    )
    if line.p_holm is not None and line.p_holm <= 1 - level:
        does = "answers" if line.scope == Domain.none else "plays"
        told = f"{more} {does} {whom} better than {less} by {size} ({sure})."
        if way:
            told = (
                f"{less} {does} {whom} better than {more}: it has {size} less of "
                f"{', '.join(comparison.criteria)}, of which less is better ({sure})."
            )
        return f"{told} {_same(line, unit)}".strip()
    found = (
        f"No difference between {line.first} and {line.second} is shown on {whom}: {more} is "
        f"{size}{way} above {less} ({sure})."
    )
    return " ".join(filter(None, (found, _same(line, unit), _power(line, comparison))))


def _same(line: Paired, unit: str) -> str:
    """Return what TOST says."""
    if line.same is None or line.same.holds is None:
        return ""
    margin = number(line.same.margin)
    if line.same.holds:
        return f"They are equal within ±{margin} {unit} (TOST, p {equals(line.same.p)})."
    if line.p_holm is not None and line.p_holm <= 0.05:
        return ""
    told = f"Nor are they shown to be equal within ±{margin} {unit}"
    return f"{told} (TOST, p {equals(line.same.p)})."


def _power(line: Paired, comparison: Comparison) -> str:
    if _is_hopeless(line, comparison.level):
        return _least_words(comparison.main, comparison.level)
    if line.detectable is None:
        return ""
    return (
        f"With {line.difference.estimate.clusters:,} characters a true difference of "
        f"{number(line.detectable)} {comparison.measure.unit} would be found 4 times in 5."
    )


def _is_hopeless(line: Paired, level: float) -> bool:
    """Tell whether no difference could be shown, however large."""
    return line.least_p is not None and line.least_p > 1 - level


def _least_words(found: Sequence[Paired], level: float) -> str:
    """Return in which lines of a table nothing can be shown, and why; nothing where all may be."""
    few = {line.difference.estimate.clusters: line.least_p for line in found
           if _is_hopeless(line, level)}  # fmt: skip
    return " ".join(
        f"With {characters:,} characters and {len(found):,} line{'s' * (len(found) > 1)} no p "
        f"below {chance(p)} is possible, so no difference can be shown, however large."
        for characters, p in sorted(few.items())
    )


def compare_tables(comparison: Comparison) -> list[Table]:
    """Return all tables that have lines."""
    paired = partial(_paired_table, comparison.level)
    found = [
        _standings(comparison),
        paired("Differences", "No headline: see above. " * bool(comparison.withheld)
               + "One run less another, on the same items; p by sign flips of whole "
               "characters, Holm over this table.", comparison.main),
        paired("Differences on other characters", "As above; Holm over this table.",
               comparison.domains),
        paired("Differences by criterion", "As above; Holm over this table.",
               comparison.by_criterion),
        fault_table(comparison.faults, level=comparison.level),
        preference_table(comparison.preferences),
        favour_table(comparison.self_preference),
        paired_loss_table(comparison.losses, level=comparison.level),
    ]  # fmt: skip
    return [each for each in found if each.lines]


def compare_page(comparison: Comparison, shown: Embedded) -> str:
    """Return the page."""
    told = "".join(f"<p>{escape(each)}</p>" for each in sentences(comparison))
    if comparison.withheld:
        told = warning("No headline", comparison.withheld) + told
    standings, *others = map(table, compare_tables(comparison))
    curves = [_curve(comparison, fact, across) for fact, across in FACTS.items()]
    body = told + warning("To know", comparison.cautions) + "".join([standings, *curves, *others])
    return document(
        title=comparison.title,
        subtitle=f"<p class=sub>{escape(about(comparison))}</p>",
        body=body,
        footer=f"<p>{escape(_cards(comparison))}</p><p>{escape(_method(comparison))}</p>",
        transcripts=shown,
    )


def compare_markdown(comparison: Comparison) -> str:
    """Return the same as Markdown."""
    parts = [f"# {comparison.title}", about(comparison)]
    if comparison.withheld:
        parts += ["## No headline", *(f"- {why}" for why in comparison.withheld)]
    parts += [f"- {each}" for each in sentences(comparison)]
    if comparison.cautions:
        parts += ["## To know", *(f"- {each}" for each in comparison.cautions)]
    parts += [markdown_table(each) for each in compare_tables(comparison)]
    parts += filter(None, [_cards(comparison), _method(comparison)])
    return "\n\n".join(parts) + "\n"


def about(comparison: Comparison) -> str:
    """Return what was compared, in a sentence."""
    judges = listed(comparison.systems[0].judges)
    return (
        f"{comparison.items:,} items of {comparison.characters:,} characters that all runs were "
        f"asked; headline over {', '.join(comparison.criteria)}{way_told(comparison.criteria)}: "
        f"{comparison.measure.name}; judged by {judges}."
    )


def _cards(comparison: Comparison) -> str:
    """Return by which cards the judges of each run are known; nothing where rules judged."""
    cited = [
        f"{system.run}, {label} {sha256}"
        for system in comparison.systems
        for label, sha256 in system.card_hashes.items()
    ]
    if not any(system.scored_by for system in comparison.systems):
        return ""
    return f"Judge cards (sha256): {'; '.join(cited) or 'none'}."


def _method(comparison: Comparison) -> str:
    return (
        f"Paired by item, {comparison.level:.0%} intervals over characters: studentised resampling "
        "of 8 to 49 of them, Student's t with fewer and with more; margin of equality "
        f"±{number(comparison.margin)} {comparison.measure.unit} by two one-sided tests."
    )


def _standings(comparison: Comparison) -> Table:
    domains = [d for d in Domain if any(d in each.domains for each in comparison.standings)]
    systems = {system.run: system for system in comparison.systems}
    facts = [fact for fact in FACTS if any(fact in s.facts for s in comparison.systems)]
    lines, dots = [], []
    columns = [[each.domains.get(d) for each in comparison.standings] for d in domains]
    columns_shown = columned(columns) or [[] for _ in comparison.standings]  # no item has a score
    for each, cells in zip(comparison.standings, columns_shown, strict=True):
        means = [each.domains.get(domain) for domain in domains]
        system = systems[each.run]
        shown = [_fact(system.facts.get(fact)) for fact in facts]
        lines.append([each.run, *cells, *shown, ", ".join(system.models)])
        dots.append([Dot(at, one) for at, one in enumerate(means) if one])
    names = domain_names(domains)
    heads = ("", *names, *(FACTS[fact] for fact in facts), "model")
    return Table("Runs", "On the items that all have a score for.", heads, lines, dots, names)


def _paired_table(level: float, title: str, note: str, found: Sequence[Paired]) -> Table:
    note = f"{note} {_least_words(found, level)}".strip()
    decimals = places(line.difference.estimate for line in found)
    lines = [
        [
            _pair(line),
            ranged(line.difference.estimate, decimals),
            chance(line.p_holm),
            _share(line.difference.better),
            _held(line),
            "nothing" if _is_hopeless(line, level) else number(line.detectable),
            f"{number(line.bounds.worst)} to {number(line.bounds.best)}" if line.bounds else NONE,
            f"{line.difference.estimate.clusters:,}",
        ]
        for line in found
    ]
    columns = (
        *("", "difference", "p (Holm)", "chance it is better", "equal within margin"),
        *("detectable", "bounds", "characters"),
    )
    dots = [[Dot(0, line.difference.estimate)] for line in found]
    return Table(title, note, columns, lines, dots, (), is_difference=True)


def _pair(line: Paired) -> str:
    """Return what is subtracted from what, and of whom, where that has a meaning."""
    pair = f"{line.second} − {line.first}"
    if line.scope not in set(Domain):
        return f"{pair}, {line.scope}"
    return pair if line.scope == Domain.none else f"{pair}, {DOMAINS[Domain(line.scope)]}"


def _held(line: Paired) -> str:
    if line.same is None or line.same.holds is None:
        return NONE
    return "yes" if line.same.holds else "not shown"


def _share(value: float | None) -> str:
    if value is None:
        return NONE
    if 0.0005 <= value < 0.9995:
        return f"{value:.1%}"
    return "< 0.1%" if value < 0.5 else "> 99.9%"  # never a certainty


def _fact(value: str | float | None) -> str:
    if value is None:
        return NONE
    return value if isinstance(value, str) else f"{value:,}"


def _curve(comparison: Comparison, fact: str, across: str) -> str:
    """Return the plot of scores against a number that runs differ in; nothing if they do not.

    Runs of different methods are different lines: nothing between them was measured.
    """
    facts = {s.run: s.facts for s in comparison.systems}
    domains = [d for d in Domain if any(d in each.domains for each in comparison.standings)]
    methods = sorted({str(each.get("method", "")) for each in facts.values() if fact in each})
    lines = [
        Line(
            ", ".join(filter(None, (name, method * (len(methods) > 1)))),
            [
                Point(float(at), each.domains[domain])
                for each in comparison.standings
                if domain in each.domains
                and facts[each.run].get("method", "") == method
                and isinstance(at := facts[each.run].get(fact), int | float)
            ],
        )
        for method in methods
        for name, domain in zip(domain_names(domains), domains, strict=True)
    ]
    plot = lines_plot(
        lines,
        across=across,
        up=comparison.measure.whole,
        scale=comparison.measure.scale,
        told=f"Scores against {across}; see the table of runs.",
    )
    title = f"<h2>Score against {escape(across)}</h2>"
    return f"<section>{title}{plot}</section>" if plot else ""


def unlike(comparison: Comparison) -> list[str]:
    """Say for each two runs whose trainings differ in more than one fact what these are.

    Rows and tokens are both the size of the data; numbers within a twentieth count as the same.
    """
    told = []
    for first, second in combinations(comparison.systems, 2):
        differ = {
            fact: (first.facts[fact], second.facts[fact])
            for fact in ("characters", "rows", "tokens", "method")
            if fact in first.facts.keys() & second.facts.keys()
            and not _about_equal(first.facts[fact], second.facts[fact])
        }
        if len(differ.keys() - ({"tokens"} if "rows" in differ else set())) > 1:
            listed = "; ".join(
                f"{FACTS[fact]} {_fact(one)} and {_fact(other)}"
                for fact, (one, other) in differ.items()
            )
            told.append(
                f"{first.run} and {second.run} differ in more than one thing, so nothing here says "
                f"which of them a difference comes from: {listed}."
            )
    return told


def _about_equal(one: str | float, other: str | float) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return abs(one - other) <= 0.05 * max(one, other)
