"""The vLLM engine in this process, driven by its own add-request/step loop.

The loop is the fastest way measured (docs/decisions/0002-engine-loop.md): a finished request makes
room at the next step, and nothing waits for a whole batch.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import vllm
from vllm import LLM, SamplingParams
from vllm.sampling_params import (
    RepetitionDetectionParams,
    RequestOutputKind,
    StructuredOutputsParams,
)

from opencharacter.config import ModelConfig
from opencharacter.errors import ModelError
from opencharacter.llm.chat import ChatEncoder
from opencharacter.llm.requests import Completion, Finish, Request

_LONGEST_CIRCLE = 16  # tokens; looking for circles costs about 0.5 us a token and a length
_FINISHES = {"stop": Finish.stop, "length": Finish.length, "repetition": Finish.repetition}
_LONGEST_S = 1.0  # in the engine without a look at what else there is to do, such as to stop
_OVERBOOKED = 1.25  # requests in flight per seat: the next ones are tokenised before a seat is free


class VllmModel:
    """A model behind the engine; satisfies `requests.Model`."""

    def __init__(self, config: ModelConfig, *, path: str, name: str) -> None:
        """Start the engine: 10-30 s on a laptop, minutes for 70B.

        Args:
            config: What the engine may use.
            path: Hub id or folder.
            name: `model@revision`, as it enters keys and records.

        Raises:
            ModelError: the model cannot be loaded, or has no chat template.
        """
        self.name = name
        self.engine = f"vllm {vllm.__version__}"
        self.window = max(1, round(config.seats * _OVERBOOKED))
        self.llm = _open_engine(config, path)
        self._engine = self.llm.llm_engine
        self._max_length: int = self.llm.model_config.max_model_len
        self.chat = ChatEncoder(self.llm.get_tokenizer())
        self._refused: list[tuple[int, Completion]] = []
        self._in_flight: dict[str, int] = {}

    def submit(self, ticket: int, request: Request) -> None:
        """Start a request; one that cannot fit is answered at once with `too_long`."""
        prompt = self.chat.encode(request.messages)
        room = self._max_length - len(prompt)
        if room < 1:
            text = f"the prompt has {len(prompt)} tokens, the model takes {self._max_length}"
            refused = Completion(text=text, finish=Finish.too_long, prompt_tokens=len(prompt))
            self._refused.append((ticket, refused))
            return
        parameters = sampling_params(request, room)
        self._in_flight[str(ticket)] = ticket
        try:
            self._engine.add_request(str(ticket), {"prompt_token_ids": prompt}, parameters)
        except ValueError as error:  # the engine's word for a request it cannot run
            del self._in_flight[str(ticket)]
            refused = Completion(text=f"refused by the engine: {error}", finish=Finish.error)
            self._refused.append((ticket, refused))

    def collect(self) -> list[tuple[int, Completion]]:
        """Step the engine until something is done, or a second is over; return all that is."""
        done, self._refused = self._refused, []
        began = time.monotonic()
        while not done and time.monotonic() - began < _LONGEST_S:
            outputs = self._engine.step()
            done = [
                (self._in_flight.pop(output.request_id), _completion(output))
                for output in outputs
                if output.finished
            ]
        return done

    def close(self) -> None:
        """Drop what is in flight and free the engine."""
        self._engine.abort_request(list(self._in_flight))
        self._in_flight.clear()
        shutdown = self._engine.engine_core.shutdown
        shutdown()


def _open_engine(config: ModelConfig, path: str) -> LLM:
    is_local = Path(path).is_dir()
    try:
        return LLM(
            model=path,
            revision=None if is_local else config.revision,
            tokenizer_revision=None if is_local else config.revision,
            dtype=_dtype(config),
            tensor_parallel_size=config.tensor_parallel,
            max_model_len=_longest(config, path),
            max_num_seqs=config.seats,
            seed=config.seed,
            enable_prefix_caching=True,
            disable_log_stats=True,
            use_tqdm_on_load=False,
            structured_outputs_config={"disable_any_whitespace": True, "backend": "xgrammar"},
            **_hardware(config),
        )
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"cannot open {path}: {reason}; check `model` and `revision`, or use a "
            "folder that holds the model where there is no network"
        ) from error


def _longest(config: ModelConfig, path: str) -> int:
    """Return what was asked for, or less where the model of a folder takes no more."""
    file = Path(path) / "config.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    takes = known.get("max_position_embeddings")
    return min(config.max_length, takes) if isinstance(takes, int) else config.max_length


def _dtype(config: ModelConfig) -> str:
    """Return the number format: what was asked for, or the best that this machine multiplies."""
    if config.dtype != "auto":
        return config.dtype
    if not vllm.platforms.current_platform.is_cpu():
        return "bfloat16"
    cpu = Path("/proc/cpuinfo")
    flags = set(cpu.read_text(encoding="utf-8").split()) if cpu.exists() else set()
    return "bfloat16" if flags & {"avx512_bf16", "amx_bf16", "bf16"} else "float32"


def _hardware(config: ModelConfig) -> dict[str, Any]:
    """Return engine arguments that differ between CPU and GPU."""
    if vllm.platforms.current_platform.is_cpu():
        # A seeded request whose prompt is prefilled in chunks stops the CPU engine
        # ("CPU Generator does not use offset"), so there chunking is off.
        # Blocks of 32 tokens instead of its 128: more of a prompt is found in the prefix cache.
        return {
            "enforce_eager": True,
            "block_size": 32,
            "enable_chunked_prefill": False,
            "max_num_batched_tokens": max(16_384, config.max_length),
        }
    return {"gpu_memory_utilization": config.memory}


def sampling_params(request: Request, room: int) -> SamplingParams:
    """Return the engine's parameters for a request that leaves `room` tokens for the answer."""
    schema = request.schema
    return SamplingParams(
        temperature=request.sampling.temperature,
        top_p=request.sampling.top_p,
        min_p=request.sampling.min_p,
        max_tokens=min(request.sampling.max_tokens, room),
        seed=request.seed,
        output_kind=RequestOutputKind.FINAL_ONLY,
        structured_outputs=StructuredOutputsParams(json=schema) if schema else None,
        repetition_detection=_circles(request.sampling.max_repeats),
    )


def _circles(max_repeats: int) -> RepetitionDetectionParams | None:
    if not max_repeats:
        return None
    return RepetitionDetectionParams(max_pattern_size=_LONGEST_CIRCLE, min_count=max_repeats)


def _completion(output: Any) -> Completion:
    answer = output.outputs[0]
    finish = _FINISHES.get(answer.finish_reason, Finish.error)
    return Completion(
        text=answer.text,
        finish=finish,
        prompt_tokens=len(output.prompt_token_ids),
        cached_tokens=output.num_cached_tokens or 0,
        output_tokens=len(answer.token_ids),
    )


def open_vllm(config: ModelConfig, *, path: str, name: str) -> VllmModel:
    """Start an engine for `config`; see `VllmModel`."""
    if vllm.platforms.current_platform.is_cpu():
        os.environ["VLLM_CPU_KVCACHE_SPACE"] = str(config.cache_gib)
    return VllmModel(config, path=path, name=name)
