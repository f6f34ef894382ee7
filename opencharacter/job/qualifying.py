"""The cards of judges on disk, and what is told of them."""

import sys
from collections.abc import Sequence

from opencharacter.evaluation.card import UNCALIBRATED, Card, card_page
from opencharacter.store.files import whole_file, write_json
from opencharacter.store.stage import StageFolder

CARDS = "judge_card.json"


def write_cards(folder: StageFolder, cards: Sequence[Card]) -> None:
    """Write the cards of all judges, for programs and for readers, and tell what they say."""
    write_json(folder.path / CARDS, {card.judge: card.to_json() for card in cards})
    with whole_file(folder.path / "judge_card.md") as temporary:
        temporary.write_text("\n".join(map(card_page, cards)), encoding="utf-8")
    for card in cards:
        verdict = "may judge" if card.has_passed else "is below the bar"
        told = "; ".join(card.below)
        print(f"qualify: {card.judge} {verdict}{': ' * bool(told)}{told}", file=sys.stderr)
        if not card.people:
            print(f"qualify: {card.judge} is {UNCALIBRATED}", file=sys.stderr)
