import io
import math
import os
import pty
import subprocess
import sys
import threading

import pytest

from opencharacter.progress import Display, Progress, closing_table, duration, show_dialogue
from opencharacter.records import Message, Role

NOTHING = Progress(0, 0, 100, 0, 0, 0, 0)


def at(done, **fields):
    return NOTHING._replace(done=done, **fields)


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def lines_of(steps, *, unit="personas"):
    """Return what is written when `steps`, (seconds later, progress), are shown off a terminal."""
    clock, stream = Clock(), io.StringIO()
    with Display("profiles", unit=unit, stream=stream, clock=clock) as display:
        for seconds, progress in steps:
            clock.now += seconds
            display.update(progress)
    return stream.getvalue().splitlines()


def test_off_a_terminal_there_is_a_line_every_five_seconds_and_a_last_one():
    lines = lines_of([(0, at(0)), *[(1, at(2 * second)) for second in range(1, 13)]])

    assert lines == [
        "profiles: 10/100 personas, 10%, 45 s left, 2.0/s, 0 rejected",
        "profiles: 20/100 personas, 20%, 40 s left, 2.0/s, 0 rejected",
        "profiles: done after 12 s, 24/100 personas, 2.0/s, 0 rejected",
    ]


def test_a_line_of_model_calls_has_tokens_and_cache():
    after = at(40, rejected=3, output_tokens=12_000, prompt_tokens=1000, cached_tokens=830, calls=9)
    [line, _] = lines_of([(0, at(0)), (8, after)])

    assert line == (
        "profiles: 40/100 personas, 40%, 12 s left, 5.0/s, 3 rejected, 1,500 tokens/s, cache 83%"
    )


def test_work_that_shows_itself_is_never_told_of():
    clock, stream = Clock(), io.StringIO()
    with Display("train", unit="models", quiet_s=math.inf, stream=stream, clock=clock) as display:
        clock.now += 1e6
        display.update(at(0))

    assert stream.getvalue() == ""


def test_a_source_that_is_read_is_told_by_its_bytes():
    half = Progress(9000, 0, None, 0, 0, 0, 0, is_reading=True, n_bytes=10**9, of_bytes=4 * 10**9)
    [line, last] = lines_of([(0, half._replace(done=0, n_bytes=0)), (10, half)], unit="rows")

    assert line == "profiles: 9,000 rows, 1,000 of 4,000 MB, 25%, 30 s left, 900/s"
    assert last == "profiles: done after 10 s, 9,000 rows, 1,000 of 4,000 MB, 900/s"


@pytest.mark.parametrize(("seconds", "n_lines"), [(1.9, 0), (2.1, 1)])
def test_what_is_over_soon_may_show_nothing(seconds, n_lines):
    clock, stream = Clock(), io.StringIO()
    with Display("profiles", unit="rows", stream=stream, quiet_s=2.0, clock=clock) as display:
        display.update(NOTHING)
        clock.now += seconds
        display.update(at(9))
    assert len(stream.getvalue().splitlines()) == n_lines


def test_the_rate_is_that_of_the_last_ten_seconds():
    slow = [(1, at(second)) for second in range(30)]
    fast = [(1, at(30 + 10 * second)) for second in range(1, 12)]
    last_but_final = lines_of([*slow, *fast])[-2]

    assert ", 10/s, " in last_but_final


def test_no_time_is_left_before_there_is_enough_to_tell():
    lines = lines_of([(0, at(0)), (6, at(4)), (6, at(5))])

    assert [" left" in line for line in lines[:2]] == [False, True]


def test_the_time_left_is_reckoned_from_the_whole_run():
    slow = [(1, at(second)) for second in range(30)]
    fast = [(1, at(30 + 5 * second)) for second in range(1, 8)]

    assert "55%, 28 s left, 3.1/s" in lines_of([*slow, *fast])[-2]


def test_what_an_earlier_process_did_is_not_counted_as_fast():
    assert ", 1.0/s, " in lines_of([(0, at(90)), (8, at(98))])[0]


def test_the_last_line_counts_what_other_processes_did_too():
    clock, stream = Clock(), io.StringIO()
    with Display("profiles", unit="personas", stream=stream, clock=clock) as display:
        display.update(at(0))
        clock.now += 4
        display.update(at(40))
        display.settle(done=100, rejected=7)

    assert stream.getvalue() == ("profiles: done after 4 s, 100/100 personas, 25/s, 7 rejected\n")


def test_a_stream_of_unknown_length_has_no_share_and_no_end():
    [line, _] = lines_of([(0, at(0, total=None)), (5, at(5_000, total=None))])

    assert line == "profiles: 5,000 personas, 1,000/s, 0 rejected"


def test_a_stream_ends_with_what_was_written_rejected_and_not_drawn():
    stream = at(0, total=None)
    end = at(50, total=None, rejected=10, not_drawn=148)

    assert lines_of([(0, stream), (2, end)], unit="rows written") == [
        "profiles: done after 2 s, 50 rows written, 25/s, 10 rejected, 148 not drawn"
    ]


def test_without_any_update_nothing_is_written():
    assert lines_of([]) == []


def test_a_failed_stage_says_stopped_and_the_error_goes_on():
    stream = io.StringIO()

    def fail():
        with Display("mix", unit="rows", stream=stream) as display:
            display.update(at(1))
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert stream.getvalue().startswith("mix: stopped after 0 s, 1/100 rows")


@pytest.mark.parametrize(
    "total", [pytest.param(0, id="nothing to do"), pytest.param(5, id="more than foreseen")]
)
def test_odd_totals_are_shown_as_they_are(total):
    assert (
        f"10/{total} personas" in lines_of([(0, at(9, total=total)), (6, at(10, total=total))])[0]
    )


class Broken(io.StringIO):
    def write(self, _):
        raise BrokenPipeError


def test_a_stream_that_hung_up_does_not_stop_the_work():
    with Display("mix", unit="rows", stream=Broken(), every_s=0) as display:
        display.update(at(1))
        display.update(at(2))


def test_a_closed_stream_does_not_stop_the_work():
    stream = io.StringIO()
    stream.close()
    with Display("mix", unit="rows", stream=stream, every_s=0) as display:
        display.update(at(1))


def test_an_ascii_stream_gets_question_marks_for_the_rest():
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii") as stream:
        with Display("Café", unit="rows", stream=stream) as display:
            display.update(at(1))
        written = raw.getvalue()

    assert written.startswith(b"Caf?: done")


def on_a_terminal(work):
    """Return what `work(stream)` writes to a pseudo-terminal."""
    master, slave = pty.openpty()
    received = []

    def drain():
        try:
            while data := os.read(master, 4096):
                received.append(data)
        except OSError:  # how Linux says that the other end was closed
            pass

    reader = threading.Thread(target=drain)
    reader.start()
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        work(stream)
    reader.join()
    os.close(master)
    return b"".join(received).decode()


def show_live(stream):
    clock = Clock()
    with Display("profiles", unit="personas", stream=stream, clock=clock) as display:
        for done in range(0, 101, 10):
            clock.now += 1
            display.update(at(done))


@pytest.fixture
def _terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")


@pytest.mark.usefixtures("_terminal")
def test_on_a_terminal_one_line_is_redrawn_and_the_last_one_stays():
    written = on_a_terminal(show_live)

    assert "\x1b[2K" in written  # erases the line before it draws it again
    assert "50/100 personas, 50%, 5 s left, 10/s" in written
    assert "━" in written
    assert written.rstrip().endswith(
        "profiles: done after 10 s, 100/100 personas, 10/s, 0 rejected"
    )


@pytest.mark.usefixtures("_terminal")
def test_standard_streams_are_as_before_when_the_live_line_is_gone():
    before = (sys.stdout, sys.stderr)
    on_a_terminal(show_live)

    assert (sys.stdout, sys.stderr) == before


@pytest.mark.usefixtures("_terminal")
@pytest.mark.parametrize("columns", ["1", "20", "0", "many"])
def test_a_terminal_of_any_width_is_survived(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)

    assert "profiles: done after 10 s" in on_a_terminal(show_live).replace("\r\n", "")


@pytest.mark.usefixtures("_terminal")
def test_a_narrow_terminal_keeps_the_title_and_the_counts(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    written = on_a_terminal(show_live)

    assert "50/100 personas, 50%" in written
    assert "profiles \x1b" in written


def test_a_dumb_terminal_gets_plain_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    written = on_a_terminal(show_live)

    assert "\x1b" not in written
    assert written.count("\n") == 3


@pytest.mark.usefixtures("_terminal")
def test_many_updates_are_few_redraws():
    def work(stream):
        with Display("profiles", unit="personas", stream=stream, clock=Clock()) as display:
            for done in range(20_000):
                display.update(at(done))

    assert on_a_terminal(work).count("━") < 100  # one drawing has 12


def test_importing_does_not_load_rich():
    code = "import sys, opencharacter.progress; sys.exit('rich' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (18_120, "5 h 2 min"),
        (183_600, "2 d 3 h"),
    ],
)
def test_durations_have_two_units(seconds, text):
    assert duration(seconds) == text


def test_a_closing_table_aligns_words_left_and_numbers_right():
    table = closing_table([["profiles", "12", "3.5"], ["mix", "1,500", "-"]], ["stage", "out", "s"])

    assert [line.strip() for line in table.splitlines() if "─" not in line] == [
        "stage        out     s",
        "profiles      12   3.5",
        "mix        1,500     -",
    ]


def test_a_closing_table_loses_no_letter_of_a_long_path():
    path = "/" + "x" * 300 + "/end"
    table = closing_table([["path", path]], ["what", "value"])

    assert max(map(len, table.splitlines())) <= 100
    assert table.count("x") == 300


def test_a_closing_table_without_rows_is_its_header():
    assert "stage" in closing_table([], ["stage", "out"])


def test_markup_and_control_characters_are_shown_and_not_obeyed():
    table = closing_table([["[bold]a[/bold] :smile: \x1b[31m"]], ["text"])
    dialogue = show_dialogue("[red]t[/red]", [Message(role=Role.user, content="a\x1b]0;x\x07\rb")])

    assert "[bold]a[/bold] :smile:" in table
    assert "[red]t[/red]" in dialogue
    assert not {"\x1b", "\x07", "\r"} & set(table + dialogue)


def test_a_dialogue_shows_roles_and_wraps_within_a_hundred_columns():
    messages = [
        Message(role=Role.user, content="Who are you?"),
        Message(role=Role.assistant, content="word " * 50),
    ]
    lines = show_dialogue("Sample 1", messages).splitlines()

    assert lines[:4] == ["Sample 1", "user:", "  Who are you?", "assistant:"]
    assert all(len(line) <= 100 for line in lines)
    assert sum(line.count("word") for line in lines) == 50


def test_a_system_prompt_is_shortened_and_says_by_how_much():
    prompt = "\n".join(f"line {number}" for number in range(10))
    lines = show_dialogue("S", [Message(role=Role.system, content=prompt)]).splitlines()

    assert lines[1:] == ["system:", *[f"  line {n}" for n in range(4)], "  (6 more lines)"]
