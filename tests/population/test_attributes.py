import pytest

from opencharacter.errors import ConfigError
from opencharacter.population.attributes import (
    attributes_of,
    distribution,
    read_census,
)
from tests.checks.people import character_named


def test_attributes_are_counted_in_plain_form():
    found = attributes_of(character_named("Ann Lee", 47, "Cork,  Ireland"))

    assert (found["age"], found["country"], found["gender"]) == ("40-49", "ireland", "male")
    assert attributes_of(character_named("Old", 132, "Mars"))["age"] == "100+"
    assert attributes_of(character_named("Old", 132, "Mars"))["country"] == "mars"


def test_an_even_distribution_has_evenness_1_and_no_distance_from_uniform():
    even = distribution("gender", ["a", "b"] * 10, {})
    skewed = distribution("gender", ["a"] * 9 + ["b"], {})

    assert (even.evenness, even.distance, even.expected) == (1.0, 0.0, "uniform")
    assert skewed.distance == pytest.approx(0.4)
    assert skewed.evenness == pytest.approx(0.469, abs=1e-3)
    assert distribution("gender", ["a"] * 3, {}).evenness == 0.0


def test_a_census_counts_the_values_that_are_missing_too():
    census = {"gender": {"a": 0.5, "b": 0.25, "c": 0.25}}

    found = distribution("gender", ["a", "a", "b", "b"], census)

    assert (found.expected, found.distance) == ("census", 0.25)
    assert found.expected_shares == census["gender"]


def test_a_sample_is_told_beside_what_chance_gives_one_of_its_size():
    # Two draws of a fair coin: equal in half of the cases, with evenness 0 and distance 0.5.
    two = distribution("gender", ["a", "b"], {})
    assert (two.even, two.chance) == (pytest.approx(0.5), pytest.approx(0.25))

    # Three draws with share 1/4: 0, 1, 2, 3 hits of 64 in 27, 27, 9, 1 cases, |x/3 - 1/4| is 1/4,
    # 1/12, 5/12, 3/4: 13.5/64 in the mean, for both values.
    three = distribution("gender", ["a", "a", "b"], {"gender": {"a": 0.25, "b": 0.75}})
    assert three.chance == pytest.approx(13.5 / 64)


def test_by_chance_a_large_sample_shows_nothing():
    large = distribution("gender", ["a", "b"] * 500_000, {})

    assert large.even == pytest.approx(1.0, abs=1e-5)
    assert large.chance == pytest.approx(0.0, abs=1e-3)
    assert distribution("gender", ["a"], {}).chance == 0.0


def test_a_census_is_read_and_made_to_add_up(tmp_path):
    path = tmp_path / "census.csv"
    path.write_text("attribute,value,share\ngender,Female,51\ngender,Male,49\n")

    assert read_census(str(path)) == {"gender": {"female": 0.51, "male": 0.49}}
    assert read_census("") == {}


def test_ages_of_a_census_are_decades(tmp_path):
    path = tmp_path / "census.csv"
    path.write_text("attribute,value,share\nage,0-9,1\nage,30-39,2\nage,100+,1\n")

    assert read_census(str(path)) == {"age": {"0-9": 0.25, "30-39": 0.5, "100+": 0.25}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "columns attribute, value, share"),
        ("attribute,value,share\ngender,f,1\ngender,m,much\n", r"csv:3: share 'much' is no number"),
        ("attribute,value,share\n\ngender,f\n", r"csv:3: share is missing"),
        ("attribute,value,share\n\ngender\n", r"csv:3: value is missing"),
        ("attribute,value,share\nshoes,f,1\n", "has the attribute shoes"),
        ("attribute,value,share\ngender,f,-1\n", "shares of gender must be >= 0"),
        ("attribute,value,share\ngender,f,nan\n", "shares of gender must be >= 0"),
        ("attribute,value,share\ngender,f,0\n", "shares of gender must be >= 0, and one above"),
        ("attribute,value,share\nage,65 and over,1\n", "has the age 65 and over; write decades"),
        ("attribute,value,share\nage,30-49,1\n", "has the age 30-49; write decades"),
    ],
)
def test_a_broken_census_is_an_error_that_names_the_line(tmp_path, text, said):
    path = tmp_path / "census.csv"
    path.write_text(text)

    with pytest.raises(ConfigError, match=said):
        read_census(str(path))
    with pytest.raises(ConfigError, match=r"cannot read population\.census"):
        read_census(str(tmp_path / "none.csv"))


def test_a_census_that_is_not_utf_8_is_told_by_its_line_and_none_of_its_bytes_is_shown(tmp_path):
    path = tmp_path / "census.csv"
    path.write_bytes(
        "attribute,value,share\nrace,any,1\ncountry,Côte d'Ivoire,1\n".encode("latin-1")
    )

    with pytest.raises(ConfigError) as refused:
        read_census(str(path))

    assert str(refused.value) == f"{path}:3 is not UTF-8 (byte 0xf4); save the file as UTF-8"


def test_a_census_that_a_spreadsheet_saved_as_utf_8_is_read(tmp_path):
    path = tmp_path / "census.csv"
    path.write_bytes(b"\xef\xbb\xbfattribute,value,share\r\ngender,f,1\r\n")

    assert read_census(str(path)) == {"gender": {"f": 1.0}}
