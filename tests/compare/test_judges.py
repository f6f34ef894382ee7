"""Who stands behind a headline: the size of the jury, and the table of judges."""

from dataclasses import replace

from tests.compare.reported import played, report, with_scores


def jury_told(*families, kin=()):
    """Return what is said of a jury's size, with a judge of each of these families."""
    named = {f"judge-{at}@1": family for at, family in enumerate(families)}
    given = with_scores([played(n, *(4.0 for _ in named)) for n in range(8)])
    whose = dict.fromkeys(kin, "the teacher's")
    told = report(replace(given, families=named, related=whose)).cautions
    return [each.partition(" in the headline, and a jury")[0] for each in told if "jury" in each]


def test_a_jury_is_as_large_as_the_families_in_the_headline():
    assert jury_told("llama", "qwen", "gpt") == []
    assert jury_told("llama", "qwen") == ["2 judges"]
    assert jury_told("qwen", "qwen", "qwen") == ["3 judges of one family (qwen)"]
    assert jury_told("qwen", "qwen", "gpt") == ["3 judges of 2 families"]


def test_judges_who_are_left_out_are_none_of_the_jury():
    assert jury_told("llama", "llama", "qwen", kin=["llama"]) == ["1 judge"]
    assert jury_told("llama", "gpt", "qwen", "claude", kin=["llama"]) == []
