"""Assemble an SFT mixture: n characters an instruction, shares, caps, system prompts.

Reads    runs/<run>/profiles, and runs/<run>/rewrite and/or runs/<run>/generate; evaluation suites
Writes   runs/<run>/mix: MixtureRow, in `messages` form; overlap.json, scores/ where there are axes
Costs    two passes over the responses, constant memory; one more for suites and for each axis,
         two for near-duplicates
Run      python -m opencharacter stage=mix run=main mix.n_characters=2
"""

from functools import partial
from itertools import chain

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.job.mixing import followed, print_screened, screen_responses, write_screened
from opencharacter.job.scoring import replay_screen
from opencharacter.mix.draw import draw_rows
from opencharacter.mix.replay import replay_rows
from opencharacter.mix.rows import candidates, made_methods, mixture_rows, prompts
from opencharacter.mix.scoring import scorer_name
from opencharacter.mix.screening import rejections
from opencharacter.mix.suites import find_suites
from opencharacter.prompts.character import RENDER_VERSION
from opencharacter.records import Character, MixtureRow
from opencharacter.sources.fingerprint import content_fingerprint, source_fingerprint
from opencharacter.sources.instructions import open_instructions
from opencharacter.sources.rows import Tally
from opencharacter.store.manifest import LEFT_OUT
from opencharacter.store.rows import read_records

_WHAT = "A mixture for supervised fine-tuning: `messages` with the character's system prompt."


def check(config: Config) -> None:
    """Check that suites, scorers of axes and replayed sources are there.

    Raises:
        ConfigError: an axis has no such function.
        ModelError: an axis has no such model.
        SourceError: there is no such suite or source.
    """
    settings = config.mix
    find_suites(settings.suites)
    for name, axis in settings.axes.items():
        scorer_name(name, axis)
    open_instructions(settings.replay_paths)


def run(config: Config, job: Job) -> None:
    """Write the mixture of the run."""
    settings = config.mix
    methods = made_methods(settings.methods, job.folder, typed=job.command)
    reads = ["profiles", *(str(method) for method in methods)]
    suites = find_suites(settings.suites)
    scorers = {name: scorer_name(name, axis) for name, axis in settings.axes.items()}
    versions = {f"axis {name}": scorer for name, scorer in scorers.items()}
    sources = {path: source_fingerprint(path) for path in settings.replay_paths}
    sources |= {f"suite {suite.name}": content_fingerprint(suite.path) for suite in suites}
    with job.stage(
        "mix",
        settings=[settings],
        versions={"prompt": RENDER_VERSION, **versions},
        reads=reads,
        sources=sources,
    ) as stage:
        responses = [job.folder(method).data for method in methods]
        characters = {c.id: c for c in read_records(job.folder("profiles").data, Character)}
        seed = config.seed if settings.seed is None else settings.seed
        screened = screen_responses(
            stage, responses, characters, suites=suites, scorers=scorers, seed=seed
        )
        refused = screened.refused
        drawn = draw_rows(
            candidates(responses, characters), config=settings, seed=seed, refused=refused
        )
        tally = Tally(
            rows=len(drawn.kept) + len(drawn.left_out) + len(refused),
            not_drawn=len(drawn.left_out),
            notes={f"{LEFT_OUT}{reason}": count for reason, count in drawn.reasons.items()},
        )
        shown = prompts(settings, seed)
        roleplay = mixture_rows(responses, characters, drawn.kept, shown, tally)
        replay = list(  # now: too few of them must be told before the stage is started
            replay_rows(
                settings,
                len(drawn.kept),
                seed=seed,
                tally=tally,
                refuse=screened.overlap.refuse,
                screen=replay_screen(stage, screened.axes),
            )
        )
        rows = followed(
            chain(rejections(responses, refused), roleplay, replay),
            partial(write_screened, stage.folder, screened, settings, tally),
        )
        stage.stream(MixtureRow, rows, tally, what=_WHAT, unit="rows")
        print_screened(stage.folder, screened, settings)
