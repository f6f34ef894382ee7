"""Tokenized dialogues for tests of training, written as `stage=tokenize` writes them."""

import shutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from transformers import AutoTokenizer

from opencharacter.compose import compose_config
from opencharacter.job import Job
from opencharacter.records import Method, Tokens
from opencharacter.sources.rows import Tally

EMBEDDED = Path(__file__).parents[2] / "opencharacter" / "llm" / "embedded"


@cache
def tokenizer():
    return AutoTokenizer.from_pretrained(EMBEDDED)


def encode(turns: Iterable[tuple[str, str]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return ids and labels; the assistant's bodies with their end-of-turn are learned."""
    known = tokenizer()
    start, end, eot = known.convert_tokens_to_ids(
        ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    )
    ids, labels = [known.bos_token_id], [-100]
    for role, text in turns:
        head = [start, *_ids(role), end, *_ids("\n\n")]
        body = [*_ids(text), eot]
        ids += head + body
        labels += [-100] * len(head) + (body if role == "assistant" else [-100] * len(body))
    return tuple(ids), tuple(labels)


def _ids(text: str) -> list[int]:
    return tokenizer()(text, add_special_tokens=False)["input_ids"]


def tokens(character: str, instruction: str, turns: Iterable[tuple[str, str]]) -> Tokens:
    ids, labels = encode(turns)
    return Tokens(
        row_id=f"row-{character}-{instruction}",
        character_id=character,
        instruction_id=instruction,
        persona_id=character and f"persona-{character}",
        source="test",
        method=Method.generate if character else Method.ingested,
        tokenizer="t",
        template="llama3@x",
        dropped_turns=0,
        n_supervised=sum(label != -100 for label in labels),
        input_ids=ids,
        labels=labels,
    )


def corpus(n_characters: int, n_instructions: int, n_general: int = 0) -> list[Tokens]:
    """Return a dialogue for each character and instruction, and general ones."""
    rows = [
        tokens(
            f"character-{c:02}",
            f"instruction-{i:02}",
            [
                ("system", f"You are person {c}."),
                ("user", f"What is {i} plus {i}?"),
                ("assistant", f"It is {i + i}, my friend. " * (1 + (c + i) % 3)),
            ],
        )
        for c in range(n_characters)
        for i in range(n_instructions)
    ]
    general = [
        tokens("", f"general-{g:02}", [("user", f"Say {g}."), ("assistant", f"{g}.")])
        for g in range(n_general)
    ]
    return rows + general


def write_run(words: list[str], rows: list[Tokens]) -> None:
    """Write the stage `tokenize` of the run that the words name."""
    config = compose_config(["stage=tokenize", *words])
    with (
        Job(config, command="python -m opencharacter stage=tokenize") as job,
        job.stage("tokenize", settings=[config.tokenize]) as stage,
    ):
        stage.stream(Tokens, rows, Tally(rows=len(rows)), what="Tokens.", unit="rows")
        shutil.copy(EMBEDDED / "chat_template.jinja", stage.folder.path)
