"""What messages tell to type is what Hydra, given it by a shell, reads as what is meant."""

import re
import shlex
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from opencharacter.store.commands import alone, assigned, first, forced, is_of, placed, plain

TYPED = "python -m opencharacter"
NAMES = [
    "x(1)", "r=1", "[x]", "a#b", "it's", "a,b", "a=b", "{a}", "a b", "a  b ", " a", 'say "x"',
    "a\\b", "a\\\\b", 'a\\"b', "a\\", 'b"', "'a'", "café", "~a", "a:b", "a\nb", "*", "a;b|c&d",
    "$a", "%a!", "a@b+c", "null", "True", "nan", "-inf", "1e5", "1_000", "1.", "+1", "-1", "7",
    "007", "2026-11-22", "main",
]  # fmt: skip


def parsed(command):
    """Return what Hydra reads of a pasted command, as text settings hold it."""
    read = OverridesParser.create().parse_overrides(shlex.split(command)[3:])
    assert not any(each.is_sweep_override() for each in read)
    return [(each.get_key_element(), str(each.value())) for each in read]


@pytest.mark.parametrize("name", NAMES)
def test_hydra_reads_the_folder_and_the_name_again(name):
    run_dir = Path("/data") / name / name
    told = [("stage", "play"), ("run", name), ("runs_dir", f"/data/{name}")]

    assert parsed(plain(run_dir, "play")) == told
    assert parsed(placed(f"{TYPED} stage=play", run_dir)) == told
    assert parsed(placed(f"{TYPED} runs_dir=/old run=old stage=play", run_dir)) == told[::-1]
    assert parsed(placed(plain(run_dir, "play"), run_dir)) == told


@pytest.mark.parametrize("name", NAMES)
def test_a_relative_folder_of_runs_is_read_again(name):
    assert parsed(plain(Path(name) / "a", "mix"))[2:] == [("runs_dir", name)]


@pytest.mark.parametrize(
    "command", ["'runs_dir=\"/data/x(1)\"'", "'runs_dir=\"/data/it'\"'\"'s\"'"]
)
def test_a_folder_that_was_typed_in_quotes_keeps_them(command):
    [(_, runs_dir)] = parsed(f"{TYPED} {command}")
    typed = shlex.join(shlex.split(f"{TYPED} stage=play run=a {command}"))

    assert placed(typed, Path(runs_dir) / "a") == typed


def test_quotes_are_told_only_where_they_are_needed():
    assert plain(Path("runs/main"), "judge-ann") == f"{TYPED} stage=judge run=main"
    assert plain(Path("/d/a+b@c/7"), "mix") == f"{TYPED} stage=mix run=7 runs_dir=/d/a+b@c"
    assert assigned("run", "r(1)") == 'run="r(1)"'


def test_words_with_a_blank_stay_whole():
    typed = f"{TYPED} stage=play 'qualify.labels=[/d/labels part=2.csv]' 'suite.path=/x stage=old'"
    kept = ["qualify.labels=[/d/labels part=2.csv]", "suite.path=/x stage=old"]

    for made in (
        alone(typed, "judge"),
        first(typed, "judge"),
        placed(alone(typed, "judge"), Path("runs/a")),
    ):
        assert shlex.split(made)[3:6] == ["stage=judge", *kept]
    assert shlex.split(forced(typed))[3:] == ["stage=play", *kept, "force=true"]


def test_words_of_the_later_work_are_left_out():
    typed = f"{TYPED} stage=all part=0/2 +force=true 'a.b=c force=d'"
    looks = "preview=3 dry_run=true parts=2 label.show=1 qualify.check=true"

    assert alone(typed, "judge-ann") == f"{TYPED} stage=judge 'a.b=c force=d'"
    assert first(f"{typed} {looks}", "mix") == f"{TYPED} stage=mix 'a.b=c force=d'"
    assert first(f"{TYPED} 'a.b=c stage=d'", "mix") == ""
    assert forced(typed) == f"{TYPED} stage=all part=0/2 'a.b=c force=d' force=true"
    assert is_of(alone(typed, "mix"), "mix")
    assert not is_of(typed, "mix")


def test_a_run_that_was_renamed_or_moved_is_named_as_it_is_now():
    typed = f"{TYPED} stage=play run=old runs_dir=/old"

    assert placed(typed, Path("runs/new")) == f"{TYPED} stage=play run=new runs_dir=runs"
    assert re.search(r" run=new$", placed(f"{TYPED} stage=play", Path("runs/new")))
