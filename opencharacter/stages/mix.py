"""Assemble an SFT mixture: n characters an instruction, shares, caps, system prompts.

Reads    runs/<run>/profiles, and runs/<run>/rewrite and/or runs/<run>/generate
Writes   runs/<run>/mix: MixtureRow, in `messages` form
Costs    two passes over the responses, constant memory
Run      python -m opencharacter stage=mix run=main mix.n_characters=2
"""

from itertools import chain

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.mix.draw import draw_rows
from opencharacter.mix.replay import replay_rows
from opencharacter.mix.rows import candidates, made_methods, mixture_rows, prompts
from opencharacter.prompts.character import RENDER_VERSION
from opencharacter.records import Character, MixtureRow
from opencharacter.sources.fingerprint import source_fingerprint
from opencharacter.sources.rows import Tally
from opencharacter.store.rows import read_records


def run(config: Config, job: Job) -> None:
    """Write the mixture of the run."""
    settings = config.mix
    methods = made_methods(settings.methods, job.folder)
    reads = ["profiles", *(str(method) for method in methods)]
    sources = {path: source_fingerprint(path) for path in settings.replay_paths}
    with job.stage(
        "mix",
        settings=[settings],
        versions={"prompt": RENDER_VERSION},
        reads=reads,
        sources=sources,
    ) as stage:
        responses = [job.folder(method).data for method in methods]
        characters = {c.id: c for c in read_records(job.folder("profiles").data, Character)}
        seed = config.seed if settings.seed is None else settings.seed
        drawn = draw_rows(candidates(responses, characters), config=settings, seed=seed)
        tally = Tally(
            rows=len(drawn.kept) + len(drawn.left_out),
            not_drawn=len(drawn.left_out),
            notes={f"left out: {reason}": count for reason, count in drawn.reasons.items()},
        )
        shown = prompts(settings, seed)
        roleplay = mixture_rows(responses, characters, drawn.kept, shown, tally)
        replay = replay_rows(settings, len(drawn.kept), seed=seed, tally=tally)
        what = (
            "A mixture for supervised fine-tuning: `messages` with the character's system prompt."
        )
        stage.stream(MixtureRow, chain(roleplay, replay), tally, what=what, unit="rows")
