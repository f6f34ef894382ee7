"""Which family a model is of: a judge scores its own kin too high.

Source: self-preference of judges, Panickssery et al. 2024 (arXiv 2404.13076); juries of disjoint
families, Verga et al. 2024 (arXiv 2404.18796).
"""

import re
from collections.abc import Iterable, Sequence

# What a name holds -> whose it is. Of two that fit, the one that stands first here: a distilled
# model is named for both and is of the family that it was trained from.
_FAMILIES = (
    ("embedded", "embedded"),
    ("llama", "llama"),
    ("vicuna", "llama"),
    ("alpaca", "llama"),
    ("qwen", "qwen"),
    ("qwq", "qwen"),
    ("mixtral", "mistral"),
    ("ministral", "mistral"),
    ("mistral", "mistral"),
    ("prometheus", "mistral"),
    ("gemma", "gemini"),
    ("gemini", "gemini"),
    ("gpt", "openai"),
    ("claude", "claude"),
    ("deepseek", "deepseek"),
    ("phi", "phi"),
    ("command", "cohere"),
    ("aya", "cohere"),
    ("olmo", "olmo"),
    ("glm", "glm"),
    ("internlm", "internlm"),
    ("baichuan", "baichuan"),
    ("granite", "granite"),
    ("falcon", "falcon"),
    ("yi", "yi"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
)


def family(model: str) -> str:
    """Return the family of a model by its name; a name that says nothing is a family of its own."""
    called = model.partition("@")[0].lower()
    words = set(re.findall(r"[a-z]+", called)) | set(re.findall(r"[a-z0-9]+", called))
    for name, whose in _FAMILIES:
        if name in words or (len(name) > 3 and name in called):
            return whose
    return called


def kin(judges: Iterable[str], models: Sequence[str]) -> dict[str, str]:
    """Return the judges that are of the family of one of the models, each with that model."""
    families = {family(model): model for model in reversed(models)}
    return {judge: families[family(judge)] for judge in judges if family(judge) in families}
