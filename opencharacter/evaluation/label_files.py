"""Files of labels that people gave: CSV as the label page saves it, or as Excel saves that again.

A row that cannot be meant is refused, never skipped: a label that is lost would be seen nowhere.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from opencharacter.errors import SourceError

COLUMNS = ("key", "annotator", "points")
_DELIMITERS = (",", ";", "\t")  # Excel writes semicolons where a comma is a decimal point
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_MANY = 10  # answers of which nobody gives all the same marks as somebody else, or one mark

Labels = dict[str, dict[str, float]]
"""What labels are worth, by annotator, then by the key of the work."""


class LabelFiles(NamedTuple):
    """What some files hold."""

    labels: Labels
    skipped: int
    """Rows without points: what somebody did not want to label."""
    twice: int
    """Rows that say again what another row said."""


def read_label_files(paths: Sequence[str], known: Mapping[str, Mapping[str, float]]) -> LabelFiles:
    """Read what labels that people gave are worth: columns key, annotator, points.

    Args:
        paths: Of CSV files, with commas, semicolons or tabs, in UTF-8, or UTF-16 with its mark.
        known: Of each piece of work, by its key, what the labels of its scale are worth.

    Raises:
        SourceError: a file cannot be read or has no label; a row has not as many cells as the
            columns, is of unknown work, of nobody, off the scale, or given twice; two names of
            annotators differ in case alone.
    """
    found: Labels = {}
    skipped = twice = 0
    for path in map(Path, paths):
        n = 0
        for place, row in _rows(path.expanduser()):
            key, annotator, points = (row[name] for name in COLUMNS)
            if not points:
                skipped += 1
                continue
            worth, n = _worth(place, row, known), n + 1
            mine = found.setdefault(annotator, {})
            twice += key in mine
            if mine.setdefault(key, worth) != worth:
                raise SourceError(f"{place}: {annotator} labels '{key}' twice, and differently")
        if not n:
            raise SourceError(f"{path} has no label: no row of it has points; leave it out")
    _refuse_alike(found)
    return LabelFiles(found, skipped, twice)


def _worth(place: str, row: Mapping[str, str], known: Mapping[str, Mapping[str, float]]) -> float:
    key, points = row["key"], _plain(row["points"])
    if key not in known:
        raise SourceError(
            f"{place}: there is no answer '{key}' in this run; label the page that "
            "qualify.page= makes of it"
        )
    if not row["annotator"]:
        raise SourceError(f"{place}: nobody is named as annotator; give each person a name")
    if points in known[key]:
        return known[key][points]
    number = _number(points)
    for label, worth in known[key].items():
        if number is not None and number == _number(label):
            return worth
    raise SourceError(
        f"{place}: points are '{row['points']}'; the scale is {', '.join(known[key])}"
    )


def _plain(points: str) -> str:
    """Return what stands in a cell that a spreadsheet was kept from reading as a number."""
    return points[2:-1].strip() if points.startswith('="') and points.endswith('"') else points


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _refuse_alike(labels: Labels) -> None:
    """Refuse two names of annotators that are probably one person's."""
    names: dict[str, str] = {}
    for name in labels:
        other = names.setdefault(" ".join(name.split()).casefold(), name)
        if other != name:
            raise SourceError(
                f"the annotators '{other}' and '{name}' differ in case or spaces alone; write one "
                "person's name in one way"
            )


def notes_on(files: LabelFiles) -> list[str]:
    """Return what whoever reads labels should know of them, a sentence each."""
    labels = files.labels
    counts = ", ".join(f"{len(mine):,} of {name}" for name, mine in sorted(labels.items()))
    found = [f"labels: {counts}"]
    if files.skipped:
        found.append(f"rows without points, which do not count: {files.skipped:,}")
    if files.twice:
        found.append(f"rows that say again what another said, and count once: {files.twice:,}")
    if len(labels) == 1:
        found.append("one person has labelled, so nobody knows how far people agree")
    names = sorted(labels)
    for at, name in enumerate(names):
        mine = labels[name]
        if len(mine) >= _MANY and len(set(mine.values())) == 1:
            found.append(f"{name} gave all {len(mine):,} answers the same mark")
            continue
        copies = [
            other for other in names[at + 1 :] if len(mine) >= _MANY and labels[other] == mine
        ]
        found += [f"{name} and {other} gave the same marks throughout" for other in copies]
    keys = [key for mine in labels.values() for key in mine]
    if len(labels) > 1 and len(set(keys)) == len(keys):
        found.append("no answer was labelled by two people, so nobody knows how far they agree")
    return found


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield place and row of a file, without blank lines.

    Raises:
        SourceError: there is no such file, it lacks a column, or a row has other cells.
    """
    lines = _text(path).splitlines(keepends=True)
    told = lines[0].strip().lower() if lines else ""
    before = 1 if told.startswith("sep=") else 0  # Excel's own first line
    head = lines[before] if len(lines) > before else ""
    by = max(_DELIMITERS, key=lambda mark: len(set(_cells(head, mark)) & set(COLUMNS)))
    names = _cells(head, by)
    absent = [name for name in COLUMNS if name not in names]
    if absent:
        raise SourceError(f"{path} has no column '{absent[0]}'; labels have {', '.join(COLUMNS)}")
    if double := [name for name in COLUMNS if names.count(name) > 1]:
        raise SourceError(f"{path} has the column '{double[0]}' twice; leave one of them out")
    reader = csv.reader(lines[before + 1 :], delimiter=by, strict=True)
    try:
        for cells in reader:
            place = f"{path}:{reader.line_num + before + 1}"
            if any(cell.strip() for cell in cells):
                yield place, _row(place, names, cells)
    except csv.Error as error:
        place = f"{path}:{reader.line_num + before + 1}"
        raise SourceError(
            f"{place}: {error}; a quotation mark is not closed, or too many"
        ) from error


def _row(place: str, names: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    if len(cells) != len(names):
        raise SourceError(
            f"{place}: {len(cells)} cells, and there are {len(names)} columns; put what has a "
            "comma or a quotation mark in it into quotation marks"
        )
    return {name: cell.strip() for name, cell in zip(names, cells, strict=True)}


def _cells(head: str, mark: str) -> list[str]:
    """Return the names of the columns in the first line."""
    cells = next(csv.reader(io.StringIO(head), delimiter=mark), [])
    return [cell.strip().lower() for cell in cells]


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return raw.decode("utf-16" if raw.startswith(_UTF_16) else "utf-8-sig")
    except OSError as error:
        raise SourceError(f"cannot read the labels {path}: {error}") from error
    except UnicodeDecodeError as error:
        raise SourceError(
            f"cannot read the labels {path}: {error}; save it as CSV UTF-8"
        ) from error
