"""What judging will cost, before it is started: exact calls, and which verdicts are known."""

from collections.abc import Iterable
from dataclasses import dataclass

from opencharacter.config import Config, JudgeConfig, Mode
from opencharacter.evaluation.compat import Grader, load_protocol, packs_of
from opencharacter.evaluation.work import Instrument, Work
from opencharacter.job import Job
from opencharacter.job.judging import all_work, asker_of, cache_of, load_rubrics, read_played
from opencharacter.llm.opening import model_name
from opencharacter.llm.requests import Request, Session
from opencharacter.progress import closing_table
from opencharacter.records import Score
from opencharacter.store.completions import SharedCompletions

_CHARS_PER_TOKEN = 4.0
_MILLION = 1e6
_HEADERS = ("judge", "scores", "calls", "known", "to ask", "prompt tokens", "shared", "USD")


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
    shared_chars: int = 0
    """Of these, how many stand at the beginning of the prompt before too: a prefix cache's work."""

    def usd(self, judge: JudgeConfig) -> float:
        """Return the price of what is to be asked, in US dollars."""
        cached = judge.price_prompt if judge.price_cached is None else judge.price_cached
        shared, rest = self.shared_chars, self.prompt_chars - self.shared_chars
        prompt = (shared * cached + rest * judge.price_prompt) / _CHARS_PER_TOKEN
        return (prompt + (self.calls - self.known) * judge.price_output) / _MILLION


def print_judging(config: Config, job: Job) -> None:
    """Print what judging this run's transcripts will cost; nothing where none were played."""
    played = job.folder("play")
    if played.manifest() is None:
        return
    rows = []
    for name, judge in config.judge.members.items():
        cost = cost_of_judge(config, judge, job)
        rows.append(
            (
                name,
                f"{cost.scores:,}",
                f"{cost.calls:,}",
                f"{cost.known:,}",
                f"{cost.calls - cost.known:,}",
                f"{cost.prompt_chars / _CHARS_PER_TOKEN:,.0f}",
                f"{cost.shared_chars / max(1, cost.prompt_chars):.0%}",
                f"{cost.usd(judge):,.2f}",
            )
        )
    print("\n" + closing_table(rows, _HEADERS))
    print(
        f"Judging: one output token a call; tokens are characters / {_CHARS_PER_TOKEN:g}; shared = "
        "what the prompt before begins with too."
    )


def cost_of_judge(config: Config, judge: JudgeConfig, job: Job) -> JudgeCost:
    """Return what one judge will be asked, counted by making the prompts."""
    known = SharedCompletions(cache_of(judge, config)).places.keys()
    name = model_name(judge)
    cost = JudgeCost()
    before = ""
    for request, times in _requests(config, judge, job):
        cost.scores += 1
        if request is None:
            continue
        cost.calls += times
        if bytes.fromhex(request.key(name)) in known:
            cost.known += times
            continue
        prompt = request.messages[-1].content
        cost.prompt_chars += times * len(prompt)
        cost.shared_chars += _shared(before, prompt)
        before = prompt
    return cost


def _requests(config: Config, judge: JudgeConfig, job: Job) -> Iterable[tuple[Request | None, int]]:
    """Yield the first request of each score, None where nothing is asked, and how many follow."""
    played = job.folder("play")
    if config.suite.mode is Mode.compat:
        grader = Grader(
            name=model_name(judge), protocol=load_protocol(judge.rubrics), retries=judge.retries
        )
        for pack in packs_of(*read_played(played)):
            yield next(grader.grade(pack)), 1
        return
    rubrics = load_rubrics(judge)
    asker = asker_of(judge, rubrics)
    for work in all_work(played, judge, rubrics):
        yield _first(asker.judge(work)), _calls(work)


def _shared(before: str, prompt: str) -> int:
    """Return how many characters two prompts begin with alike."""
    pairs = enumerate(zip(before, prompt, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(before), len(prompt)))


def _first(session: Session[Score]) -> Request | None:
    return next(session, None)


def _calls(work: Work) -> int:
    return 2 if work.instrument is Instrument.pairwise else 1
