import json


def test_a_run_is_reported_with_a_page(opencharacter, tmp_path):
    assert opencharacter("stage=synth").returncode == 0

    done = opencharacter("stage=population")

    assert done.returncode == 0, done.stderr
    assert "56 characters of t" in done.stdout
    folder = tmp_path / "runs" / "t" / "population"
    report = json.loads((folder / "report.json").read_text())
    assert {d["attribute"] for d in report["distributions"]} == {"gender", "age", "race", "country"}
    assert all(sum(d["counts"].values()) == 56 for d in report["distributions"])
    assert set(report["varieties"]) >= {"experience", "answers (rewrite)", "answers (generate)"}
    assert report["by_character"]
    assert set(report["archetypes"]) == {"persona", "experience", "personality", "appearance"}
    assert report["archetypes"]["persona"]["characters"] == 56
    assert set(report["coverage"]) == set(report["varieties"])
    assert "covered" in done.stdout
    assert report["names"]["different full names"] <= 56
    assert f"different first names {report['names']['different first names']}" in done.stdout
    assert (folder / "report.html").read_text().startswith("<!doctype html>")


def test_without_profiles_the_error_names_the_command(opencharacter):
    done = opencharacter("stage=population")

    assert (done.returncode, "stage=profiles" in done.stderr) == (2, True)
