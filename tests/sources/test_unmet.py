"""What a sample was asked for and could not have is said, or refused where it is a mistake."""

import json

import pytest

from opencharacter.config import InstructionsConfig, NearDuplicates, PersonasConfig, Stratify
from opencharacter.errors import ConfigError
from opencharacter.sources.instructions import read_instructions
from opencharacter.sources.personas import read_personas
from opencharacter.sources.rows import Tally

DOMAIN = "general domain (top 1 percent)"


@pytest.fixture
def unmet(tmp_path):
    def read(texts, domains=(), **settings):
        path = tmp_path / "people.jsonl"
        rows = [{"persona": text} for text in texts]
        for row, domain in zip(rows, domains, strict=False):
            row[DOMAIN] = domain
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        tally = Tally()
        config = PersonasConfig(path=str(path), **settings)
        list(read_personas(config, seed=0, tally=tally))
        return tally.unmet

    return read


FIRST = [f"I am cook number {n}" for n in range(20)]
SECOND = [f"You are cook number {n}" for n in range(5)]
DOMAINS = ["Biology"] * 12 + ["Music"] * 8


def test_fewer_rows_than_asked_for_are_said(unmet):
    assert unmet(FIRST, n=50) == ["personas.n asks for 50, there are 20"]
    assert unmet(FIRST, n=20) == []
    assert unmet(FIRST) == []


def test_shares_that_do_not_hold_are_said(unmet):
    shares = {"first": 1.0, "second": 1.0}

    assert unmet(FIRST + SECOND, n=20, stratify=Stratify.person, shares=shares) == [
        "personas.shares asks for first 1, second 1; drawn are first 15, second 5"
    ]
    assert unmet(FIRST + SECOND, n=10, stratify=Stratify.person, shares=shares) == []


def test_strata_that_are_not_equal_are_said(unmet):
    assert unmet(FIRST, DOMAINS, n=18, stratify=Stratify.domain) == [
        "personas.stratify=domain asks for as many of each; drawn are Biology 10, Music 8"
    ]
    assert unmet(FIRST, DOMAINS, n=16, stratify=Stratify.domain) == []


def test_of_many_strata_the_largest_and_the_smallest_are_named(unmet):
    domains = ["A"] * 14 + [f"B{n}" for n in range(11)]

    (said,) = unmet(FIRST + SECOND, domains, n=25, stratify=Stratify.domain)

    assert said.endswith("drawn are 12 of them, from A 14 to B9 1")


@pytest.mark.parametrize(
    ("stratify", "only"), [(Stratify.domain, "none"), (Stratify.language, "en")]
)
def test_a_sample_that_cannot_be_spread_is_said(unmet, stratify, only):
    assert unmet(FIRST, n=9, stratify=stratify) == [
        f"personas.stratify={stratify} spreads nothing: all are '{only}'"
    ]


@pytest.mark.parametrize("n", [4, 20, 99])
def test_a_mistyped_domain_is_refused_with_the_nearest(unmet, n):
    shares = {"Biolgy": 3.0, "Music": 1.0}

    with pytest.raises(
        ConfigError, match=r"names Biolgy, .*\(did you mean Biology\?\); .*force=true$"
    ):
        unmet(FIRST, DOMAINS, n=n, stratify=Stratify.domain, shares=shares)


def test_a_person_of_whom_there_is_none_is_refused(unmet):
    with pytest.raises(ConfigError, match=r"names second, but no good row of .* of that person;"):
        unmet(FIRST, n=9, stratify=Stratify.person, shares={"first": 1.0, "second": 1.0})


def test_a_share_of_less_than_a_row_need_not_get_one(unmet):
    shares = {"Biology": 1.0, "Music": 0.01}

    assert unmet(FIRST, DOMAINS, n=9, stratify=Stratify.domain, shares=shares) == []


def test_near_duplicates_that_are_not_looked_for_are_said_where_something_hangs_on_them(unmet):
    why = (
        "near-duplicates are not looked for, as 20 rows are more than "
        "personas.near_rows=19 (140 bytes each)"
    )
    heldout = "held-out personas may have near-duplicates among the others"
    reject = {"near_duplicates": NearDuplicates.reject, "heldout": 0.0}

    assert unmet(FIRST, near_rows=19) == [f"{heldout}: {why}"]
    assert unmet(FIRST, near_rows=19, **reject) == [f"near_duplicates=reject rejects none: {why}"]
    assert unmet(FIRST, near_rows=20) == []
    assert unmet(FIRST, near_rows=19, heldout=0.0) == []


def test_fewer_instructions_than_asked_for_are_said(tmp_path):
    path = tmp_path / "i.jsonl"
    path.write_text("".join(json.dumps({"instruction": f"Say {n}."}) + "\n" for n in range(3)))
    tally = Tally()

    list(read_instructions(InstructionsConfig(paths=[str(path)], n=5), seed=0, tally=tally))

    assert tally.unmet == ["instructions.n asks for 5, there are 3"]
