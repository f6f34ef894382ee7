"""Phase 3: the embedded model learns to judge, and goes on with what it knows.

Each step learns from one batch of the old dialogues and one case of `judged`. A case is a tree:
what its prompts share is read once, and each goes on from there, so that a label costs a quarter of
its prompt.
"""

import logging
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from opencharacter.records import Message, Role
from opencharacter.train.embedded.copying import Batch, has_fast_bf16, loss_of
from opencharacter.train.embedded.judged import Case
from opencharacter.train.embedded.network import CONTEXT
from opencharacter.train.embedded.tokenizer import encode

logger = logging.getLogger(__name__)

_PEAK, _FINAL = 1e-3, 0.03  # learning rate, and the share of it that its fall ends with
_FALL = 0.25  # of all steps, the last ones
_WARMUP_STEPS = 50
_LOG_EVERY = 50
_PAD = 5


class Tree(NamedTuple):
    """A case as tokens."""

    shared: Tensor
    """(1, s) int64: what all prompts begin with."""
    branches: Tensor
    """(prompts, b) int64: how each goes on, with its label, padded on the right."""
    is_learned: Tensor
    """(prompts, b) bool: the label and the end of the turn."""


def planted(tokenizer: PreTrainedTokenizerFast, case: Case) -> Tree | None:
    """Return a case as a tree; None = a prompt is longer than the context."""
    rows = [
        encode(tokenizer, [Message(role=Role.user, content=prompt),
                           Message(role=Role.assistant, content=label)])
        for prompt, label in zip(case.prompts, case.labels, strict=True)
    ]  # fmt: skip
    if max(len(row.ids) for row in rows) > CONTEXT:
        return None
    columns = zip(*(row.ids for row in rows), strict=False)
    shared = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
    shared = min(shared, min(len(row.ids) for row in rows) - 8)
    longest = max(len(row.ids) for row in rows) - shared
    ids = torch.full((len(rows), longest), _PAD)
    learned = torch.zeros(len(rows), longest, dtype=torch.bool)
    for at, row in enumerate(rows):
        ids[at, : len(row.ids) - shared] = torch.tensor(row.ids[shared:])
        learned[at, : len(row.ids) - shared] = torch.tensor(row.is_learned[shared:])
    return Tree(torch.tensor([rows[0].ids[:shared]]), ids, learned)


def trees(tokenizer: PreTrainedTokenizerFast, cases: Iterator[Case]) -> Iterator[Tree]:
    """Yield the cases that fit the context."""
    for case in cases:
        tree = planted(tokenizer, case)
        if tree is not None:
            yield tree


def logits_of(model: LlamaForCausalLM, tree: Tree) -> Tensor:
    """Return (learned, vocabulary) logits of the learned tokens of all branches."""
    model.set_attn_implementation("eager")  # a third faster here than the fused one with its mask
    cache = model.model(input_ids=tree.shared, use_cache=True).past_key_values
    cache.batch_repeat_interleave(len(tree.branches))
    told = model.model(
        input_ids=tree.branches[:, :-1], past_key_values=cache, use_cache=True
    ).last_hidden_state  # (prompts, b - 1, hidden)
    model.set_attn_implementation("sdpa")
    return model.lm_head(told[tree.is_learned[:, 1:]])


def loss_of_tree(model: LlamaForCausalLM, tree: Tree) -> Tensor:
    """Return the mean cross-entropy in nats per learned token."""
    wanted = tree.branches[:, 1:][tree.is_learned[:, 1:]]
    return torch.nn.functional.cross_entropy(logits_of(model, tree).float(), wanted)


def learning_rate(step: int, steps: int) -> float:
    """Return 1e-3 after 50 steps of warm-up, and in the last quarter a straight fall to 3 %."""
    warm = min(1.0, (step + 1) / _WARMUP_STEPS)
    left = min(1.0, (steps - step) / (_FALL * steps))
    return _PEAK * warm * max(_FINAL, left)


def learn_to_judge(
    network: LlamaForCausalLM, old: Iterator[Batch], new: Iterator[Tree], *, steps: int
) -> None:
    """Train on both, a batch and a tree a step; learned is the assistant's text.

    AdamW, betas 0.9 and 0.95, weight decay 0.05.
    """
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=_PEAK, betas=(0.9, 0.95), weight_decay=0.05
    )
    running: list[float] = []
    network.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps)
        with torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bf16()):
            kept = loss_of(network, next(old))
        kept.backward()
        with torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bf16()):
            learned = loss_of_tree(network, next(new))
        learned.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        told = [kept.item(), learned.item()]
        running = [0.95 * a + 0.05 * b for a, b in zip(running or told, told, strict=True)]
        if step % _LOG_EVERY == 1:
            old_loss, new_loss = running
            logger.info(
                "judging: step %d of %d, loss %.3f, of old dialogues %.3f",
                step, steps, new_loss, old_loss,
            )  # fmt: skip
