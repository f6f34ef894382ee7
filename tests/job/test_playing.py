"""A suite of which too much is damaged is not played, whatever it is made of."""

import json

import pytest

from opencharacter.config import SuiteConfig, SuiteName
from opencharacter.errors import SourceError
from opencharacter.evaluation.suites import load_suite
from opencharacter.job.playing import refuse_damaged
from tests.evaluation.gym import questions_of, write_gym
from tests.evaluation.people import write_run
from tests.evaluation.test_published import ROLE


def suite_of(tmp_path, name, rows, **settings):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run_dir = write_run(tmp_path / "run")
    return load_suite(SuiteConfig(name=name, path=str(path), **settings), run_dir)


def rated(name):
    return {"person": name, "persona": "A nurse", "ratings": {"Alien": 5, "Brazil": 1}}


def profiles_in(tmp_path):
    path = tmp_path / "desc.json"
    path.write_text(json.dumps({f"Role {n}": "A sailor." for n in range(5)}))
    return {"profiles": str(path)}


def said(number, role="user"):
    return {"messages": [{"role": role, "content": f"What of {number}?"}]}


SOUND = {
    SuiteName.preference_probe: rated,
    SuiteName.persona_gym: lambda n: {"persona": f"Baker {n}", **questions_of(f"Baker {n}")},
    SuiteName.role_bench: lambda n: {**ROLE, "role": f"Role {n % 5}", "question": f"{n}?"},
    SuiteName.in_domain: said,
    SuiteName.out_of_domain: said,
}
UNITS = {
    SuiteName.role_bench: "rows",
    SuiteName.in_domain: "instructions",
    SuiteName.out_of_domain: "instructions",
}


@pytest.mark.parametrize("name", SOUND)
def test_more_than_may_be_lost_is_refused_by_its_number_and_no_more_is_not(tmp_path, name):
    more = profiles_in(tmp_path) if name is SuiteName.role_bench else {}
    rows = [SOUND[name](n) for n in range(6)]
    suite = suite_of(tmp_path, name, [*rows, *[{"foo": n} for n in range(4)]], **more)

    unit = UNITS.get(name, "characters")
    with pytest.raises(SourceError, match=rf"^4 of 10 {unit} of {name}@.*max_rejected=0\.3"):
        refuse_damaged(suite, max_rejected=0.3)
    refuse_damaged(suite, max_rejected=0.4)


def test_files_beside_the_questions_are_no_characters_lost(tmp_path):
    folder = write_gym(tmp_path / "gym")
    for number in range(9):
        (folder / f"{number} notes.txt").write_text("Mine.")
    suite = load_suite(SuiteConfig(path=str(folder)), tmp_path)

    refuse_damaged(suite, max_rejected=0.0)
    (folder / "A tenth.json").write_text("{")
    with pytest.raises(SourceError, match="1 of 4 characters"):
        refuse_damaged(load_suite(SuiteConfig(path=str(folder)), tmp_path), max_rejected=0.2)


def test_where_all_is_lost_nothing_is_asked_whatever_may_be_lost(tmp_path):
    suite = suite_of(tmp_path, SuiteName.coser, [{"foo": 1}, {"foo": 2}])

    with pytest.raises(SourceError, match=r"2 of 2 rows .* so nothing is asked, such as .*:1 \("):
        refuse_damaged(suite, max_rejected=1.0)
