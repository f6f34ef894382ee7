"""What judging will cost, before it is started: exact calls, and which verdicts are known.

Before anything was played the items are those that will be, and the answers are made up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from opencharacter.config import Config, JudgeConfig, Mode
from opencharacter.errors import OpenCharacterError
from opencharacter.evaluation.compat import Grader, load_protocol, packs_of
from opencharacter.evaluation.work import Instrument, Work
from opencharacter.job import Job
from opencharacter.job.eval_plans import (
    CHARS_PER_TOKEN,
    Foreseen,
    foresee,
    resolution,
    resolution_words,
    told_of_suite,
    unknown,
    usd_words,
)
from opencharacter.job.judging import (
    asker_of,
    load_rubrics,
    read_played,
    work_of,
)
from opencharacter.job.kept import kept_of, say_kept
from opencharacter.llm.opening import model_name
from opencharacter.llm.requests import Request, Session
from opencharacter.progress import closing_table
from opencharacter.records import EvalItem, Score, Transcript
from opencharacter.store.rows import read_records
from opencharacter.store.stage import StageFolder

_MILLION = 1e6
_BY_RULE = "Judging asks nobody: this suite is scored by rule."
_HEADERS = ("", "scores", "calls", "known", "to ask", "prompt tokens", "shared", "USD")


@dataclass(slots=True)
class JudgeCost:
    """What one judge will be asked."""

    scores: int = 0
    calls: int = 0
    """Not counting what is asked again after a fault."""
    known: int = 0
    """Of the calls, those whose verdict is in the cache."""
    prompt_chars: int = 0
    """Of the calls that are to be made."""
    output_tokens: int = 0
    """That they may take at most."""
    longest: int = 0
    """Of them, those of one call."""
    shared_chars: int = 0
    """Of these, how many stand at the beginning of the prompt before too: a prefix cache's work."""

    def usd(self, judge: JudgeConfig) -> float:
        """Return the price of what is to be asked, in US dollars."""
        cached = judge.price_prompt if judge.price_cached is None else judge.price_cached
        shared, rest = self.shared_chars, self.prompt_chars - self.shared_chars
        prompt = (shared * cached + rest * judge.price_prompt) / CHARS_PER_TOKEN
        return (prompt + self.output_tokens * judge.price_output) / _MILLION


class Asked(NamedTuple):
    """What judging begins with, of one answer or, as published, of several in one prompt."""

    request: Request | None
    """The first; None = nothing is asked."""
    calls: int
    """With it."""
    scores: int


class Answers(NamedTuple):
    """What is judged: answers, or stand-ins of them before they are there."""

    items: Mapping[str, EvalItem]
    transcripts: Sequence[Transcript]
    scale: float = 1.0
    """How many there will be for each of `transcripts`."""
    is_foreseen: bool = False


def print_judging(config: Config, job: Job) -> None:
    """Print what evaluating costs and can show; nothing where no suite is asked for."""
    played = job.folder("play")
    foreseen = None
    if played.manifest() is not None:
        answers = Answers(*read_played(played))
    else:
        try:
            foreseen = foresee(config)
        except OpenCharacterError as error:
            print(f"\n{unknown(error)}")
            return
        if foreseen is None:
            return
        answers = Answers(foreseen.items, foreseen.transcripts, foreseen.scale, is_foreseen=True)
    rows = _played_rows(foreseen, config) if foreseen else []
    longest, is_judged = 0, False
    for name, judge in config.judge.members.items():
        cost = cost_of_judge(config, judge, answers)
        longest = max(longest, cost.longest)
        if cost.scores:
            rows.append(_judge_row(name, cost, judge, answers.scale))
            is_judged = True
    if rows:
        print("\n" + closing_table(rows, _HEADERS))
    if foreseen:
        print(told_of_suite(foreseen))
    print(_told_of_judging(longest) if is_judged else _BY_RULE)
    characters = {one.persona_id for one in answers.items.values()}
    criteria = {name for one in answers.items.values() for name in one.dimensions}
    print(resolution_words(resolution(config, len(characters), len(criteria))))


def _told_of_judging(longest: int) -> str:
    told = f"at most {longest:,} output token{'s' * (longest > 1)} a call; " if longest else ""
    return (
        f"Judging: {told}tokens are characters / {CHARS_PER_TOKEN:g}; shared = what the prompt "
        "before begins with too."
    )


def _played_rows(foreseen: Foreseen, config: Config) -> list[tuple[str, ...]]:
    asked = {"play": foreseen.player, "user": foreseen.user, "loss": foreseen.loss}
    return [
        (name, "", calls := f"{each.calls:,}", "", calls, f"{each.prompt_tokens:,.0f}", "",
         usd_words(each.usd(config), config.player))
        for name, each in asked.items() if each is not None
    ]  # fmt: skip


def _judge_row(name: str, cost: JudgeCost, judge: JudgeConfig, scale: float) -> tuple[str, ...]:
    return (
        name,
        f"{cost.scores * scale:,.0f}",
        f"{cost.calls * scale:,.0f}",
        f"{cost.known * scale:,.0f}",
        f"{(cost.calls - cost.known) * scale:,.0f}",
        f"{cost.prompt_chars * scale / CHARS_PER_TOKEN:,.0f}",
        f"{cost.shared_chars / max(1, cost.prompt_chars):.0%}",
        usd_words(cost.usd(judge) * scale, judge),
    )


def cost_of_judge(config: Config, judge: JudgeConfig, answers: Answers) -> JudgeCost:
    """Return what one judge will be asked about `answers`, counted by making the prompts."""
    kept = kept_of(judge, config)
    known = kept.places.keys()
    say_kept(kept)
    name = model_name(judge)
    cost = JudgeCost()
    before = ""
    for request, times, scores in _requests(config, judge, answers):
        cost.scores += scores
        if request is None:
            continue
        cost.calls += times
        if bytes.fromhex(request.key(name)) in known:
            cost.known += times
            continue
        cost.output_tokens += times * request.sampling.max_tokens
        cost.longest = max(cost.longest, request.sampling.max_tokens)
        prompt = request.messages[-1].content
        cost.prompt_chars += times * len(prompt)
        cost.shared_chars += _shared(before, prompt)
        before = prompt
    return cost


def _requests(config: Config, judge: JudgeConfig, answers: Answers) -> Iterable[Asked]:
    items, transcripts = answers.items, answers.transcripts
    if config.suite.mode is Mode.compat:
        grader = Grader(
            name=model_name(judge), protocol=load_protocol(judge.rubrics), retries=judge.retries
        )
        for pack in packs_of(items, transcripts):
            yield Asked(next(grader.grade(pack)), 1, len(pack.answers))
        return
    rubrics = load_rubrics(judge)
    asker = asker_of(judge, rubrics)
    others = transcripts
    if judge.against and not answers.is_foreseen:
        other = StageFolder(run_dir=Path(config.runs_dir) / judge.against, stage="play")
        others = list(read_records(other.data, Transcript))
    for work in work_of(items, transcripts, others, judge, rubrics):
        yield Asked(_first(asker.judge(work)), _calls(work), 1)


def _shared(before: str, prompt: str) -> int:
    """Return how many characters two prompts begin with alike."""
    pairs = enumerate(zip(before, prompt, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(before), len(prompt)))


def _first(session: Session[Score]) -> Request | None:
    return next(session, None)


def _calls(work: Work) -> int:
    return 2 if work.instrument is Instrument.pairwise else 1
