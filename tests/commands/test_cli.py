"""The command line as its user sees it: one line and status 2 for a mistake, help that is fresh."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from opencharacter import __version__, manual
from opencharacter.cli import main
from opencharacter.compose import compose_config
from opencharacter.config import AxisConfig, ModelConfig

STAGES = sorted(p.stem for p in (manual.PACKAGE / "stages").glob("[a-z]*.py"))


def command(*words, cwd, before=""):
    """Run the command line in a process of its own; `before` is Python that runs first."""
    code = f"import sys; {before}\nfrom opencharacter.cli import main\nsys.exit(main())"
    process = [sys.executable, "-W", "error", "-c", code, *words]
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        process, cwd=cwd, capture_output=True, text=True, env={"PYTHONPATH": root}, check=False
    )


def test_no_arguments_and_help_say_the_same(tmp_path):
    helped = command("--help", cwd=tmp_path)

    assert command(cwd=tmp_path).stdout == helped.stdout == manual.overview()
    assert (helped.returncode, helped.stderr) == (0, "")


def test_help_imports_nothing_heavy(tmp_path):
    heavy = "import atexit; atexit.register(lambda: print(sorted(sys.modules)))"
    modules = command("--help", cwd=tmp_path, before=heavy).stdout.splitlines()[-1]

    assert "'opencharacter.manual'" in modules
    assert not re.search(r"'(hydra|omegaconf|numpy|pyarrow|rich|aiohttp|torch|vllm)'", modules)


def test_help_lists_every_stage_and_every_option():
    text = manual.overview()
    options = [option for options in manual.groups().values() for option in options]

    assert list(manual.stages()) == sorted(manual.stages(), key=manual.PIPELINE.index)
    assert sorted(manual.stages()) == STAGES
    assert all(f"\n  {stage} " in text for stage in STAGES)
    assert all(re.search(rf"[ =]{re.escape(option)}\b", text) for option in options)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_says_in_one_line_what_it_does(stage):
    assert manual.stages()[stage].endswith(".")


def test_help_shows_the_defaults_that_hold_without_options():
    shown = {s.key: s.default for name in ["", *manual.sections()] for s in manual.settings(name)}
    config = compose_config(["stage=mix"])
    actual = {key: value_at(config, key) for key in manual.MOST_USED}

    assert {key: shown[key] for key in manual.MOST_USED} == actual


def test_help_knows_every_setting_of_the_dataclasses():
    config = compose_config(["stage=mix"])
    shown = {s.key for name in ["", *manual.sections()] for s in manual.settings(name)}
    of_an_axis = {f"mix.axes.NAME.{key}" for key in leaves(AxisConfig(model="m"))}
    of_a_juror = {f"judge.jurors.NAME.{key}" for key in leaves(ModelConfig())}

    assert shown == set(leaves(config)) | of_an_axis | of_a_juror


def test_every_setting_says_what_it_means():
    settings = [setting for name in ["", *manual.sections()] for setting in manual.settings(name)]

    assert [setting.key for setting in settings if not setting.meaning] == []


def test_help_lists_a_setting_once():
    for section in manual.sections():
        keys = [setting.key for setting in manual.settings(section)]

        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("words", [["--help", "generate"], ["stage=generate", "-h"]])
def test_help_of_a_section_shows_all_of_it(words, tmp_path):
    text = command(*words, cwd=tmp_path).stdout

    assert "generate.sampling.temperature=0.6" in text
    assert "generate.retries=3" in text


def test_help_of_a_composite_names_what_it_does_in_turn_and_whose_settings_those_heed():
    text = manual.section_help("eval")

    assert "It does play -> loss -> judge -> report, each a stage" in text
    assert "Settings: player, user, suite, play." in text
    assert re.search(r"\n  suite.path=", text)
    assert re.search(r"\n  report.criteria=\[\]", text)
    assert re.search(r"\n  suite= .*profile_facts", text, re.DOTALL)
    assert "train -> play -> loss -> judge -> report" in " ".join(
        manual.section_help("all").split()
    )
    assert "play (suite=, llm@player=) -> judge (llm@judge=) -> report" in manual.overview()
    assert "no settings of its own; see the top level" in manual.section_help("status")


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        ("stage=tokenize show=5", "tokenize.show", "5"),
        ("stage=train check=true", "train.check", "true"),
        ("check=true stage=train run=x", "train.check", "true"),
        ("stage=generate sampling.temperature=0.25", "generate.sampling.temperature", "0.25"),
        ("stage=train sft.weight_decay=0.5", "train.sft.weight_decay", "0.5"),
        ("stage=train deepspeed=zero2", "train.deepspeed", "zero2"),
    ],
)
def test_a_stages_own_setting_needs_no_section(words, key, value):
    assert value_at(compose_config(words.split()), key) == value


def test_a_name_of_the_top_level_keeps_its_meaning():
    """`mix` is a section, and synth.mix a setting; `deepspeed` is a group, and train.deepspeed."""
    words = ["stage=synth", "mix.n=7", "seed=3", "run=r", "methods=[generate]"]

    assert manual.with_section(words) == [*words[:-1], "synth.methods=[generate]"]
    assert manual.with_section(["stage=tokenize,train", "show=5"])[1] == "show=5"


def test_the_command_that_is_kept_names_the_section(tmp_path):
    shown = command("stage=tokenize", "show=5", "run=r", "--cfg", "job", cwd=tmp_path).stdout

    assert shown.startswith("# python -m opencharacter stage=tokenize tokenize.show=5 run=r\n")


def test_cfg_shows_the_composed_configuration_and_does_nothing(tmp_path):
    result = command("stage=mix", "--cfg", "job", "mix.n=7", cwd=tmp_path)

    assert "\nmix:\n" in result.stdout
    assert "\n  'n': 7\n" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_ones_own_adds_options(tmp_path):
    mine = tmp_path / "conf" / "llm" / "mine.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("model: my/model\n")
    words = ["stage=mix", "llm@teacher=mine", "--config-dir", "conf", "-c", "job"]

    assert "\n  model: my/model\n" in command(*words, cwd=tmp_path).stdout


def test_version_is_ours_not_hydras(tmp_path):
    assert command("--version", cwd=tmp_path).stdout == f"opencharacter {__version__}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("run=x", "no stage is given", id="no stage"),
        pytest.param("stage=genrate", "did you mean 'generate'", id="stage"),
        pytest.param("generate", "such as stage=generate", id="word"),
        pytest.param("stage=mix --multirn", "did you mean '--multirun'", id="option"),
        pytest.param("stage=mix --cfg", "write --cfg job", id="option value"),
        pytest.param("stage=mix sed=1", "did you mean 'seed'", id="top key"),
        pytest.param("stage=mix personas.pth=x", "in personas (did you mean 'path'", id="key"),
        pytest.param("stage=mix +personas.pth=x", "did you mean 'path'", id="added key"),
        pytest.param(
            "stage=mix generate.sampling.temperatur=1", "did you mean 'temperature'", id="deep key"
        ),
        pytest.param("stage=mix show=5", "did you mean tokenize.show?", id="of another stage"),
        pytest.param("stage=all check=true", "did you mean train.check?", id="of a part of all"),
        pytest.param("stage=train chekc=true", "did you mean train.check?", id="typed in a hurry"),
        pytest.param("stage=train holdout.charcters=0", "in train.holdout (did", id="own section"),
        pytest.param("stage=mix seed=abc", "could not be converted to Integer", id="type"),
        pytest.param("stage=mix tracking=wand", "expected one of [none, wandb]", id="enum"),
        pytest.param("stage=mix synth.methods=rewrite", "write 'synth.methods=[a,b]'", id="list"),
        pytest.param("stage=mix teacher=llama", "choose llm@teacher=", id="section"),
        pytest.param("stage=mix personas=fil", "options: embedded, file, list", id="group option"),
        pytest.param("stage=mix llm@judge=embeded", "no llm@judge=embeded (did", id="which model"),
        pytest.param("stage=mix experiment=paper/x", "paper/ablation_1", id="experiment"),
        pytest.param("stage=mix llm@techer=x", "did you mean 'llm@teacher'", id="group"),
        pytest.param("stage=mix seed=1,2", "add --multirun", id="several values"),
        pytest.param("stage=mix instructions.paths=[a", "cannot read", id="syntax"),
        pytest.param("stage=mix seed=-1 personas.n=0", "personas.n is 0", id="range"),
        pytest.param(
            "stage=mix generate.sampling.temperature=-1",
            "error: generate.sampling.temperature is -1.0;",
            id="range of a section in a section",
        ),
        pytest.param("stage=mix rewrite.max_rejected=2", "error: rewrite.max_rej", id="inherited"),
        pytest.param(
            "stage=mix mix.axes={w:{label:x}}", "error: mix.axes.w: an axis has model", id="axis"
        ),
        pytest.param("stage=mix synth.methods=[rewrit]", "from [rewrite, generate]", id="method"),
        pytest.param("stage=mix dry_run=true", "add slurm=cluster", id="dry run"),
        pytest.param("stage=mix run=a/b", "plain folder name", id="run name"),
        pytest.param(f"stage=mix run={'x' * 300}", "run is 300 bytes long", id="long name"),
        pytest.param("stage=mix claim_timeout_s=0", "claim_timeout_s is 0.0", id="claim timeout"),
        pytest.param("stage=mix teacher.timeout_s=0", "timeout_s is 0.0", id="timeout"),
        pytest.param("stage=mix teacher.max_retries=-1", "max_retries is -1", id="retries"),
        pytest.param(
            "stage=mix parts=2 part=0 teacher.data_parallel=2", "work for one process", id="part"
        ),
        pytest.param("--help nothing", "there is no section 'nothing'", id="help"),
        pytest.param("-m stage=mix seed=1,2", "'run=sweep_${seed}'", id="sweep in one run"),
        pytest.param("-m stage=mix,mx run=x", "no stage 'mx'", id="sweep with a bad job"),
        pytest.param(
            "-m stage=mix run=r${seed} seed=1,1", "two jobs of this sweep", id="sweep twice"
        ),
    ],
)
def test_a_mistake_is_one_line_and_status_2(words, expected, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["opencharacter", *words.split()])
    status = main()
    printed = capsys.readouterr()

    assert expected in printed.err
    assert re.fullmatch(r"error: [^\n]+\n", printed.err)
    assert (status, printed.out) == (2, "")


def test_a_mistake_ends_the_process_with_one_line_and_status_2(tmp_path):
    result = command("stage=mix", "personas.pth=x", cwd=tmp_path)

    assert re.fullmatch(r"error: there is no setting 'pth' [^\n]+\n", result.stderr)
    assert (result.returncode, result.stdout) == (2, "")


# A stage of our own, put where the command line looks for stages, shows what surrounds every stage.
STAGE = """
import types
from opencharacter import manual
from opencharacter.errors import StoreError
def run(config, job):
    {body}
module = types.ModuleType('opencharacter.stages.probe')
module.run = run
sys.modules['opencharacter.stages.probe'] = module
known = manual.stages
manual.stages = lambda: {{**known(), 'probe': 'A probe.'}}
"""


def probe(body, *words, cwd):
    return command("stage=probe", *words, cwd=cwd, before=STAGE.format(body=body))


def test_a_stage_gets_plain_dataclasses_and_the_command(tmp_path):
    body = "print(type(config.synth).__name__, config.synth.n_characters, job.command)"
    result = probe(body, "run=x", "synth.n_characters=2", cwd=tmp_path)

    assert result.stdout == (
        "SynthConfig 2 python -m opencharacter stage=probe synth.n_characters=2 run=x\n"
    )


def test_a_name_that_was_typed_in_quotes_has_them_in_the_command(tmp_path):
    typed = ['run="r(1)"', 'runs_dir="a,b"']
    told = probe("print(job.command)", *typed, cwd=tmp_path).stdout

    again = probe("print(job.command)", *shlex.split(told)[4:], cwd=tmp_path)
    assert (again.stdout, again.returncode) == (told, 0)
    assert shlex.split(told)[-1] == typed[0]


def test_a_folder_of_ones_own_is_in_the_command(tmp_path):
    mine = tmp_path / "conf" / "llm" / "mine.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("model: my/model\n")
    words = ["llm@teacher=mine", "run=x", "--config-dir", "conf"]
    result = probe("print(job.command)", *words, cwd=tmp_path)

    assert result.stdout == (
        f"python -m opencharacter --config-dir={tmp_path}/conf stage=probe llm@teacher=mine run=x\n"
    )


def test_a_runs_dir_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "notes.md").write_text("")
    result = probe("pass", "run=x", "runs_dir=notes.md", cwd=tmp_path)

    assert (result.returncode, result.stderr) == (
        2,
        "error: cannot make the folder notes.md/x: Not a directory; check runs_dir and run\n",
    )


def test_hydra_leaves_no_files(tmp_path):
    probe("pass", "run=x", cwd=tmp_path)

    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_error_of_a_stage_is_one_line(tmp_path):
    result = probe("raise StoreError('the disk\\nis full')", "run=x", cwd=tmp_path)

    assert (result.returncode, result.stderr) == (2, "error: the disk is full\n")


def test_a_bug_shows_its_whole_traceback(tmp_path):
    result = probe("raise ValueError('a bug')", "run=x", cwd=tmp_path)

    assert result.returncode == 1
    assert result.stderr.startswith("Traceback")
    assert "in run\n" in result.stderr
    assert "hydra" not in result.stderr


def test_an_interruption_is_one_line_and_130(tmp_path):
    result = probe("raise KeyboardInterrupt", "run=x", cwd=tmp_path)

    assert result.returncode == 130
    assert re.fullmatch(r"stopped: interrupted[^\n]+\n", result.stderr)


def test_output_that_nobody_reads_on_ends_it_without_a_word(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        [sys.executable, "-m", "opencharacter", "--help"],
        cwd=tmp_path,
        stdout=writing,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    os.close(writing)

    assert (result.returncode, result.stderr) == (141, b"")


def test_a_broken_pipe_elsewhere_is_a_bug_with_its_traceback(tmp_path):
    result = probe("raise BrokenPipeError('a worker has gone')", "run=x", cwd=tmp_path)

    assert result.returncode == 1
    assert "BrokenPipeError: a worker has gone" in result.stderr


def test_a_library_that_is_left_out_is_named_with_what_brings_it(tmp_path):
    body = "raise ModuleNotFoundError('no vllm', name='vllm.engine')"
    result = probe(body, "run=x", cwd=tmp_path)

    assert result.returncode == 2
    assert "pip install 'opencharacter[cpu]'" in result.stderr


def test_a_sweep_runs_a_job_for_each_value(tmp_path):
    result = probe("print(config.run, config.seed)", "-m", "run=s${seed}", "seed=1,2", cwd=tmp_path)

    assert (result.returncode, result.stdout) == (0, "s1 1\ns2 2\n")


def test_one_failed_job_of_a_sweep_does_not_stop_the_others(tmp_path):
    body = "print(config.run) if config.seed > 1 else (_ for _ in ()).throw(StoreError('full'))"
    result = probe(body, "-m", "run=s${hydra:job.num}", "seed=1,2,3", cwd=tmp_path)

    assert (result.returncode, result.stdout) == (2, "s1\ns2\n")
    assert "error: full (job 1 of 3; the others go on)" in result.stderr


def value_at(config, key):
    """Write the value at a dotted key as the command line would."""
    value = config
    for name in key.split("."):
        value = value[name] if isinstance(value, dict) else vars(value)[name]
    if isinstance(value, list):
        return f"[{','.join(value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)


def leaves(section, prefix=""):
    for name, value in vars(section).items():
        nested = hasattr(value, "__dataclass_fields__")
        yield from leaves(value, f"{prefix}{name}.") if nested else [prefix + name]
