"""Write down what one cell came to: its training, and what each character got; or refuse it.

run=runs/generalization/generate-16-s1
python -m experiments.generalization.cell cells/generate-16-s1.json $run-out $run --tokens 340000
python -m experiments.generalization.cell references/teacher.json runs/generalization/teacher-out

Refused are a training whose tokens are not those asked for, and an out-of-domain character of whom,
or of a near-duplicate of whom, the mixture has a row.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from experiments.generalization.curves import room
from opencharacter.errors import StoreError
from opencharacter.records import Character, Domain, Score, Transcript
from opencharacter.store.files import whole_file
from opencharacter.store.rows import part_files, read_columns, read_records


def trained(run: Path, tokens: int) -> dict[str, Any]:
    """Return what a training was.

    Raises:
        StoreError: it took other tokens than were asked for.
    """
    lines = (run / "train" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    logged = [row for row in map(json.loads, lines) if "num_tokens" in row]
    last = logged[-1]
    if abs(last["num_tokens"] - tokens) > room(tokens):
        raise StoreError(
            f"{run / 'train'} took {last['num_tokens']:,.0f} tokens, not {tokens:,}: the cells "
            "would not be comparable; remove that folder and start the cell again"
        )
    rows = list(read_columns(part_files(run / "tokenize" / "data"), ["character_id"]))
    return {
        "tokens": round(last["num_tokens"]),
        "steps": last["step"],
        "epochs": round(last["epoch"], 3),
        "loss": round(sum(row["loss"] for row in logged[-5:]) / len(logged[-5:]), 4),
        "dialogues": len(rows),
        "characters": len({character for (character,) in rows}),
    }


def asked(run: Path, domain: Domain) -> dict[str, dict[str, list[float]]]:
    """Return what each character got, by style of question: questions, facts stated, contradicted.

    Contradictions of which the rule is not sure count as none.

    Raises:
        StoreError: a character is not of that domain.
    """
    about = {t.id: t for t in read_records(run / "play" / "data", Transcript)}
    if strangers := [t.persona_id for t in about.values() if t.domain is not domain]:
        raise StoreError(
            f"{run / 'play'} has {len(strangers):,} answers of characters that are not "
            f"{domain}-domain, such as {strangers[0]}; make that cell again"
        )
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
    for score in read_records(run / "judge" / "data", Score):
        style = about[score.transcript_id].task.split("/")[-1]
        got = found[score.persona_id][style]
        if score.criterion == "fact_stated":
            got[0] += 1
            got[1] += score.value or 0
        else:
            got[2] += score.value or 0
    return {persona: dict(styles) for persona, styles in sorted(found.items())}


def unmet(run: Path, heldout: set[str]) -> None:
    """Check that no held-out persona, nor one of its cluster, has a row in the mixture.

    Raises:
        StoreError: one has.
    """
    people = list(read_records(run / "profiles" / "data", Character))
    cluster = {person.id: person.cluster for person in people}
    rows = part_files(run / "mix" / "data")
    met = {cluster[character] for (character,) in read_columns(rows, ["character_id"])}
    if seen := met & {person.cluster for person in people if person.persona_id in heldout}:
        raise StoreError(f"{run / 'mix'} has {len(seen)} clusters of held-out characters")


def cell(out: Path, run: Path, tokens: int) -> dict[str, Any]:
    """Return everything that the page needs of one cell.

    Args:
        out: Run that asked the held-out characters.
        run: Run that trained, and asked those trained on.
        tokens: Of the training, as they were asked for.
    """
    method, n, seed = run.name.rsplit("-", 2)
    outside = asked(out, Domain.outside)
    unmet(run, set(outside))
    what = {"method": method, "n": int(n), "seed": int(seed[1:])}
    return what | trained(run, tokens) | {"in": asked(run, Domain.inside), "out": outside}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("to", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("run", type=Path, nargs="?", help="left out: a model that no cell trained")
    parser.add_argument("--tokens", type=int)
    given = parser.parse_args()
    given.to.parent.mkdir(parents=True, exist_ok=True)
    if given.run:
        found = cell(given.out, given.run, given.tokens)
    else:
        found = {"name": given.to.stem, "out": asked(given.out, Domain.outside)}
    with whole_file(given.to) as new:
        new.write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8")
