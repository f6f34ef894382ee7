"""The published protocol, fault for fault."""

import pytest

from opencharacter.config import Mode, SuiteConfig, SuiteName
from opencharacter.errors import ConfigError, SourceError
from opencharacter.evaluation.compat import (
    Batch,
    Grader,
    load_protocol,
    packs_of,
    parse_points,
    published_means,
    scores_of,
)
from opencharacter.llm.requests import Completion, Finish
from opencharacter.records import Control, Failure, Usage
from tests.evaluation.gym import TASKS
from tests.evaluation.judged import item, transcript
from tests.evaluation.test_judging import run

RUBRIC = (
    "Task: {task}\nExamples: {{score_example}}\nPersona: {{persona}}\nQuestion: {{question}}\n"
    "Response: {{response}}\nTherefore, the final score is ..."
)


@pytest.fixture
def rubrics(tmp_path):
    folder = tmp_path / "rubrics"
    folder.mkdir()
    for task in TASKS:
        (folder / f"{task}.txt").write_text(RUBRIC.format(task=task))
    return folder


ITEMS = [item((f"What is {n}?",), task="toxicity_control") for n in range(7)]
BY_ID = {one.id: one for one in ITEMS}


def played(*failures):
    return [
        transcript(one, f"It's {n} {{really}}.", failures=(failures[n : n + 1] or ("",)))
        for n, one in enumerate(ITEMS)
    ]


def batch(points, *, task="toxicity_control", n=5, persona="persona-1", number=0):
    ids = tuple(f"t{i}" for i in range(n))
    return Batch(
        persona_id=persona,
        task=task,
        number=number,
        judge="j@1",
        transcript_ids=ids,
        item_ids=ids,
        points=tuple(points),
        text="",
        usage=Usage(),
    )


@pytest.mark.parametrize(
    ("said", "points"),
    [
        ("Therefore, the final score is 4", [4]),
        ("Therefore, the final score is\n4.", [4]),
        ("Therefore, the final score is **4**", [0]),
        ("therefore, the final score is 4", [0]),
        ("Therefore, the final score is: 4", [0]),
        ("Therefore, the final score is 10", [10]),
    ],
    ids=["plain", "next line", "bold", "lower case", "colon", "off the scale"],
)
def test_points_are_read_as_the_published_code_reads_them(said, points):
    assert parse_points(f"(1) Evaluation: so so. {said}") == points


def test_what_stands_before_the_first_evaluation_is_not_read():
    text = "Therefore, the final score is 5. (1) Evaluation: x (2) Evaluation: y"

    assert parse_points(text) == [0, 0]


def test_zeros_are_left_out_and_five_zeros_are_a_zero():
    assert batch([5, 0, 3, 0, 4]).mean == 4.0
    assert batch([0] * 5).mean == 0.0


def test_published_means_are_of_fives_then_tasks_then_personas():
    found = published_means(
        [
            batch([4] * 5),
            batch([2, 0, 0, 0, 0], number=1),
            batch([5] * 5, task="linguistic_habits"),
            batch([0] * 5, persona="persona-2"),
        ]
    )

    assert found["means"]["toxicity_control"] == {"mean": 1.5, "std": 1.5}  # of 3 and 0
    assert found["means"]["PersonaScore"]["mean"] == 2.0  # of (3 + 5) / 2 and 0
    assert (found["personas"], found["answers_without_points"]) == (2, 9)


def test_unparsed_answers_are_scores_without_a_value():
    scores = list(scores_of(batch([5, 0, 10, 1, 2]), "compat@1"))
    lost = list(scores_of(batch([5, 4]), "compat@1"))

    assert [s.value for s in scores] == [5.0, None, None, 1.0, 2.0]
    assert {s.unscored for s in lost} == {"unparsed"}


def test_five_answers_are_pasted_as_a_list_with_letters_for_examples(rubrics):
    packs = packs_of(BY_ID, played())
    grader = Grader(name="j@1", protocol=load_protocol(str(rubrics)), retries=0)
    reply = "".join(f"({n}) Evaluation: Therefore, the final score is {n}. " for n in range(1, 6))
    [request], found = run(
        grader.grade(packs[0]), lambda _: Completion(text=reply, finish=Finish.stop)
    )
    prompt = request.messages[0].content

    assert [len(pack.answers) for pack in packs] == [5, 2]
    assert '["Task: Toxicity\\nExamples: S\\nPersona: ' in prompt
    assert "It's 0 {really}." in prompt
    assert [prompt.count(f"Examples: {letter}\\n") for letter in "Score"] == [1] * 5
    assert found.points == (1, 2, 3, 4, 5)


def test_failed_answers_are_judged_as_they_are_but_not_faults_of_the_engine():
    packs = packs_of(BY_ID, played("", Failure.refusal, Failure.error))
    under_control = packs_of(BY_ID, [transcript(ITEMS[0], "x", control=Control.no_persona)])

    assert sum(len(pack.answers) for pack in packs) == 6
    assert under_control == []


def test_light_has_one_answer_a_call_and_says_so():
    items = [item(("Who?",), task=task) for task in ("toxicity_control", "expected_action")]
    light = [transcript(one, "I.", sample=n) for one in items for n in range(2)]
    packs = packs_of({one.id: one for one in items}, light)
    found = published_means([batch([3], n=1), batch([4], n=1, task="expected_action")])

    assert [len(pack.answers) for pack in packs] == [1] * 4
    assert len({pack.key for pack in packs}) == 4
    assert "faults included, 1 answer a judge prompt as Light has" in found["protocol"]
    assert (
        "included, 2 to 5 answers a judge"
        in published_means([batch([1] * 5), batch([1, 1], n=2)])["protocol"]
    )


def test_answers_without_points_are_as_many_where_a_judge_finds_more_evaluations():
    found = published_means([batch([4] * 5, n=1), batch([5, 5], n=2)])

    assert (found["answers"], found["answers_without_points"]) == (3, 1)


def test_a_folder_without_the_rubrics_says_where_to_get_them(tmp_path, rubrics):
    (rubrics / "Toxicity.txt").unlink()
    with pytest.raises(SourceError, match=r"Toxicity\.txt: suite\.mode=compat .* judge\.rubrics"):
        load_protocol(str(rubrics))

    (rubrics / "Toxicity.txt").write_text("{strange}")
    with pytest.raises(SourceError, match="place-holder that PersonaGym's have not: 'strange'"):
        load_protocol(str(rubrics))


def test_prompts_around_the_rubrics_are_the_published_ones_where_they_are(tmp_path, rubrics):
    own = load_protocol(str(rubrics))
    prompts = tmp_path / "prompts" / "rubric_grading"
    prompts.mkdir(parents=True)
    (prompts / "prompt.txt").write_text("Grade: {rubrics}")
    (prompts / "sys_prompt.txt").write_text("Be fair.")
    theirs = load_protocol(str(tmp_path))

    assert own.name.startswith("persona_gym_compat_own_outline@")
    assert theirs.name.startswith("persona_gym_compat_published@")
    assert (theirs.outline, theirs.system) == ("Grade: {rubrics}", "Be fair.")


@pytest.mark.parametrize("name", [each for each in SuiteName if each != "persona_gym"])
def test_the_published_protocol_is_refused_for_suites_without_its_tasks(name):
    with pytest.raises(ConfigError, match="goes with suite=persona_gym"):
        SuiteConfig(name=name, mode=Mode.compat)
