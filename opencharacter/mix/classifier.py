"""Text classifiers of Hugging Face: the home of torch and transformers among the filters."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging

from opencharacter.config import Activation, AxisConfig
from opencharacter.errors import ModelError
from opencharacter.mix.scoring import TextScore, usable

_FAULTS = (OSError, ValueError, RuntimeError, ImportError)
_LENGTH = 512  # tokens, of a model that does not say how many it reads


class Classifier:
    """A sequence classifier; called with texts it returns the score of one label for each."""

    def __init__(self, name: str, axis: AxisConfig) -> None:
        """Load the model, on a GPU if there is one.

        Args:
            name: Of the axis, for errors.
            axis: Model, label, activation and length.

        Raises:
            ModelError: it cannot be loaded, is no trained classifier, or which label is meant is
                not said.
        """
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self._setting = f"mix.axes.{name}"
        self._axis = axis
        self._tokenizer, self._model = self._load()
        self._config: dict[str, Any] = self._model.config.to_dict()
        self._label = self._find_label()
        self._activation = self._find_activation()
        self._max_length = self._find_length()
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model.to(self._device).eval()

    def __call__(self, texts: Sequence[str]) -> list[TextScore]:
        """Score texts; all of them run as one batch."""
        encoded = self._tokenizer(list(texts), verbose=False)
        is_cut = [len(ids) > self._max_length for ids in encoded["input_ids"]]
        if any(is_cut):
            encoded = self._tokenizer(list(texts), truncation=True, max_length=self._max_length)
        batch = self._tokenizer.pad(encoded, return_tensors="pt").to(self._device)
        with torch.inference_mode():
            logits = self._model(**batch).logits.float()  # (texts, labels)
        if self._activation is Activation.softmax:
            logits = logits.softmax(dim=-1)
        elif self._activation is Activation.sigmoid:
            logits = logits.sigmoid()
        scores = logits[:, self._label].tolist()
        return [TextScore(usable(s), cut) for s, cut in zip(scores, is_cut, strict=True)]

    def _load(self) -> tuple[Any, Any]:
        axis = self._axis
        try:
            tokenizer = AutoTokenizer.from_pretrained(axis.model, revision=axis.revision)
            model, report = AutoModelForSequenceClassification.from_pretrained(
                axis.model, revision=axis.revision, dtype=torch.float32, output_loading_info=True
            )
        except _FAULTS as error:
            first = str(error).strip().splitlines()[:1]
            raise ModelError(
                f"cannot load {axis.model} as a text classifier ({' '.join(first)}); check "
                f"{self._setting}.model, the network, or name the folder of a downloaded copy"
            ) from error
        # transformers fills in what a checkpoint lacks with random numbers, and only warns.
        missing = sorted(report["missing_keys"])
        if missing:
            raise ModelError(
                f"{axis.model} is no trained text classifier: it has no weights for "
                f"{', '.join(missing[:3])}; name one that is in {self._setting}.model"
            )
        if tokenizer.pad_token is None:  # as of models made for generation
            tokenizer.pad_token = tokenizer.eos_token
            model.config.pad_token_id = tokenizer.pad_token_id
        return tokenizer, model

    def _find_label(self) -> int:
        labels = [self._model.config.id2label[n] for n in range(self._model.config.num_labels)]
        wanted = self._axis.label
        if not wanted and len(labels) == 1:
            return 0
        if wanted not in labels:
            what = f"no label '{wanted}'" if wanted else f"{len(labels)} labels, and none is chosen"
            raise ModelError(
                f"{self._axis.model} has {what}; set {self._setting}.label to the one whose "
                f"probability is the score: {', '.join(labels[:30])}"
            )
        return labels.index(wanted)

    def _find_activation(self) -> Activation:
        chosen = self._axis.activation
        n_labels = self._model.config.num_labels
        if chosen is Activation.softmax and n_labels == 1:
            raise ModelError(
                f"{self._axis.model} has one label, whose softmax is always 1; set "
                f"{self._setting}.activation to sigmoid or none"
            )
        if chosen is not Activation.auto:
            return chosen
        kind = self._config.get("problem_type")
        if kind == "regression":
            return Activation.none
        is_each_alone = kind == "multi_label_classification" or n_labels == 1
        return Activation.sigmoid if is_each_alone else Activation.softmax

    def _find_length(self) -> int:
        """Return how many tokens of a text are read."""
        most: int = self._tokenizer.model_max_length
        positions = self._config.get("max_position_embeddings")
        if positions and most > positions:  # the tokenizer does not say; RoBERTa's first two
            most = positions - 2  # positions are not for tokens
        wanted = self._axis.max_length
        if wanted is not None and wanted > most:
            raise ModelError(
                f"{self._axis.model} reads {most} tokens, but {self._setting}.max_length is "
                f"{wanted}; lower it, or leave it out"
            )
        return wanted or (most if most < 10**9 else _LENGTH)
