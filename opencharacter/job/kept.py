"""Verdicts that all runs share: where they are kept, and what is told of them."""

import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

from opencharacter.config import Backend, Config, JudgeConfig
from opencharacter.ids import digest
from opencharacter.store.completions import SharedCompletions


def kept_of(judge: JudgeConfig, config: Config) -> SharedCompletions:
    """Return the verdicts of a judge that all runs share.

    They stand in `runs/judged`, or in a folder in it for each server that nobody says the weights
    of (no `revision`), and for each number format that was asked for: there the same name may be
    another judge.
    """
    folder = Path(judge.cache or Path(config.runs_dir) / "judged")
    origin = _origin_of(judge)
    return SharedCompletions(folder / origin, origin)


def _origin_of(judge: JudgeConfig) -> str:
    """Return who answers to a judge's name, as the name of a folder; empty = the name says it."""
    if judge.backend is Backend.vllm and judge.dtype != "auto":
        return judge.dtype
    if judge.backend is not Backend.endpoint or judge.revision:
        return ""
    server = urlsplit(judge.base_url or "")  # a name and password in it stay out
    hashed = digest("server", server.hostname, server.port, server.path)[:8]
    return f"{re.sub(r'[^a-z0-9.-]', '_', server.hostname or '')}-{hashed}"


def say_kept(kept: SharedCompletions) -> None:
    """Say what of the verdicts that runs share could not be used, or is of several models.

    A server may answer to a short name with one dated version today and another one tomorrow.
    """
    served = sorted(kept.served - {""})
    if len(served) > 1:
        print(
            f"judge: the verdicts are of {len(served)} models, {', '.join(served)}; name one of "
            "them in judge.model, so that all scores are by the same judge",
            file=sys.stderr,
        )
    if kept.damaged:
        lines, (path, *others) = sum(kept.damaged.values()), kept.damaged
        told = f"{lines:,} line{'s' * (lines > 1)}"
        more = f" and {len(others):,} more of its folder" if others else ""
        print(
            f"judge: {told} of {path}{more} cannot be read, and what they held is asked again "
            "where it is needed",
            file=sys.stderr,
        )
