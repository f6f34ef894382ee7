import errno
import json

import pytest

from opencharacter.config import TrainConfig
from opencharacter.errors import StoreError
from opencharacter.train.checkpoints import (
    MARKER,
    Identity,
    Layout,
    checkpoint_bytes,
    disk_may_fill,
    find_resume,
    is_whole,
    mark_whole,
    remove_older,
    remove_partial,
    require_space,
)

IDENTITY = Identity(
    settings={"learning_rate": 1e-5, "lora": {"rank": 64}},
    data="d1",
    packs="p1",
    versions={"trl": "1.16.0"},
)
LAYOUT = Layout(world_size=2, accumulation=4, device_rows=1)


def write(folder, step, *, is_marked=True, identity=IDENTITY, layout=LAYOUT):
    path = folder / f"checkpoint-{step}"
    (path / "global_step").mkdir(parents=True)
    (path / "model.safetensors").write_bytes(b"w" * 1000)
    (path / "global_step" / "rank_0.pt").write_bytes(b"o" * 500)
    if is_marked:
        mark_whole(path, identity, layout)
    return path


def other(**changes):
    given = {name: getattr(IDENTITY, name) for name in ("settings", "data", "packs", "versions")}
    return Identity(**given | changes)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_whole_checkpoint_is_gone_on_from(tmp_path):
    for step in (9, 10, 100):
        write(tmp_path, step)
    write(tmp_path, 200, is_marked=False)

    found = find_resume(tmp_path, IDENTITY, LAYOUT)

    assert (found.path.name, found.step, found.notes) == ("checkpoint-100", 100, ())


def test_of_a_large_file_a_sample_tells_a_part_of_zeros(tmp_path):
    path = write(tmp_path, 7, is_marked=False)
    with (path / "large.pt").open("wb") as file:
        file.write(b"w" * 2**16)
        file.truncate(65 * 2**20)  # sparse: a sample of 64 blocks is looked at
        file.seek(40 * 2**20)
        file.write(b"w" * 2 * 2**20)
    mark_whole(path, IDENTITY, LAYOUT)
    assert is_whole(path)
    with (path / "large.pt").open("r+b") as file:
        file.seek(40 * 2**20)
        file.write(bytes(2 * 2**20))

    assert not is_whole(path)


def test_without_a_whole_checkpoint_a_training_begins(tmp_path):
    assert find_resume(tmp_path / "none", IDENTITY, LAYOUT) is None
    write(tmp_path, 5, is_marked=False)
    assert find_resume(tmp_path, IDENTITY, LAYOUT) is None


@pytest.mark.parametrize("harm", ["cut", "zeros", "lost", "more", "marker"])
def test_a_checkpoint_that_is_not_as_its_marker_says_is_not_whole(tmp_path, harm):
    path = write(tmp_path, 7)
    assert is_whole(path)

    shard = path / "global_step" / "rank_0.pt"
    if harm == "cut":
        shard.write_bytes(b"o" * 499)
    elif harm == "zeros":  # as a file system that lost its blocks leaves it
        shard.write_bytes(b"o" * 250 + bytes(250))
    elif harm == "lost":
        shard.unlink()
    elif harm == "more":
        (path / "rank_1.pt").write_bytes(b"")
    else:
        (path / MARKER).write_text('{"step": 7', encoding="utf-8")

    assert not is_whole(path)


def test_a_checkpoint_of_the_first_markers_which_had_no_samples_is_kept(tmp_path):
    path = write(tmp_path, 7)
    marker = json.loads((path / MARKER).read_text(encoding="utf-8"))
    del marker["samples"]
    (path / MARKER).write_text(json.dumps(marker), encoding="utf-8")

    assert remove_partial(tmp_path) == []
    assert find_resume(tmp_path, IDENTITY, LAYOUT).step == 7


def test_what_is_not_whole_is_removed_and_the_rest_stays(tmp_path):
    write(tmp_path, 3)
    write(tmp_path, 4, is_marked=False)
    (tmp_path / "checkpoint-best").mkdir()

    assert [path.name for path in remove_partial(tmp_path)] == ["checkpoint-4"]
    assert names(tmp_path) == ["checkpoint-3", "checkpoint-best"]


def test_another_learning_rate_is_refused_and_named(tmp_path):
    write(tmp_path, 3)
    changed = other(settings={"learning_rate": 2e-5, "lora": {"rank": 8}})

    with pytest.raises(StoreError, match=r"learning_rate 1e-05 -> 2e-05; lora\.rank 64 -> 8"):
        find_resume(tmp_path, changed, LAYOUT)


def test_other_rows_are_refused(tmp_path):
    write(tmp_path, 3)

    with pytest.raises(StoreError, match="the rows are others"):
        find_resume(tmp_path, other(data="d2"), LAYOUT)


def test_other_packs_of_the_same_rows_are_refused(tmp_path):
    write(tmp_path, 3)

    with pytest.raises(StoreError, match="the same rows are packed otherwise"):
        find_resume(tmp_path, other(packs="p2"), LAYOUT)


def test_other_libraries_are_told_and_not_refused(tmp_path):
    write(tmp_path, 3)
    found = find_resume(tmp_path, other(versions={"trl": "1.16.1"}), LAYOUT)

    assert "trl '1.16.0' -> '1.16.1'" in found.notes[0]


def test_other_ranks_may_go_on_if_a_step_has_as_many_rows(tmp_path):
    write(tmp_path, 3)
    alone = Layout(world_size=1, accumulation=8, device_rows=1)

    assert "2 ranks have become 1" in find_resume(tmp_path, IDENTITY, alone).notes[0]
    with pytest.raises(StoreError, match=r"8 rows a step \(2 ranks\), now there are 4 \(1 ranks\)"):
        find_resume(tmp_path, IDENTITY, alone._replace(accumulation=4))


def test_states_that_deepspeed_cut_fit_the_same_ranks_only(tmp_path):
    cut = LAYOUT._replace(deepspeed="zero2")
    write(tmp_path, 3, layout=cut)

    assert find_resume(tmp_path, IDENTITY, cut).step == 3
    with pytest.raises(StoreError, match=r"made by 2 ranks, now there are 1: .* cut for 2"):
        find_resume(tmp_path, IDENTITY, Layout(1, 8, 1, "zero2"))
    with pytest.raises(StoreError, match="deepspeed=zero2, now it is zero3"):
        find_resume(tmp_path, IDENTITY, cut._replace(deepspeed="zero3"))


def test_older_ones_go_and_the_best_one_stays(tmp_path):
    for step in (1, 2, 3, 4):
        write(tmp_path, step)
    write(tmp_path, 5, is_marked=False)

    remove_older(tmp_path, keep=2, best=tmp_path / "checkpoint-1")

    assert names(tmp_path) == [f"checkpoint-{step}" for step in (1, 3, 4, 5)]


def test_the_marker_tells_what_the_checkpoint_is_of(tmp_path):
    marker = json.loads((write(tmp_path, 3) / MARKER).read_text(encoding="utf-8"))

    assert marker["step"] == 3
    assert (marker["world_size"], marker["accumulation"]) == (2, 4)
    assert marker["files"] == {"global_step/rank_0.pt": 500, "model.safetensors": 1000}


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ({}, 1_000 * 4 * 3),  # weights and two moments
        ({"tuning": "lora"}, 10 * 4 * 3),
        ({"deepspeed": "zero2"}, 1_000 * (4 + 4 + 12)),
    ],
    ids=str,
)
def test_the_size_of_a_checkpoint(settings, size):
    trainable = 10 if "tuning" in settings else 1_000
    config = TrainConfig(**settings)

    found = checkpoint_bytes(config, parameters=1_000, trainable=trainable, weight_bytes=4)
    assert found == size


def test_too_little_room_is_told_before_the_training(tmp_path):
    require_space(tmp_path / "new", 1000, held=1)
    with pytest.raises(StoreError, match=r"its checkpoints need 2,200,000\.00: each has about"):
        require_space(tmp_path, 1_000_000 * 2**30, held=1)
    require_space(tmp_path, 1_000_000 * 2**30, held=1, freed=3_000_000 * 2**30)


def test_checkpoints_that_are_there_count_as_room(tmp_path):
    path = write(tmp_path, 3)
    with (path / "large").open("wb") as file:
        file.truncate(4 * 2**40)  # a hole: it takes no room

    require_space(tmp_path, 2**40, held=2)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "x"),
        RuntimeError("[enforce fail at inline_container.cc:858] . PytorchStreamWriter failed "
                     "writing file data/3: file write failed"),
        RuntimeError("Error while serializing: I/O error: x (os error 28)"),
    ],
    ids=str,
)  # fmt: skip
def test_a_disk_that_fills_up_is_one_line_and_the_last_whole_one_stays(tmp_path, error):
    write(tmp_path, 3)
    write(tmp_path, 6, is_marked=False)

    with (
        pytest.raises(StoreError, match=r"writing checkpoint-6 of .*; checkpoint-3 is whole"),
        disk_may_fill(tmp_path, is_first=True),
    ):
        raise error

    assert names(tmp_path) == ["checkpoint-3"]


def test_other_errors_stay_what_they_are(tmp_path):
    write(tmp_path, 6, is_marked=False)

    with pytest.raises(ValueError, match="no"), disk_may_fill(tmp_path, is_first=True):
        raise ValueError("no")

    assert names(tmp_path) == ["checkpoint-6"]
