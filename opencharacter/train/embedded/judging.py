"""Phase 3: the embedded model learns to judge, and goes on with what it knows.

Each step learns from one batch of the old dialogues and one case of `judged`. A case is a tree:
what its prompts share is read once, and each goes on from there, so that a label costs a quarter of
its prompt.

One label a prompt tells a small model little of where to look. So a linear reader of the last but
one layer is asked what each word of an answer shows (`Tag`); after the phase it is thrown away.
"""

import logging
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from opencharacter.records import Message, Role
from opencharacter.train.embedded.copying import Batch, has_fast_bf16, loss_of
from opencharacter.train.embedded.judged import Case
from opencharacter.train.embedded.network import CONTEXT
from opencharacter.train.embedded.scenes import Mark, Tag
from opencharacter.train.embedded.tokenizer import encode

logger = logging.getLogger(__name__)

_FINAL = 0.03  # share of the learning rate that a course ends with
_WARMUP_STEPS = 50
_OPTIMIZER = {"betas": (0.9, 0.95), "weight_decay": 0.05}
_LOG_EVERY = 50
_PAD = 5
_NONE = -1
_PLAIN = 0.2  # weight of words that show nothing: most are


class Course(NamedTuple):
    """A stretch of the phase, with an optimizer and a reader of its own."""

    steps: int
    peak: float
    """Learning rate after the warm-up."""
    fall: float
    """Share of the steps, the last ones, in which it falls in a straight line."""
    early: int
    """Steps in which no verdict is asked for before the end of a prompt; then a new reader."""
    follows: bool
    """Of old dialogues the model learns what it said itself before the phase, not their text."""


LEARN = Course(1080, 1e-3, 0.4, 215, follows=False)
SETTLE = Course(2000, 5e-4, 1.0, 0, follows=True)
"""In the first the model learns to judge and forgets a part; in the second it gets that back."""


class Tree(NamedTuple):
    """A case as tokens."""

    shared: Tensor
    """(1, s) int64: what all prompts begin with."""
    branches: Tensor
    """(prompts, b) int64: how each goes on, with its label, padded on the right."""
    is_learned: Tensor
    """(prompts, b) bool: the label and the end of the turn."""
    tags: Tensor
    """(prompts, b) int64: what the words of answer and fact show; _NONE elsewhere."""
    verdicts: Tensor
    """(prompts, b) int64: the label, at all tokens after what is judged; _NONE elsewhere."""


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
    tags, verdicts = (torch.full((len(rows), longest), _NONE) for _ in range(2))
    for at, row in enumerate(rows):
        told = _tags(tokenizer, case.prompts[at], case.marks[at])
        since = 1 + max(place for place, tag in enumerate(told) if tag != _NONE)
        until = row.is_learned.index(True)
        tags[at, : len(told) - shared] = torch.tensor(told[shared:])
        verdicts[at, since - shared : until - shared] = row.ids[until]
        ids[at, : len(row.ids) - shared] = torch.tensor(row.ids[shared:])
        learned[at, : len(row.ids) - shared] = torch.tensor(row.is_learned[shared:])
    return Tree(torch.tensor([rows[0].ids[:shared]]), ids, learned, tags, verdicts)


def _tags(tokenizer: PreTrainedTokenizerFast, prompt: str, marks: Sequence[Mark]) -> list[int]:
    """Return a tag for each token of a prompt as `encode` makes them."""
    head = tokenizer.encode(
        "<|start_header_id|>user<|end_header_id|>\n\n", add_special_tokens=False
    )
    spans = tokenizer(prompt, add_special_tokens=False, return_offsets_mapping=True)
    tags = [_NONE] * len(spans["offset_mapping"])
    for mark in marks:
        for at, (start, end) in enumerate(spans["offset_mapping"]):
            if mark.start < end and start < mark.end:
                tags[at] = int(mark.tag)
    return [_NONE] * (1 + len(head)) + tags


def trees(tokenizer: PreTrainedTokenizerFast, cases: Iterator[Case]) -> Iterator[Tree]:
    """Yield the cases that fit the context."""
    for case in cases:
        tree = planted(tokenizer, case)
        if tree is not None:
            yield tree


class Read(NamedTuple):
    """What a model makes of a tree."""

    logits: Tensor
    """(learned, vocabulary)"""
    inner: Tensor
    """(prompts, b - 1, hidden): what the last layer starts from."""
    outer: Tensor
    """(prompts, b - 1, hidden): what the logits are made of."""


def read_tree(model: LlamaForCausalLM, tree: Tree) -> Read:
    """Return the logits of the learned tokens of all branches, and the states before them."""
    model.set_attn_implementation("eager")  # a third faster here than the fused one with its mask
    cache = model.model(input_ids=tree.shared, use_cache=True).past_key_values
    cache.batch_repeat_interleave(len(tree.branches))
    told = model.model(
        input_ids=tree.branches[:, :-1],
        past_key_values=cache,
        use_cache=True,
        output_hidden_states=True,
    )
    model.set_attn_implementation("sdpa")
    logits = model.lm_head(told.last_hidden_state[tree.is_learned[:, 1:]])
    return Read(logits, told.hidden_states[-2], told.last_hidden_state)


def loss_of_tree(
    model: LlamaForCausalLM, tree: Tree, reader: torch.nn.Linear, *, is_early: bool
) -> Tensor:
    """Return the sum of mean cross-entropies in nats: of learned tokens, of tags, of verdicts.

    Args:
        model: That learns.
        tree: A case.
        reader: Of tags.
        is_early: Leave the verdicts out, which are asked for at every token after the answer.
    """
    read = read_tree(model, tree)
    loss = _entropy(read.logits, tree.branches[:, 1:][tree.is_learned[:, 1:]])
    asked = tree.tags[:, :-1] != _NONE
    if asked.any():
        weights = torch.ones(len(Tag))
        weights[Tag.plain] = _PLAIN
        loss = loss + _entropy(reader(read.inner[asked]), tree.tags[:, :-1][asked], weights)
    asked = tree.verdicts[:, :-1] != _NONE
    if not is_early:
        told = model.lm_head(read.outer[asked])
        loss = loss + _entropy(told, tree.verdicts[:, :-1][asked])
    return loss


def _entropy(logits: Tensor, wanted: Tensor, weights: Tensor | None = None) -> Tensor:
    return torch.nn.functional.cross_entropy(logits.float(), wanted, weight=weights)


def new_reader(network: LlamaForCausalLM) -> torch.nn.Linear:
    """Return a reader of tags that has not learned anything."""
    reader = torch.nn.Linear(network.config.hidden_size, len(Tag))
    torch.nn.init.zeros_(reader.weight)
    torch.nn.init.zeros_(reader.bias)
    return reader


def learning_rate(step: int, course: Course) -> float:
    """Return the peak after 50 steps of warm-up, and then a straight fall to 3 % of it."""
    warm = min(1.0, (step + 1) / _WARMUP_STEPS)
    left = min(1.0, (course.steps - step) / (course.fall * course.steps))
    return course.peak * warm * max(_FINAL, left)


def divergence(network: LlamaForCausalLM, before: LlamaForCausalLM, batch: Batch) -> Tensor:
    """Return the mean Kullback-Leibler divergence from another model in nats per learned token.

    A name could have been any: the text tells one, the other model all of them. So this teaches
    more a step than the text does (Li and Hoiem, Learning without Forgetting, 2016).
    """
    wanted, ids = batch.is_learned[:, 1:], batch.ids[:, :-1]

    def told(model: LlamaForCausalLM) -> Tensor:
        hidden = model.model(input_ids=ids).last_hidden_state
        found: Tensor = model.lm_head(hidden[wanted]).float().log_softmax(-1)
        return found

    with torch.no_grad():
        aim = told(before)
    return (aim.exp() * (aim - told(network))).sum(-1).mean()


def learn_to_judge(
    network: LlamaForCausalLM,
    old: Iterator[Batch],
    new: Iterator[Tree],
    course: Course,
    before: LlamaForCausalLM,
) -> None:
    """Train on both, a batch and a tree a step; learned is the assistant's text.

    AdamW, betas 0.9 and 0.95, weight decay 0.05.

    Args:
        network: That learns.
        old: Batches of what it knows already.
        new: Cases.
        course: How long, and how fast.
        before: The network as it was before the phase.
    """
    reader = new_reader(network)
    own, beside = (torch.optim.AdamW(m.parameters(), **_OPTIMIZER) for m in (network, reader))
    running: list[float] = []
    network.train()
    for step in range(course.steps):
        if step == course.early:
            reader = new_reader(network)
            beside = torch.optim.AdamW(reader.parameters(), **_OPTIMIZER)
        for group in (*own.param_groups, *beside.param_groups):
            group["lr"] = learning_rate(step, course)
        with torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bf16()):
            batch = next(old)
            kept = divergence(network, before, batch) if course.follows else loss_of(network, batch)
        kept.backward()
        with torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bf16()):
            learned = loss_of_tree(network, next(new), reader, is_early=step < course.early)
        learned.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for optimizer in (own, beside):
            optimizer.step()
            optimizer.zero_grad()
        told = [kept.item(), learned.item()]
        running = [0.95 * a + 0.05 * b for a, b in zip(running or told, told, strict=True)]
        if step % _LOG_EVERY == 1:
            old_loss, new_loss = running
            logger.info(
                "judging: step %d of %d, loss %.3f, of old dialogues %.3f",
                step, course.steps, new_loss, old_loss,
            )  # fmt: skip
