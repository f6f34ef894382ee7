"""An OpenAI-compatible server that answers at once: what a client costs without any model.

    python bench/instant_server.py PORT

`GET /metrics` counts calls and output tokens by the names that vLLM uses, so that whoever measures
asks both servers alike. It listens on this machine only.
"""

import asyncio
import json
import random
import sys

from overhead import make_text

TOKENS = 300
_PATHS = {"chat": b"/v1/chat/completions", "models": b"/v1/models", "metrics": b"/metrics"}


class Server:
    """Counts what it answers."""

    def __init__(self) -> None:
        """Write the answers."""
        drawn = random.Random(0)
        self._answers = [_answer(make_text(drawn)) for _ in range(512)]
        self._calls = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until it is closed."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lowered = head.lower()
                await reader.readexactly(_content_length(lowered))
                is_last = b"connection: close" in lowered
                writer.write(_response(self._body(head), is_last=is_last))
                await writer.drain()
                if is_last:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _body(self, head: bytes) -> bytes:
        if _PATHS["chat"] in head:
            self._calls += 1
            return self._answers[self._calls % len(self._answers)]
        if _PATHS["models"] in head:
            return json.dumps({"object": "list", "data": [{"id": "instant"}]}).encode()
        return (
            f"vllm:generation_tokens_total {self._calls * TOKENS}\n"
            f"vllm:request_success_total {self._calls}\n"
        ).encode()


def _answer(text: str) -> bytes:
    answer = {
        "id": "0",
        "object": "chat.completion",
        "created": 0,
        "model": "instant",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 600, "completion_tokens": TOKENS, "total_tokens": 600 + TOKENS},
    }
    return json.dumps(answer).encode()


def _content_length(head: bytes) -> int:
    _, _, after = head.partition(b"content-length:")
    return int(after.partition(b"\r\n")[0] or 0)


def _response(body: bytes, *, is_last: bool) -> bytes:
    connection = b"close" if is_last else b"keep-alive"
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: %s\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (connection, len(body), body)
    )


async def _main(port: int) -> None:
    server = await asyncio.start_server(Server().serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
