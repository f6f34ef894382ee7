"""The dataset card of a stage: `datasets.load_dataset("runs/<run>/<stage>")` just works."""

import json
from collections.abc import Mapping
from typing import Any

from opencharacter.store.files import whole_file
from opencharacter.store.licences import strictest
from opencharacter.store.rows import part_files
from opencharacter.store.stage import StageFolder

_SHARES = {
    "Licences of the parents": "licences",
    "Sources": "sources",
    "Methods": "methods",
    "Splits": "splits",
}


def write_card(folder: StageFolder, manifest: Mapping[str, Any]) -> None:
    """Write `README.md`: what the rows are, counts, licences, lineage, and how to load them."""
    with whole_file(folder.path / "README.md") as temporary:
        text = _front_matter(folder, manifest) + _body(folder, manifest)
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def _front_matter(folder: StageFolder, manifest: Mapping[str, Any]) -> str:
    licence = strictest(manifest.get("licences", {}))
    lines = ["---", f"license: {licence.hub}", "tags: [opencharacter, role-play, synthetic]"]
    # `datasets` caches by the configuration alone, so it holds what tells these rows from others.
    about = f"  description: output {manifest['output'][:16]}"
    lines += ["configs:", "- config_name: default", about, "  data_files:"]
    lines += ["  - split: train", "    path: data/*.parquet"]
    if part_files(folder.rejected) and any(manifest["counts"]["rejected"].values()):
        lines += ["- config_name: rejected", about, "  data_files:"]
        lines += ["  - split: train", "    path: rejected/*.parquet"]
    for scores in sorted((folder.path / "scores").glob("*.parquet")):
        lines += [f"- config_name: scores_{scores.stem}", about, "  data_files:"]
        lines += ["  - split: train", f"    path: scores/{scores.name}"]
    return "\n".join([*lines, "---", ""])


def _body(folder: StageFolder, manifest: Mapping[str, Any]) -> str:
    counts = manifest["counts"]
    sections = [
        f"# {folder.run_dir.name} / {folder.stage}",
        manifest.get("what", ""),
        _table(("rows", "count"), _count_rows(counts)),
    ]
    if manifest.get("unmet"):
        lines = [f"- {sentence}" for sentence in manifest["unmet"]]
        sections.append("## Asked for and not met\n\n" + "\n".join(lines))
    for title, key in _SHARES.items():
        if manifest.get(key):
            rows = [(name, f"{count:,}") for name, count in manifest[key].items()]
            sections.append(f"## {title}\n\n" + _table(("name", "rows"), rows))
    lineage = [(name, fingerprint[:16]) for name, fingerprint in manifest["inputs"].items()]
    if lineage:
        sections.append("## Lineage\n\n" + _table(("made from", "fingerprint"), lineage))
    if manifest.get("read_from"):
        read = list(manifest["read_from"].items())
        sections.append("## Read from the hub\n\n" + _table(("data set", "commit"), read))
    settings = json.dumps(manifest["settings"], indent=2, ensure_ascii=False, sort_keys=True)
    sections.append(f"## Settings\n\n```json\n{settings}\n```")
    sections.append(f"Made by `{manifest.get('command', '')}`.")
    return "\n" + "\n\n".join(section for section in sections if section) + "\n"


def _count_rows(counts: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [("in", f"{counts['in']:,}"), ("out", f"{counts['out']:,}")]
    rows += [(f"rejected: {reason}", f"{n:,}") for reason, n in counts["rejected"].items()]
    if counts["not_drawn"]:
        rows.append(("not drawn", f"{counts['not_drawn']:,}"))
    return rows + [(note, f"{n:,}") for note, n in counts["notes"].items()]


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|"]
    return "\n".join(lines + [f"| {name} | {value} |" for name, value in rows])
