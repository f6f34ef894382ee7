"""Which characters meet which instructions: distinct, balanced to the last pair, and nested.

A slot is one (draw, instruction). Slots stand in the order (draw, source, hash of the instruction)
and are cut into blocks of as many slots as there are characters; in each block every character
stands exactly once. So after any number of whole draws every character was used floor or ceil of
the mean, and drawing more characters per instruction only appends blocks.
"""

from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import gcd
from typing import NamedTuple

from opencharacter.errors import ConfigError
from opencharacter.ids import shuffled

_SMALL_POOL = 64
_ROOM = 4  # a pool of at least 4 n characters always leaves a way to fill a block; see `_blocks`


class Pair(NamedTuple):
    """One character that shall answer one instruction."""

    instruction_id: str
    character_id: str
    draw: int
    """This character is the draw-th (from 0) of the instruction."""
    source: str


def check_enough(characters: int, *, n: int, what: str = "synth.n_characters") -> None:
    """Check that there are as many characters as a setting asks for.

    Args:
        characters: How many there are that are not held out.
        n: How many are asked for.
        what: The setting.

    Raises:
        ConfigError: there are fewer.
    """
    asked = "distinct characters per instruction" if what == "synth.n_characters" else "characters"
    if n > characters:
        raise ConfigError(
            f"asked for {n:,} {asked} but there are only {characters:,} that are not held out; "
            f"lower {what} or raise personas.n"
        )


def assign_characters(
    instructions: Mapping[str, Sequence[str]], characters: Sequence[str], *, n: int, seed: int
) -> Iterator[Pair]:
    """Draw `n` distinct characters for each instruction, every character equally often.

    Over all pairs each character is used floor or ceil of `n * N / M` times (N instructions, M
    characters), and so are the pairs of the first n' draws for every n' <= n. The pairs with
    `draw < 2` of a draw of 3 are the draw of 2. This nesting holds for every n when M <= 64, and
    otherwise for all n <= M / 4 among each other (and all above M / 4 among each other).

    Args:
        instructions: Instruction ids by source. Repeated ids count once; order has no effect.
        characters: Character ids. Repeated ids count once; order has no effect.
        n: Distinct characters per instruction.
        seed: Same ids and seed, same pairs, on any machine.

    Returns:
        The pairs, draw by draw, then by source; made block by block, in little memory.

    Raises:
        ConfigError: `n` is more than the number of characters.

    Source: ours. OpenCharacter (arXiv 2501.15427) draws 3 characters per instruction with one
    seed for all sources; here no position in a source is tied to a position in another.
    """
    pool = sorted(set(characters))
    check_enough(len(pool), n=n)
    lines = [
        (source, instruction_id)
        for source in sorted(instructions)
        for instruction_id in shuffled(set(instructions[source]), "instructions", seed, source)
    ]
    if len(pool) <= _SMALL_POOL or _ROOM * n > len(pool):
        order = shuffled(pool, "characters", seed)
        return _pairs(lines, order, _rotation(len(lines), len(order), n))
    return _pairs(lines, pool, _blocks(lines, pool, n, seed))


def _pairs(
    lines: Sequence[tuple[str, str]], characters: Sequence[str], picks: Iterable[int]
) -> Iterator[Pair]:
    for slot, pick in enumerate(picks):
        draw, line = divmod(slot, len(lines))
        source, instruction_id = lines[line]
        yield Pair(instruction_id, characters[pick], draw, source)


def _rotation(n_lines: int, n_characters: int, n: int) -> Iterator[int]:
    """Yield a character per slot by turning one circle of characters: works up to n = M.

    Blocks drawn freely can leave an instruction no character it has not had, when n comes close to
    M; the circle cannot. Draw d of line i is i + d N (mod M), which has come round after L = M /
    gcd(N, M) draws, just at the end of a block: then the circle is turned by one more place.
    """
    if not n_lines:
        return
    period = n_characters // gcd(n_lines, n_characters)
    for draw in range(n):
        start = draw * n_lines + draw // period
        for line in range(n_lines):
            yield (start + line) % n_characters


@dataclass(slots=True)
class _State:
    """What is settled so far; characters are numbers here, slots count from the first draw."""

    n_lines: int
    picks: "array[int]" = field(default_factory=lambda: array("i"))
    """The character of every slot of the finished blocks."""
    used: dict[str, dict[int, int]] = field(default_factory=dict)
    """Source -> character -> pairs so far."""

    def may_take(self, slot: int, character: int) -> bool:
        """Whether the slot's instruction did not have the character in a finished block."""
        picks = self.picks
        earlier = slot % self.n_lines
        while earlier < len(picks):
            if picks[earlier] == character:
                return False
            earlier += self.n_lines
        return True


def _blocks(
    lines: Sequence[tuple[str, str]], characters: Sequence[str], n: int, seed: int
) -> Iterator[int]:
    """Yield a character per slot; each block is a fresh permutation of all characters, repaired.

    Blocks are always filled to their end, past the last draw too, so that nothing in them depends
    on n. A way to fill a block exists when M >= 4 n: an instruction has had at most n characters,
    and a character was met by the instructions of at most 2 n slots of the block (the same lines
    lie in at most two blocks of each earlier draw), so of the M slots and M characters each has at
    least M / 2 partners left, which makes a perfect matching certain (Hall).
    """
    size, total = len(characters), n * len(lines)
    number = {character: i for i, character in enumerate(characters)}
    state = _State(n_lines=len(lines))
    for start in range(0, total, size):
        order = [number[id_] for id_ in shuffled(characters, "block", seed, start // size)]
        block: list[int] = []
        runs = _runs(lines, start, size)
        for run in runs:
            chosen, order = _least_used(order, len(run), _used(state, lines, run.start))
            _count(_used(state, lines, run.start), chosen)
            block += chosen
        taken = ((slot, run) for run in runs for slot in run)
        for slot, within in taken:
            if not state.may_take(slot, block[slot - start]):
                _repair(slot, within, start=start, block=block, state=state, lines=lines)
        state.picks.extend(block)
        yield from block[: total - start]


def _used(state: _State, lines: Sequence[tuple[str, str]], slot: int) -> dict[int, int]:
    return state.used.setdefault(lines[slot % len(lines)][0], {})


def _count(used: dict[int, int], characters: Iterable[int]) -> None:
    for character in characters:
        used[character] = used.get(character, 0) + 1


def _runs(lines: Sequence[tuple[str, str]], start: int, size: int) -> list[range]:
    """Return the block's slots cut where the draw or the source changes."""
    runs = []
    first = start
    for slot in range(start + 1, start + size + 1):
        line = slot % len(lines)
        is_cut = slot == start + size or line == 0 or lines[line][0] != lines[line - 1][0]
        if is_cut:
            runs.append(range(first, slot))
            first = slot
    return runs


def _least_used(order: list[int], n: int, used: Mapping[int, int]) -> tuple[list[int], list[int]]:
    """Return the `n` characters least used in a source (ties: in order), and those left over."""
    fresh: list[int] = []
    others: list[int] = []
    for at, character in enumerate(order):
        if len(fresh) == n:
            return fresh, others + order[at:]
        (others if character in used else fresh).append(character)
    # Few draws: counts are small, and sorting is stable, so ties stay in the order of the hash.
    ranked = sorted(others, key=used.__getitem__)
    missing = n - len(fresh)
    taken = set(ranked[:missing])
    return fresh + ranked[:missing], [c for c in others if c not in taken]


def _repair(
    slot: int,
    run: range,
    *,
    start: int,
    block: list[int],
    state: _State,
    lines: Sequence[tuple[str, str]],
) -> None:
    """Give `slot` a character it may take, by the shortest chain of hand-overs in the block.

    Breadth first: a plain swap when there is one, with a slot of the same source when possible;
    else an augmenting path, which exists whenever the block can be filled at all.
    """
    freed = block[slot - start]
    came_from = {slot: slot}
    waiting = deque([slot])
    while waiting:
        taker = waiting.popleft()
        after = range(slot + 1, run.stop)
        for giver in chain(after, range(run.start, slot), range(start, start + len(block))):
            if giver in came_from or not state.may_take(taker, block[giver - start]):
                continue
            came_from[giver] = taker
            if state.may_take(giver, freed):
                _hand_over(giver, came_from, start=start, block=block, state=state, lines=lines)
                return
            waiting.append(giver)
    raise AssertionError(f"no way to fill the block at slot {start}: the bound on n is wrong")


def _hand_over(
    last: int,
    came_from: Mapping[int, int],
    *,
    start: int,
    block: list[int],
    state: _State,
    lines: Sequence[tuple[str, str]],
) -> None:
    """Pass characters along the chain that ends at `last`, which takes the freed one."""
    path = [last]
    while came_from[path[-1]] != path[-1]:
        path.append(came_from[path[-1]])
    before = [block[slot - start] for slot in path]
    after = [before[-1], *before[:-1]]
    for slot, old, new in zip(path, before, after, strict=True):
        used = _used(state, lines, slot)
        used[old] -= 1
        _count(used, [new])
        block[slot - start] = new
