from collections import Counter
from importlib.resources import files

import pytest

from opencharacter.errors import ConfigError
from opencharacter.synth.names import (
    Excluded,
    NameCount,
    _cultures,
    commonest,
    excluded_names,
    name_hints,
)


def packaged():
    """Return culture -> (first names, last names), read another way than the code does."""
    text = (files("opencharacter.synth") / "names.txt").read_text("utf-8")
    blocks = [block.splitlines() for block in text.split("\n\n")[1:]]
    return {head[1:-1]: (first.split()[1:], last.split()[1:]) for head, first, last in blocks}


def test_the_lists_cover_many_cultures_without_repeats():
    lists = packaged()

    assert len(lists) >= 20
    for first, last in lists.values():
        assert len(set(first)) == len(first) == 25
        assert len(set(last)) == len(last) == 20


def test_each_hint_keeps_to_one_culture():
    possible = {f"{a} {b}" for first, last in packaged().values() for a in first for b in last}

    assert set(name_hints("persona-1", 200, seed=0)) <= possible


def test_a_short_list_spans_as_many_cultures_as_names():
    cultures = packaged()
    hints = [hint.split() for hint in name_hints("persona-1", 12, seed=0)]
    homes = [
        {c for c, (first, last) in cultures.items() if a in first and b in last} for a, b in hints
    ]

    assert len(set.union(*homes)) >= 12


def test_hints_hang_on_persona_and_seed_alone():
    assert name_hints("persona-1", 5, seed=0) == name_hints("persona-1", 5, seed=0)
    assert name_hints("persona-1", 5, seed=0) != name_hints("persona-2", 5, seed=0)
    assert name_hints("persona-1", 5, seed=0) != name_hints("persona-1", 5, seed=1)


def test_fewer_hints_are_a_prefix_of_more():
    assert name_hints("persona-1", 50, seed=3)[:7] == name_hints("persona-1", 7, seed=3)


@pytest.mark.parametrize("n", [0, 1, 2000])
def test_hints_are_as_many_as_asked_and_different(n):
    assert len(set(name_hints("persona-1", n, seed=0))) == n


def test_too_many_hints_are_refused():
    with pytest.raises(ConfigError, match="lower it"):
        name_hints("persona-1", 100_000, seed=0)


def test_no_name_is_offered_much_more_than_others():
    counts = Counter(name_hints(f"persona-{i}", 1, seed=0)[0] for i in range(2000))

    assert counts.most_common(1)[0][1] <= 5


def test_the_report_counts_full_first_and_last_names():
    names = ["Dr. Maria Chen", "maria  chen", "Maria Chen", "Maria Lopez", "Bo", " "]
    report = commonest(names, 2)

    assert (report.n, report.distinct, report.distinct_first) == (5, 4, 2)
    assert report.full == (NameCount("maria chen", 2, 0.4), NameCount("Bo", 1, 0.2))
    assert report.first == (NameCount("Maria", 4, 0.8), NameCount("Bo", 1, 0.2))
    assert report.last == (NameCount("Chen", 3, 0.6), NameCount("Lopez", 1, 0.2))


def test_a_bare_title_and_an_empty_list_are_counted_too():
    assert commonest(["Dr."], 3).first == (NameCount("Dr.", 1, 1.0),)
    assert commonest([], 3) == (0, 0, 0, None, None, (), (), ())


def test_an_excluded_word_is_no_first_and_no_last_name():
    excluded = excluded_names(["Maria", "  dr. Bo  Li "], "")

    assert excluded.found_in("Maria Chen") == "maria"
    assert excluded.found_in("Ana MARIA") == "maria"
    assert excluded.found_in("Mariana Silva") is None
    assert excluded.found_in("Bo  LI") == "bo li"
    assert excluded.found_in("Dr. Bo Li") == "bo li"
    assert excluded.found_in("Bo Chen") is None


def test_excluded_names_come_from_a_file_too(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("\ufeff# too common\nSarah\n\nElara Voss\n", encoding="utf-8")

    assert excluded_names(["Chen"], str(path)) == Excluded(
        frozenset({"sarah", "chen"}), frozenset({"elara voss"})
    )


@pytest.mark.parametrize("content", [None, b"Jos\xe9\n"])
def test_a_list_that_cannot_be_read_is_an_error(tmp_path, content):
    path = tmp_path / "names.txt"
    if content:
        path.write_bytes(content)

    with pytest.raises(ConfigError, match=r"cannot read profiles\.exclude_names_path=.*names.txt"):
        excluded_names([], str(path))


def test_excluded_names_are_not_offered():
    before = name_hints("persona-1", 300, seed=0)
    first, last = before[0].split()
    excluded = excluded_names([first, last, before[1]], "")
    hints = name_hints("persona-1", 300, seed=0, excluded=excluded)

    assert len(set(hints)) == 300
    assert not [hint for hint in hints if excluded.found_in(hint)]
    assert [hint for hint in before if excluded.found_in(hint)]


def test_a_long_list_of_other_peoples_names_takes_no_hints():
    others = excluded_names((f"Some Body{n}" for n in range(20_000)), "")

    assert name_hints("persona-1", 5, seed=0, excluded=others) == name_hints("persona-1", 5, seed=0)


def test_hints_without_a_name_left_are_refused():
    cultures = _cultures()
    everybody = excluded_names({w for c in cultures.values() for w in c.first}, "")

    assert name_hints("persona-1", 0, seed=0, excluded=everybody) == []
    with pytest.raises(ConfigError, match="make 0 names that are not excluded; lower it"):
        name_hints("persona-1", 1, seed=0, excluded=everybody)
