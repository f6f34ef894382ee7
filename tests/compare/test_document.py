import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import opencharacter.compare
from opencharacter.compare.document import document, warning
from opencharacter.compare.embedding import Embedded, embedded, safe_json, shown_of
from opencharacter.compare.judge_tables import jury_tables
from opencharacter.compare.markup import ends_of, table, whiskers
from opencharacter.compare.report_page import markdown_table, report_markdown, report_page
from opencharacter.compare.reporting import report_of
from opencharacter.compare.results import marks_of
from opencharacter.compare.tables import Dot, Table
from opencharacter.config import ReportConfig
from opencharacter.evaluation.juries import jury_of
from opencharacter.records import Message, Role
from opencharacter.stats.intervals import Estimate
from tests.compare.played import EVIL, item, results, transcript

PARTS = sorted((Path(opencharacter.compare.__file__).parent / "page").iterdir())


def estimate(value, low=None, high=None):
    return Estimate(value, low, high, None, 10, 5, 0.95, "t")


def page_of(given, shown=10_000):
    report = report_of(given, ReportConfig())
    listed = shown_of(given, marks_of(given), report.criteria)
    return report_page(report, given, embedded([given], listed, most=shown))


def summary_of(page):
    [found] = re.findall(r'<script type="application/json" id="summary">(.*?)</script>', page)
    return json.loads(found)


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.name)
def test_a_part_of_the_page_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_nothing_is_loaded_from_elsewhere():
    page = page_of(results(2))

    links = re.findall(r"(?:src|href)=[\"']?([^\"'> ]+)", page)
    assert set(links) == {"#transcripts", "data:,"}
    assert "://" not in page
    assert "url(" not in page
    assert "@import" not in page


def test_what_is_shown_of_a_transcript_is_what_the_model_says():
    said = ((Role.user, "Hello."), (Role.assistant, "THE BOOK'S LINE"))
    before = tuple(Message(role=role, content=text) for role, text in said)
    one = replace(item(0), history=before)
    played = transcript(one, text="I bake.")
    played = replace(played, messages=(played.messages[0], *before, *played.messages[1:]))
    given = replace(results(0), items={one.id: one}, transcripts=[played])

    summary = embedded([given], shown_of(given, marks_of(given), ()), most=1).summary
    assert json.loads(summary)["rows"]["excerpt"] == ["I bake."]
    [asked] = json.loads(summary)["rows"]["question"]  # without what the book has before
    assert json.loads(summary)["questions"][asked] == one.questions[0]


def test_what_a_persona_holds_ends_no_element():
    page = page_of(results(2))

    assert EVIL not in page
    assert page.count("</script>") == 4  # summary, one chunk, what is shared, the script itself
    assert EVIL in summary_of(page)["personas"]


def test_json_in_a_page_is_the_same_json():
    value = {"a": "<!-- </script> & \u2028 \ud800 я"}

    assert json.loads(safe_json(value)) == value
    assert not set("<>&\u2028") & set(safe_json(value))


def test_the_page_holds_the_worst_and_says_how_many_it_leaves_out():
    summary = summary_of(page_of(results(12), shown=5))

    assert summary["left_out"] == 19
    assert summary["rows"]["score"] == [3.0, 3.0, 3.0, 3.0, 3.1]


def test_titles_and_sentences_are_text():
    page = document(
        title="<i>", subtitle="", body=warning("<b>", ["<u>"]), footer="",
        transcripts=Embedded("{}", {}),
    )  # fmt: skip

    assert "<title>&lt;i&gt;</title>" in page
    assert "&lt;b&gt;" in page
    assert "<u>" not in page


def test_a_table_is_the_same_in_html_and_markdown():
    given = Table("T", "n", ("", "x"), [["a|b <c>", "1"]])

    assert markdown_table(given).splitlines()[-1] == "| a\\|b &lt;c> | 1 |"
    assert '<th scope=row>a|b &lt;c&gt;<td class=n data-h="x">1' in table(given)


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        pytest.param([(3.04, 3.0, 3.1)], (3.0, 3.1), id="narrow"),
        pytest.param([(4.1, 3.98, 4.22), (3.1, 2.98, 3.22)], (2.9, 4.3), id="two"),
        pytest.param([(2.0, None, None)], (1.9, 2.1), id="a point"),
    ],
)
def test_axes_end_at_round_numbers_outside_of_all_intervals(values, ends):
    assert ends_of(estimate(*each) for each in values) == pytest.approx(ends)


def test_without_a_mean_there_is_no_axis():
    assert ends_of([estimate(None)]) is None


def test_a_mean_is_drawn_at_its_place():
    drawn = whiskers([Dot(0, estimate(2.0, 1.0, 4.0))], (0.0, 4.0))

    assert "cx=50.00%" in drawn
    assert "x1=25.00% x2=100.00%" in drawn


def test_markdown_has_the_headline_and_every_table():
    text = report_markdown(report_of(results(12), ReportConfig()), results(12))

    assert text.startswith("# a: m@1 on ours@0a1b (uncalibrated)")
    assert "1.00 points higher than out-of-domain" in text
    assert "## By task" in text
    assert "## Failures" in text


def test_the_agreement_of_a_jury_is_shown():
    judges = {"a@1": "x", "b@1": "y"}
    given = results(12, judges=tuple(judges))
    lenient = [replace(s, value=s.value + 0.5) if s.judge == "b@1" else s for s in given.scores]
    found = jury_of(lenient, judges, {t.id for t in given.transcripts})
    [table] = jury_tables(replace(given, scores=lenient, jury=found))[:1]

    # The judges differ by half a point throughout: on one scale both have the mean 3.6 + 0.25.
    assert [line[:2] for line in table.lines] == [["consistency", "12"], ["habits", "12"]]
    assert table.lines[0][3].startswith("3.85 [")
    assert table.lines[0][4:] == ["3.85 to 3.85"]
