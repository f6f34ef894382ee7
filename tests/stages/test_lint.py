import json

import pytest

GOOD = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello."}]}
OPEN = {"messages": [*GOOD["messages"], {"role": "user", "content": "so?"}]}


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def found_in(tmp_path, path):
    return tmp_path / "runs" / "t" / "lint" / str(path)[1:].replace("/", "-")[-60:]


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_faulty_file_ends_with_status_1_and_a_mended_copy(opencharacter, tmp_path):
    path = write(tmp_path / "sft.jsonl", GOOD, OPEN, {"x": 1})

    done = opencharacter("stage=lint", f"lint.path={path}", "lint.fix=true")

    assert done.returncode == 1, done.stderr
    assert "sft.jsonl:2: no_last_answer" in done.stdout
    assert "2 of 3 rows have problems." in done.stdout
    folder = found_in(tmp_path, path)
    assert [row["place"] for row in lines(folder / "findings.jsonl")] == [
        "sft.jsonl:2", "sft.jsonl:2", "sft.jsonl:3",
    ]  # fmt: skip
    assert lines(folder / "mended.jsonl") == [GOOD]


@pytest.mark.parametrize(("skip", "kept"), [("", "hi \ufffd"), ("lone_surrogate", "hi \ud83d")])
def test_half_a_character_ends_in_files_of_valid_utf8(opencharacter, tmp_path, skip, kept):
    broken = json.loads(json.dumps(GOOD).replace("hi", "hi \\ud83d"))
    path = write(tmp_path / "sft.jsonl", broken)

    done = opencharacter("stage=lint", f"lint.path={path}", "lint.fix=true", f"lint.skip=[{skip}]")

    folder = found_in(tmp_path, path)
    (row,) = lines(folder / "mended.jsonl")
    assert (done.returncode, row["messages"][0]["content"]) == (0 if skip else 1, kept)
    assert len(lines(folder / "findings.jsonl")) == (0 if skip else 1)


def test_a_clean_file_ends_with_status_0(opencharacter, tmp_path):
    path = write(tmp_path / "sft.jsonl", GOOD)

    done = opencharacter("stage=lint", f"lint.path={path}")

    assert done.returncode == 0, done.stderr
    assert "1 rows, no problems." in done.stdout
    assert not (found_in(tmp_path, path) / "mended.jsonl").exists()


def test_every_file_has_a_folder_of_its_own_and_no_empty_copy(opencharacter, tmp_path):
    good, bad = write(tmp_path / "x.json", GOOD), write(tmp_path / "x.jsonl", {"x": 1})
    for path in (good, bad):
        opencharacter("stage=lint", f"lint.path={path}", "lint.fix=true")

    folders = [found_in(tmp_path, path) for path in (good, bad)]
    assert [sorted(file.name for file in folder.iterdir()) for folder in folders] == [
        ["findings.jsonl", "mended.jsonl"], ["findings.jsonl"],
    ]  # fmt: skip


def test_what_is_only_counted_ends_with_status_0(opencharacter, tmp_path):
    polite = json.loads(json.dumps(GOOD).replace("Hello.", "Hello. I hope that helps."))

    done = opencharacter("stage=lint", f"lint.path={write(tmp_path / 'sft.jsonl', polite)}")

    assert (done.returncode, "assistant_voice" in done.stdout) == (0, True), done.stderr
    assert "1 rows have only what is counted" in done.stdout


def test_our_own_mixture_can_be_looked_at(opencharacter, tmp_path):
    assert opencharacter("stage=synth").returncode == 0
    assert opencharacter("stage=mix").returncode == 0

    done = opencharacter("stage=lint", f"lint.path={tmp_path}/runs/t/mix")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "rows, no problems." in done.stdout


def test_without_a_file_or_rows_the_error_says_so(opencharacter, tmp_path):
    empty = write(tmp_path / "empty.jsonl")

    for word, said in (
        ("lint.path=''", "name a file"),
        (f"lint.path={empty}", "no rows"),
        ("lint.skip=[control_token]", "choose from encoded_twice"),
        ("lint.path=embedded", "there is no embedded (looked for "),
    ):
        done = opencharacter("stage=lint", f"lint.path={empty}", word)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_a_path_that_is_not_there_is_named_once_and_nothing_else_is_offered(opencharacter):
    done = opencharacter("stage=lint", "lint.path=/nothere")

    assert done.stderr.rstrip().endswith("there is no /nothere; check the path")
