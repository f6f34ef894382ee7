"""The log finds what was appended, survives torn lines, and is shared by partitions."""

import json
import os
import resource
from contextlib import contextmanager

import pytest

from opencharacter.errors import StoreError
from opencharacter.store.claims import Part
from opencharacter.store.completions import CompletionLog, SharedCompletions, other_partitions

KEY_A = "aa" * 32
KEY_B = "bb" * 32


def open_log(folder, part):
    return CompletionLog(folder, part, other_partitions(folder, part.of))


def append(folder, part, key, text):
    with open_log(folder, part) as log:
        log.append(key, {"text": text})


@contextmanager
def few_descriptors(more):
    """Let this process open `more` files than it has open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = [os.dup(0) for _ in range(more)]
    for descriptor in free:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(free) + 1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_was_appended_is_found_by_the_next_process(tmp_path):
    append(tmp_path, Part(0, 1), KEY_A, "hello\nПривет 👋")

    with open_log(tmp_path, Part(0, 1)) as log:
        assert log.get(KEY_A) == {"key": KEY_A, "text": "hello\nПривет 👋"}


def test_an_unknown_key_is_none(tmp_path):
    with open_log(tmp_path, Part(0, 1)) as log:
        assert log.get(KEY_A) is None


def test_a_torn_last_line_is_dropped_and_the_next_line_is_whole(tmp_path):
    append(tmp_path, Part(0, 1), KEY_A, "kept")
    path = tmp_path / "part-00000-of-00001.jsonl"
    path.write_bytes(path.read_bytes() + b'{"key": "bbbb')
    append(tmp_path, Part(0, 1), KEY_B, "after the tear")

    with open_log(tmp_path, Part(0, 1)) as log:
        assert len(log) == 2
        assert log.get(KEY_B)["text"] == "after the tear"


def test_logs_of_another_partition_are_read_too(tmp_path):
    append(tmp_path, Part(1, 2), KEY_A, "made with two parts")

    with open_log(tmp_path, Part(4, 5)) as log:
        assert log.get(KEY_A)["text"] == "made with two parts"


def test_logs_of_other_parts_of_the_same_partition_are_not_read(tmp_path):
    append(tmp_path, Part(1, 2), KEY_A, "another part's")

    with open_log(tmp_path, Part(0, 2)) as log:
        assert len(log) == 0


def test_hundreds_of_logs_need_few_open_files(tmp_path):
    for number in range(300):
        key = f"{number:064x}"
        (tmp_path / f"part-{number:05d}-of-00300.jsonl").write_text(f'{{"key": "{key}", "n": 1}}\n')

    with few_descriptors(20):
        others = other_partitions(tmp_path, 8)
        logs = [CompletionLog(tmp_path, Part(number, 8), others) for number in range(8)]
        found = [log.get(f"{number:064x}") for log in logs for number in range(300)]
        for log in logs:
            log.close()

    assert [completion["n"] for completion in found] == [1] * 2400


SAID = {"text": "4", "finish": "stop", "prompt_tokens": 9, "cached_tokens": 0, "output_tokens": 1}


def shared_log(tmp_path, run, origin=""):
    shared = SharedCompletions(tmp_path / "judged" / origin, origin)
    return CompletionLog(tmp_path / run, Part(0, 1), {}, shared), shared


def keep(tmp_path, run, *keys):
    log, shared = shared_log(tmp_path, run)
    for key in keys:
        log.append(key, SAID)
    log.close()
    shared.close()


def test_what_one_run_was_told_another_finds(tmp_path):
    keep(tmp_path, "a", KEY_A)

    log, _ = shared_log(tmp_path, "b")
    assert log.get(KEY_A) == {"key": KEY_A, **SAID, "origin": ""}
    assert log.get(KEY_B) is None


def test_an_answer_that_a_kill_kept_from_the_others_is_given_to_them_when_it_is_replayed(tmp_path):
    keep(tmp_path, "a", KEY_A)
    for path in (tmp_path / "judged").glob("*.jsonl"):
        path.unlink()  # as if killed between the two logs

    log, shared = shared_log(tmp_path, "a")
    assert [log.get(KEY_A)["text"] for _ in range(2)] == ["4", "4"]
    shared.close()

    [path] = (tmp_path / "judged").glob("*.jsonl")
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["4"]


@pytest.mark.parametrize("origin", ["other.example-1", "float32"])
def test_an_answer_of_another_origin_is_found_and_never_given_to_the_others(tmp_path, origin):
    keep(tmp_path, "a", KEY_A)

    log, shared = shared_log(tmp_path, "a", origin)
    assert log.get(KEY_A)["text"] == "4"
    shared.close()

    assert not list((tmp_path / "judged" / origin).glob("*"))


def test_an_answer_that_does_not_say_its_origin_is_never_given_to_the_others(tmp_path):
    append(tmp_path / "a", Part(0, 1), KEY_A, "4")

    log, shared = shared_log(tmp_path, "a")
    assert log.get(KEY_A)["text"] == "4"

    assert KEY_A not in {key.hex() for key in shared.places}


def test_damaged_lines_of_a_shared_file_are_counted_and_the_others_used(tmp_path):
    keep(tmp_path, "a", KEY_A, KEY_B)
    [path] = (tmp_path / "judged").glob("*.jsonl")
    first, second = path.read_bytes().splitlines(keepends=True)
    bad = [b"{}\n", b"\xff\x00\n", b"[" * 100_000 + b"\n", b'{"key": "cc"}\n', first[:40] + b"\n"]
    path.write_bytes(b"".join([*bad, b"\n", second, first[:40]]))  # the last is torn by a kill

    shared = SharedCompletions(tmp_path / "judged")
    assert [key.hex() for key in shared.places] == [KEY_B]
    assert shared.damaged == {path: len(bad)}


def test_a_shared_file_that_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "judged" / "copied.jsonl").mkdir(parents=True)

    with pytest.raises(StoreError, match=r"cannot read .*copied\.jsonl: Is a directory; take it"):
        _ = SharedCompletions(tmp_path / "judged").places


def test_a_file_in_place_of_the_shared_folder_is_one_line(tmp_path):
    (tmp_path / "judged").write_text("")

    with pytest.raises(StoreError, match=r"judged is no folder, .* check judge\.cache"):
        _ = SharedCompletions(tmp_path / "judged").places


def test_a_shared_folder_that_is_removed_meanwhile_has_nothing(tmp_path):
    keep(tmp_path, "a", KEY_A)
    log, _ = shared_log(tmp_path, "b")
    for path in (tmp_path / "judged").glob("*"):
        path.unlink()

    assert log.get(KEY_A) is None
