"""Share of prompt tokens that the engine's prefix cache held, by the order of the sessions.

    python bench/prefixes.py [--model embedded] [--characters 48] [--answers 4]

Each character answers some questions; its system prompt is the prefix that they share. The cache is
made too small for all characters, as it is in earnest: twenty thousand prompts of 600 tokens are
ten times what eight GPUs with a 70B model keep. Sessions are drawn character after character, as
the stages do, and in an order that is a hash.

Then the same of verdicts: what a judge is asked about two answers to each question by two criteria,
in the order of `stage=judge` (criterion, profile, question, answer, in the prompt as in the order
of prompts), in an order that is a hash, and with the answer first in the prompt, also where all
questions about an answer stand together.
"""

import argparse
from dataclasses import replace
from typing import Any

from work import SEED, make_played, make_work, verdict_requests

from opencharacter.config import JudgeConfig, ModelConfig, SamplingConfig
from opencharacter.ids import request_seed, shuffled
from opencharacter.llm import vllm as engine
from opencharacter.llm.opening import open_model
from opencharacter.llm.requests import Completion, Model, Request, Session
from opencharacter.llm.sessions import Admitted, run_sessions
from opencharacter.prompts.character import system_message
from opencharacter.prompts.rubrics import Rubric, load_rubric
from opencharacter.synth.asking import requested
from opencharacter.synth.responses import Task

SEATS = 8
OF_PROMPTS = 0.3  # of the tokens of all system prompts, what the cache holds
BLOCK = 32  # tokens
SAMPLING = SamplingConfig(max_tokens=8, max_repeats=0)  # what is generated plays no part here


class NoLog:
    """Keeps nothing, so that everything is asked."""

    def get(self, key: str) -> dict[str, Any] | None:
        """Find nothing."""
        return None

    def append(self, key: str, completion: dict[str, Any]) -> None:
        """Drop it."""


def main() -> None:
    """Measure both orders and print the shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--characters", type=int, default=48)
    parser.add_argument("--answers", type=int, default=4)
    args = parser.parse_args()
    work = make_work(args.characters * args.answers, 1, per_character=args.answers)
    ordered = work.tasks()
    of_key = {task.key: task for task in ordered}
    mixed = [of_key[key] for key in shuffled(of_key, SEED)]
    model = open_small(args.model, args.characters)
    for title, tasks in (("character after character", ordered), ("shuffled", mixed)):
        model.llm.reset_prefix_cache()
        cached, tokens = hits(model, [ask(task) for task in tasks])
        print(f"{title}: {cached / tokens:.1%} of {tokens:,} prompt tokens")
    settings = JudgeConfig(criteria=["linguistic_habits", "persona_consistency"])
    for title, requests in judged(args.characters, settings).items():
        model.llm.reset_prefix_cache()
        cached, tokens = hits(model, [ask_plainly(request) for request in requests])
        print(f"verdicts, {title}: {cached / tokens:.1%} of {tokens:,} prompt tokens")
    model.close()


def judged(characters: int, settings: JudgeConfig) -> dict[str, list[Request]]:
    """Return the questions to a judge in several orders."""
    played = make_played(characters, 4)
    ordered = verdict_requests(played, settings)
    answer_first = verdict_requests(played, settings, turned(load_rubric("role_play")))
    half = len(ordered) // 2  # the criteria come one after the other, each with the same answers
    pairs = zip(answer_first[:half], answer_first[half:], strict=True)
    together = [each for pair in pairs for each in pair]
    of_number = {str(number): request for number, request in enumerate(ordered)}
    return {
        "as stage=judge asks": ordered,
        "shuffled": [of_number[key] for key in shuffled(of_number, SEED)],
        "the answer first": answer_first,
        "the answer first, answer by answer": together,
    }


def turned(rubric: Rubric) -> Rubric:
    """Return the rubric with question and answer before criterion and character."""
    head, _, rest = rubric.prompt.partition("# Criterion")
    about, _, asked = rest.partition("# Question")
    return replace(rubric, prompt=f"{head}# Question{asked}\n# Criterion{about}")


def open_small(name: str, characters: int) -> engine.VllmModel:
    """Open the engine with a cache for a part of the characters' system prompts."""
    longest = 700  # tokens of a prompt, about
    blocks = max(SEATS * 2, round(OF_PROMPTS * characters)) * longest // BLOCK
    hardware = engine._hardware
    # No setting of ours makes the cache this small, and none should.
    engine._hardware = lambda config: hardware(config) | {"num_gpu_blocks_override": blocks}
    model = open_model(ModelConfig(model=name, max_length=2048, seats=SEATS, threads=2))
    assert isinstance(model, engine.VllmModel)
    return model


def hits(model: Model, sessions: list[Session[str]]) -> tuple[int, int]:
    """Run sessions in their order; return the prompt tokens that were cached, and all of them."""
    heard: list[Completion] = []
    admitted = (Admitted(None, session, NoLog()) for session in sessions)
    for _ in run_sessions(model, admitted, heard=heard.append):
        pass
    return sum(c.cached_tokens for c in heard), sum(c.prompt_tokens for c in heard)


def ask(task: Task) -> Session[str]:
    """Ask the first turn."""
    completion = yield Request(
        messages=(system_message(task.character), task.instruction.messages[0]),
        sampling=requested(SAMPLING),
        seed=request_seed(SEED, task.key, "bench", 0, 0),
    )
    return completion.text


def ask_plainly(request: Request) -> Session[str]:
    """Ask what is ready."""
    completion = yield request
    return completion.text


if __name__ == "__main__":
    main()
