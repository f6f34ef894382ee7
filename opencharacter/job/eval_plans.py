"""What evaluating will cost and can show, before anything is played."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import count
from math import ceil
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

from opencharacter.compare.systems import pair, shared_keys, systems_of
from opencharacter.config import Config, ModelConfig, SuiteName, UserTurns
from opencharacter.errors import ConfigError, OpenCharacterError
from opencharacter.evaluation.losses import read_answers
from opencharacter.evaluation.playing import Task, tasks_of
from opencharacter.evaluation.suite import Suite
from opencharacter.evaluation.suites import load_suite
from opencharacter.evaluation.users import turned_round
from opencharacter.job.losses import measures_loss
from opencharacter.job.reporting import read_results, run_folder
from opencharacter.llm.opening import model_name
from opencharacter.records import Call, EvalItem, Message, Role, Transcript, Usage
from opencharacter.stats.paired import least_p
from opencharacter.stats.power import characters_needed, detectable

CHARS_PER_TOKEN = 4.0
_MOST = 2_000  # transcripts that prompts are made for; more are scaled up from whole characters
_MILLION = 1e6
_NOTHING = Call(model="", prompt_sha256="", sampling="", seed=0, engine="")
_POWER = 0.8
_ALPHA = 0.05


class Asked(NamedTuple):
    """What a model will be asked while a suite is played."""

    calls: int
    prompt_tokens: float
    output_tokens: float

    def usd(self, config: Config) -> float:
        """Return the price in US dollars; all of play's calls go by that of the player."""
        player = config.player
        prompt, output = self.prompt_tokens * player.price_prompt, player.price_output
        return (prompt + self.output_tokens * output) / _MILLION


class Foreseen(NamedTuple):
    """What will be played, with answers made up to the length that is assumed."""

    items: dict[str, EvalItem]
    transcripts: list[Transcript]
    scale: float
    """How many there will be for each of `transcripts`."""
    suite: Suite
    player: Asked
    user: Asked | None
    """Of the model that plays the user; None where questions are scripted."""
    loss: Asked | None
    """Of the player on given answers; None = not measured, or of a run's or the hub's dialogues."""


def foresee(config: Config) -> Foreseen | None:
    """Return what playing will leave; None where no suite is asked for.

    Items, questions and controls are those that the play stage will take.

    Raises:
        OpenCharacterError: the suite's data, or a stage that it reads, is not there yet.
    """
    settings = config.suite
    if settings.name is SuiteName.persona_gym and not settings.path:
        return None
    run_dir = Path(config.runs_dir) / (settings.run or config.run)
    is_said = settings.user is UserTurns.model
    suite = load_suite(settings, run_dir, user=model_name(config.user) if is_said else "")
    tasks = tasks_of(suite, config.play)
    some = _of_whole_characters(tasks)
    scale = len(tasks) / max(1, len(some))
    assumed = config.plan.assume.answer_output_tokens
    tokens = min(assumed, config.play.sampling.max_tokens)
    said = min(assumed, config.play.user_sampling.max_tokens)
    transcripts = [_made_up(task, tokens, said) for task in some]
    calls = sum(len(task.item.questions) for task in tasks)
    user = None
    if is_said:
        n_said = sum(not question for task in tasks for question in task.item.questions)
        read = sum(
            _user_chars(task.item, made) for task, made in zip(some, transcripts, strict=True)
        )
        user = Asked(n_said, scale * read / CHARS_PER_TOKEN, n_said * said)
    read = sum(_prompt_chars(task.item, made) for task, made in zip(some, transcripts, strict=True))
    return Foreseen(
        items={item.id: item for item in suite.items},
        transcripts=transcripts,
        scale=scale,
        suite=suite,
        player=Asked(calls, scale * read / CHARS_PER_TOKEN, calls * tokens),
        user=user,
        loss=_measured(config),
    )


def _measured(config: Config) -> Asked | None:
    """Return what measuring the loss on given answers will read; nothing is written for it."""
    if not measures_loss(config) or config.loss.run or config.loss.path.startswith("hub:"):
        return None
    told = read_answers(config.loss).told
    read = sum(len(message.content) for each in told for message in each.messages)
    return Asked(len(told), read / CHARS_PER_TOKEN, 0)


def _of_whole_characters(tasks: Sequence[Task]) -> list[Task]:
    """Return all tasks of so many characters that there are about `_MOST`."""
    if len(tasks) <= _MOST:
        return list(tasks)
    of_character: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        of_character[task.item.persona_id].append(task)
    found: list[Task] = []
    for each in of_character.values():
        if len(found) >= _MOST:
            break
        found += each
    return found


def _made_up(task: Task, tokens: float, said: float) -> Transcript:
    """Return a transcript of answers of so many tokens, to questions or to what a model says."""
    item = task.item
    messages = [Message(role=Role.system, content=task.system)] if task.system else []
    messages += item.history
    for turn, question in enumerate(item.questions):
        own = f"{task.key}/{turn} "
        answer = own + "x" * max(1, ceil(tokens * CHARS_PER_TOKEN) - len(own))
        asked = question or "x" * ceil(said * CHARS_PER_TOKEN)
        messages.append(Message(role=Role.user, content=asked))
        messages.append(Message(role=Role.assistant, content=answer))
    return Transcript(
        item_id=item.id,
        persona_id=item.persona_id,
        suite=item.suite,
        task=item.task,
        domain=item.domain,
        model="",
        control=task.control,
        sample=task.sample,
        messages=tuple(messages),
        failure=None,
        turn_failures=("",) * len(item.questions),
        finish_reasons=("stop",) * len(item.questions),
        call=_NOTHING,
        usage=Usage(),
    )


def _prompt_chars(item: EvalItem, transcript: Transcript) -> int:
    """Return the characters of the prompts of all its turns."""
    messages, played = transcript.messages, item.played(transcript.messages)
    total, so_far = 0, sum(len(m.content) for m in messages[: len(messages) - len(played)])
    for message in played:
        if message.role is Role.assistant:
            total += so_far
        so_far += len(message.content)
    return total


def _user_chars(item: EvalItem, transcript: Transcript) -> int:
    """Return the characters of the prompts of all turns that a model says as the user."""
    said = transcript.messages[-2 * len(item.questions) :]
    total = so_far = 0
    for question, asked, answer in zip(item.questions, said[::2], said[1::2], strict=True):
        if not question:
            total += sum(len(m.content) for m in turned_round(item.goal, ())) + so_far
        so_far += len(asked.content) + len(answer.content)
    return total


class Resolution(NamedTuple):
    """What difference of two models a run of so many characters can show."""

    characters: int
    criteria: int
    """How many lines a table by criterion will have."""
    sd: float
    """Over characters, of their mean difference, in points."""
    source: str
    """Where the sd is from."""
    points: float | None
    """Minimum detectable effect; None = none is, however large, with so few characters."""
    margin: float
    """The smallest difference that matters, compare.margin."""
    needed: int
    """Characters with which that is found."""


def resolution(config: Config, characters: int, criteria: int = 1) -> Resolution:
    """Return the least effect that a comparison on shared items finds.

    Raises:
        ConfigError: the runs of plan.like share no character, or are not two.
        StoreError: one of them is not judged.
    """
    sd, source = config.plan.assume.score_sd, "assumed, plan.assume.score_sd"
    if config.plan.like:
        sd = _measured_sd(config)
        source = f"measured between {' and '.join(config.plan.like)}, plan.like"
    is_possible = least_p(characters) <= _ALPHA
    points = detectable(sd, characters, alpha=_ALPHA, power=_POWER) if is_possible else None
    margin, fewest = config.compare.margin, next(k for k in count(1) if least_p(k) <= _ALPHA)
    needed = max(fewest, characters_needed(sd, margin, alpha=_ALPHA, power=_POWER))
    return Resolution(characters, criteria, sd, source, points, margin, needed)


def _measured_sd(config: Config) -> float:
    """Return the sd over characters of the mean difference of two judged runs."""
    runs_dir = Path(config.runs_dir)
    results = [read_results(run_folder(name, runs_dir), run=name) for name in config.plan.like]
    systems = systems_of(results, config.report.criteria)
    keys = shared_keys(systems, set(systems[0].criteria))
    both, characters = pair(systems[0], systems[1], keys)
    differences: dict[str, list[float]] = defaultdict(list)
    for a, b, character in zip(both.a, both.b, characters, strict=True):
        differences[character].append(float(a - b))
    if len(differences) < 2:
        raise ConfigError(
            f"plan.like=[{','.join(config.plan.like)}]: these runs have {len(differences)} "
            "characters with scores in common, and an sd needs two; name others, or leave it out "
            "and give plan.assume.score_sd"
        )
    return stdev(map(fmean, differences.values()))


def resolution_words(found: Resolution) -> str:
    """Return what it means, in words."""
    if found.points is None:
        fewest = next(k for k in count(1) if least_p(k) <= _ALPHA)
        why = "one character says nothing about chance"
        if found.characters > 1:
            why = (
                f"sign flips of {found.characters:,} characters give no p below "
                f"{least_p(found.characters):.4g}"
            )
        return (
            f"Minimum detectable effect: none. {why[0].upper()}{why[1:]}, so a test at {_ALPHA:g} "
            f"shows no difference between two models, however large; that takes {fewest} "
            "characters or more."
        )
    least = found.criteria * least_p(found.characters)
    by_criterion = (
        f" By criterion, with Holm over {found.criteria:,} lines, no p below {least:.3f} is "
        "possible, so none can be shown there."
    )
    return (
        f"Minimum detectable effect: {found.points:.3f} points between two models on the same "
        f"items of {found.characters:,} characters, found in {_POWER:.0%} of runs by a two-sided "
        f"test at {_ALPHA:g} that is clustered by character; sd over characters of their mean "
        f"difference {found.sd:.3g} points ({found.source}). A difference of {found.margin:g} "
        f"points (compare.margin) takes {found.needed:,} characters."
        f"{by_criterion * (least > _ALPHA)}"
    )


def told_of_suite(found: Foreseen) -> str:
    """Return what is known of the suite, and what was estimated, in words."""
    suite = found.suite
    damaged = f", {len(suite.damaged):,} damaged" if suite.damaged else ""
    scaled = (
        f"; prompts of {len(found.transcripts):,} of them, the others taken to be alike"
        if found.scale > 1
        else ""
    )
    return (
        f"Not played yet. Known: {suite.name} has {len(suite.items):,} items of "
        f"{len(suite.people):,} characters{damaged}; controls, samples, criteria{scaled}. "
        "Estimated: answers of plan.assume.answer_output_tokens each, none of which fails."
    )


def usd_words(usd: float, model: ModelConfig) -> str:
    """Return a price in US dollars; a model that nobody has priced is not free."""
    return f"{usd:,.2f}" if model.price_prompt or model.price_output else "no price set"


def unknown(error: OpenCharacterError) -> str:
    """Return why evaluating cannot be priced, in words."""
    return f"Evaluating is not priced: {error}"
