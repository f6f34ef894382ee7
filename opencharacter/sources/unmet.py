"""What a sample was asked for and could not have: a sentence, or an error."""

from collections.abc import Mapping
from difflib import get_close_matches
from itertools import chain, islice

from opencharacter.config import NearDuplicates, PersonasConfig, Stratify
from opencharacter.errors import ConfigError
from opencharacter.records import Rejection
from opencharacter.sources.persona_rows import stratum_of
from opencharacter.sources.rows import Source

_LOOKED_AT = 20_000  # rows, for the names of strata that there are
_NAMED = 8


def refuse_unknown(config: PersonasConfig, drawn: Mapping[str, int], source: Source) -> None:
    """Refuse a declared share of which there is not a single row: its name is mistyped.

    Args:
        config: What was asked for.
        drawn: Rows by stratum.
        source: Looked at again for names that there are.

    Raises:
        ConfigError: there is such a share.
    """
    total = sum(config.shares.values())
    for name, share in config.shares.items():
        # In turns a share of a row or more gets its first one, if there is any.
        if not drawn.get(name) and (config.n or 0) * share >= total:
            raise ConfigError(
                f"personas.shares names {name}, but no good row of {source.asked} is of that "
                f"{config.stratify}{_nearest(name, config, source)}; correct the name or leave it "
                "out, and start over with force=true"
            )


def unmet(config: PersonasConfig, drawn: Mapping[str, int]) -> list[str]:
    """Return what of `config.n`, `config.stratify` and `config.shares` does not hold.

    Args:
        config: What was asked for.
        drawn: Rows by stratum; one without a name where there are no strata.
    """
    if config.n is None:
        return []
    said = []
    n = sum(drawn.values())
    if n < config.n:
        said.append(f"personas.n asks for {config.n:,}, there are {n:,}")
    if not config.stratify:
        return said
    filled = {name: count for name, count in drawn.items() if count}
    weights = config.shares or dict.fromkeys(filled, 1.0)
    wanted = {name: config.n * weights[name] / sum(weights.values()) for name in weights}
    if len(filled) == 1 and not config.shares:
        only = next(iter(filled))
        said.append(f"personas.stratify={config.stratify} spreads nothing: all are '{only}'")
    elif any(drawn.get(name, 0) < int(wanted[name]) for name in wanted):
        said.append(f"personas.{_asked(config)}; drawn are {_listed(filled)}")
    return said


def unmet_near(config: PersonasConfig, n_drawn: int) -> list[str]:
    """Return what does not hold as more rows are drawn than `near_rows`.

    Args:
        config: What was asked for.
        n_drawn: Rows among which near-duplicates were to be looked for.
    """
    if n_drawn <= config.near_rows:
        return []
    broken = []
    if config.heldout:
        broken.append("held-out personas may have near-duplicates among the others")
    if config.near_duplicates is NearDuplicates.reject:
        broken.append("near_duplicates=reject rejects none")
    why = (
        f"near-duplicates are not looked for, as {n_drawn:,} rows are more than "
        f"personas.near_rows={config.near_rows:,} (140 bytes each)"
    )
    return [f"{' and '.join(broken)}: {why}"] if broken else []


def _asked(config: PersonasConfig) -> str:
    if not config.shares:
        return f"stratify={config.stratify} asks for as many of each"
    return f"shares asks for {', '.join(f'{name} {s:g}' for name, s in config.shares.items())}"


def _listed(drawn: Mapping[str, int]) -> str:
    """Name every stratum with its rows, or of many the largest and the smallest."""
    ranked = sorted(drawn.items(), key=lambda item: (-item[1], item[0]))
    if len(ranked) <= _NAMED:
        return ", ".join(f"{name} {count:,}" for name, count in ranked)
    (most, n_most), (least, n_least) = ranked[0], ranked[-1]
    return f"{len(ranked):,} of them, from {most} {n_most:,} to {least} {n_least:,}"


def _nearest(name: str, config: PersonasConfig, source: Source) -> str:
    if config.stratify is not Stratify.domain:  # the other names are known, and were checked
        return ""
    rows = chain.from_iterable(file.rows(config.column or "text") for file in source.files)
    names = {
        stratum_of(config, "", row.value)
        for row in islice(rows, _LOOKED_AT)
        if not isinstance(row, Rejection)
    }
    near = get_close_matches(name, names, n=1)
    return f" (did you mean {near[0]}?)" if near else ""
