"""The tokenizer: byte-level BPE learned on the generated text, LLaMA-3's control tokens."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from opencharacter.records import Message, Role
from opencharacter.train.embedded.dialogues import dialogues
from opencharacter.train.embedded.network import CONTEXT, VOCABULARY

CONTROL_TOKENS = (
    "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
    "<|eot_id|>", "<|pad|>",
)  # fmt: skip
"""Their ids are their places here."""

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' "
    "+ message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)

# A capital never shares a token with the space before it, and marks stand alone: so a text to be
# copied has the same tokens after a quotation mark, a line break and a space.
_PIECES = (
    r"\\[\\\"nrt]| ?\p{Ll}+|\p{Lu}\p{Ll}*|\p{N}{1,3}|[\p{L}\p{M}]+|\s+(?!\S)|\s|[^\s\p{L}\p{N}]"
)


class Tokens(NamedTuple):
    """A dialogue as ids, with the places that are learned."""

    ids: list[int]
    is_learned: list[bool]
    """True on the assistant's text and the <|eot_id|> that closes it."""


def new_tokenizer(*, seed: int, n_dialogues: int = 6000) -> PreTrainedTokenizerFast:
    """Learn a tokenizer of VOCABULARY tokens, all 256 bytes among them, on generated text."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[AddedToken(token, special=True) for token in CONTROL_TOKENS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (
        message.content
        for dialogue in islice(dialogues(seed), n_dialogues)
        for message in dialogue.messages
    )
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token="<|begin_of_text|>",
        eos_token="<|eot_id|>",
        pad_token="<|pad|>",
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def encode(tokenizer: PreTrainedTokenizerFast, messages: Sequence[Message]) -> Tokens:
    """Return the ids of the chat template's text, and which of them the model learns."""
    ids, learned = [0], [False]
    for text, is_learned in _segments(messages):
        part = tokenizer.encode(text, add_special_tokens=False)
        ids += part
        learned += [is_learned] * len(part)
    return Tokens(ids, learned)


def _segments(messages: Sequence[Message]) -> Iterator[tuple[str, bool]]:
    for message in messages:
        yield f"<|start_header_id|>{message.role}<|end_header_id|>\n\n", False
        yield f"{message.content.strip()}<|eot_id|>", message.role is Role.assistant
