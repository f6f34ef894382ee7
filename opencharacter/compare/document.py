"""The page: one HTML file that loads nothing and runs no script but its own.

Its parts lie in `page/`. A policy in the page lets a browser run only the script whose hash it
names, and load nothing, so that whatever a persona holds stays text.
"""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import NamedTuple

from opencharacter.compare.embedding import Embedded

_FOLDER = Path(__file__).parent / "page"
_SCRIPTS = ("list.js", "sides.js")


class Tile(NamedTuple):
    """A main figure."""

    name: str
    figure: str
    range: str


def document(*, title: str, subtitle: str, body: str, footer: str, transcripts: Embedded) -> str:
    """Return the page.

    Args:
        title: As text.
        subtitle: HTML below it.
        body: HTML before the transcripts.
        footer: HTML at the end.
        transcripts: What is listed.
    """
    style = _part("page.css")
    script = "\n".join(map(_part, _SCRIPTS))
    chunks = "\n".join(
        f'<script type="application/octet-stream" id="{name}">{data}</script>'
        for name, data in transcripts.chunks.items()
    )
    policy = (
        f"default-src 'none'; style-src {_hashed(style)}; script-src {_hashed(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return Template(_part("page.html")).substitute(
        title=escape(title),
        policy=policy,
        style=style,
        subtitle=subtitle,
        body=body,
        footer=footer,
        summary=transcripts.summary,
        chunks=chunks,
        script=script,
    )


def tiles(given: Sequence[Tile]) -> str:
    """Return the main figures side by side."""
    boxes = "".join(
        f"<div class=tile><div class=name>{escape(name)}</div>"
        f"<div class=figure>{escape(figure)}</div><div class=range>{escape(range_)}</div></div>"
        for name, figure, range_ in given
    )
    return f"<div class=tiles>{boxes}</div>"


def warning(title: str, sentences: Sequence[str]) -> str:
    """Return sentences that must be seen; nothing for none."""
    if not sentences:
        return ""
    listed = "".join(f"<li>{escape(sentence)}" for sentence in sentences)
    return f"<div class=warning role=note><strong>{escape(title)}</strong><ul>{listed}</ul></div>"


@cache
def _part(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hashed(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"
