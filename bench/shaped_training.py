"""One training of a model of random weights, as `shaped.py` asks for it; prints what it took."""

import json
import resource
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from datasets import Dataset, disable_progress_bars
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTTrainer

from opencharacter.config import ModelConfig, TrainConfig, Tuning
from opencharacter.llm.opening import model_path
from opencharacter.store.rows import part_files
from opencharacter.train.batches import derive_batches
from opencharacter.train.fit import build_arguments, build_trainer, prepare
from opencharacter.train.holdout import Split
from opencharacter.train.lora import add_adapters
from opencharacter.train.models import Opened
from opencharacter.train.performance import Speed, peak_flops
from opencharacter.train.rows import open_tokens, write_tokens
from opencharacter.train.shapes import Shape, read_shape
from opencharacter.train.trainer import Seen
from opencharacter.train.vocabulary import NewTokens

SHAPES = Path(__file__).parent / "shapes"
WARM = 2  # steps before the clock counts: kernels are chosen, memory is asked for


class Clock(TrainerCallback):  # type: ignore[misc]
    """Takes the time of each step, and lets no checkpoint be written."""

    def __init__(self) -> None:
        """Start without steps."""
        self.seconds: list[float] = []
        self._mark = 0.0

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self._mark = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Take the time since the last step."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        now = time.perf_counter()
        self.seconds.append(now - self._mark)
        self._mark = now
        control.should_save = False


def settings(task: dict[str, Any]) -> TrainConfig:
    """Return the settings of both trainings."""
    return TrainConfig(
        model="embedded",
        tuning=Tuning(task["tuning"]),
        attention=task["attention"],
        gradient_checkpointing=True,
        max_length=task["max_length"],
        device_tokens=task["device_tokens"],
        global_tokens=task["global_tokens"],
        epochs=1,
        sft={"optim": task["optim"]},
    )


def open_shape(config: TrainConfig, task: dict[str, Any]) -> Opened:
    """Make a model with random weights where it is trained, with the embedded model's tokenizer."""
    published = AutoConfig.from_pretrained(SHAPES / f"{task['shape']}.json")
    is_lora = config.tuning is Tuning.lora
    dtype = torch.bfloat16 if is_lora or task["weights"] == "bfloat16" else torch.float32
    torch.manual_seed(0)
    with torch.device("cuda" if task["gpu"] else "cpu"):
        model = AutoModelForCausalLM.from_config(
            published, dtype=dtype, attn_implementation=config.attention
        )
    if is_lora:
        model = add_adapters(model, config.lora, [])
    tokenizer = AutoTokenizer.from_pretrained(model_path(ModelConfig(model="embedded")))
    new = NewTokens(added=[], untrained=[])
    return Opened(model=model, tokenizer=tokenizer, dtype=dtype, stop_ids=[], new=new)


def build(task: dict[str, Any], config: TrainConfig) -> tuple[Any, list[int]]:
    """Return the trainer, and the length of each dialogue."""
    runs = Path(task["runs"])
    data, flat = runs / "bench" / "tokenize" / "data", runs / "flat"
    flat.mkdir(exist_ok=True)
    write_tokens(data, flat)
    rows = open_tokens(data, flat, seed=0)
    lengths = [row.length for row in rows.rows]
    opened = open_shape(config, task)
    made = build_arguments(
        *(config, derive_batches(config, 1), runs / "checkpoints"),
        steps_per_epoch=10**9,
        metric=None,
        seed=0,
    )
    if task["which"] == "ours":
        prepared = prepare(rows, Split([*range(len(lengths))], [], [], []), config, seed=0)
        return build_trainer(opened, prepared, made, lambda step, metrics: None), lengths
    made.dataset_kwargs, made.remove_unused_columns, made.shuffle_dataset = None, True, True
    made.logging_nan_inf_filter = True
    disable_progress_bars()
    columns = Dataset.from_parquet(
        [str(part) for part in part_files(data)],
        columns=["input_ids", "labels"],
        cache_dir=str(runs / "cache"),
    )
    trainer = SFTTrainer(
        model=opened.model, args=made, processing_class=opened.tokenizer, train_dataset=columns
    )
    return trainer, lengths


def main(task: dict[str, Any]) -> None:
    """Train; print figures as JSON.

    Raises:
        SystemExit: a GPU is asked for, and there is none.
    """
    if task["gpu"] and not torch.cuda.is_available():
        sys.exit("--gpu is given, and torch sees no GPU; leave it out for the CPU")
    config = settings(task)
    trainer, lengths = build(task, config)
    clock = Clock()
    trainer.add_callback(clock)  # the last one: it unmakes what the others ask to be saved
    result = trainer.train()
    packs = len(trainer.train_dataset)
    counted = clock.seconds[WARM:-1] or clock.seconds
    step = median(counted)
    share = derive_batches(config, 1).step_rows / packs  # of the rows, in one step
    seen = Seen(sum(lengths) * share, 0.0, sum(n * n for n in lengths) * share)
    shape = read_shape(trainer.model.config.get_text_config().to_dict())
    assert isinstance(shape, Shape)
    speed = Speed(shape, sum(w.numel() for w in trainer.model.parameters() if w.requires_grad))
    possible = (peak_flops() or -float("inf")) * step
    is_gpu = torch.cuda.is_available()
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # Linux counts in KiB
    print(
        json.dumps(
            {
                "tokens_per_second": seen.tokens / step,
                "step_seconds": step,
                "filled": sum(lengths) / packs / config.max_length,
                "mfu": speed.flops(seen, pairs=1.0) / possible if peak_flops() else -1.0,
                "mfu_causal": speed.flops(seen, pairs=0.5) / possible if peak_flops() else -1.0,
                "peak_gib": torch.cuda.max_memory_allocated() / 2**30 if is_gpu else resident,
                "loss": result.training_loss,
            }
        )
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
