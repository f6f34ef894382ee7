"""A server for tests with every fault that servers have: seeded, so that a run can be repeated."""

import json
import socket
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time

from opencharacter.ids import stable_number
from opencharacter.llm.requests import Request
from opencharacter.llm.scripted import scripted_reply
from tests.servers import request_in

MODEL = "scripted"


class Fault(StrEnum):
    """What goes wrong with one answer."""

    busy = "429"
    busy_wait = "429 with Retry-After"
    busy_date = "429 with a date"
    busy_absurd = "429 that asks for a hundred years"
    failed = "500"
    unavailable = "503"
    stalled = "no byte for longer than the timeout"
    cut = "cut in the middle of the body"
    no_json = "malformed JSON"
    no_choice = "an error in a 200"
    other_model = "another model's answer"
    truncated = "finish_reason length"
    empty = "nothing said"


DELIVERED = (Fault.truncated, Fault.empty)
"""They reach the session, which asks again with another seed."""

_STATUS = {
    Fault.busy: (429, {}),
    Fault.busy_wait: (429, {"Retry-After": "1"}),
    Fault.busy_absurd: (429, {"Retry-After": "3153600000"}),
    Fault.failed: (500, {}),
    Fault.unavailable: (503, {"Retry-After": "0"}),
}
_POISON = {
    "always fails": (500, "out of memory"),
    "is filtered": (400, "the content filter stepped in"),
    "is too long": (400, "maximum context length is 10 tokens"),
}


class FaultyServer(ThreadingHTTPServer):
    """Answers as the scripted model would, but for a share of faults of every kind."""

    request_queue_size = 128

    def __init__(self, *, share: float, seed: int, stall_s: float) -> None:
        """Listen on a free port of loopback.

        Args:
            share: Of faulty answers, all kinds equally often.
            seed: Which answers they are hangs on this, the request and how often it was asked.
            stall_s: How long a stalled answer takes.
        """
        super().__init__(("127.0.0.1", 0), _Handler)
        self.share = share
        self.seed = seed
        self.stall_s = stall_s
        self.lock = threading.Lock()
        self.met: dict[int, list[Fault | None]] = defaultdict(list)
        """What became of each try, by the request's seed; None = a good answer."""
        self.usage: Counter[str] = Counter()
        """Tokens of all answers that a client can have read."""
        self.largest = 0
        """Tokens of the largest of them."""
        self.breaks_after: int | None = None
        """Good answers after which nothing but `broken_status` comes back; None = never."""
        self.broken_status = 500
        self.closing = threading.Event()

    @property
    def teacher(self) -> tuple[str, ...]:
        """The settings that make this server the teacher."""
        address = f"http://127.0.0.1:{self.server_address[1]}/v1"
        return ("llm@teacher=endpoint", f"teacher.base_url={address}", f"teacher.model={MODEL}")

    @property
    def is_broken(self) -> bool:
        """Whether it has stopped answering."""
        answered = sum(None in tries for tries in list(self.met.values()))
        return self.breaks_after is not None and answered >= self.breaks_after

    def draw(self, request: Request) -> Fault | None:
        """Return what happens to this try of a request."""
        with self.lock:
            tries = self.met[request.seed]
            number = stable_number(self.seed, request.seed, len(tries))
            is_faulty = number % 1000 < 1000 * self.share
            fault = list(Fault)[number // 1000 % len(Fault)] if is_faulty else None
            tries.append(fault)
            return fault

    def handle_error(self, request, client_address):
        """Say nothing: a client that waits no longer hangs up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyServer
    timeout = 20

    def do_GET(self):
        self._send(200, {"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    def do_POST(self):
        asked = request_in(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        question = asked.messages[-1].content
        for words, (status, message) in _POISON.items():
            if words in question:
                code = "content_filter" if "filter" in message else None
                self._send(status, {"error": {"message": message, "code": code}})
                return
        if self.server.is_broken:
            self._send(self.server.broken_status, {"error": {"message": "it is broken"}})
            return
        fault = Fault.truncated if "is cut off" in question else self.server.draw(asked)
        if fault in _STATUS:
            status, headers = _STATUS[fault]
            self._send(status, {"error": {"message": f"injected: {fault}"}}, headers)
        elif fault is Fault.busy_date:
            date = self.date_time_string(int(time()) + 1)
            self._send(429, {"error": {"message": "later"}}, {"Retry-After": date})
        elif fault is Fault.stalled:
            self.server.closing.wait(self.server.stall_s)
            self.close_connection = True
        else:
            self._answer(asked, fault)

    def _answer(self, asked: Request, fault: Fault | None) -> None:
        text = "" if fault is Fault.empty else scripted_reply(asked)
        finish = "length" if fault is Fault.truncated else "stop"
        usage = {
            "prompt_tokens": sum(len(m.content.split()) for m in asked.messages),
            "completion_tokens": len(text.split()),
        }
        body = {
            "model": "some-other-model" if fault is Fault.other_model else MODEL,
            "choices": [{"message": {"content": text}, "finish_reason": finish}],
            "usage": usage,
        }
        if fault is Fault.no_choice:
            body = {"error": {"message": "overloaded"}}
        data = json.dumps(body).encode()
        if fault is Fault.no_json:
            data = data[:-7]
        elif fault is Fault.cut:
            self._start(200, len(data))
            self.wfile.write(data[: len(data) // 2])
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if fault not in (Fault.no_json, Fault.no_choice):
            with self.server.lock:
                self.server.usage.update(usage)
                self.server.largest = max(self.server.largest, sum(usage.values()))
        self._start(200, len(data))
        self.wfile.write(data)

    def _send(self, status: int, body: dict, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self._start(status, len(data), headers)
        self.wfile.write(data)

    def _start(self, status: int, length: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def serving_faults(
    *, share: float = 0.0, seed: int = 0, stall_s: float = 3.0
) -> Iterator[FaultyServer]:
    """Serve from threads until the end of the block."""
    with FaultyServer(share=share, seed=seed, stall_s=stall_s) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()
