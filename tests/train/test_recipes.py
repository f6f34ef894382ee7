"""Every recipe of training passes its check against the installed TRL, without the hub."""

from pathlib import Path

import pytest

from opencharacter.compose import compose_config
from opencharacter.job import Job
from opencharacter.stages import train

CONF = Path(__file__).parents[2] / "conf" / "train"
RECIPES = sorted(path.stem for path in CONF.glob("*.yaml"))
EXPERIMENTS = ["paper/opencharacter_g", "paper/opencharacter_g_base", "llama3_8b/lora"]


def test_all_recipes_are_found():
    assert [
        "embedded",
        *("llama3_8b_base", "llama3_8b_base_paper", "llama3_8b_instruct"),
        *("llama3_8b_instruct_lora", "llama3_8b_instruct_paper"),
        *("t5_base", "t5_fred_large", "t5_small"),
    ] == RECIPES


@pytest.mark.parametrize(
    "choice", [f"train={r}" for r in RECIPES] + [f"experiment={e}" for e in EXPERIMENTS]
)
def test_a_recipe_passes_its_check_and_starts_nothing(choice, tmp_path, capsys):
    words = [choice, f"runs_dir={tmp_path / 'runs'}", "train.check=true"]
    words += ["train.model=embedded"] if choice == "train=embedded" else []
    config = compose_config(["stage=train", *words])
    train.check(config)
    with Job(config, command="python -m opencharacter stage=train") as job:
        train.run(config, job)

    shown = capsys.readouterr().out
    assert "deepspeed=zero3" in shown  # its memory is reckoned
    assert ("is in the hub, which was not asked" in shown) == ("/" in config.train.model)
    assert "that train.lora.targets" not in shown  # the models of recipes are known by heart
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("name", "model", "schedule", "betas"),
    [
        ("llama3_8b_instruct_paper", "meta-llama/Meta-Llama-3-8B-Instruct", "linear", (0.9, 0.95)),
        ("llama3_8b_base_paper", "meta-llama/Meta-Llama-3-8B", "linear", (0.9, 0.95)),
        ("llama3_8b_base", "meta-llama/Meta-Llama-3-8B", "cosine", (None, None)),
    ],
)
def test_the_paper_s_optimiser_is_the_paper_s(name, model, schedule, betas):
    made = compose_config(["stage=train", f"train={name}"]).train

    assert (made.model, made.schedule) == (model, schedule)
    assert (made.learning_rate, made.final_rate) == (1e-5, 0.1)  # from 1e-5 to 1e-6
    assert (made.sft.get("adam_beta1"), made.sft.get("adam_beta2")) == betas
