"""Where personas and instructions come from."""

import string
from dataclasses import dataclass, field
from enum import StrEnum

from opencharacter.config.ranges import require
from opencharacter.errors import ConfigError


class NearDuplicates(StrEnum):
    """What is done with drawn personas that share most of their words."""

    keep = "keep"
    """All stay; what is near is one cluster, trained on or held out as a whole."""
    reject = "reject"
    """The first drawn stays, what is near it is rejected."""


class Person(StrEnum):
    """In which person a persona is written."""

    first = "first"
    """"I am a ..."."""
    second = "second"
    """"You are a ..."."""
    third = "third"


class Stratify(StrEnum):
    """What a sample is spread over."""

    domain = "domain"
    """The label of the source; `none` where it has none."""
    language = "language"
    """`en`, `de`, `fr`, `es`, `it`, `pt`, `nl`, `pl`, `zh`, `ja`, `ko`, `el`, `th`; `arabic`,
    `cyrillic`, `devanagari` and `hebrew`, which many languages share; else `other`."""
    length = "length"
    """`up to 32`, `up to 64`, `up to 128`, ... characters."""
    person = "person"
    """`first`, `second` or `third`."""


_STRATA = {
    Stratify.language: [
        *"en de fr es it pt nl pl zh ja ko el th arabic cyrillic devanagari hebrew".split(),
        "other",
    ],
    Stratify.person: [str(person) for person in Person],
}


@dataclass(kw_only=True)
class PersonasConfig:
    """Where personas come from, and which are kept."""

    path: str = "embedded"
    """`embedded`, a file or folder (.jsonl, .json, .txt, .parquet), or a hub data set:
    `hub:owner/name[:config][@revision]`."""
    hub_config: str | None = None
    """Configuration of the hub data set."""
    revision: str | None = None
    """Of the hub data set; pin it."""
    column: str | None = None
    """Column of the text; None = the first known of `persona`, `input persona`, `text`."""
    template: str | None = None
    """Text composed of several columns, `{column}` for the value of each; instead of `column`."""
    domain: str | None = None
    """Column of the domain; None = Persona Hub's labels, the broadest there is."""
    licence: str = "unknown"
    """Licence of the source; every row carries it."""
    n: int | None = None
    """How many to keep, held-out ones included; None = all."""
    stratify: Stratify | None = None
    """Draw as many of each stratum, as far as they reach; None = uniformly. Needs `n`. Languages
    are `en`, `zh`, `arabic`, `other`, ..., lengths `up to 32`, `up to 64`, ... characters."""
    shares: dict[str, float] = field(default_factory=dict)
    """Relative share of each stratum by name, such as `{first: 1, second: 1}`; strata without one
    are not drawn, but `other` is every language that has none. Empty = all are equal."""
    heldout: float = 0.05
    """Share never trained on, in [0, 1); chosen by a hash of the text."""
    max_chars: int = 2000
    """A longer persona is rejected."""
    near_duplicates: NearDuplicates = NearDuplicates.keep
    """What is done with drawn personas that share most of their words: `keep` = one cluster,
    trained on or held out as a whole; `reject` = the first drawn stays."""
    near_threshold: float = 0.8
    """Share of the words of both that two near-duplicates have in common (Jaccard), in (0, 1];
    0.8 = one word in nine replaced, 1 = the same words in any order."""
    near_rows: int = 1_000_000
    """Near-duplicates are looked for among at most so many rows drawn, at about 140 bytes each;
    of more only those of equal letters are one cluster, and the manifest says so."""
    processes: int | None = None
    """Processes that read a sample out of files of JSON lines larger than 100 MB, of about 70 MB of
    memory each; None = as many as there are cores, at most 8."""

    def __post_init__(self) -> None:
        """Check ranges."""
        require(self.near_rows >= 0, f"personas.near_rows is {self.near_rows}; it must be >= 0")
        require(
            0 < self.near_threshold <= 1,
            f"personas.near_threshold is {self.near_threshold}; it must be in (0, 1]",
        )
        if self.template is not None:
            _check_template(self.template)
            require(
                self.column is None,
                "personas.column and personas.template are both set; set one to null",
            )
        require(
            self.stratify is None or self.n is not None,
            f"personas.stratify={self.stratify} needs personas.n: how many to draw",
        )
        require(
            not self.shares or self.stratify is not None,
            "personas.shares needs personas.stratify: what the shares are of",
        )
        for name, share in self.shares.items():
            require(share > 0, f"personas.shares.{name} is {share}; it must be > 0, or left out")
            known = self._strata() or [name]
            require(
                name in known,
                f"personas.shares names {name}, but personas.stratify={self.stratify} knows "
                f"{', '.join(known)}",
            )
        require(
            self.processes is None or self.processes >= 1,
            f"personas.processes is {self.processes}; it must be >= 1",
        )
        require(bool(self.path), "personas.path must be given: a file, a folder or hub:owner/name")
        require(self.n is None or self.n >= 1, f"personas.n is {self.n}; it must be >= 1")
        require(0 <= self.heldout < 1, f"personas.heldout is {self.heldout}; it must be in [0, 1)")
        require(self.max_chars >= 1, f"personas.max_chars is {self.max_chars}; it must be >= 1")

    def _strata(self) -> list[str]:
        """Return the names of strata where they are known beforehand."""
        if self.stratify is Stratify.length:
            longest = max(5, (self.max_chars - 1).bit_length())
            return [f"up to {1 << bits}" for bits in range(5, longest + 1)]
        return _STRATA.get(self.stratify, []) if self.stratify else []


def _check_template(template: str) -> None:
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ConfigError(
            f"personas.template is {template!r} ({error}); write {{column}}, and {{{{ for a brace"
        ) from error
    names = [piece[1] for piece in pieces if piece[1] is not None]
    require(
        bool(names) and all(names) and not any(piece[2] or piece[3] for piece in pieces),
        f"personas.template is {template!r}; name columns in braces, with nothing else in them",
    )


@dataclass(kw_only=True)
class InstructionsConfig:
    """Where instructions come from, and how many are kept."""

    paths: list[str] = field(default_factory=lambda: ["embedded"])
    """Each `embedded`, `embedded/interviews`, a file or folder (.json, .jsonl, .parquet), or a hub
    data set: `hub:owner/name[:config][@revision]`."""
    licences: list[str] = field(default_factory=list)
    """One per path, in the same order; empty = unknown."""
    n: int | None = None
    """How many to keep of all sources together; None = all."""
    max_chars: int = 20_000
    """An instruction whose turns and references are longer together is rejected."""

    def __post_init__(self) -> None:
        """Check ranges and that licences match paths."""
        require(self.n is None or self.n >= 1, f"instructions.n is {self.n}; it must be >= 1")
        require(bool(self.paths), "instructions.paths is empty; name at least one source")
        require(
            not self.licences or len(self.licences) == len(self.paths),
            f"instructions.licences has {len(self.licences)} entries for {len(self.paths)} paths",
        )
