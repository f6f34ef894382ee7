"""Print the passes that make a training of so many tokens, whatever the number of dialogues.

python -m experiments.generalization.equal runs/generalization/generate-16-s1 340000
"""

import sys
from pathlib import Path

from opencharacter.store.rows import part_files, read_columns


def tokens_of(run: Path) -> int:
    """Return the tokens of all dialogues of a run, each once."""
    parts = part_files(run / "tokenize" / "data")
    return sum(len(ids) for (ids,) in read_columns(parts, ["input_ids"]))


def passes(run: Path, tokens: int) -> float:
    """Return `train.epochs` for a training of `tokens` tokens."""
    return round(tokens / tokens_of(run), 4)


if __name__ == "__main__":
    sys.stdout.write(f"{passes(Path(sys.argv[1]), int(sys.argv[2]))}\n")
