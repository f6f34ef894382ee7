"""HTTP to an OpenAI-compatible server: one session, a connection for each seat.

The home of `aiohttp`; docs/decisions/0016-http-client.md says why it.
"""

import asyncio
import os
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec

from opencharacter.config import ModelConfig
from opencharacter.errors import ModelError
from opencharacter.llm.answers import PassingError, Refusal
from opencharacter.llm.requests import Request

_CONNECT_S = 30.0
_LOOK_S = 5.0  # for a first look at whether there is a server
_KEPT_S = 4.0  # an idle connection; the commonest servers close theirs after five seconds
_TOP = 20  # of the likeliest tokens; no server is sure to tell more
_ERROR = 400  # from here on a status refuses


class Reply(NamedTuple):
    """What came back."""

    status: int
    body: bytes
    retry_after: str | None

    @property
    def refusal(self) -> Refusal | None:
        """What a status from 400 on says, the server's words on one line; None = it is no error."""
        if self.status < _ERROR:
            return None
        try:
            said = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError):
            said = self.body[:1000].decode(errors="replace")
        error = said.get("error", said) if isinstance(said, dict) else said
        code = error.get("code") if isinstance(error, dict) else None
        message = error.get("message", error) if isinstance(error, dict) else error
        return Refusal(
            status=self.status,
            message=" ".join(str(message).split())[:300] or "no reason given",
            code=code if isinstance(code, str) else None,
            retry_after=self.retry_after,
        )


class Wire:
    """Sends requests to the server at `config.base_url`; an asynchronous context manager."""

    def __init__(self, config: ModelConfig) -> None:
        """Send nothing yet.

        Raises:
            ModelError: `base_url` is no http address, or the key cannot stand in a header.
        """
        url = config.base_url or ""
        if not url.startswith(("http://", "https://")):
            raise ModelError(f"base_url is '{url}'; it must begin with http:// or https://")
        key = os.environ.get(config.api_key_env, "").strip() or "none"
        if not (key.isascii() and key.isprintable()):
            raise ModelError(f"the key in {config.api_key_env} holds characters that no key has")
        self._config = config
        self._url = url.rstrip("/")
        self._key = key
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        """Open the session; a request may follow at once."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT_S),
            headers={"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
            proxy=_proxy(self._url),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self._session.close()

    async def ask(self, request: Request) -> Reply:
        """Send a request once.

        Raises:
            PassingError: there is no reply.
        """
        body: dict[str, Any] = {
            "model": self._config.model,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "temperature": request.sampling.temperature,
            "top_p": request.sampling.top_p,
            "max_tokens": request.sampling.max_tokens,
            "seed": request.seed,
        }
        if request.labels:
            # A server has no common way to be steered to labels; it tells its likeliest tokens.
            body |= {"max_tokens": 1, "logprobs": True, "top_logprobs": _TOP}
        if request.schema is not None and self._config.structured_output:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": request.schema, "strict": True},
            }
        sent = msgspec.json.encode(body)
        return await self._do("POST", "chat/completions", self._config.timeout_s, sent)

    async def is_there(self) -> bool:
        """Tell whether the server answers a simple question."""
        try:
            reply = await self._do("GET", "models", _CONNECT_S)
        except PassingError:
            return False
        return reply.status < 500

    async def look(self) -> None:
        """Ask a simple question, and wait a moment for any reply.

        Raises:
            PassingError: there can be no connection.
        """
        try:
            await self._do("GET", "models", _LOOK_S)
        except PassingError as fault:
            if isinstance(fault.__cause__, aiohttp.ClientConnectorError):
                raise

    async def model_names(self) -> list[str]:
        """Return the names of the models that are served, as far as the server says them."""
        try:
            reply = await self._do("GET", "models", _CONNECT_S)
            return [str(model["id"]) for model in msgspec.json.decode(reply.body)["data"]]
        except (PassingError, msgspec.DecodeError, LookupError, TypeError):
            return []

    async def _do(
        self, method: str, path: str, within_s: float, body: bytes | None = None
    ) -> Reply:
        timeout = aiohttp.ClientTimeout(total=within_s, sock_connect=min(_CONNECT_S, within_s))
        try:
            async with self._session.request(
                method, f"{self._url}/{path}", data=body, timeout=timeout
            ) as response:
                return Reply(
                    response.status, await response.read(), response.headers.get("Retry-After")
                )
        except TimeoutError as error:
            raise PassingError(f"no answer within {within_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise PassingError("the connection failed", _told(error)) from error


def check_server(config: ModelConfig) -> None:
    """Look whether a server is there; whatever it answers will do, even late.

    Raises:
        ModelError: nobody is there, or `base_url` or the key can be none.
    """

    async def look(wire: Wire) -> None:
        async with wire:
            await wire.look()

    try:
        asyncio.run(look(Wire(config)))
    except PassingError as fault:
        raise ModelError(
            f"nothing answers at {config.base_url} ({fault}); start the server, or correct base_url"
        ) from fault


def _told(error: Exception) -> str:
    return " ".join(f"{type(error).__name__} {error}".split())[:300]


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for an address, or None."""
    # The client's own reading of the environment looks at files for every single request.
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)
