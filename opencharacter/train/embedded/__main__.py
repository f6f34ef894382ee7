"""`python -m opencharacter.train.embedded make|check`: make the embedded model, or measure it."""

import argparse
import json
import logging
import sys
from pathlib import Path

from opencharacter.train.embedded import check
from opencharacter.train.embedded.pretrain import FOLDER, SEED, STEPS, make


def main(arguments: list[str]) -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(prog="python -m opencharacter.train.embedded")
    commands = parser.add_subparsers(dest="command")
    making = commands.add_parser("make", help="make the model from nothing (the default)")
    for each in (parser, making):
        each.add_argument("--folder", type=Path, default=FOLDER)
        each.add_argument("--seed", type=int, default=SEED)
        each.add_argument("--steps", type=int, default=STEPS, help="of phase 2")
    checking = commands.add_parser("check", help="measure the model through vLLM")
    checking.add_argument("--folder", type=Path, default=FOLDER)
    checking.add_argument("--personas", type=Path, help="JSON lines with a field `persona`")
    checking.add_argument("--n", type=int, default=100, help="cases of each kind")
    checking.add_argument("--sampling", choices=sorted(check.SAMPLINGS), help="default: all")
    checking.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if chosen.command == "check":
        _check(chosen)
    else:
        make(chosen.folder, seed=chosen.seed, steps=chosen.steps)


def _check(chosen: argparse.Namespace) -> None:
    model = check.open_model(chosen.folder)
    personas = check.read_personas(chosen.personas, chosen.n) if chosen.personas else []
    figures = [
        figure
        for sampling in ([chosen.sampling] if chosen.sampling else check.SAMPLINGS)
        for figure in check.measure(model, n=chosen.n, personas=personas, sampling=sampling)
    ]
    if chosen.json:
        sys.stdout.write(json.dumps([figure._asdict() for figure in figures], indent=1) + "\n")
        return
    for name, sampling, hits, n in figures:
        sys.stdout.write(f"{name:42} {sampling:8} {hits:5}/{n:<5} {hits / n:6.1%}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
