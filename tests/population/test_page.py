from html.parser import HTMLParser
from pathlib import Path

from opencharacter.population.archetypes import archetypes
from opencharacter.population.attributes import distribution
from opencharacter.population.coverage import coverage, space_of
from opencharacter.population.joints import joints
from opencharacter.population.measured import Measured, Speaker
from opencharacter.population.page import page
from opencharacter.population.texts import Variety, variety


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def read(**given):
    """Return the tags and the text of a page, parts that are not given left empty."""
    parts = {"distributions": [], "joints": [], "names": {}, "varieties": {}, "lists": {}}
    parts |= {"archetypes": {}, "coverages": {}}
    parts |= {"speakers": [], "of_two_characters": None}
    reader = Reader()
    reader.feed(page("25 <b>characters</b>", Measured(**parts | given)))
    return reader.tags, " ".join(reader.text)


def widths(tags, what="bar", side="width"):
    styles = [attrs["style"] for tag, attrs in tags if attrs.get("class") == what]
    return [float(style.removeprefix(f"{side}:").removesuffix("%")) for style in styles]


def test_a_page_shows_everything_and_runs_nothing():
    values = [f"v{n}" for n in range(20)] + ["<script>alert(1)</script>"] * 5
    rows = [{"gender": v, "age": "a", "race": v, "country": "c"} for v in values]
    tags, text = read(
        distributions=[distribution("gender", values, {})],
        joints=joints(rows),
        names={"different full names": 1234, "share of the commonest": 0.12},
        varieties={"experience": variety(["a b c", "a b d"])},
        lists={"Names": [("Ann & Bob", 3), ("Cy", 1)], "Openings": [("i am", 1)]},
    )

    assert "script" not in {tag for tag, _ in tags}
    assert "<script>alert(1)</script>" in text
    assert "25 <b>characters</b>" in text
    assert "9 others" in text
    assert "Ann & Bob" in text
    assert "Cy" not in text
    assert "None occurs twice." in text
    assert "1,234" in text
    assert widths(tags) == [100.0] + [20.0] * 11
    assert not [a for _, a in tags if "src" in a or "href" in a]


def test_texts_too_short_to_be_measured_show_a_dash():
    _, text = read(varieties={"experience": variety(["a b c", "a b d"])})

    assert "–" in text


def test_ages_stand_in_order_and_not_by_how_often_they_occur():
    ages = ["100+"] * 3 + ["20-29"] * 2 + ["0-9"]
    _, text = read(distributions=[distribution("age", ages, {})])

    assert text.index("0-9") < text.index("20-29") < text.index("100+")


def test_a_census_is_a_mark_on_each_bar_and_shows_what_is_missing():
    # Here a has 0.75, b 0.25, c nothing; the longest bar is the census' 0.8 of c.
    census = {"gender": {"a": 0.2, "c": 0.8}}
    tags, text = read(distributions=[distribution("gender", ["a", "a", "a", "b"], census)])

    assert widths(tags) == [93.8, 31.2, 0.0]
    assert widths(tags, "mark", "left") == [25.0, 0.0, 100.0]
    assert "80.0%" in text


def speaker(name, *answers):
    return Speaker(f"character-{name}", name, variety(answers))


def test_who_repeats_itself_most_stands_first_and_who_says_one_thing_is_left_out():
    speakers = [
        speaker("Varied", "one two three", "four five six"),
        speaker("Parrot", "I like bread.", "I like bread."),
        speaker("Silent", "Once."),
    ]
    _, text = read(speakers=speakers, of_two_characters=0.25)
    most, _, least = text.partition("Most")[2].partition("Least")

    assert most.index("Parrot") < most.index("Varied")
    assert least.index("Varied") < least.index("Parrot")
    assert "Silent" not in text
    assert "1 with fewer than two answers" in text
    assert "two characters: 0.250" in text


def test_without_answers_there_is_no_section_of_characters():
    assert "repeats itself" not in read()[1]


def test_archetypes_and_coverage_stand_in_tables():
    kind = "patient curious gardener"
    personas = [f"{word} cook" for word in "red blue green white black brown".split()]
    _, text = read(
        archetypes={"personality": archetypes([kind, kind, kind, "loud sailor"], [""] * 4)},
        coverages={"experience": coverage(personas[:3], space_of(personas))},
    )

    assert "curious, gardener, patient" in text
    assert "75.0%" in text  # three of four
    assert "experience 1.000" in text  # all are within the fifth nearest


TOLD = (
    "evenness", "distance", "association", "by chance", "effective", "largest", "repeated",
    "covered", "half", "words",
)  # fmt: skip


def test_every_measure_is_explained_on_the_page_and_in_the_documents():
    _, page_text = read()
    docs = (Path(__file__).parents[2] / "docs" / "population.md").read_text(encoding="utf-8")
    for name in (*Variety._fields[2:], *TOLD):
        assert name in page_text
        assert f"`{name}`" in docs
