"""Words, as all checks count them."""

import re

_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+(?:['\u2019][^\W_]+)*"
)


def words_of(text: str) -> list[str]:
    """Return the words in lower case; Chinese and Japanese characters each as one."""
    return _WORD.findall(text.lower())
