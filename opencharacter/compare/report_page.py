"""The report of one run as a page and as Markdown."""

import json
from collections.abc import Sequence
from html import escape

from opencharacter.compare.cards import cards_of
from opencharacter.compare.document import Tile, document, tiles, warning
from opencharacter.compare.embedding import Embedded
from opencharacter.compare.judge_tables import jury_tables
from opencharacter.compare.markup import Line, Point, lines_plot, table
from opencharacter.compare.measured import NO_FAILURE, Bounds, Report
from opencharacter.compare.results import Results, judges_of, less_is_better, way_told
from opencharacter.compare.tables import (
    Table,
    chance,
    domain_names,
    ends_words,
    gap_words,
    number,
    preference_words,
    ranged,
    tables_of,
)
from opencharacter.records import Domain, Failure
from opencharacter.stats.intervals import Estimate

_TURNS = "By turn"
_TRAINED = {
    "characters": "trained on characters",
    "rows": "training dialogues",
    "tokens": "training tokens",
    "method": "training data by",
}


def report_page(report: Report, results: Results, shown: Embedded) -> str:
    """Return the page of a run.

    Args:
        report: Its numbers.
        results: What it is of.
        shown: Its transcripts.
    """
    sections = []
    for each in (*tables_of(report), *jury_tables(results)):
        sections.append(table(each))
        if each.title == _TURNS:
            sections.append(_turns(report))
    return document(
        title=report.title,
        subtitle=f"<p class=sub>{escape(about(report))}</p>",
        body=_head(report) + "".join(sections) + _cards(results),
        footer=f"<p>{escape(method(report))}</p>",
        transcripts=shown,
    )


def report_markdown(report: Report, results: Results) -> str:
    """Return the same numbers as Markdown."""
    parts = [f"# {report.title}", about(report)]
    if report.withheld:
        parts += ["## No headline", *(f"- {sentence}" for sentence in report.withheld)]
        parts += [f"- {sentence}" for sentence in _bounds(report)]
    else:
        parts += ["## Headline", *_figures(report)]
    parts += [f"- {sentence}" for sentence in _preferred(report)]
    if report.cautions:
        parts += ["## To know", *(f"- {sentence}" for sentence in report.cautions)]
    tables = (*tables_of(report), *jury_tables(results))
    parts += [markdown_table(each) for each in tables]
    hashes = ", ".join(f"{judge} {hash_}" for judge, hash_ in report.card_hashes.items())
    if judges_of(results):
        parts.append(f"Judge cards (sha256): {hashes or 'none'}.")
    parts.append(method(report))
    return "\n\n".join(parts) + "\n"


def about(report: Report) -> str:
    """Return what the report is of, in a sentence."""
    names = domain_names(list(report.characters))
    counts = ", ".join(
        f"{count:,}" if name == "mean" else f"{count:,} {name}"
        for name, count in zip(names, report.characters.values(), strict=True)
    )
    facts = "".join(
        f"; {_TRAINED.get(name, name)}: {_fact(value)}" for name, value in report.facts.items()
    )
    covered = "nothing" if report.coverage is None else f"{report.coverage:.1%}"
    return (
        f"{report.transcripts:,} transcripts; {report.units} asked: {counts or 'none'}; headline "
        f"over {', '.join(report.criteria) or 'no criterion'}{way_told(report.criteria)}: "
        f"{report.measure.told}; {covered} of its scores have a value{facts}."
    )


def _fact(value: str | int | float) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def method(report: Report) -> str:
    """Return how intervals are made."""
    return (
        f"Means with {report.level:.0%} intervals over {report.units}, not over rows: studentised "
        f"resampling of 8 to 49 {report.units}, Student's t with fewer or more; of ones and zeros "
        "Wilson's over effective rows; none leaves the scale of its marks. The gap: Student's t."
        f"{_failed_told(report)}"
    )


def _failed_told(report: Report) -> str:
    """Return what answers that are no role-play count as; nothing where there are none."""
    if report.failed:
        told = (
            " An answer that is no role-play (empty, refused, out of character, cut off, or not "
            f"come to after such a one) counts as the lowest mark, as {report.failed:,} of "
            f"{report.answers:,} answers here do"
        )
        if report.withheld or report.judged.value is None:
            return f"{told}."
        return f"{told}; without them the mean is {ranged(report.judged)}."
    own = {NO_FAILURE, str(Failure.error)}  # the engine's faults are missing
    failed = sum(sum(each.counts.values()) for each in report.failures if each.name not in own)
    if not failed or any(judge.scores for judge in report.judges):
        return ""
    return (
        " A rule counts what an answer says, though it was cut off, refused or out of character, "
        f"as in {failed:,} transcript{'s' * (failed > 1)} here."
    )


def markdown_table(given: Table) -> str:
    """Return a table under its title."""
    rows = [[_plain(cell) for cell in line] for line in (given.columns, *given.lines)]
    rows.insert(1, ["---", *["---:"] * (len(given.columns) - 1)])
    lines = "\n".join(f"| {' | '.join(line)} |" for line in rows)
    return f"## {given.title}\n\n{given.note}\n\n{lines}"


def _plain(cell: str) -> str:
    """Return a cell that ends neither its column nor its line, and is no HTML."""
    text = " ".join(cell.split()).replace("\\", "\\\\").replace("|", "\\|")
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _counted(units: str, count: int) -> str:
    return f"{count:,} {units.removesuffix('s') if count == 1 else units}"


def _headline(report: Report) -> list[tuple[str, Estimate]]:
    """Return the mean of each domain by what it is called."""
    found = report.headline.domains
    return list(zip(domain_names(list(found)), found.values(), strict=True))


def _figures(report: Report) -> list[str]:
    way = way_told(report.criteria)
    lines = [
        f"- {name}: {ranged(one)} ({_counted(report.units, one.clusters)}){way}"
        for name, one in _headline(report)
    ]
    if report.gap:
        lines.insert(0, f"- {_gap_words(report)}")
    return [f"- {report.measure.whole}:", *lines]


def _gap_words(report: Report) -> str:
    if report.gap is None:
        return ""
    told = gap_words(report.gap, level=report.level, unit=report.measure.unit)
    if less_is_better(report.criteria):
        told += f" These are of {', '.join(report.criteria)}, of which less is better."
    return told


def _head(report: Report) -> str:
    told = "".join(f"<p>{escape(sentence)}</p>" for sentence in _preferred(report))
    if report.withheld:
        bounds = [
            Tile(
                f"{name}, bounds",
                f"{number(b.low)} to {number(b.high)}",
                "whatever the missing scores would have been",
            )
            for name, b in _named_bounds(report)
        ]
        return (
            warning("No headline", report.withheld)
            + told
            + warning("To know", report.cautions)
            + (tiles(bounds) if bounds else "")
        )
    way = way_told(report.criteria)
    found = [_tile(name, one, report.units, way) for name, one in _headline(report)]
    words = ""
    if report.gap:
        ends = (report.gap.low, report.gap.high)
        found.insert(0, Tile("gap, in-domain less out-of-domain",
                             number(report.gap.value, sign=True), ends_words(*ends, sign=True)
                             + f", p {chance(report.gap.p)}"))  # fmt: skip
        words = f"<p>{escape(_gap_words(report))}</p>"
    what = f"<p class=what>{escape(report.measure.whole)}:</p>"
    return what + tiles(found) + words + told + warning("To know", report.cautions)


def _tile(name: str, one: Estimate, units: str, way: str) -> Tile:
    ends = ends_words(one.low, one.high)
    return Tile(name, number(one.value), f"{ends}, {_counted(units, one.clusters)}{way}")


def _turns(report: Report) -> str:
    domains = [domain for domain in Domain if any(domain in row.domains for row in report.turns)]
    lines = [
        Line(
            name,
            [
                Point(float(row.name), row.domains[domain], group)
                for row, group in zip(report.turns, report.turn_groups, strict=True)
                if domain in row.domains
            ],
        )
        for name, domain in zip(domain_names(domains), domains, strict=True)
    ]
    return lines_plot(
        lines,
        across="user turn",
        up=report.measure.whole,
        scale=report.measure.scale,
        told="Scores by turn; the table has the figures.",
    )


def _cards(results: Results) -> str:
    """Return the judges' cards whole: what they find of what was planted, and whom they follow."""
    parts = []
    for each in cards_of(results):
        if each.card is None:
            text = "<p>None: nobody has tested this judge; <code>stage=qualify</code> does.</p>"
        else:
            shown = escape(json.dumps(each.card, indent=2, ensure_ascii=False))
            text = (
                f"<p>sha256 {escape(each.sha256 or 'unknown')}</p><details>"
                f"<summary>All of it</summary><pre>{shown}</pre></details>"
            )
        parts.append(f"<h3>{escape(each.label)}</h3>{text}")
    return f"<section><h2>Judge cards</h2>{''.join(parts)}</section>" if parts else ""


def headline_words(report: Report) -> Sequence[str]:
    """Return the headline, or why there is none and what can be said, a sentence each."""
    told = [*report.withheld, *_bounds(report)] if report.withheld else _figures(report)
    return [*told, *_preferred(report)]


def _bounds(report: Report) -> list[str]:
    """Return between what the means lie, where scores are missing, a sentence each."""
    return [
        f"Bounds, {name}: {number(b.low)} to {number(b.high)}, whatever the missing scores would "
        "have been."
        for name, b in _named_bounds(report)
    ]


def _named_bounds(report: Report) -> list[tuple[str, Bounds]]:
    names = domain_names([each.domain for each in report.bounds])
    return list(zip(names, report.bounds, strict=True))


def _preferred(report: Report) -> list[str]:
    """Return what judges prefer, where answers stood side by side; beside no headline nothing."""
    found = {} if report.withheld else report.preferences
    return [told for pair, lines in found.items() for told in preference_words(pair, lines)]
