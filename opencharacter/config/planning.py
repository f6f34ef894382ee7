"""What a plan needs to know that no configuration says."""

from dataclasses import dataclass, field

from opencharacter.config.ranges import require


@dataclass(kw_only=True)
class AssumeConfig:
    """What one record costs; a pilot measures these instead."""

    profile_prompt_tokens: float = 250.0
    """Of one call of `profiles`; ours: the prompt and a persona of two lines."""
    profile_output_tokens: float = 350.0
    """Unmeasured: eight fields, two of them of several sentences."""
    answer_prompt_tokens: float = 650.0
    """Of one turn of `generate`: system prompt with the profile, and the question."""
    answer_output_tokens: float = 350.0
    """Of one turn; `rewrite` gives back the question too."""
    rewrite_prompt_tokens: float = 1100.0
    """Of one call of `rewrite`: the profile and the dialogue with its references."""
    rewrite_output_tokens: float = 450.0
    """Of one call of `rewrite`: the whole dialogue as JSON."""
    verdict_prompt_tokens: float = 850.0
    """Of one fact check, if there is one, without the answers that it reads; ours: the task takes
    about 250, persona, profile and question the rest."""
    verdict_output_tokens: float = 40.0
    """Unmeasured: most verdicts are an empty list."""
    turns: float = 1.0
    """User turns of a dialogue."""
    answered: float = 1.0
    """Share of the instructions that have reference answers: the others are not rewritten."""
    calls_per_answer: float = 1.05
    """Attempts: answers that cannot be used are asked for again."""
    score_sd: float = 0.25
    """Standard deviation over characters of the mean difference of two models, in points of the
    score; unmeasured, `plan.like` measures it. Of what a comparison can show it decides."""
    bytes_per_record: float = 6000.0
    """On disk: the row and the logged calls."""
    personas: int | None = None
    """How many there are, where `personas.n` does not say."""
    instructions: int | None = None
    """How many there are, where `instructions.n` does not say."""


@dataclass(kw_only=True)
class PlanConfig:
    """What a run will cost, before it is started."""

    pilot: int = 0
    """Measure on so many instructions first, in the run `<run>-pilot`; 0 = take `plan.assume`."""
    gpus: int = 8
    """How many work on it; a server and the embedded model need none."""
    tokens_per_s: float = 2000.0
    """Output tokens a second of all these GPUs together, or of a server; unmeasured, take your
    own."""
    price_prompt: float | None = None
    """US dollars for a million prompt tokens; None = `teacher.price_prompt`."""
    price_output: float | None = None
    """US dollars for a million output tokens; None = `teacher.price_output`."""
    like: list[str] = field(default_factory=list)
    """Two runs that are judged, such as [a, b]: what this run can show is reckoned from the spread
    of their difference; empty = from `assume.score_sd`."""
    assume: AssumeConfig = field(default_factory=AssumeConfig)

    def __post_init__(self) -> None:
        """Check ranges."""
        require(self.pilot >= 0, f"plan.pilot is {self.pilot}; it must be >= 0")
        require(self.gpus >= 1, f"plan.gpus is {self.gpus}; it must be >= 1")
        require(self.tokens_per_s > 0, f"plan.tokens_per_s is {self.tokens_per_s}; it must be > 0")
        listed = ", ".join(self.like)
        require(
            not self.like or len(set(self.like)) == len(self.like) == 2,
            f"plan.like is [{listed}]; name two runs, or none",
        )
        sd = self.assume.score_sd
        require(sd >= 0, f"plan.assume.score_sd is {sd}; it must be >= 0 points")
        for name, price in (("prompt", self.price_prompt), ("output", self.price_output)):
            require(price is None or price >= 0, f"plan.price_{name} is {price}; it must be >= 0")
