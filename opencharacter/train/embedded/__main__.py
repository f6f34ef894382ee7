"""`python -m opencharacter.train.embedded make|check`: make the small models, or measure them."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from opencharacter.errors import OpenCharacterError
from opencharacter.train.embedded import check, facts
from opencharacter.train.embedded.pretrain import (
    BASE_FOLDER,
    BASE_STEPS,
    FOLDER,
    JUDGE_FOLDER,
    SEED,
    STEPS,
    Made,
    make,
)


def main(arguments: list[str]) -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(prog="python -m opencharacter.train.embedded")
    commands = parser.add_subparsers(dest="command")
    making = commands.add_parser("make", help="make the three models from nothing (the default)")
    for each in (parser, making):
        each.add_argument("--base", action="store_true", help="only the base, without characters")
        each.add_argument("--folder", type=Path, default=FOLDER)
        each.add_argument("--base-folder", type=Path, default=BASE_FOLDER)
        each.add_argument("--seed", type=int, default=SEED)
        each.add_argument("--steps", type=int, default=STEPS, help="of the model's dialogues")
        each.add_argument("--judge-folder", type=Path, default=JUDGE_FOLDER)
        each.add_argument(
            "--judging", type=float, default=1.0,
            help="share of the judge's steps; 0 = make no judge",
        )  # fmt: skip
        each.add_argument("--start", type=Path, help="a model: only make a judge of it")
        each.add_argument("--base-steps", type=int, default=BASE_STEPS, help="of the base's")
    checking = commands.add_parser("check", help="measure a model through vLLM")
    checking.add_argument("--folder", type=Path, default=FOLDER)
    checking.add_argument("--judge-folder", type=Path, default=JUDGE_FOLDER)
    checking.add_argument("--personas", type=Path, help="JSON lines with a field `persona`")
    checking.add_argument("--n", type=int, default=100, help="cases of each kind")
    checking.add_argument("--sampling", choices=sorted(check.SAMPLINGS), help="default: all")
    checking.add_argument("--json", action="store_true")
    checking.add_argument(
        "--run", type=Path, help="runs/NAME: only ask its held-out characters for their facts, "
        "before (the embedded base) and after its training"
    )  # fmt: skip
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if chosen.command != "check":
        model = None if chosen.base else chosen.folder
        folders = Made(
            chosen.base_folder, chosen.base_steps, model, chosen.steps, chosen.judge_folder,
            chosen.judging, chosen.start,
        )  # fmt: skip
        make(folders, seed=chosen.seed)
    elif chosen.run:
        _check_run(chosen)
    else:
        _check(chosen)


def _check(chosen: argparse.Namespace) -> None:
    model = check.open_model(chosen.folder)
    personas = check.read_personas(chosen.personas, chosen.n) if chosen.personas else []
    figures = [
        figure
        for sampling in ([chosen.sampling] if chosen.sampling else check.SAMPLINGS)
        for figure in check.measure(model, n=chosen.n, personas=personas, sampling=sampling)
    ]
    model.close()
    judge = check.open_model(chosen.judge_folder)
    figures += check.judge_figures(judge, chosen.n)
    _print(figures, as_json=chosen.json)


def _check_run(chosen: argparse.Namespace) -> None:
    characters = facts.held_out(chosen.run, chosen.n)
    sys.stderr.write(f"{facts.how_many(len(characters))}\n")
    models = {chosen.folder.name: chosen.folder}
    if chosen.folder == FOLDER:  # nobody named one
        models = {"before": BASE_FOLDER, "after": facts.trained_model(chosen.run)}
    figures = []
    for name, folder in models.items():
        model = check.open_model(folder)
        for sampling in [chosen.sampling] if chosen.sampling else check.SAMPLINGS:
            found = facts.fact_figures(model, characters, sampling)
            figures += [each._replace(name=f"{name}: {each.name}") for each in found]
        model.close()
    _print(figures, as_json=chosen.json)


def _print(figures: Sequence[check.Figure], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps([figure._asdict() for figure in figures], indent=1) + "\n")
        return
    for name, sampling, hits, n in figures:
        sys.stdout.write(f"{name:42} {sampling:8} {hits:5}/{n:<5} {hits / n:6.1%}\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OpenCharacterError as error:
        sys.exit(f"error: {error}")
