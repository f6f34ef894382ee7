"""What would spoil a win: contradicted facts and answers that are no role-play, run beside run."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from opencharacter.compare.means import inside, mean_of, width_of
from opencharacter.compare.results import SHARE, WORSE, Results
from opencharacter.compare.systems import System, pairs_of
from opencharacter.records import Control, Failure, Transcript
from opencharacter.stats.intervals import Estimate
from opencharacter.stats.multiplicity import holm
from opencharacter.stats.paired import least_p, paired_difference

Fault = dict[str, tuple[str, float | None]]
"""By item: the character, and the share of its samples that have the fault; None = not known."""


class PairedFault(NamedTuple):
    """How often one fault happens in two runs, on the items that both were asked."""

    fault: str
    """`fact_contradicted`, or the kind of a failure, such as `truncated`."""
    first: str
    second: str
    rates: tuple[Estimate, Estimate]
    """Of the first and the second."""
    difference: Estimate
    """Second less first: above 0 the second one has more."""
    p: float | None
    """Of no difference, by sign flips of whole characters; None = fewer than two."""
    p_holm: float | None
    """Adjusted for all lines."""
    least_p: float | None = None
    """The smallest that so few characters can give, adjusted alike."""


def paired_faults(
    systems: Sequence[System], runs: Sequence[Results], *, level: float
) -> list[PairedFault]:
    """Return how often each fault happens, in pairs of runs; nothing of one that none has.

    Args:
        systems: The runs as numbers.
        runs: The same with their transcripts; empty = there are none, and no failures are known.
        level: Of the intervals.
    """
    found = {system.run: _contradictions(system) for system in systems}
    for run in runs:
        found[run.run] |= _failures(run)
    happened = {
        name
        for faults in found.values()
        for name, of_item in faults.items()
        if any(share for _, share in of_item.values())
    }
    lines = [
        _paired(name, one.run, other.run, (found[one.run][name], found[other.run][name]), level)
        for one, other in pairs_of(systems)
        for name in sorted(happened & found[one.run].keys() & found[other.run].keys())
    ]
    adjusted = holm([line.p for line in lines])
    least = holm([least_p(line.difference.clusters) for line in lines])
    return [
        line._replace(p_holm=p, least_p=low)
        for line, p, low in zip(lines, adjusted, least, strict=True)
    ]


def _contradictions(system: System) -> dict[str, Fault]:
    """Return what the headline leaves out; as a headline it has tables of its own."""
    found: dict[str, Fault] = {}
    for (item, criterion), cell in system.cells.items():
        if criterion in WORSE.difference(system.criteria):
            found.setdefault(criterion, {})[item] = (cell.persona, cell.value)
    return found


def _failures(run: Results) -> dict[str, Fault]:
    played: dict[str, list[Transcript]] = defaultdict(list)
    for transcript in run.transcripts:
        if transcript.control is Control.none:
            played[transcript.item_id].append(transcript)
    return {
        str(kind): {item: (each[0].persona_id, _share(each, kind)) for item, each in played.items()}
        for kind in Failure
        if kind is not Failure.error
    }


def _share(samples: Sequence[Transcript], kind: Failure) -> float | None:
    """Return the share of samples that failed so; those that the engine failed at are missing."""
    there = [one for one in samples if one.failure != Failure.error]
    return fmean(one.failure == kind for one in there) if there else None


def _paired(
    name: str, first: str, second: str, faults: tuple[Fault, Fault], level: float
) -> PairedFault:
    one, other = faults
    shared = [
        (who, before, after)
        for item, (who, before) in one.items()
        if before is not None and (after := other.get(item, ("", None))[1]) is not None
    ]
    who = [character for character, _, _ in shared]
    befores, afters = [share for _, share, _ in shared], [share for _, _, share in shared]
    found = paired_difference(afters, befores, who, level=level)
    rates = _mean(befores, who, level), _mean(afters, who, level)
    apart = [after - before for after, before in zip(afters, befores, strict=True)]
    difference = inside(found.estimate, width_of(SHARE), apart) if apart else found.estimate
    return PairedFault(name, first, second, rates, difference, found.p, None)


def _mean(shares: Sequence[float], characters: Sequence[str], level: float) -> Estimate:
    return mean_of(shares, characters, level=level, scale=SHARE)
