"""Small tokenizers of the three families, learned here, with the control tokens of real models."""

import json
from functools import cache

import pyarrow as pa
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from opencharacter.config import ControlText, ModelConfig, Overlong, Template, TokenizeConfig
from opencharacter.llm.opening import model_path
from opencharacter.records import Message, Method, MixtureRow, to_row
from opencharacter.store.rows import arrow_schema
from opencharacter.train.encoding import Asked, Encoder
from opencharacter.train.opening import describe
from tests.languages import TEXTS

# The expression of LLaMA-3's tokenizer.
LLAMA3_PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA3 = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>"]
LLAMA3 += ["<|eot_id|>", "<|reserved_special_token_0|>"]


def _byte_level(control):
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LLAMA3_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=[AddedToken(token, special=True) for token in control],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator([*TEXTS.values(), "system user assistant\n\nYou are Ada.\n\n"], trainer)
    return bpe


@cache
def llama3():
    return PreTrainedTokenizerFast(
        tokenizer_object=_byte_level(LLAMA3),
        bos_token=LLAMA3[0],
        eos_token="<|eot_id|>",
        model_max_length=8192,
        clean_up_tokenization_spaces=False,
    )


@cache
def chatml():
    return PreTrainedTokenizerFast(
        tokenizer_object=_byte_level(["<|endoftext|>", "<|im_start|>", "<|im_end|>"]),
        eos_token="<|im_end|>",
        clean_up_tokenization_spaces=False,
    )


@cache
def mistral():
    """Return one of SentencePiece's kind: letters, and bytes for letters that it does not know."""
    learned = Tokenizer(models.BPE())
    learned.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    learned.train_from_iterator(
        TEXTS.values(), trainers.BpeTrainer(vocab_size=500, show_progress=False)
    )
    model = json.loads(learned.to_str())["model"]
    control = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"]
    tokens = [*control, *(f"<0x{byte:02X}>" for byte in range(256)), *model["vocab"]]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    merges = [tuple(pair) for pair in model["merges"]]
    bpe = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True))
    bpe.add_special_tokens([AddedToken(token, special=True) for token in control])
    bpe.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    bpe.decoder = decoders.Sequence(steps)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        clean_up_tokenization_spaces=False,
    )


@cache
def embedded():
    return AutoTokenizer.from_pretrained(model_path(ModelConfig(model="embedded")))


def opened(tokenizer, template="auto"):
    """Describe a tokenizer as the stage does."""
    config = TokenizeConfig(template=Template(template))
    return describe(tokenizer, config, model="test", most=8192)


def encoder(
    tokenizer, *, max_length=4096, overlong="drop_turns", control_text="keep", template="auto"
):
    asked = Asked(
        tokenizer=opened(tokenizer, template),
        max_length=max_length,
        overlong=Overlong(overlong),
        control_text=ControlText(control_text),
    )
    return Encoder(asked)


def mixture(*dialogues, untrained=()):
    """Return rows of a mixture; each dialogue is (role, text) pairs."""
    rows = [
        MixtureRow(
            response_id=f"response-{number}",
            character_id="character-1",
            instruction_id="instruction-1",
            persona_id="persona-1",
            render_version="v",
            messages=tuple(Message(role=role, content=text) for role, text in dialogue),
            untrained=untrained,
            source="tests",
            method=Method.generate,
            draw=0,
            weight=1.0,
            licence="none",
        )
        for number, dialogue in enumerate(dialogues)
    ]
    table = pa.Table.from_pylist([to_row(row) for row in rows], schema=arrow_schema(MixtureRow))
    [batch] = table.combine_chunks().to_batches()
    return batch
