"""What the README tells people to type works."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from opencharacter import manual
from opencharacter.compose import compose_config
from tests.servers import serving

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
LINES = [line.split("  #")[0] for block in BLOCKS for line in block.splitlines()]
COMMANDS = [line for line in LINES if "-m opencharacter " in line and "--help" not in line]
# Composed and not run here, for want of a GPU, a network or a server.
COMPOSED_ONLY = ("llm@teacher=llama3_", "llm@teacher=endpoint", "experiment=paper/")


def test_there_are_commands_to_look_at():
    assert len(COMMANDS) >= 7


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_composes(line):
    words = shlex.split(line)

    config = compose_config(words[words.index("opencharacter") + 1 :])

    assert (ROOT / "opencharacter" / "stages" / f"{config.stage}.py").is_file()


def run_line(text, *more, cwd, status=0):
    """Run the one command that holds `text` as it is written, `more` added to it."""
    [line] = [line for line in LINES if text in line]
    return run(*shlex.split(line)[1:], *more, cwd=cwd, status=status)


def run(*words, cwd, status=0):
    process = [sys.executable, *words]
    here = environment(cwd)
    ran = subprocess.run(process, cwd=cwd, capture_output=True, text=True, env=here, check=False)
    assert ran.returncode == status, ran.stderr
    (cwd / "told.txt").write_text(ran.stderr)
    return ran.stdout


def environment(cwd):
    return {**os.environ, "PYTHONPATH": str(ROOT), "HF_HOME": str(cwd / "hf")}


def output_after(text):
    """Return the lines of the first block of output behind `text`."""
    fenced = re.finditer(r"^```(\w*)\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
    start = README.index(text)
    return next(m[2] for m in fenced if m.start() > start and not m[1]).splitlines()


def shape(line):
    """Return a line with 0 for numbers and X for names, whatever the width of its columns."""
    line = re.sub(r"(?<=full names, )\d+ full name .*|(?<=: )[^:]*\(\d+\)$", "X", line)
    line = re.sub(r"(?<=generate\): ).*(?= answers)", "X", line)
    return re.sub(r"[ ─]+", " ", re.sub(r"\d[\d,.]*", "0", line)).strip()


def counts(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["counts"]


def test_every_command_is_run_here_or_cannot_be():
    left = [line for line in COMMANDS if not any(why in line for why in COMPOSED_ONLY)]

    # `make demo` itself, on the embedded model, is e2e/test_synth_vllm.py; what trains a model,
    # run=tiny, is e2e/test_trained_model.py.
    assert [re.search(r"stage=\w+( run=\w+)?", line)[0] for line in left] == [
        "stage=mix run=demo",
        "stage=synth run=mine",
        "stage=mix run=mine",
        "stage=all run=tiny",
        "stage=tokenize run=tiny",
        "stage=train run=tiny",
        "stage=train run=og",
        "stage=eval run=tiny",
        "stage=synth run=look",
        "stage=status run=mine",
        "stage=lint",
        "stage=population run=mine",
        "stage=export run=mine",
    ]


def test_help_is_there(tmp_path):
    assert run_line("--help", cwd=tmp_path) == manual.overview()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """What `make demo` makes, with replies from a script instead of the embedded model."""
    folder = tmp_path_factory.mktemp("demo")
    out = run("-m", "opencharacter", "stage=synth", "run=demo", "llm@teacher=scripted", cwd=folder)
    (folder / "printed.txt").write_text((folder / "told.txt").read_text() + out)
    return folder


def demo_shape(lines):
    """Return what the end of a demo is like, down to the first sample, and without its texts.

    Left out are lines of work under way, and marks: those hang on what a character says.
    """
    # Which names occur twice hangs on the teacher.
    named = re.compile(r"(different full names|commonest).*")
    lines = [named.sub(r"\1", shape(line)) for line in lines]
    ended = next(at for at, line in enumerate(lines) if line.startswith("profiles: done"))
    sample = next(at for at, line in enumerate(lines) if line.startswith("Sample"))
    passing = re.compile(r"\w+: (0/0 records.*|0 marked \w+)")
    head = [line for line in lines[ended:sample] if not passing.fullmatch(line)]
    told = re.compile(r"(\w+:|Sample.*|# Persona|You are a character.*|\(0 more lines\))")
    return head + [
        line for line in lines[sample : lines.index("assistant:") + 1] if told.fullmatch(line)
    ]


def test_the_demo_ends_as_shown(demo):
    shown = output_after("The demo ends like this")

    assert demo_shape(shown) == demo_shape((demo / "printed.txt").read_text().splitlines())
    [marked] = re.findall(
        r"^generate: (\d+) marked assistant_voice$", "\n".join(shown), re.MULTILINE
    )
    assert 0 < int(marked) < 168


def status_shape(lines):
    """Return the words of a table of a run under way, without numbers and the machine's name."""
    lines = [re.sub(r"(?<= on )[^:]+", "X", line) for line in lines]
    return [re.findall(r"[a-zA-Z][\w/]+", re.sub(r"\d+ (min|h)\b", "", line)) for line in lines]


def test_the_status_is_the_one_shown(tmp_path):
    shown = output_after("stage=status run=mine")
    [n] = {re.search(r"personas\.n=(\d+)", line)[1] for line in LINES if "synth run=mine" in line}
    here = environment(tmp_path)
    with serving(delay_s=60) as server:
        command = [
            sys.executable,
            "-m",
            "opencharacter",
            "stage=synth",
            "run=mine",
            *server.teacher,
        ]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not server.asked:
            assert process.poll() is None
            time.sleep(0.05)
        printed = run_line("stage=status run=mine", cwd=tmp_path).splitlines()
        process.kill()
        process.wait()

    assert status_shape(printed) == status_shape(shown)
    assert next(line.split()[2:4] for line in shown if "finished" in line) == [n, n]
    assert [line.split()[3] for line in shown if "running" in line] == [n]


BROKEN = """
{"messages": [{"role": "system", "content": "You are {NAME}."}, {"role": "user", "content": "Hi there"}, {"role": "assistant", "content": "Hello, how are you?"}]}
{"messages": [{"role": "system", "content": "# Profile\\nName: Ann Lee\\nAge: 30"}, {"role": "user", "content": "Who are you?"}, {"role": "assistant", "content": "My name is Bob, nice to meet you."}]}
{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello there."}, {"role": "user", "content": "And now?"}]}
{"messages": [{"role": "user", "content": "What is two and two?"}, {"role": "assistant", "content": "It is four, dear."}]}
{"messages": [{"role": "assistant", "content": "Welcome."}, {"role": "user", "content": "What do you sell?"}, {"role": "assistant", "content": "Bread, every morning."}]}
"""  # noqa: E501 - lines of a file


def test_the_linter_prints_what_is_shown(tmp_path):
    (tmp_path / "sft.jsonl").write_text(BROKEN.lstrip())
    shown = output_after("stage=lint lint.path=sft.jsonl")

    printed = run_line("stage=lint", cwd=tmp_path, status=1).splitlines()

    assert len(shown) >= 4
    assert printed[: len(shown)] == shown


def test_the_demo_can_be_mixed(demo):
    run_line("stage=mix run=demo", cwd=demo)

    assert counts(demo / "runs/demo/mix")["out"] > 100


def test_the_rows_can_be_loaded(demo):
    pytest.importorskip("datasets")
    [load] = re.findall(r'`(datasets\.load_dataset\("runs/demo/.*?"\))`', README)

    shown = run("-c", f"import datasets; print({load})", cwd=demo)

    assert f"num_rows: {counts(demo / 'runs/demo/generate')['out']}" in shown


def test_rows_loaded_are_those_of_the_folder_not_of_a_cache(tmp_path):
    """`datasets` finds a folder's cache by its card; the same card would mean other rows."""
    datasets = pytest.importorskip("datasets")
    command = ("-m", "opencharacter", "stage=personas", "force=true")
    found = []
    for n, name in ((5, "a"), (7, "b"), (6, "a")):
        run(*command, f"personas.n={n}", f"run={name}", cwd=tmp_path)
        path = str(tmp_path / "runs" / name / "personas")
        rows = datasets.load_dataset(path, split="train", cache_dir=str(tmp_path / "cache"))
        found.append(len(rows))

    assert found == [5, 7, 6]


def test_data_of_ones_own_goes_all_the_way(tmp_path):
    personas = [{"persona": f"A baker with the number {n}"} for n in range(40)]
    alpaca = [{"instruction": f"Add {n} and 1.", "input": "", "output": str(n)} for n in range(9)]
    lima = [{"conversations": [f"How old are {n} trees?", f"{n} years."]} for n in range(6)]
    (tmp_path / "persona.jsonl").write_text("\n".join(map(json.dumps, personas)))
    (tmp_path / "alpaca.json").write_text(json.dumps(alpaca))
    (tmp_path / "lima.jsonl").write_text("\n".join(map(json.dumps, lima)))

    run_line("stage=synth run=mine", "llm@teacher=scripted", cwd=tmp_path)
    run_line("stage=mix run=mine", cwd=tmp_path)

    assert counts(tmp_path / "runs/mine/profiles")["out"] == 40
    # Two of three characters for each of 15 instructions, rewritten and generated; the script says
    # nearly the same now and then.
    mixed = counts(tmp_path / "runs/mine/mix")
    assert mixed["out"] + mixed["rejected"]["near_duplicate_answer"] == 2 * 15 * 2
    assert mixed["out"] > 50

    assert re.search(r"mix +finished +60 +60", run_line("stage=status run=mine", cwd=tmp_path))
    run_line("stage=population run=mine", cwd=tmp_path)
    assert (tmp_path / "runs/mine/population/report.html").exists()
    run_line("stage=export run=mine", cwd=tmp_path)
    [exported] = (tmp_path / "runs/mine/export/sharegpt").glob("*.jsonl")
    exported.rename(tmp_path / "sft.jsonl")
    run_line("stage=lint", cwd=tmp_path)


def test_a_preview_keeps_nothing(tmp_path):
    assert "Invent a character" in run_line("run=look", "llm@teacher=scripted", cwd=tmp_path)
    assert not (tmp_path / "runs/look/profiles/data").exists()


def test_the_plan_is_the_one_shown(tmp_path):
    planned = run_line("stage=plan", cwd=tmp_path)

    for line in planned.splitlines()[2:5]:
        assert line.rstrip() in README
        assert line.rstrip() in (ROOT / "docs/reproduce.md").read_text(encoding="utf-8")


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`?make ([a-z-]+)", README))

    assert {"demo", "test"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_a_training_on_gpus_is_planned_without_one(tmp_path):
    told = run_line("experiment=llama3_8b/instruct", cwd=tmp_path)

    assert "8,030,261,248 weights" in told
    assert not list(tmp_path.glob("runs/*/*/manifest.json"))


def test_linked_and_named_files_exist():
    links = re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(r"`python (bench/[^ `]+)", README)

    assert len(links) >= 8
    for link in links:
        assert (ROOT / link).exists(), link


def test_every_table_has_a_head():
    tables = re.findall(r"(?:^\|.*\n)+", README, flags=re.MULTILINE)

    assert len(tables) == 3
    for table in tables:
        assert re.fullmatch(r"[|-]+", table.splitlines()[1]), table
