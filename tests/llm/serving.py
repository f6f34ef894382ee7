"""A server that answers as a test says, and an endpoint model that asks it."""

import json
import threading
from collections import Counter, defaultdict
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic

from opencharacter.config import Backend, ModelConfig
from opencharacter.llm.endpoint import open_endpoint
from opencharacter.llm.requests import Completion, Request, Sampling
from opencharacter.records import Message, Role


def reply(text="Good day.", finish="stop", *, model="llama", **message):
    choice = {"message": {"content": text, **message}, "finish_reason": finish}
    cached = {"cached_tokens": 5}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": cached}
    return 200, json.dumps({"model": model, "choices": [choice], "usage": usage}), {}


def failure(status, message="no", headers=None, **error):
    return status, json.dumps({"error": {"message": message, **error}}), headers or {}


class Server(ThreadingHTTPServer):
    """Answers with whatever `answer(question, try_)` says; None = cut the connection."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        self.lock = threading.Lock()
        self.bodies, self.headers = [], []
        self.tries: Counter[str] = Counter()
        self.times: dict[str, list[float]] = defaultdict(list)  # of tries, by question
        self.is_down = False  # cuts every connection, of simple questions too
        self.running = self.most_running = self.connections = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    timeout = 20

    def setup(self):
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_GET(self):
        if self.server.is_down:
            self.close_connection = True
            return
        self.respond(200, json.dumps({"object": "list", "data": [{"id": "llama", "object": "m"}]}))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = body["messages"][-1]["content"]
        server = self.server
        with server.lock:
            server.bodies.append(body)
            server.headers.append({k.lower(): v for k, v in self.headers.items()})
            server.tries[question] += 1
            server.times[question].append(monotonic())
            server.running += 1
            server.most_running = max(server.most_running, server.running)
            try_ = server.tries[question]
        try:
            answer = server.answer(question, try_)
        finally:
            with server.lock:
                server.running -= 1
        if answer is None or server.is_down:
            self.close_connection = True
        else:
            self.respond(*answer)

    def respond(self, status, text, headers=None):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@contextmanager
def serving(answer, *, backoff_s=0.001, **settings):
    server = Server(answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    settings = {"seats": 4, "max_retries": 3, "timeout_s": 10, "base_url": server.url, **settings}
    config = ModelConfig(backend=Backend.endpoint, model="llama", **settings)
    model = open_endpoint(config, first_backoff_s=backoff_s)
    try:
        yield model, server
    finally:
        model.close()
        server.shutdown()
        thread.join()
        server.server_close()


def ask(text="Who are you?", *, schema=None, seed=1):
    sampling = Sampling(temperature=0.5, top_p=0.9, max_tokens=20)
    messages = (Message(role=Role.system, content="Be Ada."), Message(role=Role.user, content=text))
    return Request(messages=messages, sampling=sampling, seed=seed, schema=schema)


def submit_all(model, n):
    for ticket in range(n):
        model.submit(ticket, ask(str(ticket)))


def collect_all(model, n):
    results: list[tuple[int, Completion]] = []
    while len(results) < n:
        results += model.collect()
    return results


def one(model, request=None):
    model.submit(0, request or ask())
    return collect_all(model, 1)[0][1]
