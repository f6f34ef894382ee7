"""How attributes are distributed over a population, alone and two by two."""

import csv
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from opencharacter.errors import ConfigError
from opencharacter.records import Character

ATTRIBUTES = ("gender", "age", "race", "country")

_DECADES = (*(f"{n}-{n + 9}" for n in range(0, 100, 10)), "100+")
_STRIKING = 1.1  # times as often as if independent

Shares = Mapping[str, float]
Census = Mapping[str, Shares]
"""By attribute and value; an attribute's shares add up to 1."""


class Distribution(NamedTuple):
    """How often each value of an attribute occurs."""

    attribute: str
    counts: dict[str, int]
    """Commonest first."""
    evenness: float
    """Entropy over its largest possible value, in [0, 1]; 1 = all values occur equally often."""
    distance: float
    """Total variation distance, in [0, 1], from what was expected."""
    expected: str
    """`uniform` over the values that occur, or `census`."""
    expected_shares: dict[str, float]
    """By value, in [0, 1]; a census may have values that do not occur."""


class Joint(NamedTuple):
    """How far two attributes hang together."""

    attributes: tuple[str, str]
    association: float
    """Mutual information over the smaller entropy, in [0, 1]; 0 = independent."""
    striking: tuple[tuple[str, str, float], ...]
    """Pairs of values that occur oftener than if independent, with the ratio: at least 1.1."""


def attributes_of(character: Character) -> dict[str, str]:
    """Return the attributes that are counted; age by decades, birth place by its last part."""
    decade = character.age // 10 * 10
    return {
        "gender": _plain(character.gender),
        "age": f"{decade}-{decade + 9}" if character.age < 100 else "100+",
        "race": _plain(character.race),
        "country": _plain(character.birth_place.rpartition(",")[2]),
    }


def distribution(attribute: str, values: Iterable[str], census: Census) -> Distribution:
    """Return how `values` are distributed, against the census where it has the attribute.

    Without a census the distance is from the uniform distribution over the values that occur: a
    reference point, not an aim.
    """
    counts = Counter(values)
    total = counts.total()
    expected = census.get(attribute) or dict.fromkeys(counts, 1 / len(counts))
    apart = sum(
        abs(counts[value] / total - expected.get(value, 0.0)) for value in {*counts, *expected}
    )
    return Distribution(
        attribute=attribute,
        counts=dict(counts.most_common()),
        evenness=_entropy(counts) / math.log(len(counts)) if len(counts) > 1 else 0.0,
        distance=apart / 2,
        expected="census" if attribute in census else "uniform",
        expected_shares=dict(expected),
    )


def joints(rows: Sequence[Mapping[str, str]], *, least: int = 5, top: int = 5) -> list[Joint]:
    """Return how each two attributes hang together, the most first.

    Args:
        rows: Attributes of each character.
        least: Pairs that occur less often are not called striking.
        top: How many striking pairs.
    """
    found = [_joint(pair, rows, least, top) for pair in combinations(ATTRIBUTES, 2)]
    return sorted(found, key=lambda joint: -joint.association)


def read_census(path: str) -> Census:
    """Read a table with the columns attribute, value and share; shares are made to add up to 1.

    Raises:
        ConfigError: there is no such file, a column is missing, a share is no number, all shares of
            an attribute are 0, or an age is no decade.
    """
    if not path:
        return {}
    table: dict[str, dict[str, float]] = {}
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                table.setdefault(row["attribute"], {})[_plain(row["value"])] = float(row["share"])
    except OSError as error:
        raise ConfigError(f"cannot read population.census={path}: {error.strerror}") from error
    except (KeyError, ValueError, TypeError) as error:
        raise ConfigError(
            f"{path} must be CSV with the columns attribute, value, share ({error!r})"
        ) from error
    unknown = sorted(set(table) - set(ATTRIBUTES))
    if unknown:
        raise ConfigError(f"{path} has the attribute {unknown[0]}; choose from {ATTRIBUTES}")
    for attribute, shares in table.items():
        if not all(0 <= share < math.inf for share in shares.values()) or not any(shares.values()):
            raise ConfigError(f"{path}: shares of {attribute} must be >= 0, and one above")
    ages = [age for age in table.get("age", ()) if age not in _DECADES]
    if ages:
        raise ConfigError(f"{path} has the age {ages[0]}; write decades such as 30-39, or 100+")
    return {
        attribute: {value: share / sum(shares.values()) for value, share in shares.items()}
        for attribute, shares in table.items()
    }


def _joint(pair: tuple[str, str], rows: Sequence[Mapping[str, str]], least: int, top: int) -> Joint:
    both = Counter((row[pair[0]], row[pair[1]]) for row in rows)
    one, other = (Counter(row[name] for row in rows) for name in pair)
    shared = _entropy(one) + _entropy(other) - _entropy(both)
    smaller = min(_entropy(one), _entropy(other))
    ratios = [
        (a, b, count * len(rows) / (one[a] * other[b]))
        for (a, b), count in both.items()
        if count >= least
    ]
    ratios = [pair for pair in ratios if pair[2] >= _STRIKING]
    ratios.sort(key=lambda item: -item[2])
    return Joint(pair, shared / smaller if smaller else 0.0, tuple(ratios[:top]))


def _entropy(counts: Counter[str] | Counter[tuple[str, str]]) -> float:
    """Return the entropy of a distribution, in nats."""
    total = counts.total()
    return -sum(n / total * math.log(n / total) for n in counts.values() if n)


def _plain(value: str) -> str:
    return re.sub(r"\s+", " ", value).strip().casefold() or "(empty)"
