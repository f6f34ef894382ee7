"""Speed of training a model of a given shape with random weights: the stage's trainer beside TRL's.

    python bench/train.py --shape llama3_8b --gpu [--tuning full lora] [--weights bfloat16]
                          [--optim adamw_torch_fused] [--attention auto] [--max-length 4096]
                          [--device-tokens 8192] [--global-tokens 32768] [--steps 8] [--rounds 1]
    python bench/train.py --shape tiny        # the same on a CPU, in a minute: it measures nothing

Nothing is downloaded: `shapes/*.json` say what the models are like, weights are random and made on
the device, tokens are random with the lengths of dialogues. Each training is a process of its own:
`ours` the trainer, packs and callbacks of `stage=train`, `theirs` TRL's `SFTTrainer` with the same
arguments on the same rows, which it packs itself. Neither writes a checkpoint.

A step's time is the median without the first two and the last, reading its rows included. MFU
counts attention within dialogues only, each pair of tokens (`mfu`) or the half that a causal kernel
computes (`causal`), and nothing for what gradient checkpointing computes again; peaks are those of
`opencharacter/train/performance.py`, from NVIDIA's data sheets.

Full training keeps weights, gradients and Adam's moments in `--weights`: in bfloat16 64 GB for 8
billion weights, which is for speed alone (steps of 1e-5 vanish in it). With float32 weights, as the
stage keeps them on one GPU, Adam's 128 GB leave no room on a card of 141 GB:
`--weights float32 --optim adafactor` fits. Adapters (`lora`) stand on a bfloat16 base, as in the
stage.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from itertools import islice, product
from pathlib import Path
from statistics import median

from train import made_up, make_tokens

HERE = Path(__file__).parent
MEAN = 833  # tokens of a made-up dialogue: 735 * exp(0.5**2 / 2)
SIZES = {
    "llama3_8b": {"max_length": 4096, "device_tokens": 8192, "global_tokens": 32768},
    "tiny": {"max_length": 512, "device_tokens": 512, "global_tokens": 1024},
}


def attention(asked: str, *, is_gpu: bool) -> str:
    """Return the kernel: the flash kernel where it is installed, else SDPA with a dense mask."""
    if asked != "auto":
        return asked
    return "flash_attention_2" if is_gpu and find_spec("flash_attn") else "sdpa"


def in_process(task: dict[str, object]) -> dict[str, float]:
    """Train in a process of its own; return what was found."""
    command = [sys.executable, str(HERE / "shaped_training.py"), json.dumps(task)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(ran.stderr[-4000:])
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found


def line(task: dict[str, object], found: dict[str, float]) -> str:
    """Return one training as a line."""
    told = f"{task['tuning']:<5} {task['which']:>7} {found['tokens_per_second']:>9,.0f} tokens/s "
    told += f"step {found['step_seconds']:.3f} s, {found['filled']:.1%} full, "
    mfu = found["mfu"]
    known = "MFU not known" if mfu < 0 else f"MFU {mfu:.1%} (causal {found['mfu_causal']:.1%})"
    return told + f"{known}, peak {found['peak_gib']:.1f} GiB, loss {found['loss']:.3f}"


def arguments(words: list[str]) -> argparse.Namespace:
    """Read the command line; what is not given follows from the shape."""
    parser = argparse.ArgumentParser(description="Speed of training a model of a given shape")
    parser.add_argument("--shape", choices=sorted(SIZES), required=True)
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--tuning", nargs="+", choices=["full", "lora"], default=["full", "lora"])
    parser.add_argument("--weights", choices=["bfloat16", "float32"], default="bfloat16")
    parser.add_argument("--optim", default="adamw_torch_fused")
    parser.add_argument("--attention", default="auto")
    for name in ("max-length", "device-tokens", "global-tokens"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args(words)
    for name, size in SIZES[given.shape].items():
        if getattr(given, name) is None:
            setattr(given, name, size)
    return given


def main(words: list[str]) -> None:
    """Train both in turn, and print the medians of their ratios."""
    given = arguments(words)
    given.attention = attention(given.attention, is_gpu=given.gpu)
    sizes = f"rows of {given.max_length:,} tokens, {given.device_tokens:,} at once, "
    print(f"{given.shape}, {given.attention}, {sizes}{given.global_tokens:,} a step; {given.optim}")
    rates: dict[str, list[float]] = {tuning: [] for tuning in given.tuning}
    with tempfile.TemporaryDirectory() as runs:
        n_rows = given.steps * given.global_tokens // MEAN
        make_tokens(Path(runs), islice(made_up(n_rows, given.max_length), n_rows))
        for at, tuning in product(range(given.rounds), given.tuning):
            both: dict[str, float] = {}
            for which in ("ours", "theirs") if at % 2 else ("theirs", "ours"):
                task = vars(given) | {"which": which, "tuning": tuning, "runs": runs}
                found = in_process(task)
                both[which] = found["tokens_per_second"]
                print(line(task, found), flush=True)
            rates[tuning].append(both["ours"] / both["theirs"])
    for tuning, ratios in rates.items():
        print(f"{tuning:<5}   ratio {median(ratios):>9.3f} (median of {len(ratios)})")
