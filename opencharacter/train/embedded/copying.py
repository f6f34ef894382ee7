"""Phase 1: copying of random tokens, which refines what the first weights already do roughly."""

import logging
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import LlamaForCausalLM

logger = logging.getLogger(__name__)

_WARMUP_STEPS = 20


class Stretch(NamedTuple):
    """A part of the curriculum; the next one has longer rows and longer patterns."""

    steps: int
    rows: int
    tokens: int
    """Length of a row."""
    shortest: int
    longest: int
    """Bounds of the pattern's length, in tokens."""


STRETCHES = (
    Stretch(40, 10, 256, 20, 100),
    Stretch(60, 4, 640, 60, 280),
    Stretch(40, 2, 2048, 150, 960),
)


class Batch(NamedTuple):
    """Token ids and which of them are learned."""

    ids: Tensor
    """(rows, tokens) int64."""
    is_learned: Tensor
    """(rows, tokens) bool: the token at this place is predicted."""


def has_fast_bf16() -> bool:
    """Tell whether this CPU multiplies bf16 itself; elsewhere float32 is ten times as fast."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and "avx512_bf16" in Path(
        "/proc/cpuinfo"
    ).read_text(encoding="utf-8")


def loss_of(model: LlamaForCausalLM, batch: Batch) -> Tensor:
    """Return the mean cross-entropy in nats per learned token; logits are made for those only."""
    hidden = model.model(input_ids=batch.ids[:, :-1]).last_hidden_state  # (rows, tokens - 1, h)
    wanted = batch.is_learned[:, 1:]
    logits = model.lm_head(hidden[wanted])  # (learned, vocabulary)
    return torch.nn.functional.cross_entropy(logits.float(), batch.ids[:, 1:][wanted])


def scattered_rows(stretch: Stretch, vocabulary: int, generator: torch.Generator) -> Batch:
    """Return rows of a pattern, random filler, the pattern again and so on.

    Learned are the copies without their first two tokens.
    """
    ids = torch.randint(vocabulary, (stretch.rows, stretch.tokens), generator=generator)
    learned = torch.zeros(stretch.rows, stretch.tokens, dtype=torch.bool)
    for row in range(stretch.rows):
        length = stretch.shortest + _draw(stretch.longest - stretch.shortest + 1, generator)
        pattern = _pattern(length, vocabulary, generator)
        start, is_copy = _draw(12, generator), False
        while start < stretch.tokens:
            end = min(start + length, stretch.tokens)
            ids[row, start:end] = pattern[: end - start]
            learned[row, start + 2 : end] = is_copy
            start, is_copy = end + _draw(24, generator), True
    ids[:, 0], learned[:, 0] = 0, False  # <|begin_of_text|>
    return Batch(ids, learned)


def _pattern(length: int, vocabulary: int, generator: torch.Generator) -> Tensor:
    """Return random tokens, or few different ones, or ones with spans that come again.

    Text is of the last two kinds: to copy it a model must look at more than the last token.
    """
    kind = _draw(3, generator)
    if kind == 0:
        n_distinct = max(4, length // (3 + 2 * _draw(2, generator)))
        few = torch.randint(vocabulary, (n_distinct,), generator=generator)
        return few[torch.randint(len(few), (length,), generator=generator)]
    pattern = torch.randint(vocabulary, (length,), generator=generator)
    at = 4 + _draw(8, generator)
    while kind == 1 and at < length:
        span = min(1 + _draw(8, generator), at, length - at)
        source = _draw(at - span + 1, generator)
        pattern[at : at + span] = pattern[source : source + span].clone()
        at += span + 1 + _draw(6, generator)
    return pattern


def learn_to_copy(model: LlamaForCausalLM, *, seed: int) -> int:
    """Train `model` to copy; return the number of steps.

    AdamW, learning rate 1e-3 after 20 steps of warm-up, betas 0.9 and 0.98, weight decay 0.01.
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01)
    vocabulary = model.config.vocab_size
    model.train()
    step, loss = 0, 0.0
    for stretch in STRETCHES:
        for _ in range(stretch.steps):
            step += 1
            if step % 10 == 1 and step > 1:
                logger.info("copying: step %d, loss %.3f", step, loss)
            loss = _step(model, optimizer, scattered_rows(stretch, vocabulary, generator), step)
        logger.info("copying: rows of %d, step %d, loss %.3f", stretch.tokens, step, loss)
    return step


def _step(
    model: LlamaForCausalLM, optimizer: torch.optim.Optimizer, batch: Batch, step: int
) -> float:
    for group in optimizer.param_groups:
        group["lr"] = 1e-3 * min(1.0, step / _WARMUP_STEPS)
    with torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bf16()):
        loss = loss_of(model, batch)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.item())


def _draw(below: int, generator: torch.Generator) -> int:
    return int(torch.randint(below, (1,), generator=generator))
