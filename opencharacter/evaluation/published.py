"""Test sets of others, read from their own files as far as those go.

| suite | file (`suite.path`) | what is asked | its own metric |
|---|---|---|---|
| role_bench | rolebench-*/**/test.jsonl | the question | ROUGE-L, here |
| character_eval | test_data.jsonl | the next line | CharacterRM: no |
| coser | test_set.json | a main character's last line | simulation and GPT-4o: no |
| rp_bench | rpbench_character.jsonl | turns of ours | duels with GPT-4o: no |

RoleBench publishes the mean ROUGE-L to three answers (customised, raw, specific); a file here
has one of them, so play each. Its win rate by GPT-3.5 is not reproduced.

`suite.profiles` is RoleBench's desc.json, CharacterEval's character_profiles.json. Where it is
"no", scores are those of our judges, and `missing` says so.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from opencharacter.config import SuiteConfig, SuiteName
from opencharacter.errors import SourceError
from opencharacter.evaluation.suite import Suite
from opencharacter.evaluation.templates import read_rows, template_file
from opencharacter.ids import shuffled, stable_number
from opencharacter.prompts.character import render_prompt
from opencharacter.records import Domain, EvalItem, Message, Rejection, Role, persona_id
from opencharacter.sources.fingerprint import source_fingerprint
from opencharacter.sources.json_list import read_list
from opencharacter.sources.lines import Row, reject
from opencharacter.sources.pinning import pinned
from opencharacter.sources.rows import SourceFile, open_source
from opencharacter.sources.screen import find_flaw

_CRITERIA = ("persona_consistency", "linguistic_habits")
_NOT_OURS = {
    SuiteName.character_eval: "its CharacterRM scores are not reproduced: our judges score it",
    SuiteName.coser: "its multi-character simulation and flaw scores by GPT-4o are not "
    "reproduced: one next line of one character is played in each scene, and our judges score it",
    SuiteName.rp_bench: "its duels with GPT-4o, whose judge plays the user, are not "
    "reproduced: the user's turns are ours, and our judges score it",
}
_PAGE = "docs/suites.md"
_DESCRIBED = {
    SuiteName.role_bench: "its desc.json",
    SuiteName.character_eval: "its character_profiles.json",
}
_FIELDS = {
    SuiteName.role_bench: ("role", "question", "generated[0]"),
    SuiteName.character_eval: ("role", "context"),
    SuiteName.coser: (
        *("book", "scenario", "major_characters", "character_profiles"),
        *("dialogues[].character", "dialogues[].message"),
    ),
    SuiteName.rp_bench: (
        *("id", "background", "npc_profile.name_text", "conversation[0].sentences"),
    ),
}
"""What each row must have; `[]` = of each entry of a list, `[0]` = of the first."""
_THOUGHT = re.compile(r"\[[^\[\]]*\]\s*")  # CoSER: what a character thinks, hidden from the others
_PLACE = re.compile(r"\w+|\[\d*\]")
_Profiles = Mapping[str, str]


class _UnreadableError(Exception):
    """A row lacks what its layout has."""


def read_published(config: SuiteConfig) -> Suite:
    """Return the items of a published test set, or of `suite.n` of its rows.

    Raises:
        SourceError: its files are not there, or it has not so many rows.
    """
    if not config.path:
        raise SourceError(
            f"suite={config.name} needs suite.path, a file of it; {_PAGE} has its layout"
        )
    if config.name in _DESCRIBED and not config.profiles:
        raise SourceError(
            f"suite={config.name} needs suite.profiles, {_DESCRIBED[config.name]}, which says who "
            f"its characters are; {_PAGE} has its layout"
        )
    read_from: dict[str, str] = {}
    config = replace(config, path=pinned(config.path, None, read_from))
    profiles = _read_profiles(config)
    rows = [row for file in open_source(config.path).files for row in _rows(file)]
    read = _READERS[config.name]
    name = f"{config.name}@{source_fingerprint(config.path)[:12]}"
    all_items = [_item(row, name, read, profiles) for row in rows]
    order = _drawn(len(rows), config)
    found = [all_items[number] for number in order]
    damaged = tuple(item for item in found if isinstance(item, Rejection))
    missing = [f"{len(order):,} of {len(rows):,} rows are played"] * (len(order) < len(rows))
    missing += [_NOT_OURS[config.name]] if config.name in _NOT_OURS else []
    suite = Suite(
        name=name,
        items=tuple(item for item in found if isinstance(item, EvalItem)),
        read_from=read_from,
        n_personas=len({item.persona_id for item in all_items if isinstance(item, EvalItem)}),
        n_drawn=len(order),
        n_lost=len(damaged),
        unit="rows",
        missing=tuple(missing),
    )
    return suite.with_damaged(damaged)


def _rows(file: SourceFile) -> Iterator[Row | Rejection]:
    """Yield the rows of a file; CharacterEval keeps a list of JSON in a file called .jsonl."""
    if file.path is None or not _is_list(file.path):
        return file.rows()
    return read_list(file.path, file.shown)


def _is_list(path: Path) -> bool:
    with path.open("rb") as opened:
        return opened.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def _read_profiles(config: SuiteConfig) -> _Profiles:
    """Return descriptions by name; a description that is no text becomes lines of `key: value`."""
    if not config.profiles:
        return {}
    try:
        found = json.loads(Path(config.profiles).expanduser().read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read suite.profiles={config.profiles}: {error}") from error
    if not isinstance(found, dict):
        raise SourceError(f"suite.profiles={config.profiles} is no object of names and texts")
    return {name: _as_text(value) for name, value in found.items()}


def _as_text(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_as_text(inner)}" for key, inner in value.items())
    return ", ".join(map(_as_text, value)) if isinstance(value, list) else str(value)


def _drawn(n: int, config: SuiteConfig) -> list[int]:
    if config.n is None:
        return list(range(n))
    if config.n > n:
        raise SourceError(
            f"suite.n={config.n:,} asks for more than the {n:,} rows of {config.path}"
        )
    return [int(number) for number in shuffled(map(str, range(n)), config.seed)[: config.n]]


def _item(
    row: Row | Rejection,
    suite: str,
    read: Callable[[dict[str, Any], _Profiles], dict[str, Any]],
    profiles: _Profiles,
) -> EvalItem | Rejection:
    if isinstance(row, Rejection):
        return row
    needed = _FIELDS[SuiteName(suite.partition("@")[0])]
    if lacks := [field for field in needed if not _has(row.value, _PLACE.findall(field))]:
        detail = f"it lacks {_listed(lacks)}; {_PAGE} has the layout"
        return reject(row.place, "missing_key", detail, row.value)
    try:
        fields = read(row.value, profiles)
    except _UnreadableError as error:
        return reject(row.place, "missing_key", str(error), row.value)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        detail = f"not of the layout of {suite.partition('@')[0]}: {error!r}"
        return reject(row.place, "unknown_layout", detail, row.value)
    item = EvalItem(
        suite=suite, domain=Domain.unknown, **{"dimensions": _CRITERIA, "facts": ()} | fields
    )
    for text in (item.system, *item.questions, *(m.content for m in item.history)):
        if flaw := find_flaw(text):
            return reject(row.place, flaw.reason, flaw.detail, text)
    return item


def _has(value: object, path: Sequence[str]) -> bool:
    """Tell whether something is at a place of a row."""
    if not path:
        return value is not None
    name, *rest = path
    if not name.startswith("["):
        return isinstance(value, dict) and _has(value.get(name), rest)
    if not isinstance(value, list) or not value:
        return False
    return all(_has(each, rest) for each in (value if name == "[]" else value[:1]))


def _listed(names: Sequence[str]) -> str:
    return " and ".join(", ".join(names).rsplit(", ", 1))


def _known(name: str, profiles: _Profiles) -> str:
    if name not in profiles:
        raise _UnreadableError(f"suite.profiles has no description of {name!r}")
    return profiles[name]


def _who(suite: str, name: str, text: str) -> dict[str, Any]:
    return {
        "persona_id": persona_id(suite, name),
        "system": render_prompt(name, text),
        "persona": name,
        "facts": tuple(line for line in text.splitlines() if line.strip()),
    }


def _role_bench(row: dict[str, Any], profiles: _Profiles) -> dict[str, Any]:
    return _who("role_bench", row["role"], _known(row["role"], profiles)) | {
        "questions": (row["question"],),
        "answers": (json.dumps({"reference": row["generated"][0]}, ensure_ascii=False),),
        "task": str(row.get("type", "question")),
        "dimensions": ("rouge_l", *_CRITERIA),
    }


def _character_eval(row: dict[str, Any], profiles: _Profiles) -> dict[str, Any]:
    lines = [line.partition("：") for line in row["context"].split("\n") if line.strip()]
    said = [(name, f"{name}{mark}{text}" if mark else name) for name, mark, text in lines]
    history, question = _before(said, row["role"])
    return _who("character_eval", row["role"], _known(row["role"], profiles)) | {
        "history": history,
        "questions": (question,),
        "task": str(row.get("novel_name", "dialogue")),
    }


def _coser(row: dict[str, Any], _: _Profiles) -> dict[str, Any]:
    names = [name for name in row["major_characters"] if name in row["character_profiles"]]
    said = [(one["character"], one["message"]) for one in row["dialogues"]]
    last = {
        name: max((i for i, (who, _) in enumerate(said) if who == name), default=0)
        for name in names
    }
    able = sorted(name for name in names if last[name])
    if not able:
        raise _UnreadableError("no main character speaks after somebody else")
    name = able[stable_number(row["book"], row["scenario"]) % len(able)]
    lines = [
        (who, text if who == name else f"{who}: {_THOUGHT.sub('', text)}")
        for who, text in said[: last[name]]
    ]
    history, question = _before(lines, name)
    text = f"{row['character_profiles'][name]}\n\nScene: {row['scenario']}"
    return _who(f"coser/{row['book']}", name, text) | {
        "history": history,
        "questions": (question,),
        "task": str(row.get("tag", "scene")),
    }


def _rp_bench(row: dict[str, Any], _: _Profiles) -> dict[str, Any]:
    profile, opening = row["npc_profile"], row["conversation"][0]["sentences"]
    texts = [profile.get(key) for key in ("long_definition_text", "definition_text", "description")]
    shown = list(dict.fromkeys(text for text in texts if text)) or [profile["title"]]
    text = "\n\n".join([row["background"], *shown, "You have begun with: " + " ".join(opening)])
    turns = tuple(one["question"] for one in read_rows(template_file("rp_bench")))
    return _who(f"rp_bench/{row['id']}", profile["name_text"], text) | {
        "questions": turns,
        "task": "character",
    }


def _before(said: list[tuple[str, str]], who: str) -> tuple[tuple[Message, ...], str]:
    """Return what was said before, as messages that begin with a user, and the last user turn.

    Neighbouring lines of others are one turn; lines of `who` before anybody else's are left out.
    """
    turns: list[Message] = []
    for name, text in said:
        role = Role.assistant if name == who else Role.user
        if turns and turns[-1].role is role:
            turns[-1] = Message(role=role, content=f"{turns[-1].content}\n{text}")
        elif turns or role is Role.user:
            turns.append(Message(role=role, content=text))
    if not turns or turns[-1].role is not Role.user:
        raise _UnreadableError(f"nobody speaks to {who!r} last")
    return tuple(turns[:-1]), turns[-1].content


_READERS: dict[SuiteName, Callable[[dict[str, Any], _Profiles], dict[str, Any]]] = {
    SuiteName.role_bench: _role_bench,
    SuiteName.character_eval: _character_eval,
    SuiteName.coser: _coser,
    SuiteName.rp_bench: _rp_bench,
}
