"""What the paper's recipe costs on real hardware: arithmetic, each assumption a line of this file.

python -m experiments.opencharacter.cost
"""

import sys
from typing import NamedTuple

WEIGHTS = 8.03e9
"""Of LLaMA-3 8B."""
DIALOGUE = 900
"""Tokens of a training dialogue: system prompt with the profile, question, answer; assumed, as in
conf/train/llama3_8b_instruct.yaml."""
PASSES = 2
"""Over the data: `train.epochs` of the paper's recipes here; the paper does not say."""
PEAK = 989e12
"""Operations a second of an H100 SXM in bfloat16, dense, by its data sheet."""
USED = 0.4
"""Share of it that is put to use (MFU); assumed, activations computed again included."""
ANSWERS, ANSWER = 10_000, 350
"""PersonaGym's questions, and tokens of an answer; the latter assumed."""
WRITTEN = 2_500
"""Tokens a second that an 8B model writes on one H100 with a full batch; assumed."""
CALL = 1_500
"""Tokens of a judge's prompt: rubric, profile, question, answer; assumed."""


class Training(NamedTuple):
    """One training of the paper's table 2."""

    recipe: str
    dialogues: int
    """Instructions of table 1 times three characters."""
    synthesis: float | None
    """GPU hours of stage=plan for writing the data with LLaMA-3 70B; None = a hosted GPT-4o."""


TRAININGS = (
    Training("opencharacter_g", 306_252, 133.2),
    Training("ablation_1", 156_252, None),
    Training("ablation_2 (= opencharacter_r)", 156_252, 90.2),
    Training("ablation_3", 150_000, None),
    Training("ablation_4", 150_000, 69.4),
    Training("ablation_5", 156_252, 72.0),
)


def training_hours(dialogues: int) -> float:
    """Return H100 hours of one training: 6 operations a weight and token (Kaplan et al. 2020)."""
    operations = 6 * WEIGHTS * dialogues * DIALOGUE * PASSES
    return operations / (PEAK * USED) / 3600


def playing_hours() -> float:
    """Return H100 hours of answering PersonaGym once."""
    return ANSWERS * ANSWER / WRITTEN / 3600


def judged_tokens() -> int:
    """Return the prompt tokens that judge one system once, one criterion an answer."""
    return ANSWERS * CALL


def cost_block() -> list[str]:
    """Return the table of costs."""
    lines = [
        "| `experiment=paper/...` | dialogues | writing them | one training | all, 2 backbones |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in TRAININGS:
        hours = training_hours(one.dialogues)
        written = "hosted" if one.synthesis is None else f"{one.synthesis:.0f} h"
        total = 2 * (hours + playing_hours()) + (one.synthesis or 0)
        lines.append(
            f"| {one.recipe} | {one.dialogues:,} | {written} | {hours:.0f} h | {total:.0f} h |"
        )
    everything = sum(
        2 * (training_hours(each.dialogues) + playing_hours()) + (each.synthesis or 0)
        for each in TRAININGS
    )
    lines.append(f"| all | | | | {everything:.0f} h |")
    return lines


if __name__ == "__main__":
    sys.stdout.write("\n".join(cost_block()) + "\n")
