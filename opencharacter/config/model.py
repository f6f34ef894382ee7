"""A model: what it is, what the engine may use, and how tokens are drawn."""

from dataclasses import dataclass
from enum import StrEnum

from opencharacter.config.ranges import require

TRAINED = "train/model"
"""Where in a run's folder its trained model lies."""


class Backend(StrEnum):
    """What runs a model."""

    vllm = "vllm"
    """The vLLM engine in this process."""
    endpoint = "endpoint"
    """An OpenAI-compatible server."""
    scripted = "scripted"
    """Replies made up from the request itself: tests and dry runs only, never a default."""


@dataclass(kw_only=True)
class SamplingConfig:
    """How tokens are drawn."""

    temperature: float = 0.6
    """0 = greedy."""
    top_p: float = 0.95
    """Share of probability mass kept, in (0, 1]."""
    min_p: float = 0.05
    """A token less likely than this share of the likeliest one is never drawn (arXiv 2407.01082);
    0 = off. In the vLLM of this process; a server has its own ways."""
    max_tokens: int = 1024
    """Longest answer, in tokens; an answer cut off there is a failure, not text."""
    max_repeats: int = 16
    """Stop an answer whose end says the same (at most 16 tokens) so many times over: it would go
    round until max_tokens. 0 = never. In the vLLM of this process; a server has its own ways."""

    def __post_init__(self) -> None:
        """Check ranges."""
        require(self.temperature >= 0, f"temperature is {self.temperature}; it must be >= 0")
        require(0 < self.top_p <= 1, f"top_p is {self.top_p}; it must be in (0, 1]")
        require(0 <= self.min_p < 1, f"min_p is {self.min_p}; it must be in [0, 1)")
        require(self.max_tokens >= 1, f"max_tokens is {self.max_tokens}; it must be >= 1")
        require(
            self.max_repeats == 0 or self.max_repeats >= 2,
            f"max_repeats is {self.max_repeats}; it must be 0 or >= 2",
        )


@dataclass(kw_only=True)
class ModelConfig:
    """One model: what it is, and what the engine may use."""

    backend: Backend = Backend.vllm
    """What runs the model: `vllm` in this process, an OpenAI-compatible server (`endpoint`), or the
    `scripted` one of the tests."""
    model: str = "embedded"
    """Hub id, folder, or a small model inside the package: `embedded`; as a judge `embedded_judge`;
    `embedded_base`, which has met no character."""
    run: str | None = None
    """Run whose trained model this is; llm@teacher=trained sets `model` to its folder. None = it is
    not one of our runs."""
    revision: str | None = None
    """Commit or tag on the hub; None = whatever the hub holds now, recorded as `main`."""
    dtype: str = "auto"
    """`bfloat16`, `float16`, `float32`; `auto` = bfloat16 where the hardware multiplies it, which
    CPUs without AVX512-BF16 or AMX do a hundred times more slowly than float32."""
    tensor_parallel: int = 1
    """GPUs that share one copy of the model."""
    data_parallel: int = 1
    """Copies, as processes of this machine that claim parts; each gets its own GPUs."""
    max_length: int = 8192
    """Prompt and answer together, in tokens."""
    seats: int = 256
    """Requests the engine runs at once; about 1.25 times as many are kept in flight."""
    memory: float = 0.9
    """Share of GPU memory for the engine, in (0, 1]; on the CPU see `cache_gib`."""
    threads: int | None = None
    """CPU threads of the engine, left unbound; None = vLLM's choice: all cores, bound to them,
    which is best for large models on an idle machine and ruinous on a busy one."""
    cache_gib: int = 1
    """Key-value cache on the CPU, in GiB."""
    seed: int = 0
    """Of the engine; requests carry seeds of their own."""
    base_url: str | None = None
    """Of the server, ending in `/v1`; `endpoint` only."""
    api_key_env: str = "OPENAI_API_KEY"
    """Environment variable that holds the key; `endpoint` only."""
    timeout_s: float = 600.0
    """Longest wait for one answer; `endpoint` only."""
    max_retries: int = 8
    """Tries after a passing fault (429, 5xx, cut connection) of one request; `endpoint` only."""
    patience_s: float = 300.0
    """Longest time without any answer from a server that is gone, before the run stops; no request
    is given up in it. `endpoint` only."""
    structured_output: bool = True
    """False for servers that cannot steer by a JSON schema: answers are then only checked."""
    family: str = ""
    """Which models it comes from, such as llama; empty = as its name says. A judge of the tested
    model's family favours it."""
    label_probabilities: bool = True
    """False for servers that tell no probabilities of tokens: a judge then writes JSON."""
    answers_as: str | None = None
    """What the server calls the model in its answers, where that is neither `model` nor a dated
    version of it; `endpoint` only."""
    requests_per_minute: float | None = None
    """Most requests that one process sends, evenly spread; None = no limit. `endpoint` only."""
    tokens_per_minute: float | None = None
    """Most tokens of prompts and answers of one process, on average; None = no limit. `endpoint`
    only."""
    budget_tokens: float | None = None
    """Tokens, of prompts and answers together, that a run may take, over all its stages and
    restarts; then it stops, and goes on when it is given more. None = no limit."""
    budget_usd: float | None = None
    """The same in US dollars, by the prices below."""
    price_prompt: float = 0.0
    """US dollars for a million prompt tokens."""
    price_cached: float | None = None
    """US dollars for a million prompt tokens that the server had in its cache; None = as others."""
    price_output: float = 0.0
    """US dollars for a million output tokens."""

    def __post_init__(self) -> None:
        """Check ranges and that the back end has what it needs."""
        self._check_named()
        self._check_run()
        for name in ("tensor_parallel", "data_parallel", "seats", "max_length", "cache_gib"):
            value = getattr(self, name)
            require(value >= 1, f"{name} is {value}; it must be >= 1")
        require(
            self.threads is None or self.threads >= 1,
            f"threads is {self.threads}; it must be >= 1",
        )
        require(0 < self.memory <= 1, f"memory is {self.memory}; it must be in (0, 1]")
        require(self.timeout_s > 0, f"timeout_s is {self.timeout_s}; it must be > 0")
        require(self.max_retries >= 0, f"max_retries is {self.max_retries}; it must be >= 0")
        require(self.patience_s >= 0, f"patience_s is {self.patience_s}; it must be >= 0")
        self._check_limits()
        copies_a_server = self.backend is Backend.endpoint and self.data_parallel > 1
        require(not copies_a_server, "data_parallel copies a vLLM model; a server has its own")

    @property
    def has_budget(self) -> bool:
        """Whether a run may spend so much and no more."""
        return self.budget_tokens is not None or self.budget_usd is not None

    @property
    def counts_tokens(self) -> bool:
        """Whether something hangs on how many tokens each answer took."""
        return self.has_budget or self.tokens_per_minute is not None

    def _check_named(self) -> None:
        """Check that the model can be found."""
        if self.backend is not Backend.endpoint:
            require(bool(self.model), "model must be given: a hub id, a folder, or `embedded`")
            return
        address = "the server's address, such as http://localhost:8000/v1"
        too = "" if self.base_url else f"; and base_url, {address}"
        told = "the name by which the server knows it, which its /v1/models lists"
        require(bool(self.model), f"model must be given: {told}{too}")
        require(bool(self.base_url), f"base_url must be given: {address}")

    def _check_run(self) -> None:
        require(self.run != "", "run must be given: the name of the run that trained the model")
        is_trained = self.run is None or self.model.endswith(f"{self.run}/{TRAINED}")
        require(
            is_trained,
            f"run={self.run} names a trained model, but model is {self.model}; choose both at "
            f"once, as in llm@teacher=trained teacher.run={self.run}",
        )

    def _check_limits(self) -> None:
        """Check limits, budgets and prices."""
        limits = {
            "requests_per_minute": self.requests_per_minute,
            "tokens_per_minute": self.tokens_per_minute,
            "budget_tokens": self.budget_tokens,
            "budget_usd": self.budget_usd,
        }
        for name, limit in limits.items():
            require(limit is None or limit > 0, f"{name} is {limit}; it must be > 0")
        prices = {
            "price_prompt": self.price_prompt,
            "price_cached": self.price_cached,
            "price_output": self.price_output,
        }
        for name, price in prices.items():
            require(price is None or price >= 0, f"{name} is {price}; it must be >= 0")
        is_free = not (self.price_prompt or self.price_output)
        require(
            self.budget_usd is None or not is_free,
            f"budget_usd is {self.budget_usd}, but nothing has a price; give price_prompt and "
            "price_output in US dollars for a million tokens",
        )
