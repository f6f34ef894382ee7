import tracemalloc

from opencharacter.records import Rejection
from opencharacter.sources.draw import Candidate, draw
from opencharacter.sources.rows import Tally


def stream(numbers):
    for position, number in enumerate(numbers):
        text = str(number)
        yield Candidate(position, f"row {position}", text.encode(), text, number)


def drawn(numbers, n=None):
    tally = Tally()
    items = draw(lambda: stream(numbers), n, seed=0, tally=tally, same=lambda at, _: f"row {at}")
    return items, tally


def test_the_first_of_each_row_stays_however_far_apart_they_are():
    items, tally = drawn([*range(9_000), 4, *range(9_000)])
    items = list(items)

    assert [item.value for item in items[:9_000]] == list(range(9_000))
    assert {item.reason for item in items[9_000:]} == {"duplicate"}
    assert items[9_000].detail == "row 4"
    assert items[-1].detail == "row 8999"
    assert tally.rows == 18_001


def test_a_large_sample_is_exact_in_size():
    items, tally = drawn(range(100_000), n=70_000)

    assert sum(not isinstance(item, Rejection) for item in items) == 70_000
    assert (tally.rows, tally.not_drawn) == (100_000, 30_000)


def test_looking_for_duplicates_takes_less_than_a_set_of_hashes_would():
    items, _ = drawn(range(60_000))
    tracemalloc.start()
    n_kept = sum(1 for _ in items)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert n_kept == 60_000
    # 60,000 integers in a set take 6 MB, and the rows in flight come on top.
    assert peak < 4_000_000
