"""A server for tests: OpenAI-compatible, it answers as the scripted model would."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opencharacter.llm.requests import Request, Sampling
from opencharacter.llm.scripted import scripted_reply
from opencharacter.records import Message, Role


def request_in(body: dict) -> Request:
    """Return the request in the body of a chat completion."""
    return Request(
        messages=tuple(
            Message(role=Role(message["role"]), content=message["content"])
            for message in body["messages"]
        ),
        sampling=Sampling(**{k: body[k] for k in ("temperature", "top_p", "max_tokens")}),
        seed=body["seed"],
        schema=body.get("response_format", {}).get("json_schema", {}).get("schema"),
    )


class Server(ThreadingHTTPServer):
    """An OpenAI-compatible server that keeps every request which reaches it.

    `heard` has each with the name of the model that was asked for.
    """

    request_queue_size = 64

    def __init__(self, delay_s: float = 0.0) -> None:
        """Listen on a free port of loopback; each answer takes `delay_s`."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.heard: list[tuple[str, Request]] = []
        self.delay_s = delay_s

    @property
    def asked(self) -> list[Request]:
        """Every request."""
        return [request for _, request in self.heard]

    @property
    def teacher(self) -> tuple[str, ...]:
        """The settings that make this server the teacher."""
        address = f"http://127.0.0.1:{self.server_address[1]}/v1"
        return ("llm@teacher=endpoint", f"teacher.base_url={address}", "teacher.model=scripted")

    def handle_error(self, request, client_address):
        """Say nothing: a client that is killed hangs up."""


class Handler(BaseHTTPRequestHandler):
    """Notes a request, then answers it as the scripted model would."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self):
        """Answer one chat completion."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = request_in(body)
        self.server.heard.append((body["model"], asked))
        time.sleep(self.server.delay_s)
        choice = {"message": {"content": scripted_reply(asked)}, "finish_reason": "stop"}
        data = json.dumps({"choices": [choice]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def serving(delay_s: float = 0.0) -> Iterator[Server]:
    """Serve from a thread until the end of the block."""
    with Server(delay_s) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
