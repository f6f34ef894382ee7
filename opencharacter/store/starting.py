"""The start of a stage: what it is started with is written down, or refused."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from opencharacter.errors import StoreError
from opencharacter.store.aside import move_aside
from opencharacter.store.claims import Claims
from opencharacter.store.commands import alone, forced, is_of
from opencharacter.store.files import write_json
from opencharacter.store.stage import StageFolder, stage_fingerprint

# What is written down with the settings, beside them, and how a user knows it.
_BESIDE = ("versions.", "sources.")
_ROOM = "room"  # claim of the one process that makes room
_POLL_S = 0.2
_WITH_A_SETTING = ("sources.", "versions.pairwise")
_Change = tuple[str, Any, Any]
"""Dotted name of a setting, what it was, and what it is."""
_NAMES = {
    "model": "teacher",
    "versions.n_characters": "synth.n_characters",
    "versions.pool": "synth.pool",
}
_HASHED = {
    "versions.prompt": "opencharacter's own prompt has changed",
    "versions.fact_check": "opencharacter's own prompt of the fact check has changed",
    "versions.excluded_names": "profiles.exclude_names and exclude_names_path exclude other names",
}


def begin(
    folder: StageFolder,
    *,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    command: str,
    force: bool,
    claims: Claims,
) -> str:
    """Start a stage, or go on with it; return its fingerprint.

    Args:
        folder: The stage's.
        settings: Everything that decides what is asked and kept.
        inputs: Fingerprint of each stage it reads.
        command: As it was typed, for errors.
        force: Move aside what was made, until the new stage has rows (`aside`); logged completions
            stay, found again by their keys.
        claims: The stage's.

    Raises:
        StoreError: it was started with other settings or inputs, or `force` while others work.
    """
    fingerprint = stage_fingerprint(folder.stage, settings, inputs)
    if force:
        move_aside(folder, claims, command)
    mine = {
        "fingerprint": fingerprint,
        "settings": dict(settings),
        "inputs": dict(inputs),
        "command": command,
        "at": time.time(),
    }
    started = folder.started() or _write_started(folder, mine)
    if started["fingerprint"] != fingerprint:
        raise StoreError(_stale_message(folder, started, settings, inputs, command))
    return fingerprint


def make_room(
    folder: StageFolder,
    *,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    cheap: Sequence[str],
    claims: Claims,
    command: str,
) -> str:
    """Start a stage over where only such things have changed as cost nothing to make anew.

    Of several processes of the same command one does, and the others find it done.

    Args:
        folder: The stage's.
        settings: As for `begin`.
        inputs: As for `begin`.
        cheap: How the names of these settings and inputs begin, such as `judge.min_mass`.
        claims: The stage's.
        command: As it was typed, for errors.

    Returns:
        What has changed, to be told; empty = nothing was done, and `begin` may refuse.

    Raises:
        StoreError: another process works on what it was.
    """
    if not cheap or not _is_cheap(folder.started(), settings, inputs, cheap):
        return ""
    while claims.take(_ROOM) is not None:
        time.sleep(_POLL_S)
    try:
        started = folder.started()  # another process may have done it meanwhile
        if started is None or not _is_cheap(started, settings, inputs, cheap):
            return ""
        told = told_changes(started, settings, inputs)
        move_aside(folder, claims, command)
        return told
    finally:
        claims.release(_ROOM)


def _is_cheap(
    started: Mapping[str, Any] | None,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    cheap: Sequence[str],
) -> bool:
    """Say whether something has changed, and everything that has is cheap.

    What comes and goes with a setting, such as another run's answers, may not change by itself.
    """
    if started is None:
        return False
    before = started["inputs"]
    changed = _differences({"sources": {}, **started["settings"]}, {"sources": {}, **settings})
    changed += _differences(before, inputs)
    return bool(changed) and all(
        name.startswith(tuple(cheap)) and not (name.startswith(_WITH_A_SETTING) and was and now)
        for name, was, now in changed
    )


def _write_started(folder: StageFolder, mine: dict[str, Any]) -> dict[str, Any]:
    """Write what the stage is started with; return that of another process if it was quicker."""
    try:
        write_json(folder.started_file, mine, replace=False)
    except FileExistsError:
        return folder.started() or _write_started(folder, mine)
    return mine


def _stale_message(
    folder: StageFolder,
    started: Mapping[str, Any],
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    command: str,
) -> str:
    """Return what differs, and the command that mends it.

    Of a command of several stages that is the one that differs; all of it where it reads no other,
    for the rest follows from it.
    """
    shown = told_changes(started, settings, inputs)
    is_part = bool(inputs) and not is_of(command, folder.stage)
    own = alone(command, folder.stage) if is_part else command
    again = ", then give the same command again" * is_part
    return (
        f"{folder.path} was started with other settings or inputs ({shown}); start it over with: "
        f"{forced(own)}{again}, or choose another run="
    )


def told_changes(
    started: Mapping[str, Any], settings: Mapping[str, Any], inputs: Mapping[str, str]
) -> str:
    """Return what differs from the start of a stage, four things at most; "" where nothing does.

    Args:
        started: What it was started with.
        settings: What decides now what is asked and kept.
        inputs: Fingerprint of each stage that it reads now.
    """
    changes = _changes(started["settings"], settings)
    before = started["inputs"]
    changes += [
        f"the output of {name} is another one"
        if name in before
        else f"{name} is read now and was not before"
        for name, fingerprint in inputs.items()
        if before.get(name) != fingerprint
    ]
    changes += [f"{name} was read before" for name in before if name not in inputs]
    return "; ".join(changes[:4]) + (f"; and {len(changes) - 4} more" if len(changes) > 4 else "")


def _changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what differs, in the words of the configuration.

    A version or source that is there on one side only comes with a setting that says so, but for
    suites that somebody added to a folder: it is told if nothing else is.
    """
    found = _differences({"sources": {}, **was}, {"sources": {}, **now})
    found = [one for one in found if not _is_repeated(one, found)]
    alone = [one for one in found if one[0].startswith(_BESIDE) and None in one[1:]]
    return [_told(*one) for one in found if one not in alone] or [_told(*one) for one in alone]


def _is_repeated(one: _Change, found: Sequence[_Change]) -> bool:
    """Say whether a version is what a setting that is told too says already."""
    section, _, rest = one[0].partition(".")
    return section == "versions" and any(
        name.endswith(f".{rest}") and (str(was) == one[1] or str(now) == one[2])
        for name, was, now in found
        if not name.startswith(_BESIDE)
    )


def _told(name: str, was: object, now: object) -> str:
    if name in _HASHED:
        return _HASHED[name]
    if name.startswith("sources."):
        what = "is new" if was is None else "is gone" if now is None else "has changed"
        return f"{name.removeprefix('sources.')} {what}"
    section, dot, rest = name.partition(".")
    if section == "versions":
        return f"{_NAMES.get(name, rest)} {was} -> {now}"
    return f"{_NAMES.get(section, section)}{dot}{rest} {_shown(was)} -> {_shown(now)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _differences(was: Any, now: Any, name: str = "") -> list[_Change]:
    """Return the leaves in which two nested settings differ, with dotted names."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        found = []
        for key in sorted({*was, *now}):
            dotted = f"{name}.{key}" if name else str(key)
            found += _differences(was.get(key), now.get(key), dotted)
        return found
    return [] if was == now else [(name, was, now)]
