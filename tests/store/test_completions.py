"""The log finds what was appended, survives torn lines, and is shared by partitions."""

from opencharacter.store.claims import Part
from opencharacter.store.completions import CompletionLog

KEY_A = "aa" * 32
KEY_B = "bb" * 32


def append(folder, part, key, text):
    with CompletionLog(folder, part) as log:
        log.append(key, {"text": text})


def test_what_was_appended_is_found_by_the_next_process(tmp_path):
    append(tmp_path, Part(0, 1), KEY_A, "hello\nПривет 👋")

    with CompletionLog(tmp_path, Part(0, 1)) as log:
        assert log.get(KEY_A) == {"key": KEY_A, "text": "hello\nПривет 👋"}


def test_an_unknown_key_is_none(tmp_path):
    with CompletionLog(tmp_path, Part(0, 1)) as log:
        assert log.get(KEY_A) is None


def test_a_torn_last_line_is_dropped_and_the_next_line_is_whole(tmp_path):
    append(tmp_path, Part(0, 1), KEY_A, "kept")
    path = tmp_path / "part-00000-of-00001.jsonl"
    path.write_bytes(path.read_bytes() + b'{"key": "bbbb')
    append(tmp_path, Part(0, 1), KEY_B, "after the tear")

    with CompletionLog(tmp_path, Part(0, 1)) as log:
        assert len(log) == 2
        assert log.get(KEY_B)["text"] == "after the tear"


def test_logs_of_another_partition_are_read_too(tmp_path):
    append(tmp_path, Part(1, 2), KEY_A, "made with two parts")

    with CompletionLog(tmp_path, Part(4, 5)) as log:
        assert log.get(KEY_A)["text"] == "made with two parts"


def test_logs_of_other_parts_of_the_same_partition_are_not_read(tmp_path):
    append(tmp_path, Part(1, 2), KEY_A, "another part's")

    with CompletionLog(tmp_path, Part(0, 2)) as log:
        assert len(log) == 0
