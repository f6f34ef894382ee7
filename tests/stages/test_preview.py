def test_a_preview_shows_prompts_answers_and_records_and_leaves_nothing(opencharacter, tmp_path):
    done = opencharacter("stage=synth", "preview=2")

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("call 1, stop") == 2
    assert done.stdout.count("  birth_place:") == 2
    run = tmp_path / "runs" / "t"
    assert (run / "personas" / "manifest.json").exists()
    assert not (run / "profiles").exists()
    assert "profiles: a preview, nothing of it is kept; what follows needs its" in done.stderr


def test_a_preview_of_a_later_stage_uses_what_is_there(opencharacter, tmp_path):
    assert opencharacter("stage=synth").returncode == 0
    made = sorted((tmp_path / "runs" / "t").rglob("*"))

    done = opencharacter("stage=generate", "preview=1")

    assert (done.returncode, "call 2" in done.stdout) == (0, True), done.stderr
    assert "How many legs have" in done.stdout
    assert done.stderr.endswith("generate: a preview, nothing of it is kept\n")
    assert sorted((tmp_path / "runs" / "t").rglob("*")) == made
