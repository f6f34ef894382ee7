"""The cards of judges on disk, and what is told of them."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from opencharacter.config import Config, JudgeConfig
from opencharacter.errors import ConfigError, StoreError
from opencharacter.evaluation.card import CARDS, Card, Verdict, card_page, make_card
from opencharacter.evaluation.label_files import Labels, notes_on, read_label_files
from opencharacter.evaluation.labels import (
    LABELLED,
    agreement,
    draw_for_people,
    label_page,
    labels_hash,
    read_labels,
)
from opencharacter.evaluation.work import Work, rubric_work
from opencharacter.job.beside import read_beside
from opencharacter.job.judging import read_played
from opencharacter.llm.opening import model_name
from opencharacter.prompts.rubrics import Rubric, load_rubric
from opencharacter.records import EvalItem, Score, Transcript
from opencharacter.store.commands import alone, placed, plain
from opencharacter.store.files import whole_file, write_json
from opencharacter.store.rows import read_records
from opencharacter.store.stage import StageFolder, finished_input

PAGE = "labels.html"
CARD = "card.json"
"""Of one judge, beside its scores."""
_BEGINS = "qualify-"


def check_judged(config: Config, items: Mapping[str, EvalItem], rubric: Rubric) -> None:
    """Refuse a run in which nobody is played; say so where rules alone score what there is.

    Raises:
        ConfigError: a judge is given nobody whom an answer could be true to.
    """
    if not any(item.persona or item.system for item in items.values()):
        raise ConfigError(
            f"nothing of run={config.run} is to be judged: nobody is played there, so there is no "
            "persona to swap or contradict; qualify judges on the run that they judge, such as one "
            "of suite=persona_gym"
        )
    by_rule = (
        any(item.answers) and not rubric.criteria.keys() & set(item.dimensions)
        for item in items.values()
    )
    if not config.judge.checklist and all(by_rule):
        print(
            "qualify: rules alone score what this run was asked; a card says what a judge finds in "
            "such answers, and no score of this run rests on it",
            file=sys.stderr,
        )


def labelled_work(
    config: Config,
    items: Mapping[str, EvalItem],
    transcripts: Sequence[Transcript],
    rubric: Rubric,
) -> list[Work]:
    """Return the answers that people have labelled, for a judge to score too.

    Raises:
        SourceError: the labels cannot be read, or are of other answers.
    """
    if not config.qualify.labels:
        return []
    work = {w.key: w for w in rubric_work(items, transcripts, rubric, config.judge.criteria)}
    labels = _read(config, work, rubric)
    keys = sorted({key for mine in labels.values() for key in mine})
    return [
        work[key]._replace(criterion=f"{LABELLED}:{work[key].criterion}", by=work[key].criterion)
        for key in keys
    ]


def _read(config: Config, work: Mapping[str, Work], rubric: Rubric) -> Labels:
    known = {key: rubric.criteria[each.criterion].worth for key, each in work.items()}
    return read_labels(config.qualify.labels, known)


def stage_of(name: str) -> str:
    """Return the folder of what one judge found, beside that of all of them."""
    return f"{_BEGINS}{name}"


def kept_folders(run_dir: Path, asked: Mapping[str, JudgeConfig]) -> list[str]:
    """Return the folders of the judges that other commands qualified in this run.

    Their cards stay if they are of the transcripts that are there; stderr tells which do not.

    Args:
        run_dir: Folder of the run.
        asked: The judges of this command, by name.
    """
    known, found = set(map(model_name, asked.values())), []
    for path in sorted(run_dir.glob(f"{_BEGINS}*/started.json")):
        stage = path.parent.name
        started = StageFolder(run_dir=run_dir, stage=stage).started()
        model = started["settings"]["versions"]["model"] if started else ""
        if stage in map(stage_of, asked) or model in known:
            continue
        try:
            finished_input(run_dir, stage, run=run_dir.name)
        except StoreError as error:
            print(f"qualify: {model} has no card that counts: {error}", file=sys.stderr)
            continue
        known.add(model)
        found.append(stage)
    return found


def card_of(scored: StageFolder, config: Config) -> Card:
    """Return the card of a judge of this command, whose scores are in a folder."""
    scores = list(read_records(scored.data, Score))
    people = {}
    if config.qualify.labels:
        played = StageFolder(run_dir=scored.run_dir, stage="play")
        rubric = load_rubric(config.judge.rubrics)
        work = {w.key: w for w in rubric_work(*read_played(played), rubric, config.judge.criteria)}
        labels = _read(config, work, rubric)
        people = agreement(scores, labels, epsilon=config.qualify.epsilon)
    card = _card(scores, people, config)
    write_json(scored.path / CARD, card.to_json())
    return card


def kept_card(scored: StageFolder, config: Config) -> Card:
    """Return the card of a judge that another command qualified.

    It is held to the bars of this one; what people have to do with it stays as it was, and where
    that is lost stderr tells the command that finds it again.
    """
    found = read_beside(scored.path / CARD, dict[str, Any])
    people = (found or {}).get("people", {})
    card = _card(list(read_records(scored.data, Score)), people, config)
    if found is None and _labels_of(scored):
        command = (scored.started() or {}).get("command") or plain(scored.run_dir, "qualify")
        print(
            f"qualify: what people have to do with {card.judge} is not known here, for there is no "
            f"{scored.path / CARD}; give its labels again, which asks nobody: "
            f"{placed(alone(command, 'qualify'), scored.run_dir)}",
            file=sys.stderr,
        )
    elif _labels_of(scored) != labels_hash(config.qualify.labels):
        print(
            f"qualify: the card of {card.judge} stays, with the labels that it was qualified with; "
            "give its own command again for these",
            file=sys.stderr,
        )
    return card


def _labels_of(scored: StageFolder) -> str:
    """Return the hash of the labels that a judge was qualified with."""
    started = scored.started() or {"settings": {}}
    return str(started["settings"].get("versions", {}).get("labels", ""))


def _card(scores: Sequence[Score], people: Mapping[str, Any], config: Config) -> Card:
    planted = [score for score in scores if not score.criterion.startswith(LABELLED)]
    return make_card(planted, config.qualify, people=people)


def say_labels(config: Config, played: StageFolder) -> None:
    """Tell what people have labelled, and what is odd about it."""
    if not config.qualify.labels:
        return
    rubric = load_rubric(config.judge.rubrics)
    work = rubric_work(*read_played(played), rubric, config.judge.criteria)
    known = {w.key: rubric.criteria[w.criterion].worth for w in work}
    for sentence in notes_on(read_label_files(config.qualify.labels, known)):
        print(f"qualify: {sentence}", file=sys.stderr)


def write_page(folder: StageFolder, config: Config, played: StageFolder) -> None:
    """Write the page for people to label, if one is asked for."""
    if not config.qualify.page:
        return
    rubric = load_rubric(config.judge.rubrics)
    work = rubric_work(*read_played(played), rubric, config.judge.criteria)
    drawn = draw_for_people(work, config.qualify.page)
    with whole_file(folder.path / PAGE) as temporary:
        temporary.write_text(label_page(drawn, rubric), encoding="utf-8")
    print(
        f"qualify: {len(drawn):,} answers to label in {folder.path / PAGE}; give what it saves "
        "back with 'qualify.labels=[FILE,...]'",
        file=sys.stderr,
    )


def write_cards(folder: StageFolder, cards: Sequence[Card]) -> None:
    """Write the cards of all judges, for programs and for readers."""
    write_json(folder.path / CARDS, {card.judge: card.to_json() for card in cards})
    with whole_file(folder.path / "judge_card.md") as temporary:
        temporary.write_text("\n".join(map(card_page, cards)), encoding="utf-8")


def say_cards(cards: Sequence[Card]) -> None:
    """Tell what the cards say."""
    for card in cards:
        told = "; ".join(card.below or card.few)
        print(f"qualify: {card.judge} {card.verdict}{': ' * bool(told)}{told}", file=sys.stderr)
        if card.below and card.few:
            told = "; ".join(card.few)
            print(f"qualify: {card.judge} {Verdict.few}: {told}", file=sys.stderr)
        if not card.is_calibrated:
            print(f"qualify: {card.judge} is {card.calibration}", file=sys.stderr)
