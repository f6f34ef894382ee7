"""Make the embedded model, its base and its judge from nothing.

All begin with the same copying phase; the base then sees language without any character, the model
the stages' own dialogues; the judge goes on from the model with what judges are asked. Writes
folders that vLLM and transformers load. Nothing is read but this package and eval/rubrics: text is
generated, seeds are fixed, steps are counted: one machine makes the same models.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import chain, count, islice
from pathlib import Path
from typing import NamedTuple

import torch
from transformers import GenerationConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from opencharacter.records import Message
from opencharacter.train.embedded.copying import (
    Batch,
    Stretch,
    has_fast_bf16,
    learn_to_copy,
    loss_of,
    scattered_rows,
)
from opencharacter.train.embedded.dialogues import INTERVIEWS, MIXED, dialogues
from opencharacter.train.embedded.judged import judged
from opencharacter.train.embedded.judging import LEARN, SETTLE, learn_to_judge, trees
from opencharacter.train.embedded.language import general_dialogues
from opencharacter.train.embedded.network import CONTEXT, new_network
from opencharacter.train.embedded.tokenizer import Tokens, encode, new_tokenizer

logger = logging.getLogger(__name__)

FOLDER = Path(__file__).parents[2] / "llm" / "embedded"
"""Where the shipped model lies."""

BASE_FOLDER = FOLDER.with_name("embedded_base")
"""Where the shipped base lies."""

JUDGE_FOLDER = FOLDER.with_name("embedded_judge")
"""Where the shipped judge lies."""

SEED = 0
STEPS = 6000
"""Of the model's dialogues."""
BASE_STEPS = 1102
"""Of the base's; its learning rate would have ended after 1,500: it is trained further anyway."""

_BASE_FALL = 1500

_INTERVIEWS = 0.17  # of these steps, before the mixed ones
_COPY_EVERY = 8  # steps: random tokens instead of dialogues, so that copying stays exact
_COPIES = (Stretch(1, 3, 512, 20, 200), Stretch(1, 1, 1280, 60, 600))
_TOKENS_PER_STEP = 2048  # padding included
_TOKENS_BESIDE = 1024  # of old dialogues beside a case that is judged
_LATER = 1000  # added to the seed: the last phase sees dialogues that were not there before
_SORTED = 64  # dialogues are sorted by length in groups of this many: little padding
_PEAK, _FINAL = 1.5e-3, 0.03  # learning rate, and the share of it that the cosine ends with
_WARMUP_STEPS = 50
_LOG_EVERY = 50
_PAD = 5


class Made(NamedTuple):
    """What is made, where, and in how many steps of dialogues."""

    base: Path
    base_steps: int
    model: Path | None
    """None = only the base."""
    steps: int
    judge: Path = JUDGE_FOLDER
    judging: float = 1.0
    """Share of the steps in which the judge is made of the model; 0 = no judge is made."""
    start: Path | None = None
    """A model of which only the judge is made; None = everything, from nothing."""


def make(what: Made, *, seed: int = SEED) -> None:
    """Write base, model and judge, each with its tokenizer; a folder is replaced at its end."""
    torch.set_flush_denormal(True)  # sharp attention makes many, and a CPU is slow on them
    torch.set_num_threads(2)
    if what.start is not None:
        _make_judge(what.start, what.judge, seed=seed, share=what.judging)
        return
    tokenizer = new_tokenizer(seed=seed)
    network = new_network(seed=seed)
    learn_to_copy(network, seed=seed + 1)
    base = deepcopy(network)
    language = batches(tokenizer, general_dialogues(seed), seed)
    fall = max(_BASE_FALL, what.base_steps)
    learn_dialogues(base, language, seed=seed, steps=what.base_steps, fall=fall)
    save(base, tokenizer, what.base)
    if what.model is not None:
        text = _stages_text(tokenizer, seed=seed, steps=what.steps)
        learn_dialogues(network, text, seed=seed, steps=what.steps, fall=what.steps)
        save(network, tokenizer, what.model)
        if what.judging:
            _make_judge(what.model, what.judge, seed=seed, share=what.judging)


def _make_judge(start: Path, judge: Path, *, seed: int, share: float) -> None:
    """Teach a saved model to judge; what was saved is rounded, so this can be done again alone."""
    network = LlamaForCausalLM.from_pretrained(start, dtype=torch.float32)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(start)
    for name in ("is_local", "local_files_only"):  # how it was read; no part of a tokenizer
        tokenizer.init_kwargs.pop(name, None)
    before = deepcopy(network).eval()
    for at, (course, tokens) in enumerate(((LEARN, _TOKENS_BESIDE), (SETTLE, _TOKENS_PER_STEP))):
        later = seed + _LATER + at
        messages = (each.messages for each in dialogues(later))
        old = batches(tokenizer, messages, seed, tokens=tokens)
        copies = random_copies(network.config.vocab_size, later)
        turns = _turns(copies, old)
        part = course._replace(steps=round(course.steps * share))
        learn_to_judge(network, turns, trees(tokenizer, judged(seed + at)), part, before)
    save(network, tokenizer, judge)


def _turns(copies: Iterator[Batch], old: Iterator[Batch]) -> Iterator[Batch]:
    for step in count():
        yield next(copies if step % _COPY_EVERY == 0 else old)


def _stages_text(tokenizer: PreTrainedTokenizerFast, *, seed: int, steps: int) -> Iterator[Batch]:
    """Yield the embedded model's batches: interviews for a while, then everything."""
    first = sum(step % _COPY_EVERY != 0 for step in range(steps) if step < _INTERVIEWS * steps)
    interviews, mixed = (
        batches(tokenizer, (each.messages for each in dialogues(seed, shares=shares)), seed)
        for shares in (INTERVIEWS, MIXED)
    )
    return chain(islice(interviews, first), mixed)


def learn_dialogues(
    network: LlamaForCausalLM, text: Iterator[Batch], *, seed: int, steps: int, fall: int
) -> None:
    """Train on generated dialogues; learned is the assistant's text.

    AdamW, betas 0.9 and 0.95, weight decay 0.05, learning rate 1.5e-3 with a cosine that is at 3 %
    after `fall` steps.
    """
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=_PEAK, betas=(0.9, 0.95), weight_decay=0.05
    )
    copies = random_copies(network.config.vocab_size, seed)
    running = None
    network.train()
    for step in range(steps):
        warm = min(1.0, (step + 1) / _WARMUP_STEPS)
        cosine = 0.5 * (1 + math.cos(math.pi * step / fall))
        for group in optimizer.param_groups:
            group["lr"] = _PEAK * warm * (_FINAL + (1 - _FINAL) * cosine)
        is_copy = step % _COPY_EVERY == 0
        with torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bf16()):
            loss = loss_of(network, next(copies if is_copy else text))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if not is_copy:
            running = loss.item() if running is None else running + 0.05 * (loss.item() - running)
        if step % _LOG_EVERY == 1:
            logger.info("dialogues: step %d of %d, loss %.3f", step, steps, running)


def random_copies(vocabulary: int, seed: int) -> Iterator[Batch]:
    """Yield batches of repeated random tokens without end."""
    generator = torch.Generator().manual_seed(seed + 2)
    while True:
        for stretch in _COPIES:
            yield scattered_rows(stretch, vocabulary, generator)


def batches(
    tokenizer: PreTrainedTokenizerFast,
    stream: Iterator[Sequence[Message]],
    seed: int,
    tokens: int = _TOKENS_PER_STEP,
) -> Iterator[Batch]:
    """Yield batches of dialogues of like length, each row beginning one dialogue."""
    order = torch.Generator().manual_seed(seed)
    while True:
        group: list[Tokens] = []
        while len(group) < _SORTED:
            row = encode(tokenizer, next(stream))
            if len(row.ids) <= CONTEXT:
                group.append(row)
        group.sort(key=lambda row: len(row.ids))
        packs: list[list[Tokens]] = [[]]
        for row in group:
            if packs[-1] and (len(packs[-1]) + 1) * len(row.ids) > tokens:
                packs.append([])
            packs[-1].append(row)
        for at in torch.randperm(len(packs), generator=order).tolist():
            yield padded(packs[at])


def padded(pack: list[Tokens]) -> Batch:
    """Return dialogues as one batch, padded on the right (which a causal model never sees)."""
    longest = max(len(tokens.ids) for tokens in pack)
    ids = torch.full((len(pack), longest), _PAD)
    learned = torch.zeros(len(pack), longest, dtype=torch.bool)
    for row, tokens in enumerate(pack):
        ids[row, : len(tokens.ids)] = torch.tensor(tokens.ids)
        learned[row, : len(tokens.ids)] = torch.tensor(tokens.is_learned)
    return Batch(ids, learned)


def save(network: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write model and tokenizer in bfloat16, file by file under temporary names."""
    draft = folder.with_name(f".{folder.name}.draft")
    network.to(torch.bfloat16)
    network.generation_config = GenerationConfig(bos_token_id=0, eos_token_id=4, pad_token_id=_PAD)
    network.save_pretrained(draft)
    (draft / "model.safetensors").chmod(0o644)
    tokenizer.save_pretrained(draft)
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(draft.iterdir()):
        path.replace(folder / path.name)
    draft.rmdir()
