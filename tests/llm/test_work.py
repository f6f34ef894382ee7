"""Parts are worked through once, with few open files, and a kill between two files counts once."""

import json
from pathlib import Path

import pytest

from opencharacter.errors import StoreError
from opencharacter.ids import part_of
from opencharacter.llm.requests import Request, Sampling
from opencharacter.llm.scripted import ScriptedModel, scripted_reply
from opencharacter.llm.stopping import Stopping
from opencharacter.llm.work import PartWorker, Plan
from opencharacter.records import Message, Persona, Rejection, Role, Split, Usage
from opencharacter.store.claims import Claims, Part
from opencharacter.store.manifest import Counted, check_all_done, close_stage
from opencharacter.store.rows import part_files
from opencharacter.store.stage import StageFolder
from opencharacter.store.starting import begin

PEOPLE = [
    Persona(source="t", text=f"p{n}", licence="l", split=Split.train, cluster="c", origin="o")
    for n in range(12)
]
BAD = {person.id for person in PEOPLE[:4]}


def ask(person):
    """Ask once; four of the people are rejected."""
    completion = yield Request(
        messages=(Message(role=Role.user, content=person.text),),
        sampling=Sampling(temperature=0.0, top_p=1.0, max_tokens=10),
        seed=0,
    )
    if person.id not in BAD:
        return person
    usage = Usage(prompt_tokens=completion.prompt_tokens, calls=1)
    return Rejection(key=person.id, reason="bad", detail="", origin="", excerpt="", usage=usage)


def plan(people, heard=lambda: None):
    def sessions(part):
        heard()
        for person in people:
            if part_of(person.id, part.of) == part.number:
                yield person.id, ask(person)

    return Plan(
        keys=lambda: [person.id for person in people],
        sessions=sessions,
        key_columns=("id",),
        record_type=Persona,
    )


def work(folder, plan, parts, model):
    """Do all parts of a plan and close the stage; return its manifest."""
    with Claims(folder.path / "claims", timeout_s=60) as claims:
        fingerprint = begin(folder, settings={}, inputs={}, command="c", force=False, claims=claims)
        worker = PartWorker(
            folder,
            plan,
            claims=claims,
            parts=parts,
            show=lambda progress: None,
            stopping=Stopping(),
        )
        worker.run(model, worker.left())
        assert worker.left() == []
        done = check_all_done(folder, plan.keys(), folder.done_keys(plan.key_columns))
        return close_stage(folder, Counted(rows_in=done), fingerprint=fingerprint, about={})


def test_a_kill_between_rejections_and_data_counts_nothing_twice(tmp_path):
    folder = StageFolder(run_dir=tmp_path, stage="s")
    model = ScriptedModel(scripted_reply)
    undisturbed = work(folder, plan(PEOPLE), 1, model)
    folder.manifest_file.unlink()
    folder.data_file(Part(0, 1)).unlink()  # as if killed before it got its name

    manifest = work(folder, plan(PEOPLE), 3, model)

    assert manifest["counts"] == undisturbed["counts"]
    assert manifest["counts"]["rejected"] == {"bad": 4}
    assert manifest["usage"] == undisturbed["usage"]
    assert set(model.calls.values()) == {1}


def test_parts_without_work_do_not_pile_up_open_files(tmp_path):
    folder = StageFolder(run_dir=tmp_path, stage="s")
    counts = []

    def heard():
        counts.append(len(list(Path("/proc/self/fd").iterdir())))

    manifest = work(folder, plan(PEOPLE[:5], heard), 60, ScriptedModel(scripted_reply))

    assert (manifest["parts"], len(counts)) == (60, 60)
    assert max(counts) - min(counts) <= 2 * 5


def test_no_part_is_written_into_a_stage_that_was_put_back_meanwhile(tmp_path):
    folder = StageFolder(run_dir=tmp_path, stage="s")

    def heard():  # another process puts back what it had moved aside
        started = json.loads(folder.started_file.read_text())
        folder.started_file.write_text(json.dumps(started | {"fingerprint": "of before"}))

    with pytest.raises(StoreError, match="was started with other settings while this command"):
        work(folder, plan(PEOPLE[:1], heard), 1, ScriptedModel(scripted_reply))

    assert (part_files(folder.data), part_files(folder.rejected)) == ([], [])
