"""Write the persona lines of this experiment: one a line, the same ones always, from free words.

python -m experiments.generalization.personas 1024 60 personas.txt

The lines are of one kind ("A patient baker from Lyon who enjoys chess and opera.") and made of the
word lists that ship with the package, so the experiment needs no hub and no other people's licence.
`personas.heldout=SHARE` then holds out exactly the second number of them, since which line is held
out is a hash of its letters.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

from opencharacter.ids import stable_fraction
from opencharacter.sources.near import letters_of
from opencharacter.train.embedded.words import entries, with_article

SHARE = 0.05
"""What `personas.heldout` must be."""
_TRAITS = (
    "patient cheerful stubborn shy curious proud gentle restless careful talkative dreamy strict "
    "modest witty thrifty forgetful brave serious friendly quiet"
).split()


def lines(seed: int) -> Iterator[str]:
    """Yield persona lines without end, no two with the same work and first hobby."""
    random, seen = Random(seed), set[tuple[str, str]]()
    while True:
        work, city = random.choice(entries("occupations")), random.choice(entries("cities"))
        first, second = random.sample(entries("hobbies"), 2)
        if (work, first) not in seen:
            seen.add((work, first))
            who = with_article(f"{random.choice(_TRAITS)} {work}")
            town = city.split(",")[0]
            yield f"{who[0].upper()}{who[1:]} from {town} who enjoys {first} and {second}."


def drawn(n_trained: int, n_heldout: int) -> list[str]:
    """Return lines of which `personas.heldout=SHARE` holds out exactly `n_heldout`."""
    left = {False: n_trained, True: n_heldout}
    found = []
    for line in lines(seed=0):
        is_heldout = stable_fraction("heldout", letters_of(line)) < SHARE
        if left[is_heldout]:
            left[is_heldout] -= 1
            found.append(line)
        if not any(left.values()):
            return found
    raise AssertionError("`lines` never ends")


if __name__ == "__main__":
    n_trained, n_heldout, path = sys.argv[1:]
    Path(path).write_text("\n".join(drawn(int(n_trained), int(n_heldout))) + "\n", encoding="utf-8")
