"""What a run looks like when it is done: a table, names, two sample dialogues, and where it is."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from opencharacter.job import Job
from opencharacter.job.plans import print_measured
from opencharacter.progress import closing_table, show_dialogue
from opencharacter.prompts.character import system_message
from opencharacter.records import Character, Method, Response
from opencharacter.store.commands import first, plain
from opencharacter.store.rows import part_files, read_columns, read_records
from opencharacter.synth.names import commonest

_STAGES = ("personas", "instructions", "profiles", "rewrite", "generate")
_HEADERS = ("stage", "in", "out", "rejected", "not drawn", "output tokens", "seconds")
_OFTEN = 5
_COLLAPSED = 0.02
"""Times and share of the commonest full name above which hints are offered; our judgement."""


def print_summary(job: Job) -> None:
    """Print the closing table, the commonest names, two sample dialogues and the paths."""
    stages = (*_STAGES, "mix") if job.config.makes_mixture else _STAGES
    manifests = [job.folder(stage).manifest() for stage in stages]
    made = [manifest for manifest in manifests if manifest is not None]
    print(closing_table([_row(manifest) for manifest in made], _HEADERS))
    _print_cost(made)
    _print_planned(made)
    _print_names(job)
    _print_samples(job)
    print("\nWritten:")
    for manifest in made:
        print(f"  {job.folder(manifest['stage']).path}")
    if not job.config.makes_mixture:
        print(f"\nNext: {first(job.command, 'mix') or plain(job.run_dir, 'mix')}")


def _row(manifest: dict[str, Any]) -> list[str]:
    counts = manifest["counts"]
    rejected = sum(counts["rejected"].values())
    reasons = ", ".join(f"{count} {reason}" for reason, count in counts["rejected"].items())
    tokens = manifest["usage"]["output_tokens"]
    return [
        manifest["stage"],
        f"{counts['in']:,}",
        f"{counts['out']:,}",
        f"{rejected:,} ({reasons})" if rejected else "0",
        f"{counts['not_drawn']:,}",
        f"{tokens:,}" if tokens else "",
        f"{manifest['seconds']:,.1f}",
    ]


def _print_cost(manifests: Sequence[dict[str, Any]]) -> None:
    """Print what all logged calls cost; nothing where the teacher has no price."""
    costs = [manifest["cost"]["usd"] for manifest in manifests if "cost" in manifest]
    if costs:
        print(f"\nCost: {sum(costs):,.4g} USD, by teacher.price_prompt and teacher.price_output")


def _print_planned(manifests: Sequence[dict[str, Any]]) -> None:
    """Print what the stages took beside what `stage=plan` said, if it was asked for this run."""
    print_measured({m["stage"]: m["planned"] for m in manifests if "planned" in m}, manifests)


def _print_names(job: Job) -> None:
    names = [row[0] for row in read_columns(part_files(job.folder("profiles").data), ["name"])]
    report = commonest(names, 3)
    if not report.full:
        return
    full, first = (
        ", ".join(f"{name.name} ({name.times})" for name in names if name.times > 1)
        for names in (report.full, report.first)
    )
    print(
        f"\nNames: {report.distinct:,} distinct of {report.n:,}; commonest: {full or 'none twice'}"
    )
    print(f"  commonest first names: {first or 'none twice'}")
    if report.full[0].times >= _OFTEN and report.full[0].share > _COLLAPSED:
        print("  These collapse: profiles.name_hints=5 offers names that spread them.")


def _print_samples(job: Job) -> None:
    """Print the first dialogue of each method, at most two in all."""
    shown: list[Response] = []
    for method in (Method.rewrite, Method.generate):
        wanted = 2 if job.config.synth.methods == [method] else 1
        if method in job.config.synth.methods:
            shown += islice(read_records(job.folder(method).data, Response), wanted)
    owners = {response.character_id for response in shown}
    people = read_records(job.folder("profiles").data, Character, keep=owners.__contains__)
    characters = {character.id: character for character in people}
    for response in shown:
        character = characters[response.character_id]
        title = f"Sample ({response.method}): {character.name} answers {response.source}"
        print("\n" + show_dialogue(title, [system_message(character), *response.messages]))
