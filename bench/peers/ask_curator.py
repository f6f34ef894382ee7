"""The benchmark's requests through Bespoke Curator: a `curator.LLM` with the openai back end."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# It counts tokens with a file that it would download; a library that it brings has the file too.
_LITELLM = find_spec("litellm")
assert _LITELLM is not None
assert _LITELLM.origin is not None
_TOKENIZERS = Path(_LITELLM.origin).parent / "litellm_core_utils" / "tokenizers"
os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(_TOKENIZERS))

from bespokelabs import curator  # noqa: E402
from common import Asked, Clock, rows_of  # noqa: E402


class Chat(curator.LLM):
    """Sends a row's messages as they are."""

    def prompt(self, row: dict[str, Any]) -> list[dict[str, str]]:
        """Return the messages."""
        return row["messages"]

    def parse(self, row: dict[str, Any], response: str) -> dict[str, Any]:
        """Keep id and text."""
        return {"id": row["id"], "text": response}


def main() -> None:
    """Run it and tell how long it took."""
    asked = Asked.read()
    rows = rows_of(asked)
    chat = Chat(
        model_name=asked.model,
        backend="openai",
        generation_params={"max_tokens": asked.max_tokens, "temperature": asked.temperature},
        backend_params={
            "base_url": asked.url,
            "api_key": "none",
            "max_concurrent_requests": asked.parallel,
            "max_requests_per_minute": 1_000_000,
            "max_tokens_per_minute": 1_000_000_000,
            # By default it asks for cut-off answers again and again; the others take them.
            "invalid_finish_reasons": ["content_filter"],
            "require_all_responses": False,
        },
    )
    clock = Clock()
    made = chat(rows, working_dir=asked.out)
    clock.told([row["text"] for row in made.dataset])


if __name__ == "__main__":
    main()
