"""Choices against the ratings of real people."""

import json

import pytest

from opencharacter.config import SuiteConfig, SuiteName
from opencharacter.errors import SourceError
from opencharacter.evaluation.expected import Choice
from opencharacter.evaluation.suites import load_suite

ROWS = [
    {"person": "a", "persona": "A nurse", "ratings": {"Alien": 5, "Brazil": 1, "Casablanca": 4.5}},
    {"person": "b", "persona": "A cook", "ratings": {"Alien": 4, "Brazil": 2}},
    {"person": "c", "persona": "A judge", "ratings": {"Alien": 1, "Brazil": 5}},
]


def load(tmp_path, rows=ROWS, **settings):
    path = tmp_path / "ratings.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = SuiteConfig(name=SuiteName.preference_probe, path=str(path), **settings)
    return load_suite(config, tmp_path)


def choices(suite):
    found = {Choice(**json.loads(item.answers[0])) for item in suite.items}
    return {(choice.prefers, choice.over) for choice in found}


def test_pairs_are_rated_apart_and_asked_in_both_orders(tmp_path):
    suite = load(tmp_path)
    of_nurse = [item for item in suite.items if item.persona == "A nurse"]

    assert choices(suite) == {("Alien", "Brazil"), ("Casablanca", "Brazil"), ("Brazil", "Alien")}
    asked = {item.questions[0].partition("prefer: ")[2] for item in of_nurse}
    assert asked == {
        "Alien or Brazil? Name one of them.",
        "Brazil or Alien? Name one of them.",
        "Brazil or Casablanca? Name one of them.",
        "Casablanca or Brazil? Name one of them.",
    }


def test_what_is_popular_gets_right_what_the_others_would_say(tmp_path):
    about = load(tmp_path).about

    # The nurse's others like Brazil better, the cook's both alike, the judge's Alien; nobody else
    # knows Casablanca.
    assert about == {"pairs": 4, "popularity": pytest.approx((0.0 + 0.5 + 0.0) / 3)}


def test_what_cannot_be_read_is_named(tmp_path):
    rows = [
        *ROWS,
        ROWS[0],
        {"person": "d", "ratings": {}},
        {"person": "e", "persona": "x", "ratings": {"Alien": "5"}},
        {"person": "f", "persona": "x<|eot_id|>", "ratings": {}},
    ]

    suite = load(tmp_path, rows)

    assert sorted(row.reason for row in suite.damaged) == [
        "control_tokens",
        "duplicate",
        "missing_key",
        "wrong_type",
    ]
    assert (suite.n_personas, suite.n_drawn, suite.n_lost, len(suite.people)) == (6, 6, 3, 3)


def test_a_row_that_cannot_be_read_is_drawn_like_others(tmp_path):
    rows = [*ROWS, {"person": "d"}]
    drawn = [load(tmp_path, rows, n=n) for n in (1, 2, 3, 4)]

    assert [(one.n_drawn, len(one.people) + one.n_lost) for one in drawn] == [
        (n, n) for n in (1, 2, 3, 4)
    ]
    assert [one.n_lost for one in drawn][-1] == 1


@pytest.mark.parametrize("rating", [float("nan"), float("inf"), 10**400], ids=["nan", "inf", "400"])
def test_a_rating_that_is_no_number_one_can_reckon_with_is_named(tmp_path, rating):
    odd = {"person": "d", "persona": "A poet", "ratings": {"Alien": 5, "Brazil": rating}}
    suite = load(tmp_path, [*ROWS, odd])

    assert [row.reason for row in suite.damaged] == ["wrong_type"]
    assert suite.about == load(tmp_path).about


def test_a_person_without_a_pair_is_named_and_counted(tmp_path):
    even = {"person": "d", "persona": "A poet", "ratings": {"Alien": 3, "Brazil": 3}}
    suite = load(tmp_path, [*ROWS, even])
    [row] = suite.damaged

    assert (row.reason, row.key[-2:], row.excerpt) == ("no_pair", ":4", "A poet")
    assert "2 things" in row.detail
    assert suite.n_drawn == len({item.persona_id for item in suite.items}) + len(suite.damaged)
    assert any("1 rows of its data cannot be used" in why for why in suite.missing)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"margin": 9.0}, "rated two things 9 points apart"), ({"n": 4}, "more than the 3 people")],
)
def test_what_cannot_be_asked_is_one_line(tmp_path, settings, message):
    with pytest.raises(SourceError, match=message):
        load(tmp_path, **settings)
