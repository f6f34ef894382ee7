"""What a run shows on the terminal: a live line per stage, a closing table, sample dialogues.

rich draws them. It is loaded only when something is drawn, so that `--help` stays quick.
"""

import io
import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from types import TracebackType
from typing import Any, NamedTuple, Self, TextIO

from opencharacter.records import Message, Role

WIDTH = 100
"""Columns of the closing table and of dialogues."""

_REDRAW_S = 0.125
_WINDOW_S = 10.0
_SAMPLE_S = 0.25
_BAR_COLUMNS = 12
_SYSTEM_LINES = 4
_MESSAGE_LINES = 30
_STREAM_ERRORS = (OSError, ValueError, LookupError)  # hung up; closed; encoding nobody knows
_DUMB = ("", "dumb", "unknown")
# Control and direction-changing characters: what a model or a data set wrote must not be able to
# steer the reader's terminal.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Progress(NamedTuple):
    """How far a stage is."""

    done: int
    """Pieces of work that ended, rejected ones and those of earlier processes included; of a stream
    the rows written, without the rejected."""
    rejected: int
    total: int | None
    """None = not known, as of a stream."""
    output_tokens: int
    """Of this process, like the three below."""
    prompt_tokens: int
    cached_tokens: int
    """Of the prompt tokens, those that the engine's prefix cache held."""
    calls: int
    unsealed: int = 0
    """Of `done`, those of this process whose part is not whole yet."""
    is_reading: bool = False
    """Only read so far: nobody knows yet what is rejected."""
    n_bytes: int = 0
    """Read so far, of `of_bytes`; these tell the time left where the number of rows cannot."""
    of_bytes: int = 0
    not_drawn: int | None = None
    """Good rows that a stream left out; None = not known yet, or no stream."""

    @property
    def share(self) -> float | None:
        """How much is done, from 0 to 1; None = not known."""
        done, total = (self.done, self.total) if self.total else (self.n_bytes, self.of_bytes)
        return done / total if total else None


class _Sample(NamedTuple):
    at: float
    progress: Progress


class Display:
    """Shows a stage's progress: a live line on a terminal, a plain line now and then elsewhere.

    Use it as a context manager; it ends with one plain line. It never raises because of the
    terminal: one that cannot be written to is simply not written to any more.
    """

    def __init__(
        self,
        title: str,
        *,
        unit: str,
        stream: TextIO | None = None,
        every_s: float = 5.0,
        quiet_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is drawn before the first update.

        Args:
            title: The stage.
            unit: What is counted, in the plural: `personas`.
            stream: None = standard error.
            every_s: Time between plain lines.
            quiet_s: What is over sooner shows nothing at all.
            clock: Seconds from any start.
        """
        self._title = _clean(title)
        self._unit = unit
        self._stream = stream
        self._every_s = every_s
        self._quiet_s = quiet_s
        self._clock = clock
        self._samples: deque[_Sample] = deque()
        self._first: _Sample | None = None
        self._latest: Progress | None = None
        self._next_draw = 0.0
        self._live: Any | None = None
        self._is_broken = False

    def __enter__(self) -> Self:
        """Start the clock."""
        self._started = self._clock()
        self._next_draw = self._started
        if self._stream is None:
            self._stream = sys.stderr
        self._is_terminal = _is_terminal(self._stream)
        self._next_draw += max(self._quiet_s, 0.0 if self._is_terminal else self._every_s)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take the live line away and write the final one."""
        # Even if the terminal is gone: while live, rich stands in for standard output and error.
        with suppress(*_STREAM_ERRORS):
            self._stop_live()
        now = self._clock()
        if self._latest is not None and now - self._started >= self._quiet_s:
            word = "done" if kind is None else "stopped"
            self._write(final_line(self._title, self._unit, self._span(word, now)))

    def update(self, progress: Progress) -> None:
        """Take note of `progress`; draws at most 8 times a second, so call it as often as you like.

        The first call is where rates are counted from: make it before the work starts.
        """
        now = self._clock()
        self._latest = progress
        if self._first is None:
            self._first = _Sample(now, progress)
        if not self._samples or now - self._samples[-1].at >= _SAMPLE_S:
            self._samples.append(_Sample(now, progress))
            # The oldest kept sample is the last that is at least a window old.
            while len(self._samples) > 1 and now - self._samples[1].at >= _WINDOW_S:
                self._samples.popleft()
        if now >= self._next_draw:
            self._draw(now, progress)

    def settle(self, *, done: int, rejected: int) -> None:
        """Let the final line count what other processes did too; nothing without an update."""
        if self._latest is not None:
            self._latest = self._latest._replace(done=done, rejected=rejected)

    def _draw(self, now: float, progress: Progress) -> None:
        self._next_draw = now + (_REDRAW_S if self._is_terminal else self._every_s)
        latest = _Sample(now, progress)
        assert self._first is not None
        whole = _Span("", self._first, latest)
        text = status_line(self._unit, _Span("", self._samples[0], latest), whole)
        if self._is_terminal:
            self._attempt(lambda: self._redraw(text, progress))
        else:
            self._write(f"{self._title}: {text}")

    def _redraw(self, text: str, progress: Progress) -> None:
        if self._live is None:
            console = import_module("rich.console").Console(file=self._stream, markup=False)
            # Redrawn by us: no thread of rich's own, which would have to be joined.
            live = import_module("rich.live").Live
            self._live = live(console=console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(_live_row(self._title, text, progress), refresh=True)

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.stop()

    def _span(self, word: str, now: float) -> "_Span":
        assert self._latest is not None
        first = self._first or _Sample(self._started, self._latest)
        return _Span(word, first, _Sample(now, self._latest))

    def _write(self, line: str) -> None:
        self._attempt(lambda: self._write_line(line))

    def _write_line(self, line: str) -> None:
        assert self._stream is not None
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")
        self._stream.flush()

    def _attempt(self, write: Callable[[], None]) -> None:
        """Call `write` unless the stream is known to be broken; note it if it is."""
        if self._is_broken:
            return
        try:
            write()
        except _STREAM_ERRORS:
            self._is_broken = True


class _Span(NamedTuple):
    """From one moment to another."""

    word: str
    """How it ended."""
    start: _Sample
    end: _Sample

    @property
    def seconds(self) -> float:
        """From the first sample to the last."""
        return self.end.at - self.start.at

    def rate(self, start: int, end: int) -> float | None:
        """Return the mean growth per second; None = too short to tell."""
        return (end - start) / self.seconds if self.seconds > 0 else None


def status_line(unit: str, span: _Span, whole: _Span) -> str:
    """Return how far a stage is: `120/500 personas, 24%, 2 min 3 s left, 3.1/s, 2 rejected ...`.

    What matters most stands first: a narrow terminal cuts the end. The time left is reckoned from
    the mean rate since the beginning, once there is enough to reckon with: long dialogues end last
    and in bursts.
    """
    now = span.end.progress
    pieces = [_counted(now, unit)]
    if now.share is not None:
        pieces.append(f"{now.share:.0%}")
    begun = whole.start.progress
    if now.total is not None:
        gained, left, least = now.done - begun.done, now.total - now.done, min(50, now.total / 20)
    else:
        gained, left, least = now.n_bytes - begun.n_bytes, now.of_bytes - now.n_bytes, 1
    if gained >= least and left > 0 and whole.seconds > 0 and gained > 0:
        pieces.append(f"{duration(left * whole.seconds / gained)} left")
    return ", ".join([*pieces, *_rates(span)])


def final_line(title: str, unit: str, span: _Span) -> str:
    """Return how a stage ended, with mean rates over all of it."""
    pieces = [_counted(span.end.progress, unit), *_rates(span)]
    return f"{title}: {span.word} after {duration(span.seconds)}, {', '.join(pieces)}"


def duration(seconds: float) -> str:
    """Return a time in its two largest units: `8 s`, `3 min 20 s`, `5 h 2 min`, `2 d 3 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400:,} d {whole % 86400 // 3600} h"


def closing_table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    """Return a plain-text table of at most 100 columns; long cells wrap, numbers stand right.

    Args:
        rows: Each as long as `headers`.
        headers: One for each column.
    """
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(headers)
    box = import_module("rich.box").SIMPLE_HEAD
    table = import_module("rich.table").Table(box=box, pad_edge=False)
    for header, cells in zip(headers, columns, strict=True):
        justify = "right" if cells and all(map(_is_number, cells)) else "left"
        table.add_column(_clean(header), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*map(_clean, row))
    return _render(table)


def show_dialogue(title: str, messages: Sequence[Message]) -> str:
    """Return a dialogue as text of at most 100 columns, each message under its role.

    Of a system prompt the first 4 lines are shown, of other messages 30, with a count of the rest.
    """
    text = import_module("rich.text").Text
    padding = import_module("rich.padding").Padding
    pieces = [_render(text(_clean(title)))]
    for message in messages:
        lines = _render(padding(text(_clean(message.content)), (0, 0, 0, 2))).split("\n")
        shown = _SYSTEM_LINES if message.role is Role.system else _MESSAGE_LINES
        hidden = len(lines) - shown
        if hidden > 0:
            lines = [*lines[:shown], f"  ({hidden:,} more line{'s' if hidden > 1 else ''})"]
        pieces.append("\n".join([f"{message.role}:", *lines]))
    return "\n".join(pieces)


def _counted(now: Progress, unit: str) -> str:
    total = f"/{now.total:,}" if now.total is not None else ""
    megabytes = f", {now.n_bytes // 10**6:,} of {now.of_bytes // 10**6:,} MB"
    return f"{now.done:,}{total} {unit}{megabytes if now.of_bytes else ''}"


def _rates(span: _Span) -> list[str]:
    """Return records/s and the rejected, then what only model calls have."""
    start, now = span.start.progress, span.end.progress
    pieces: list[str] = []
    if (rate := span.rate(start.done, now.done)) is not None:
        pieces.append(f"{_short(rate)}/s")
    if not now.is_reading:
        pieces.append(f"{now.rejected:,} rejected")
    if now.not_drawn is not None:
        pieces.append(f"{now.not_drawn:,} not drawn")
    if now.calls and (rate := span.rate(start.output_tokens, now.output_tokens)) is not None:
        pieces.append(f"{_short(rate)} tokens/s")
    if now.prompt_tokens:
        pieces.append(f"cache {now.cached_tokens / now.prompt_tokens:.0%}")
    return pieces


def _short(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}" if rate >= 1 else f"{rate:.2f}"


def _live_row(title: str, text: str, progress: Progress) -> Any:
    """Return title, bar and text side by side; a narrow terminal cuts the end of the text."""
    table = import_module("rich.table").Table.grid(padding=(0, 1))
    for width in (len(title), _BAR_COLUMNS, None):
        table.add_column(no_wrap=True, overflow="ellipsis", min_width=width)
    bar = import_module("rich.progress_bar").ProgressBar(
        completed=progress.share or 0,
        total=1,
        width=_BAR_COLUMNS,
        pulse=progress.share is None,
    )
    table.add_row(title, bar, text)
    return table


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty() and os.environ.get("TERM", "") not in _DUMB
    except ValueError:  # closed
        return False


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"[-+]?[\d,. ]*\d ?%?|-?", cell.strip()) is not None


def _clean(text: str) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").expandtabs(4))


def _render(renderable: Any) -> str:
    """Return what rich makes of something as plain text, without spaces at line ends."""
    console = import_module("rich.console").Console(
        file=io.StringIO(), width=WIDTH, color_system=None, markup=False, highlight=False,
        emoji=False, force_terminal=False, legacy_windows=False,
    )  # fmt: skip
    console.print(renderable)
    lines = console.file.getvalue().split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")
