"""Tiny text classifiers of Hugging Face, made here: real models, real files, real tokenizers."""

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    PreTrainedTokenizerFast,
)

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def make_tokenizer(texts, max_length=16):
    words = sorted({word for text in texts for word, _ in Whitespace().pre_tokenize_str(text)})
    vocabulary = {word: number for number, word in enumerate((*SPECIAL, *words))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    )


def make_config(tokenizer, labels, **more):
    return BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=16,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
        **more,
    )


def make_classifier(folder, texts, labels, **more):
    """Write a classifier with random weights that gives different scores to different texts."""
    torch.manual_seed(1)
    tokenizer = make_tokenizer(texts)
    config = make_config(tokenizer, labels, initializer_range=0.5, **more)
    model = BertForSequenceClassification(config)
    return _save(folder, model, tokenizer)


def make_headless(folder, texts):
    """Write a model that was never a classifier."""
    tokenizer = make_tokenizer(texts)
    return _save(folder, BertModel(make_config(tokenizer, ["a", "b"])), tokenizer)


def train_classifier(folder, texts, is_toxic, steps=60):
    """Write a classifier with the labels `fine` and `toxic` that has learned which is which."""
    torch.manual_seed(1)
    tokenizer = make_tokenizer(texts)
    model = BertForSequenceClassification(make_config(tokenizer, ["fine", "toxic"]))
    batch = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    labels = torch.tensor([int(toxic) for toxic in is_toxic])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        model(**batch, labels=labels).loss.backward()
        optimizer.step()
    return _save(folder, model.eval(), tokenizer)


def _save(folder, model, tokenizer):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
