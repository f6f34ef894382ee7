"""The population report: a page, the same numbers as JSON, and the main ones on the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from opencharacter.population.attributes import Distribution, Joint
from opencharacter.population.page import page, shown
from opencharacter.population.texts import Variety
from opencharacter.progress import closing_table
from opencharacter.store.files import whole_file, write_json
from opencharacter.store.stage import StageFolder


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Everything that the report says."""

    distributions: Sequence[Distribution]
    joints: Sequence[Joint]
    names: Mapping[str, float]
    """Figures of the names, by what they say."""
    varieties: Mapping[str, Variety]
    """By what was measured."""
    by_character: Mapping[str, Variety]
    """Of the answers of each character."""
    lists: Mapping[str, Sequence[tuple[str, int]]]


def write_report(folder: StageFolder, measured: Measured, *, title: str) -> None:
    """Write report.json and report.html, and print the main numbers."""
    html = page(
        title,
        distributions=measured.distributions,
        joints=measured.joints,
        names=measured.names,
        varieties=measured.varieties,
        lists=measured.lists,
    )
    with whole_file(folder.path / "report.html") as temporary:
        temporary.write_text(html, encoding="utf-8", errors="replace")
    write_json(
        folder.path / "report.json",
        {
            "title": title,
            "distributions": [one._asdict() for one in measured.distributions],
            "joints": [one._asdict() for one in measured.joints],
            "names": dict(measured.names),
            "varieties": {name: one._asdict() for name, one in measured.varieties.items()},
            "by_character": {id_: one._asdict() for id_, one in measured.by_character.items()},
            "lists": measured.lists,
        },
    )
    rows = [
        [d.attribute, f"{len(d.counts):,}", next(iter(d.counts)), f"{d.evenness:.2f}",
         f"{d.distance:.2f} ({d.expected})"]
        for d in measured.distributions
    ]  # fmt: skip
    print(title)
    print(closing_table(rows, ("attribute", "values", "commonest", "evenness", "distance")))
    print("Names: " + ", ".join(f"{name} {shown(value)}" for name, value in measured.names.items()))
    fields = ("texts", "distinct_2", "mattr", "compression", "uniformity", "nearest")
    texts = [
        [name, *(shown(one._asdict()[field]) for field in fields)]
        for name, one in measured.varieties.items()
    ]
    print(closing_table(texts, ("texts of", *fields)))
    if measured.by_character:
        within = mean(one.nearest for one in measured.by_character.values())
        print(f"Answers of one character: nearest {within:.3f} in the mean")
    print(f"Page: {folder.path / 'report.html'}")
