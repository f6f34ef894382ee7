import json

from opencharacter.records import Usage
from opencharacter.store.spending import LoggedUsage


def line(prompt, cached, output):
    tokens = {"prompt_tokens": prompt, "cached_tokens": cached, "output_tokens": output}
    return json.dumps({"key": "00", "text": "x", "finish": "stop", **tokens}).encode() + b"\n"


def test_all_whole_lines_of_all_stages_are_added_up_and_torn_ones_are_not(tmp_path):
    for stage in ("profiles", "generate"):
        (tmp_path / stage / "completions").mkdir(parents=True)
    profiles = tmp_path / "profiles" / "completions" / "part-0.jsonl"
    generate = tmp_path / "generate" / "completions" / "part-0.jsonl"
    profiles.write_bytes(line(10, 4, 3) + line(10, 0, 3)[:20] + b"\n" + line(20, 0, 5))
    generate.write_bytes(line(1, 0, 1) + line(7, 0, 7)[:30])

    found = LoggedUsage(tmp_path, pattern="*/completions/*.jsonl").total()

    assert found == Usage(prompt_tokens=31, cached_tokens=4, output_tokens=9, calls=3)


def test_what_others_append_is_seen_at_the_next_look(tmp_path):
    log = tmp_path / "part-0.jsonl"
    usage = LoggedUsage(tmp_path, pattern="*.jsonl")
    assert usage.total() == Usage()

    whole = line(10, 0, 3)
    log.write_bytes(whole + whole[:25])
    assert usage.total().calls == 1

    log.write_bytes(whole + whole + whole)
    assert usage.total() == Usage(prompt_tokens=30, output_tokens=9, calls=3)


def test_a_line_longer_than_a_block_is_read_once(tmp_path, monkeypatch):
    monkeypatch.setattr("opencharacter.store.spending._BLOCK", 16)
    (tmp_path / "part-0.jsonl").write_bytes(line(10, 0, 3) * 5)
    usage = LoggedUsage(tmp_path, pattern="*.jsonl")

    assert usage.total() == usage.total() == Usage(prompt_tokens=50, output_tokens=15, calls=5)
