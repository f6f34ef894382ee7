"""Human labels: a page to give them on, files that hold them, and how a judge agrees with them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from opencharacter.errors import SourceError
from opencharacter.evaluation.label_files import Labels, read_label_files
from opencharacter.evaluation.work import Work
from opencharacter.ids import digest, shuffled
from opencharacter.prompts.rubrics import Rubric, rubrics_dir
from opencharacter.records import Control, Role, Score
from opencharacter.stats.agreement import alpha, kappa
from opencharacter.stats.alttest import alt_test
from opencharacter.stats.arrays import Ints
from opencharacter.stats.correlation import spearman
from opencharacter.stats.jackknife import jackknife

LABELLED = "labelled"
"""The criterion of a score that is held against human labels begins so."""
_FEW = 2  # items under which nothing is said of agreement


def draw_for_people(work: Iterable[Work], n: int) -> list[Work]:
    """Return answers for people to label, drawn at random, each as likely as another.

    So what people say of these holds of all (`stats.calibrated`).

    Args:
        work: By rubric; failed answers and those under a control are left out.
        n: How many; a draw of more begins with that of fewer.
    """
    sound = {
        w.key: w for w in work if not w.answer.failure and w.transcript.control is Control.none
    }
    return [sound[key] for key in shuffled(sound, "labels")[:n]]


def label_page(work: Sequence[Work], rubric: Rubric) -> str:
    """Return a page that needs no server and no network: blind, kept in the browser, CSV out."""
    items = [_shown(each, rubric) for each in work]
    # A script ends at `</script` wherever it stands, in an answer too.
    data = json.dumps(items, ensure_ascii=False).replace("<", "\\u003c")
    name = digest("labels", [each.key for each in work])[:12]
    page = (rubrics_dir().parent / "labels" / "page.html").read_text(encoding="utf-8")
    return page.replace("{{ name }}", name).replace("{{ items }}", data)


def _shown(work: Work, rubric: Rubric) -> dict[str, Any]:
    criterion, answer = rubric.criteria[work.criterion], work.answer
    says = {Role.user: "Earlier question", Role.assistant: "Earlier answer"}
    return {
        "key": work.key,
        "question_of_criterion": criterion.question,
        "attend": criterion.attend,
        "scale": criterion.scale,
        "character": "\n".join([work.item.persona, *work.item.facts]),
        "before": [f"{says[m.role]}: {m.content}" for m in answer.before],
        "question": answer.question,
        "answer": answer.text,
    }


def read_labels(paths: Sequence[str], known: Mapping[str, Mapping[str, float]]) -> Labels:
    """Return what labels that people gave are worth; see `read_label_files`.

    Raises:
        SourceError: as there.
    """
    return read_label_files(paths, known).labels


def labels_hash(paths: Sequence[str]) -> str:
    """Return a hash of what people have said, empty without files.

    Raises:
        SourceError: a file cannot be read.
    """
    try:
        texts = [Path(path).expanduser().read_bytes().hex() for path in paths]
    except OSError as error:
        raise SourceError(f"cannot read the labels {error.filename}: {error.strerror}") from error
    return digest("labels", texts)[:12] if texts else ""


class _Grid(NamedTuple):
    keys: list[str]
    characters: list[str]
    judge: list[float | None]
    people: list[list[float | None]]
    """A row for each annotator."""


def agreement(scores: Iterable[Score], labels: Labels, *, epsilon: float) -> dict[str, Any]:
    """Return how far people agree with one another, and a judge with them.

    Args:
        scores: Of one judge; those of labelled answers count.
        labels: Of all annotators.
        epsilon: What the judge's lower cost is worth in the alternative annotator test.
    """
    grid = _grid(scores, labels)
    scored = [value is not None for value in grid.judge]
    found: dict[str, Any] = {
        "answers": len(grid.keys),
        "annotators": len(labels),
        "scored_by_judge": sum(scored),
        "alpha_of_people": alpha(grid.people, "ordinal") if len(labels) > 1 else None,
    }
    rows = np.flatnonzero(scored)
    if len(rows) < _FEW:
        return found | {"judge": f"{len(rows)} labelled answers have a verdict: nothing to compare"}
    judge = np.array([grid.judge[row] for row in rows], np.float64)
    means = np.array(
        [np.mean([m[row] for m in grid.people if m[row] is not None]) for row in rows], np.float64
    )
    if len(set(means)) == 1:
        return found | {"judge": f"people gave all these answers {means[0]:g}: nothing to compare"}
    characters = [grid.characters[row] for row in rows]

    def rank(at: Ints) -> float | None:
        return spearman(judge[at], means[at])

    def weighted(at: Ints) -> float | None:
        return kappa(np.rint(judge[at]), np.rint(means[at]), "quadratic")

    found["spearman"] = asdict(jackknife(rank, characters, scale="fisher"))
    found["kappa_quadratic"] = asdict(jackknife(weighted, characters, scale="fisher"))
    if len(labels) > 1:
        tested = alt_test(grid.judge, grid.people, epsilon, grid.characters, closeness="distance")
        found["alt_test"] = {
            "passed": bool(tested.passed),
            "winning_rate": tested.winning_rate,
            "advantage": tested.advantage,
            "epsilon": epsilon,
            "few": bool(tested.few),
        }
    return found


def _grid(scores: Iterable[Score], labels: Labels) -> _Grid:
    by_key = {
        f"{s.transcript_id}/{s.criterion.partition(':')[2]}/{s.turn}": s
        for s in scores
        if s.criterion.startswith(f"{LABELLED}:")
    }
    keys = sorted({key for mine in labels.values() for key in mine} & by_key.keys())
    return _Grid(
        keys,
        [by_key[key].persona_id for key in keys],
        [by_key[key].value for key in keys],
        [[mine.get(key) for key in keys] for _, mine in sorted(labels.items())],
    )
