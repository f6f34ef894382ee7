"""The runs that judges held a run's answers beside: their answers, and whose kin judges may be."""

import sys
from collections.abc import Iterable
from pathlib import Path

from opencharacter.compare.preferred import opponent_of
from opencharacter.compare.results import Opponent, Rival
from opencharacter.evaluation.families import family_of, is_known
from opencharacter.job.beside import read_beside
from opencharacter.job.judging import BENCH, Bench
from opencharacter.job.lineage import BASE, made_by
from opencharacter.records import Transcript
from opencharacter.store.rows import part_files, read_columns, read_records
from opencharacter.store.stage import StageFolder

_OF_ONE_JUDGE = "judge-"  # begins the stage of one judge's scores


def beside_of(judge: StageFolder) -> dict[str, str]:
    """Return the run whose answers each judge read beside this one's; nothing of other judges.

    Args:
        judge: The table of all scores. Judges whose scores are not in it, such as one who judged
            before, do not count.
    """
    found = {}
    for stage in (judge.started() or {}).get("inputs", {}):
        if stage.startswith(_OF_ONE_JUDGE):
            one = StageFolder(run_dir=judge.run_dir, stage=stage).started() or {"settings": {}}
            for source in one["settings"].get("sources", {}):
                found[one["settings"]["versions"]["model"]] = str(source).removesuffix("/play")
    return found


def opponents_of(run_dirs: Iterable[Path]) -> dict[str, Opponent]:
    """Return what is known of the answers of other runs; nothing where they are gone."""
    folders = [StageFolder(run_dir=run_dir, stage="play") for run_dir in run_dirs]
    return {
        each.id: opponent_of(each)
        for folder in folders
        for each in read_records(folder.data, Transcript)
    }


def rival_of(run_dir: Path) -> Rival:
    """Return whose kin a judge should not be who holds answers beside those of another run.

    Families are those that were stated when that run was judged, else what names say. Where its
    answers are gone nothing is known.

    Raises:
        StoreError: a file of that run, or of the one that trained its model, is damaged.
    """
    run, play = run_dir.name, StageFolder(run_dir=run_dir, stage="play")
    states = f"player.family= when judging {run}"
    models = sorted({str(row[0]) for row in read_columns(part_files(play.data), ["model"])})
    if not models:
        return Rival({}, {f"the model of {run}": states})
    bench = read_beside(run_dir / "judge" / BENCH, Bench)
    stated = bench.candidates if bench else {}
    made = made_by(run_dir)
    related = {
        family_of(model): whose.replace("the ", f"{run}'s ", 1) for model, whose in made.items()
    }
    if bench and bench.teacher:
        related[bench.teacher] = f"{run}'s teacher's"
    related |= {stated.get(model, family_of(model)): f"{run}'s" for model in models}
    if bench:
        told = bench.unknown.items()
        unknown = {
            m: f"{how} when judging {run}" for m, how in told if not how.startswith("judge.")
        }
    else:
        bases = [model for model, whose in made.items() if whose == BASE]
        strange = [m for m in models if not is_known(m) and not any(map(is_known, bases))]
        unknown = dict.fromkeys(strange, states)
    return Rival(related, unknown)


def say_rivals(judge: StageFolder, bench: Bench) -> None:
    """Say which judges are, or may be, of the family of the run that answers stood beside."""
    for name, other in beside_of(judge).items():
        rival = rival_of(judge.run_dir.parent / other)
        whose = rival.related.get(bench.judges.get(name, ""), "")
        if not whose and rival.unknown:
            whose = f"what may be {' and '.join(rival.unknown)}'s"
        if whose and not bench.same_family_stated:
            print(
                f"judge: beside {other}: {name} is of {whose} family, and a judge favours its own: "
                "it has no part in the comparisons where others judge too, and alone a report says "
                "so; judge with another family, or state it with stage=judge "
                "judge.same_family=true",
                file=sys.stderr,
            )
