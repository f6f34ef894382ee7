"""Other frameworks on the same requests: records/s and tokens/s as ratios to `stage=generate`.

    python bench/peers.py --install --venvs DIR  # an environment of its own for each peer
    python bench/peers.py --venvs DIR            # against a server that answers at once
    python bench/peers.py --venvs DIR --serve    # against a vLLM server with the embedded model

All ask the same chats (one user turn under a character's system prompt) of one server on this
machine, 64 at a time; each peer in a process of its own, with the rest of its settings as it comes.
Seconds run from a peer's first call of its library to its result, imports left out. Tokens and
calls are the server's own count, so nobody counts for itself. From round to round the order is
reversed; medians are printed. With `--serve` the engine in this process is measured too.

A row is lost if it is neither in the result nor among rows that are rejected with a reason.
"""

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from work import Work, make_work, run_generate

from opencharacter.config import Backend, ModelConfig, SamplingConfig
from opencharacter.llm.opening import model_path, open_model
from opencharacter.llm.requests import Model
from opencharacter.prompts.character import system_message

HERE = Path(__file__).parent
PARALLEL = 64
SAMPLING = SamplingConfig(temperature=0.6, top_p=1.0, min_p=0.0, max_tokens=128, max_repeats=0)
ENGINE = ModelConfig(max_length=2048, seats=PARALLEL, threads=2)
OURS = "stage=generate, endpoint"
TIMEOUT_S = 600  # for a peer to be installed, and to run
START_S = 300
SERVE = (
    *(
        "--served-model-name",
        "embedded",
        "--max-model-len",
        "2048",
        "--max-num-seqs",
        str(PARALLEL),
    ),
    *("--dtype", "float32", "--enforce-eager", "--block-size", "32"),
    *("--no-enable-chunked-prefill", "--max-num-batched-tokens", "16384"),
)  # as the engine in this process: see opencharacter/llm/vllm.py
SERVE_ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "2",
    "OMP_WAIT_POLICY": "passive",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
}
QUIET = {"NEMO_TELEMETRY_ENABLED": "false", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}


class Peer(NamedTuple):
    """Another framework."""

    name: str
    script: str
    """In `bench/peers/`."""
    packages: tuple[str, ...]
    logs: str
    """What it keeps of a call while it runs, so that a kill does not cost it."""
    is_logged: bool = False
    venv: str = ""


PEERS = (
    Peer(
        "distilabel",
        "ask_distilabel",
        ("distilabel[openai]==1.5.3", "requests"),
        "batches of 64",
    ),
    Peer(
        "datatrove",
        "ask_datatrove",
        # Without its extra `inference`, which brings a vLLM for GPUs.
        ("datatrove[io]==0.10.1", "aiofiles", "aiosqlite", "xxhash<4", "orjson"),
        "nothing",
    ),
    Peer("datatrove, checkpoints", "ask_datatrove", (), "each call", True, "datatrove"),
    Peer("curator", "ask_curator", ("bespokelabs-curator==0.1.31",), "each call"),
    Peer(
        "DataDesigner",
        "ask_data_designer",
        ("data-designer==0.9.7",),
        "groups of 1,000 rows",
    ),
)


class Ran(NamedTuple):
    """How one of them did."""

    seconds: float
    rows: int
    """In the result, or rejected with a reason."""
    tokens: float
    """Of answers, as the server counts."""
    calls: float
    cpu_s: float
    """Of the client's processes; of the engine too where it is in this process."""


class Served(NamedTuple):
    """A server that runs."""

    url: str
    model: str


Run = Callable[[], Ran]


def main() -> None:
    """Install, or measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--venvs", type=Path, required=True)
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if args.install:
        install(args.venvs)
        return
    work = make_work(args.requests, 1, per_character=16, facts=8)
    with tempfile.TemporaryDirectory() as folder, serving(is_real=args.serve) as server:
        requests = write_requests(work, Path(folder) / "requests.jsonl")
        runs: dict[str, Run] = {OURS: lambda: run_endpoint(work, server)}
        if args.serve:
            engine = open_model(ENGINE)
            runs["stage=generate, own engine"] = lambda: run_stage(engine, work)
        for peer in PEERS:
            python = args.venvs / (peer.venv or peer.name) / "bin" / "python"
            if python.exists():
                runs[peer.name] = partial(run_peer, peer, python, requests, server)
        measure(runs, args.requests, args.rounds)


def install(venvs: Path) -> None:
    """Make an environment for each peer; say which cannot be had."""
    for peer in PEERS:
        if not peer.packages:
            continue
        folder = venvs / peer.name
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        command = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", *peer.packages]
        start = time.perf_counter()
        try:
            subprocess.run(command, check=True, timeout=TIMEOUT_S)
            word = "installed"
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            word = "not installed"
        print(f"{peer.name}: {word} after {time.perf_counter() - start:.0f} s")


def measure(runs: dict[str, Run], requests: int, rounds: int) -> None:
    """Run all of them in turn and print a table."""
    results: dict[str, list[Ran]] = {name: [] for name in runs}
    for number in range(rounds):
        for name in list(runs) if number % 2 == 0 else reversed(list(runs)):
            ran = runs[name]()
            results[name].append(ran)
            print(f"  {name}: {ran.rows} rows in {ran.seconds:.1f} s", file=sys.stderr)
    logs = {peer.name: peer.logs for peer in PEERS}
    ours = statistics.median(requests / ran.seconds for ran in results[OURS])
    print("| | records/s | ratio | tokens/s | CPU ms a record | calls | rows lost | log |")
    print("|---|---|---|---|---|---|---|---|")
    for name, rans in results.items():
        rate = statistics.median(requests / ran.seconds for ran in rans)
        tokens = statistics.median(ran.tokens / ran.seconds for ran in rans)
        lost = max(requests - ran.rows for ran in rans)
        calls = statistics.median(ran.calls for ran in rans)
        cpu_ms = statistics.median(1_000 * ran.cpu_s / requests for ran in rans)
        print(
            f"| {name} | {rate:,.1f} | {rate / ours:.2f} | {tokens:,.0f} | {cpu_ms:.1f} | "
            f"{calls:,.0f} | {lost} | {logs.get(name, 'each call')} |"
        )


def write_requests(work: Work, path: Path) -> Path:
    """Write what the stage asks as JSON Lines."""
    with path.open("w", encoding="utf-8") as file:
        for task in work.tasks():
            messages = [system_message(task.character), task.instruction.messages[0]]
            row = {
                "id": task.key,
                "messages": [{"role": m.role, "content": m.content} for m in messages],
            }
            file.write(json.dumps(row) + "\n")
    return path


def run_endpoint(work: Work, server: Served) -> Ran:
    """Run the whole stage against the server."""
    config = ModelConfig(
        backend=Backend.endpoint, model=server.model, base_url=server.url, seats=PARALLEL
    )
    opened = open_model(config)
    before = counted(server.url)
    ran = run_stage(opened, work)
    opened.close()
    return ran._replace(**counted(server.url).minus(before))


def run_stage(model: Model, work: Work) -> Ran:
    """Run the whole stage with an open model."""
    cpu_s = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        run = run_generate(model, work, SAMPLING, Path(folder))
    cpu_s = time.process_time() - cpu_s
    counts, usage = run.manifest["counts"], run.manifest["usage"]
    rows = counts["out"] + sum(counts["rejected"].values())
    return Ran(run.seconds, rows, usage["output_tokens"], usage["calls"], cpu_s)


def run_peer(peer: Peer, python: Path, requests: Path, server: Served) -> Ran:
    """Run a peer in its own environment; one that fails has made nothing."""
    before = counted(server.url)
    with tempfile.TemporaryDirectory() as folder:
        asked = {
            "requests": str(requests),
            "out": folder,
            "url": server.url,
            "model": server.model,
            "max_tokens": SAMPLING.max_tokens,
            "temperature": SAMPLING.temperature,
            "parallel": PARALLEL,
            "batch": PARALLEL,
            "is_logged": peer.is_logged,
        }
        command = [str(python), str(HERE / "peers" / f"{peer.script}.py")]
        done = subprocess.run(
            command,
            input=json.dumps(asked) + "\n",
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            cwd=folder,
            env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | QUIET,
            check=False,
        )
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"seconds"')]
    if not lines:
        print(f"{peer.name} failed:\n{done.stderr[-3000:]}", file=sys.stderr)
        return Ran(float("inf"), 0, 0, 0, 0)
    told = json.loads(lines[-1])
    ran = Ran(told["seconds"], told["rows"], 0, 0, told["cpu_s"])
    return ran._replace(**counted(server.url).minus(before))


class Counts(NamedTuple):
    """What the server counts."""

    tokens: float
    calls: float

    def minus(self, before: "Counts") -> dict[str, float]:
        """Return what came since."""
        return {"tokens": self.tokens - before.tokens, "calls": self.calls - before.calls}


def counted(url: str) -> Counts:
    """Read the server's counters."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/metrics") as answer:
        text = answer.read().decode()
    names = ("vllm:generation_tokens_total", "vllm:request_success_total")
    sums = (
        sum(map(float, re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)))
        for name in names
    )
    return Counts(*sums)


@contextmanager
def serving(*, is_real: bool) -> Iterator[Served]:
    """Start a server on a free port, and end it."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, str(HERE / "instant_server.py"), str(port)]
    environment = dict(os.environ)
    if is_real:
        # What `vllm serve` runs; the command itself asks for a package that vllm-cpu is not.
        module = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
        command = [*module, "--model", model_path(ENGINE), *SERVE, "--port", str(port)]
        environment |= SERVE_ENVIRONMENT
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    served = Served(f"http://127.0.0.1:{port}/v1", "embedded" if is_real else "instant")
    try:
        wait_for(served.url, process)
        yield served
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server counts."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError):
            counted(url)
            return
        time.sleep(0.2)
    sys.exit(f"the server at {url} ended or did not start within {START_S} s")


if __name__ == "__main__":
    main()
