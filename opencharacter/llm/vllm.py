"""The vLLM engine in this process, driven by its own add-request/step loop.

The loop is the fastest way measured (docs/decisions/0002-engine-loop.md): a finished request makes
room at the next step, and nothing waits for a whole batch.
"""

import math
import os
import time
from dataclasses import replace
from functools import cache, partial
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
from opencharacter.llm.opening import longest
from opencharacter.llm.requests import Completion, Finish, Request

_LONGEST_CIRCLE = 16  # tokens; looking for circles costs about 0.5 us a token and a length
_FINISHES = {"stop": Finish.stop, "length": Finish.length, "repetition": Finish.repetition}
LabelTokens = tuple[tuple[int, ...], ...]
"""Tokens that say each label."""

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
        self._label_tokens: dict[str, LabelTokens] = {}
        self._said: dict[str, list[int]] = {}
        """Places of the tokens that a request measures."""
        self._labels = cache(partial(label_tokens, self.llm.get_tokenizer()))

    def submit(self, ticket: int, request: Request) -> None:
        """Start a request; one that cannot fit is answered at once with `too_long`."""
        said: list[int] = []
        if request.is_measured:
            prompt, said = self.chat.encode_said(request.messages)
        else:
            prompt = self.chat.encode(request.messages)
        room = self._max_length - len(prompt)
        if room < 1:
            text = f"the prompt has {len(prompt)} tokens, the model takes {self._max_length}"
            refused = Completion(text=text, finish=Finish.too_long, prompt_tokens=len(prompt))
            self._refused.append((ticket, refused))
            return
        labels = self._labels(request.labels) if request.labels else None
        parameters = sampling_params(request, room, labels)
        self._in_flight[str(ticket)] = ticket
        if labels:
            self._label_tokens[str(ticket)] = labels
        if request.is_measured:
            self._said[str(ticket)] = said
        try:
            self._engine.add_request(str(ticket), {"prompt_token_ids": prompt}, parameters)
        except ValueError as error:  # the engine's word for a request it cannot run
            del self._in_flight[str(ticket)]
            self._label_tokens.pop(str(ticket), None)
            self._said.pop(str(ticket), None)
            refused = Completion(text=f"refused by the engine: {error}", finish=Finish.error)
            self._refused.append((ticket, refused))

    def collect(self, wait_s: float = 1.0) -> list[tuple[int, Completion]]:
        """Step the engine until something is done, or the time is over; return all that is."""
        done, self._refused = self._refused, []
        until, is_over = time.monotonic() + wait_s, False
        while not (done or is_over):
            outputs = self._engine.step()
            is_over = time.monotonic() >= until
            done = [
                (self._in_flight.pop(output.request_id), self._completion(output))
                for output in outputs
                if output.finished
            ]
        return done

    def close(self) -> None:
        """Drop what is in flight and end the engine; see `free_memory`."""
        self._engine.abort_request(list(self._in_flight))
        self._in_flight.clear()
        shutdown = self._engine.engine_core.shutdown
        shutdown()
        del self.llm, self._engine

    def _completion(self, output: Any) -> Completion:
        completion = _completion(output)
        if (said := self._said.pop(output.request_id, None)) is not None:
            return _measured(completion, output, said)
        labels = self._label_tokens.pop(output.request_id, None)
        if labels is None:
            return completion
        [found] = output.outputs[0].logprobs or [{}]
        told = {token: math.exp(each.logprob) for token, each in found.items()}
        probabilities = tuple(sum(told.get(id_, 0.0) for id_ in ids) for ids in labels)
        return replace(completion, finish=Finish.stop, probabilities=probabilities)


def _open_engine(config: ModelConfig, path: str) -> LLM:
    is_local = Path(path).is_dir()
    try:
        return LLM(
            model=path,
            revision=None if is_local else config.revision,
            tokenizer_revision=None if is_local else config.revision,
            dtype=_dtype(config),
            tensor_parallel_size=config.tensor_parallel,
            max_model_len=longest(config, path),
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
        if "memory" in reason.lower():  # in vLLM's words: of the device, for weights or cache
            advice = "set another `memory`; two models that talk share a device: give each a part"
        else:
            advice = (
                "check `model` and `revision`, or use a folder that holds the model where there is "
                "no network"
            )
        raise ModelError(f"cannot open {path}: {reason}; {advice}") from error


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


def label_tokens(tokenizer: Any, labels: tuple[str, ...]) -> LabelTokens:
    """Return the tokens that say each label: as it is, and after a space where that is one too.

    Raises:
        ModelError: a label is no single token, or two of them share one.
    """
    found = tuple(tuple(sorted(_spellings(tokenizer, label))) for label in labels)
    every = [id_ for ids in found for id_ in ids]
    if not all(found) or len(every) != len(set(every)):
        raise ModelError(
            f"the labels {', '.join(labels)} are not single tokens of {tokenizer.name_or_path}; "
            "have the verdicts written as JSON: judge.label_probabilities=false"
        )
    return found


def _spellings(tokenizer: Any, label: str) -> set[int]:
    """Return the single tokens that say a label; white space before it may be one of its own."""
    found = set()
    for text in (label, f" {label}"):
        ids = tokenizer.encode(text, add_special_tokens=False)
        said = [id_ for id_ in ids if tokenizer.decode([id_]).strip()]
        if len(said) == 1 and tokenizer.decode(said).strip() == label:
            found.add(int(said[0]))
    return found


def sampling_params(
    request: Request, room: int, labels: LabelTokens | None = None
) -> SamplingParams:
    """Return the engine's parameters for a request.

    Steered to labels by `allowed_token_ids`, the engine still tells the probabilities that they had
    before; by a grammar it tells those after (docs/decisions/0025-judging.md).

    Args:
        request: What is asked.
        room: Tokens that are left for the answer.
        labels: Tokens of its labels, if it has any.
    """
    schema = request.schema
    allowed = [id_ for ids in labels or () for id_ in ids] or None
    return SamplingParams(
        temperature=request.sampling.temperature,
        top_p=request.sampling.top_p,
        min_p=request.sampling.min_p,
        max_tokens=1 if allowed or request.is_measured else min(request.sampling.max_tokens, room),
        allowed_token_ids=allowed,
        logprob_token_ids=allowed,
        prompt_logprobs=0 if request.is_measured else None,  # of the prompt's own tokens alone
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


def free_memory() -> None:
    """Give back what closed engines of this process held; none may be open.

    Their parts refer to each other, and torch keeps what the device once gave it: without this a
    second engine finds no room on a GPU.
    """
    vllm.distributed.cleanup_dist_env_and_memory()


def _measured(completion: Completion, output: Any, said: list[int]) -> Completion:
    """Return what the prompt's own tokens at some places cost; the token drawn after it is none."""
    ids, told = output.prompt_token_ids, output.prompt_logprobs
    losses = tuple(-float(told[place][ids[place]].logprob) for place in said)
    if not all(map(math.isfinite, losses)):
        text = "the probability of a token is 0 or no number"
        return replace(completion, text=text, finish=Finish.error, output_tokens=0)
    text = f"{sum(losses):.2f} nats in {len(losses)} tokens"
    return replace(completion, text=text, finish=Finish.stop, output_tokens=0, losses=losses)


def open_vllm(config: ModelConfig, *, path: str, name: str) -> VllmModel:
    """Start an engine for `config`; see `VllmModel`."""
    if vllm.platforms.current_platform.is_cpu():
        os.environ["VLLM_CPU_KVCACHE_SPACE"] = str(config.cache_gib)
    return VllmModel(config, path=path, name=name)
