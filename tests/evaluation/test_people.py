"""Which characters of a run may be asked as what, by the lineage of its mixture."""

from collections import Counter
from dataclasses import replace

import pytest

from opencharacter.config import SuiteConfig, SuiteName, Who
from opencharacter.errors import SourceError, StoreError
from opencharacter.evaluation.people import HELD
from opencharacter.evaluation.suites import load_suite
from opencharacter.ids import stable_fraction
from opencharacter.records import Domain
from tests.evaluation.gym import PEOPLE as PERSONAS
from tests.evaluation.gym import write_gym
from tests.evaluation.people import (
    ANNA,
    BEN,
    CLEO,
    DAN,
    INSTRUCTIONS,
    PEOPLE,
    character,
    train,
    write_run,
)


def load(run_dir, name, **settings):
    return load_suite(SuiteConfig(name=SuiteName[name], **settings), run_dir)


def asked(suite):
    """Return who is asked which instruction, by name and number."""
    number = {one.messages[0].content: n for n, one in enumerate(INSTRUCTIONS)}
    names = {person.persona_id: person.name.split()[0] for person in PEOPLE}
    return {(names[item.persona_id], number[item.questions[0]]) for item in suite.items}


def test_in_domain_asks_trained_characters_what_they_did_not_meet(tmp_path):
    suite = load(write_run(tmp_path), "in_domain", items=99)

    assert asked(suite) == {
        *(("Anna", n) for n in (2, 3, 4, 5)),
        *(("Ben", n) for n in (0, 1, 3, 4, 5)),
    }
    assert {item.domain for item in suite.items} == {Domain.inside}
    assert suite.items[0].questions[1] == "And once more?"


def test_out_of_domain_asks_held_out_characters(tmp_path):
    suite = load(write_run(tmp_path), "out_of_domain", items=2)

    assert Counter(name for name, _ in asked(suite)) == {"Cleo": 2, "Dan": 2}
    assert {item.domain for item in suite.items} == {Domain.outside}


def test_a_held_out_character_in_the_mixture_is_refused_by_name(tmp_path):
    run_dir = write_run(tmp_path, met=((ANNA, 0), (CLEO, 1)))

    with pytest.raises(StoreError, match=r"1 held-out .* Cleo Rossi \('A dentist who paints'\)"):
        load(run_dir, "out_of_domain")


def test_a_near_duplicate_of_a_held_out_character_in_the_mixture_is_refused_too(tmp_path):
    double = replace(BEN, cluster="c")
    run_dir = write_run(tmp_path, people=[ANNA, double, CLEO, DAN], met=((double, 1),))

    with pytest.raises(StoreError, match="Cleo Rossi"):
        load(run_dir, "out_of_domain")


def test_a_near_duplicate_in_words_is_refused_whatever_the_clusters_say(tmp_path):
    double = character("Eva Lind", 33, "Bern", "a dentist, who paints!")
    run_dir = write_run(tmp_path, people=[ANNA, double, CLEO], met=((double, 1),))

    with pytest.raises(StoreError, match="Cleo Rossi"):
        load(run_dir, "out_of_domain")


def test_what_another_run_trained_the_model_on_counts(tmp_path):
    double = character("Eva Lind", 33, "Bern", "a dentist, who paints!")
    asked = write_run(tmp_path / "asked")
    other = write_run(tmp_path / "other", people=[double], met=((double, 1),))
    config = SuiteConfig(name=SuiteName.out_of_domain)

    assert load_suite(config, asked).items
    with pytest.raises(StoreError, match="Cleo Rossi"):
        load_suite(config, asked, (other,))


def test_only_the_mixture_of_the_model_s_own_run_makes_a_character_one_it_met(tmp_path):
    asked = write_run(tmp_path / "asked")  # trained on Anna and Ben
    other = write_run(tmp_path / "other", people=PEOPLE, met=((ANNA, 3), (CLEO, 1)))
    config = SuiteConfig(name=SuiteName.profile_facts, who=Who.all)

    def domains(*trained_in):
        items = load_suite(config, asked, trained_in).items
        return {item.persona_id: item.domain for item in items}

    own, others = domains(), domains(other)
    assert [own[each.persona_id] for each in PEOPLE] == ["in", "in", "out", "out"]
    assert [others[each.persona_id] for each in PEOPLE] == ["in", "unknown", "in", "out"]


def test_a_near_duplicate_in_another_run_s_mixture_is_not_out_of_domain(tmp_path):
    double = character("Eva Lind", 33, "Bern", "a dentist, who paints!")
    asked = write_run(tmp_path / "asked")
    other = write_run(tmp_path / "other", people=[double], met=((double, 1),))
    suite = load_suite(SuiteConfig(name=SuiteName.profile_facts, who=Who.all), asked, (other,))

    domains = {item.persona_id: item.domain for item in suite.items}
    assert (domains[CLEO.persona_id], domains[DAN.persona_id]) == ("unknown", "out")


def test_a_dialogue_that_the_model_met_in_its_own_run_is_not_in_domain(tmp_path):
    asked = write_run(tmp_path / "asked")
    other = write_run(tmp_path / "other", met=((ANNA, 3),))
    suite = load_suite(SuiteConfig(name=SuiteName.in_domain, items=99), asked, (other,))

    number = {one.messages[0].content: n for n, one in enumerate(INSTRUCTIONS)}
    annas = {
        number[i.questions[0]]: i.domain for i in suite.items if i.persona_id == ANNA.persona_id
    }
    assert annas == {2: "in", 3: "unknown", 4: "in", 5: "in"}


def test_without_held_out_characters_nothing_is_out_of_domain(tmp_path):
    with pytest.raises(SourceError, match=r"personas\.heldout="):
        load(write_run(tmp_path, people=[ANNA, BEN]), "out_of_domain")


def test_instructions_of_one_s_own_are_asked_unless_they_were_trained_on(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(
        '{"messages": [{"role": "user", "content": "What is 0 plus 0?"},'
        ' {"role": "assistant", "content": "0"}, {"role": "user", "content": "And once more?"}]}\n'
        '{"instruction": "Sing!", "input": "", "output": ""}\n{"foo": 1}\n'
    )
    suite = load(write_run(tmp_path / "run"), "in_domain", path=str(path))

    assert {item.questions for item in suite.items} == {("Sing!",)}
    assert [row.reason for row in suite.damaged] == ["unknown_layout"]


def test_a_smaller_draw_is_part_of_a_larger_one_and_too_large_a_one_is_told(tmp_path):
    run_dir = write_run(tmp_path)
    ids = [{i.id for i in load(run_dir, "profile_facts", n=n).items} for n in (1, 3, 4)]

    assert ids[0] < ids[1] < ids[2]
    assert load(run_dir, "profile_facts", n=3).missing == ("3 of 4 characters are asked",)
    with pytest.raises(SourceError, match=r"suite\.n=5 asks for more characters than the 4"):
        load(run_dir, "profile_facts", n=5)


def test_facts_are_asked_of_whom_the_settings_say(tmp_path):
    run_dir = write_run(tmp_path)

    def domains(who):
        return {i.domain for i in load(run_dir, "profile_facts", who=who).items}

    assert domains(Who.trained) == {Domain.inside}
    assert domains(Who.heldout) == {Domain.outside}
    assert domains(Who.all) == {Domain.inside, Domain.outside}


def test_without_a_mixture_nothing_is_known_of_domains(tmp_path):
    run_dir = write_run(tmp_path)
    (run_dir / "mix" / "manifest.json").unlink()

    assert {i.domain for i in load(run_dir, "profile_facts").items} == {Domain.unknown}


def trained_without_one(run_dir):
    """Write a run whose training held one of Anna and Ben out; return who was shown and who not."""
    held, shown = sorted((ANNA, BEN), key=lambda who: stable_fraction("holdout", 0, who.cluster))
    train(write_run(run_dir), [ANNA, BEN], held=[held])
    return shown, held


def test_who_was_held_out_of_a_training_is_neither_in_domain_nor_out_of_it(tmp_path):
    shown, held = trained_without_one(tmp_path)
    trained = load(tmp_path, "profile_facts", who=Who.trained)
    everybody = load(tmp_path, "profile_facts", who=Who.all)

    assert {item.persona_id for item in trained.items} == {shown.persona_id}
    assert {item.persona_id for item in load(tmp_path, "in_domain").items} == {shown.persona_id}
    domains = {item.persona_id: item.domain for item in everybody.items}
    assert domains == {
        shown.persona_id: "in",
        held.persona_id: "unknown",
        CLEO.persona_id: "out",
        DAN.persona_id: "out",
    }
    assert trained.about == everybody.about == {HELD: 1.0}
    assert not load(tmp_path, "out_of_domain").about


def test_a_near_duplicate_of_whom_a_training_held_out_is_refused_out_of_domain(tmp_path):
    _, held = trained_without_one(tmp_path / "other")
    double = replace(CLEO, persona=held.persona)
    people = [ANNA, BEN, double, DAN]
    train(write_run(tmp_path / "run", people=people), [ANNA, BEN], held=[held])

    with pytest.raises(StoreError, match="1 held-out characters, or near-duplicates"):
        load(tmp_path / "run", "out_of_domain")


def test_personas_of_a_benchmark_are_out_of_domain_where_no_training_met_one_near_them(tmp_path):
    known = write_run(tmp_path / "known", people=[BEN, character("A", 1, "B", PERSONAS[0].upper())],
                      met=((BEN, 0),))  # fmt: skip
    near = character("Eva Lind", 33, "Bern", PERSONAS[0].upper())
    met = write_run(tmp_path / "met", people=[near], met=((near, 1),))
    gym = SuiteConfig(name=SuiteName.persona_gym, path=str(write_gym(tmp_path / "gym")))

    def domains(*runs, knows_all=True):
        suite = load_suite(gym, tmp_path, runs, knows_all=knows_all)
        return {item.persona: str(item.domain) for item in suite.items}

    assert set(domains(known).values()) == {"out"}
    assert domains(known, met) == dict.fromkeys(PERSONAS, "out") | {PERSONAS[0]: "unknown"}
    assert set(domains().values()) == {"unknown"}
    assert set(domains(known, knows_all=False).values()) == {"unknown"}
