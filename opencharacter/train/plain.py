"""A dialogue as the plain text that an encoder reads, and the same as a chat template.

Encoder-decoder models have no chat template and no control tokens for turns: names of speakers
stand in the text. Only what stands around the whole text are tokens: what the tokenizer itself puts
around a text, a prefix that names a denoiser (Tay et al. 2022, "UL2", arXiv 2205.05131; FRED-T5 has
`<LM>` and `<SC1>` to `<SC6>`), and the gap that the answer fills (Raffel et al. 2020, "T5", arXiv
1910.10683).
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from tokenizers import Tokenizer

from opencharacter.config import PlainConfig
from opencharacter.errors import ModelError


class Plain(NamedTuple):
    """How a dialogue becomes what an encoder reads, and an answer what a decoder says."""

    config: PlainConfig
    before: tuple[str, ...]
    """Tokens that stand before all text, the prefix last."""
    after: tuple[str, ...]
    """Tokens that stand after all text, the mark first."""
    end: str
    """Token that ends an answer."""

    @property
    def begin(self) -> tuple[str, ...]:
        """Token that begins an answer, if one does."""
        return (self.config.mark,) if self.config.mark else ()

    def text(self, roles: Sequence[str], texts: Sequence[str]) -> str:
        """Return the text that stands between the tokens.

        Args:
            roles: Of the messages, the system prompt first if there is one.
            texts: What they say.
        """
        lines = {
            "system": self.config.system,
            "user": self.config.user,
            "assistant": self.config.assistant,
        }
        said = (
            lines[role].replace("{text}", text) for role, text in zip(roles, texts, strict=True)
        )
        return "".join(said) + self.config.answer

    def template(self) -> str:
        """Return jinja that renders the text with its tokens, for `apply_chat_template`."""
        lines = [f"{{{{ {_quoted(''.join(self.before))} }}}}", "{% for message in messages %}"]
        for place, role in enumerate(("system", "user", "assistant")):
            first, last = getattr(self.config, role).split("{text}")
            said = f"{{{{ {_quoted(first)} + message['content'] | trim + {_quoted(last)} }}}}"
            lines.append(f"{{% {'elif' if place else 'if'} message['role'] == '{role}' %}}{said}")
        lines.append("{% endif %}{% endfor %}")
        lines.append(f"{{{{ {_quoted(self.config.answer + ''.join(self.after))} }}}}")
        return "".join(lines)


def open_plain(backend: Tokenizer, config: PlainConfig, *, end: str, model: str) -> Plain:
    """Return how the text stands among its tokens, after checking that each of them is one.

    Args:
        backend: The tokenizer.
        config: The lines, and the names of the tokens.
        end: Token that ends an answer, unless the configuration names one.
        model: Its name, for errors.

    Raises:
        ModelError: one is no token of the vocabulary, or there is none that ends an answer.
    """
    end = config.end or end
    if not end:
        raise ModelError(
            f"{model} names no token that ends an answer; set tokenize.plain.end, as to '</s>'"
        )
    for setting, token in (("prefix", config.prefix), ("mark", config.mark), ("end", end)):
        if token:
            _check_one(backend, token, setting=setting, model=model)
    alone = backend.encode("a", add_special_tokens=False).tokens
    around = backend.encode("a", add_special_tokens=True).tokens
    at = next(n for n in range(len(around)) if around[n : n + len(alone)] == alone)
    return Plain(
        config=config,
        before=(*around[:at], *filter(None, [config.prefix])),
        after=(*filter(None, [config.mark]), *around[at + len(alone) :]),
        end=end,
    )


def _check_one(backend: Tokenizer, token: str, *, setting: str, model: str) -> None:
    number = backend.token_to_id(token)
    found = backend.encode(token, add_special_tokens=False).ids
    if number is None or found != [number]:
        raise ModelError(
            f"tokenize.plain.{setting}={token} is {len(found)} tokens of {model}, not one; choose "
            "a token of its vocabulary, or add it with train.added_tokens"
        )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
