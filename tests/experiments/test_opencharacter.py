"""The page on the paper's recipe: its figures follow from the paper's, its commands are ours."""

import re
import shlex
from pathlib import Path

import pytest

from experiments.opencharacter import cost, significance
from opencharacter.compose import compose_config
from opencharacter.config import Mode
from opencharacter.synth.planning import assumed, costs, records_of

PAGE = (Path(significance.__file__).parent / "README.md").read_text(encoding="utf-8")
PUBLISHED = significance.read_published()
[BLOCK] = re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL)
COMMANDS = [line for line in BLOCK.splitlines() if "-m opencharacter " in line]
RECIPES = [each.recipe.split()[0] for each in cost.TRAININGS]


def test_the_page_holds_what_is_computed():
    assert significance.filled(PAGE, significance.blocks_of(PUBLISHED)) == PAGE


def test_a_published_total_is_the_mean_of_its_five_metrics():
    figures = [row for table in PUBLISHED["tables"].values() for row in table["rows"].values()]

    assert len(figures) == 28
    assert all(abs(sum(row[0:10:2]) / 5 - row[10]) <= 0.0101 for row in figures)


@pytest.mark.parametrize(
    ("first", "second", "table", "metric", "z"),
    [
        # By hand, difference / root of the sum of both variances / 200: 0.07 / 0.013509.
        pytest.param("Instruct OpenCharacter", "LLaMA-3-8B-Instruct", "full", "PScore", 5.18),
        # With 0.25 and 0.36: 0.22 / 0.030992.
        pytest.param("Instruct OpenCharacter", "LLaMA-3-8B-Instruct", "full", "LH", 7.10),
        # With 0.13 and 0.14: 0.06 / 0.013509.
        pytest.param("Instruct OpenCharacter", "LLaMA-3-70B-Instruct", "full", "PScore", -4.44),
        # With 0.27 and 0.25: 0.04 / 0.026019.
        pytest.param("OpenCharacter", "LLaMA-3-8B-Instruct", "light", "PScore", 1.54),
        # With 0.27 and 0.32: 0.43 / 0.029607.
        pytest.param("Base Ablation-5", "Base Ablation-2", "ablation", "PScore", 14.52),
    ],
)
def test_differences_are_as_sure_as_by_hand(first, second, table, metric, z):
    found = [
        each
        for each in significance.all_compared(PUBLISHED)
        if (each.first, each.second, each.table, each.metric) == (first, second, table, metric)
    ]

    assert [round(each.z, 2) for each in found] == [z]


def test_the_needed_correlation_makes_p_exactly_the_limit():
    first, second = (4.66, 0.27), (4.62, 0.25)
    *_, needed = significance.compared(first, second, 200)

    # With that r the difference is 1.972 standard errors, the 97.5 % point of t with 199 df.
    spread = (0.27**2 + 0.25**2 - 2 * needed * 0.27 * 0.25) / 200
    assert 0.04 / spread**0.5 == pytest.approx(1.972, abs=1e-3)


def test_equal_means_need_no_correlation_since_none_helps():
    *_, p, needed = significance.compared((4.66, 0.27), (4.66, 0.25), 200)

    assert (p, needed) == (1.0, None)


def test_a_training_costs_six_operations_a_weight_and_token():
    # 6 x 8.03e9 x 306,252 x 900 x 2 = 2.656e19; at 0.4 x 989e12 a second that is 67,138 s.
    assert cost.training_hours(306_252) == pytest.approx(67_138 / 3600, rel=1e-3)


@pytest.mark.parametrize("training", [t for t in cost.TRAININGS if t.synthesis])
def test_writing_the_data_costs_what_the_plan_says(training):
    name = training.recipe.split()[0]
    config = compose_config(["stage=plan", f"experiment=paper/{name}"])

    planned = costs(records_of(config, answered=1.0), assumed(config), config)

    assert round(planned["all"].gpu_hours, 1) == training.synthesis
    assert max(planned[method].records for method in config.synth.methods) == training.dialogues


def test_nothing_is_given_as_measured_here():
    rows = sum(len(table["rows"]) for table in PUBLISHED["tables"].values())
    lines = sum(map(len, PUBLISHED["questions"].values()))

    assert PAGE.count("| not run here |") == rows + lines


def test_every_recipe_of_the_table_is_one():
    for recipe in RECIPES:
        assert compose_config(["stage=synth", f"experiment=paper/{recipe}"]).personas.n == 20_000


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_page_composes(line):
    for name, value in re.findall(r'^(R|GYM|JUDGE)="?([^"\n]*)"?$', BLOCK, flags=re.MULTILINE):
        line = line.replace(f"${{{name}}}", value).replace(f"${name}", value)
    words = shlex.split(line)

    config = compose_config(words[words.index("opencharacter") + 1 :])

    assert "$" not in line
    # By the published protocol there is nothing to judge by but PersonaGym's own rubrics.
    is_published = config.stage == "eval" and config.suite.mode is Mode.compat
    assert config.judge.rubrics == ("PersonaGym" if is_published else "role_play")
    assert config.stage in {"plan", "synth", "mix", "tokenize", "train", "eval", "compare"}
