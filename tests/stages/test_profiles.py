"""Excluded names, as a user excludes them."""

import json

from opencharacter.records import Character
from opencharacter.store.rows import read_records


def test_excluded_first_names_are_no_characters(opencharacter, tmp_path):
    """The scripted teacher has nine first names; here three may not occur."""
    (tmp_path / "names.txt").write_text("Bruno\nchiara\n")
    given = ["profiles.exclude_names=[Amara]", f"profiles.exclude_names_path={tmp_path}/names.txt"]

    done = opencharacter("stage=synth", "profiles.max_rejected=1", "profiles.retries=9", *given)

    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs/t/profiles"
    characters = read_records(folder / "data", Character)
    first = {character.name.split()[0] for character in characters}
    counts = json.loads((folder / "manifest.json").read_text())["counts"]
    assert first == {"Esther", "Farid", "Hiro", "Ines", "Jakub", "Olga"}
    assert set(counts["rejected"]) <= {"excluded_name"}


def test_another_list_makes_characters_stale(opencharacter, tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("Bruno\n")
    given = [f"profiles.exclude_names_path={path}", "profiles.max_rejected=1"]
    opencharacter("stage=synth", *given)
    path.write_text("Bruno\nAmara\n")

    changed = opencharacter("stage=profiles", *given)

    assert changed.returncode == 2
    assert "(profiles.exclude_names and exclude_names_path exclude other names)" in changed.stderr
