"""A source's fingerprint changes with what it holds, and with nothing else."""

import os

from opencharacter.sources.fingerprint import source_fingerprint


def test_a_path_from_home_is_looked_into(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "people.txt"
    path.write_text("A cook\n", encoding="utf-8")
    before = source_fingerprint("~/people.txt")
    path.write_text("A judge\n", encoding="utf-8")

    assert before != source_fingerprint("~/people.txt") == source_fingerprint(str(path))


def test_neither_place_nor_time_counts(tmp_path):
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "people.txt").write_text("A cook\n", encoding="utf-8")
    os.utime(tmp_path / "there" / "people.txt", (0, 0))

    here, there = (source_fingerprint(str(tmp_path / folder)) for folder in ("here", "there"))
    assert here == there


def test_a_revision_counts_wherever_it_is_named():
    names = ["hub:owner/name", "hub:owner/name@v1", "hub:owner/name@v2"]
    found = {source_fingerprint(name) for name in names} | {source_fingerprint(names[0], "v1")}

    assert len(found) == 4
