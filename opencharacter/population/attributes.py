"""How attributes are distributed over a population.

A sample is less even than the population it is drawn from, and apart from it, the more so the
smaller it is. So each figure comes with what as many characters would show if nothing were wrong.

Sources: evenness, Pielou 1966; the mean distance of a sample, de Moivre's closed form of the mean
absolute deviation of a binomial (Diaconis and Zabell 1991).
"""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from opencharacter.errors import ConfigError
from opencharacter.population.entropy import entropy
from opencharacter.records import Character

ATTRIBUTES = ("gender", "age", "race", "country")

_DECADES = (*(f"{n}-{n + 9}" for n in range(0, 100, 10)), "100+")

_COLUMNS = ("attribute", "value", "share")  # of a census

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
    even: float
    """Mean evenness of as many characters drawn from these values, each equally likely."""
    distance: float
    """Total variation distance, in [0, 1], from what was expected."""
    chance: float
    """Mean distance of as many characters drawn from what was expected."""
    expected: str
    """`uniform` over the values that occur, or `census`."""
    expected_shares: dict[str, float]
    """By value, in [0, 1]; a census may have values that do not occur."""


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
        evenness=entropy(list(counts.values())) / math.log(len(counts)) if len(counts) > 1 else 0.0,
        even=_mean_evenness(len(counts), total) if len(counts) > 1 else 0.0,
        distance=apart / 2,
        chance=sum(_mean_deviation(share, total) for share in expected.values()) / 2,
        expected="census" if attribute in census else "uniform",
        expected_shares=dict(expected),
    )


def read_census(path: str) -> Census:
    """Read a table with the columns attribute, value and share; shares are made to add up to 1.

    Raises:
        ConfigError: there is no such file, it is not UTF-8, a column is missing, a share is no
            number, all shares of an attribute are 0, or an age is no decade.
    """
    if not path:
        return {}
    table: dict[str, dict[str, float]] = {}
    for attribute, value, share in _census_rows(path):
        table.setdefault(attribute, {})[_plain(value)] = share
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


def _census_rows(path: str) -> Iterator[tuple[str, str, float]]:
    """Yield attribute, value and share of each row."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot read population.census={path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line, byte = error.object.count(b"\n", 0, error.start) + 1, error.object[error.start]
        raise ConfigError(
            f"{path}:{line} is not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8"
        ) from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        if absent := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
            raise ConfigError(
                f"{path} must be CSV with the columns attribute, value, share; its first line has "
                f"no {absent[0]}"
            )
        for row in reader:
            if short := [name for name in _COLUMNS if row[name] is None]:
                raise ConfigError(f"{path}:{reader.line_num}: {short[0]} is missing")
            place = f"{path}:{reader.line_num}"
            yield row["attribute"], row["value"], _share(row["share"], place)
    except csv.Error as error:
        raise ConfigError(f"{path}:{reader.line_num} is no CSV: {error}") from error


def _share(text: str, place: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(f"{place}: share {text!r} is no number; write such as 0.25") from error


def _mean_evenness(k: int, n: int) -> float:
    """Return the mean evenness, among k values, of n draws of equally likely ones.

    A value occurs x times with a binomial probability and then adds -x/n log(x/n) to the entropy.
    """
    x = np.arange(1, n)
    logs = np.cumsum(np.log(np.arange(1, n + 1)))  # (n,) log of the factorials of 1 to n
    chosen = logs[-1] - logs[x - 1] - logs[n - x - 1]  # (n - 1,) log of n over x
    likely = np.exp(chosen - x * math.log(k) + (n - x) * math.log1p(-1 / k))
    return float(k * (likely * -(x / n) * np.log(x / n)).sum() / math.log(k))


def _mean_deviation(share: float, n: int) -> float:
    """Return the mean of |x / n - share| over n draws, x of them hits, in closed form."""
    if not 0 < share < 1:
        return 0.0
    least = math.floor(n * share) + 1
    log_chosen = math.lgamma(n + 1) - math.lgamma(least + 1) - math.lgamma(n - least + 1)
    log_likely = least * math.log(share) + (n - least + 1) * math.log1p(-share)
    return 2 * least * math.exp(log_chosen + log_likely) / n


def _plain(value: str) -> str:
    return re.sub(r"\s+", " ", value).strip().casefold() or "(empty)"
