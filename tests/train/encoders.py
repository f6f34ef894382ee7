"""Small tokenizers and models of the T5 family, made here."""

from functools import cache

import torch
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    LongT5Config,
    LongT5ForConditionalGeneration,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from opencharacter.config import ControlText, Overlong, PlainConfig, TokenizeConfig
from opencharacter.train.encoding import Asked
from opencharacter.train.opening import describe_plain
from opencharacter.train.pairs import PairEncoder
from tests.languages import TEXTS

SAID = ["User: Who are you? Assistant: I am Ada. And now? Now I bake bread. You are 0 1 2 3 4 5"]
# Of FRED-T5's card.
FRED = ["<pad>", "<s>", "</s>", "<LM>", *(f"<SC{n}>" for n in range(1, 7)), "<extra_id_0>"]


@cache
def t5():
    """Return one as T5's: pieces of a unigram model without line breaks, `</s>` after a text."""
    unigram = Tokenizer(models.Unigram())
    unigram.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Strip()])
    unigram.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    unigram.decoder = decoders.Metaspace(prepend_scheme="always")
    control = ["<pad>", "</s>", "<unk>", "<extra_id_0>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=control, unk_token="<unk>", show_progress=False
    )
    unigram.train_from_iterator([*SAID * 20, *TEXTS.values()], trainer)
    ends = [("</s>", unigram.token_to_id("</s>"))]
    unigram.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=ends)
    return PreTrainedTokenizerFast(
        tokenizer_object=unigram,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        clean_up_tokenization_spaces=False,
    )


@cache
def fred():
    """Return one as FRED-T5's: bytes as GPT-2's, denoisers' names, nothing around a text."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=[AddedToken(token, special=True) for token in ["<|endoftext|>", *FRED]],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator([*TEXTS.values(), "Продолжи диалог:\nСобеседник: ...\nТы: "], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token="<pad>",
        eos_token="<|endoftext|>",
        clean_up_tokenization_spaces=False,
    )


def pair_encoder(tokenizer, plain=None, **asked):
    """Return the stage's encoder; what is asked differs from the usual by name."""
    config = TokenizeConfig(plain=plain or PlainConfig())
    opened = describe_plain(tokenizer, config, model="test", end=tokenizer.eos_token)
    usual = {
        "max_length": 512,
        "max_answer": 64,
        "overlong": Overlong.drop_turns,
        "control_text": ControlText.keep,
    }
    return PairEncoder(Asked(tokenizer=opened, **(usual | asked)), opened.plain)


def tiny_t5(vocabulary, *, is_long=False, is_tied=True, seed=0):
    """Return a random T5 (or LongT5, whose encoder looks at its neighbours only)."""
    torch.manual_seed(seed)
    shape = {
        "vocab_size": vocabulary,
        "d_model": 32,
        "d_kv": 8,
        "d_ff": 64,
        "num_layers": 2,
        "num_heads": 4,
        "dropout_rate": 0.0,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "decoder_start_token_id": 0,
        "tie_word_embeddings": is_tied,  # untied: T5 v1.1, whose head is not scaled
    }
    if is_long:
        return LongT5ForConditionalGeneration(LongT5Config(local_radius=7, **shape))
    model = T5ForConditionalGeneration(T5Config(**shape))
    if not is_tied:
        model.lm_head.weight = torch.nn.Parameter(torch.randn(vocabulary, 32))
    return model
