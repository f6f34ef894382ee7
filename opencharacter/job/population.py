"""The population report: a page, the same numbers as JSON, and the main ones on the terminal."""

from statistics import mean

from opencharacter.population.measured import Measured
from opencharacter.population.page import (
    ARCHETYPE_COLUMNS,
    COVERAGE_COLUMNS,
    archetype_cells,
    page,
    shown,
)
from opencharacter.population.texts import Variety
from opencharacter.progress import closing_table
from opencharacter.store.files import whole_file, write_json
from opencharacter.store.stage import StageFolder

_ATTRIBUTE_HEADERS = (
    "attribute", "values", "commonest", "evenness", "by chance", "distance", "by chance", "from"
)  # fmt: skip


def write_report(folder: StageFolder, measured: Measured, *, title: str) -> None:
    """Write report.json and report.html, and print the main numbers."""
    html = page(title, measured)
    with whole_file(folder.path / "report.html") as temporary:
        temporary.write_text(html, encoding="utf-8", errors="replace")
    write_json(
        folder.path / "report.json",
        {
            "title": title,
            "distributions": [one._asdict() for one in measured.distributions],
            "joints": [one._asdict() for one in measured.joints],
            "archetypes": {name: one._asdict() for name, one in measured.archetypes.items()},
            "coverage": {name: one._asdict() for name, one in measured.coverages.items()},
            "names": dict(measured.names),
            "varieties": {name: one._asdict() for name, one in measured.varieties.items()},
            "by_character": {
                one.character_id: {"name": one.name} | one.variety._asdict()
                for one in measured.speakers
            },
            "alike_of_two_characters": measured.of_two_characters,
            "lists": measured.lists,
        },
    )
    rows = [
        [d.attribute, f"{len(d.counts):,}", next(iter(d.counts)), f"{d.evenness:.2f}",
         f"{d.even:.2f}", f"{d.distance:.2f}", f"{d.chance:.2f}", d.expected]
        for d in measured.distributions
    ]  # fmt: skip
    print(title)
    print(closing_table(rows, _ATTRIBUTE_HEADERS))
    _print_groups(measured)
    print("Names: " + ", ".join(f"{name} {shown(value)}" for name, value in measured.names.items()))
    fields = [field for field in Variety._fields if field != "distinct_1"]
    texts = [
        [name, *(shown(one._asdict()[field]) for field in fields)]
        for name, one in measured.varieties.items()
    ]
    print(closing_table(texts, ("texts of", *fields)))
    if ranked := measured.ranked():
        print(
            f"Two answers of one character: alike {mean(alike for alike, _ in ranked):.3f} in the "
            f"mean; of two characters {shown(measured.of_two_characters)}; the most of "
            f"{ranked[0][1].name}, {ranked[0][0]:.3f}"
        )
    print(f"Page: {folder.path / 'report.html'}")


def _print_groups(measured: Measured) -> None:
    """Print the archetypes, and how much of the personas is covered."""
    groups = [[name, *archetype_cells(one)] for name, one in measured.archetypes.items()]
    print(closing_table(groups, ("alike in", *ARCHETYPE_COLUMNS)))
    reached = [[name, *map(shown, one)] for name, one in measured.coverages.items()]
    if reached:
        print(closing_table(reached, ("personas in", *COVERAGE_COLUMNS)))
