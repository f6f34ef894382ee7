from opencharacter.job.lineage import lineage_of
from opencharacter.records import Method, MixtureRow
from opencharacter.store.files import write_json
from opencharacter.store.rows import write_records


def started(folder, **settings):
    names = {"fingerprint": "0", "inputs": {}, "command": "x", "at": 0.0}
    write_json(folder / "started.json", names | {"settings": settings})


def row(number, character, method=Method.rewrite):
    return MixtureRow(
        response_id=f"response-{number}",
        character_id=character,
        instruction_id="instruction-1",
        persona_id="persona-1",
        render_version="1",
        messages=(),
        source="lima",
        method=method,
        draw=0,
        weight=1.0,
        licence="none",
    )


def test_a_checkpoint_leads_back_to_its_base_its_teachers_and_its_data(tmp_path):
    trained, evaluated = tmp_path / "main", tmp_path / "main-out"
    started(trained / "train", versions={"base": "llama-8b@1"})
    started(trained / "generate", versions={"model": "qwen-72b@2"})
    started(evaluated / "play", player={"model": str(trained / "train" / "model")})
    rows = [row(0, "a"), row(1, "a"), row(2, "b"), row(3, "")]  # the last is replayed
    write_records(trained / "mix" / "data" / "part-00000-of-00001.parquet", MixtureRow, rows)

    found = lineage_of(evaluated)

    assert found.made_by == {"llama-8b@1": "the base model's", "qwen-72b@2": "the teacher's"}
    assert found.facts == {"characters": 2, "rows": 4, "method": "rewrite"}


def test_a_model_from_elsewhere_has_no_lineage_here(tmp_path):
    started(tmp_path / "base" / "play", player={"model": "meta-llama/Llama-3.1-8B-Instruct"})
    started(tmp_path / "base" / "generate", versions={"model": "qwen-72b@2"})

    assert lineage_of(tmp_path / "base") == ({}, {})
