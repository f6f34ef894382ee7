"""Every YAML file composes, says what it is, and repeats no default."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from opencharacter import manual
from opencharacter.compose import compose_config
from opencharacter.config import (
    Backend,
    Config,
    Direction,
    HoldoutConfig,
    JudgeConfig,
    ModelConfig,
    TrainConfig,
)
from opencharacter.errors import ConfigError
from opencharacter.records import Method

CONF = Path(__file__).parent.parent / "conf"
FILES = sorted(CONF.rglob("*.yaml"))
MUST_BE_GIVEN = {
    "personas=file": ["personas.path=p.jsonl"],
    "personas=list": ["personas.path=p.txt"],
    "instructions=files": ["instructions.paths=[i.json]"],
    "llm@teacher=trained": ["teacher.run=r"],
    "llm@player=trained": ["player.run=r"],
    "llm@user=trained": ["user.run=r"],
    "llm@judge=trained": ["judge.run=r"],
    "llm@teacher=endpoint": ["teacher.model=m", "teacher.base_url=http://localhost:8000/v1"],
    "llm@player=endpoint": ["player.model=m", "player.base_url=http://localhost:8000/v1"],
    "llm@user=endpoint": ["user.model=m", "user.base_url=http://localhost:8000/v1"],
    "llm@judge=endpoint": ["judge.model=m", "judge.base_url=http://localhost:8000/v1"],
}
CHOICES = [f"{group}={option}" for group, options in manual.groups().items() for option in options]


def test_every_file_is_an_option_of_a_group():
    folders = {group.partition("@")[0]: len(options) for group, options in manual.groups().items()}

    assert len(FILES) == sum(folders.values()) + 1  # config.yaml itself
    assert len(CHOICES) >= 28


@pytest.mark.parametrize("choice", CHOICES)
def test_every_option_composes(choice):
    config = compose_config(["stage=mix", choice, *MUST_BE_GIVEN.get(choice, [])])

    assert isinstance(config, Config)


@pytest.mark.parametrize("choice", MUST_BE_GIVEN)
def test_an_option_that_needs_more_says_what(choice):
    with pytest.raises(ConfigError, match=r"must be given|is empty"):
        compose_config(["stage=mix", choice])


@pytest.mark.parametrize("role", ["player", "judge"])
def test_an_endpoint_without_a_model_says_that_it_is_the_servers_name_for_it(role):
    named = rf"{role}\.model must be given: the name by which the server knows it"
    with pytest.raises(ConfigError, match=rf"{named}.*; and base_url, the server's address"):
        compose_config(["stage=mix", f"llm@{role}=endpoint"])
    with pytest.raises(ConfigError, match=rf"{role}\.base_url must be given: the server's address"):
        compose_config(["stage=mix", f"llm@{role}=endpoint", f"{role}.model=m"])


def test_a_juror_that_needs_more_is_told_how_to_be_given_it():
    with pytest.raises(ConfigError, match=r"jurors\.endpoint\.model must .*'\{endpoint:\{backend"):
        compose_config(["stage=mix", "judge.jury=[endpoint]"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CONF).as_posix())
def test_every_file_begins_with_what_it_is_and_the_command(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    header = lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))]

    assert any(line.startswith("#   ") and "python -m opencharacter" in line for line in header)
    assert len([line for line in header if "@package" not in line]) >= 2


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CONF).as_posix())
def test_every_number_has_a_unit_or_a_source(path):
    numbers = re.compile(r"^ *\w+: [\d.]*\d$")
    bare = [s for s in path.read_text(encoding="utf-8").splitlines() if numbers.match(s)]

    assert bare == []


def test_without_options_a_run_is_embedded_through_and_through():
    config = compose_config(["stage=synth"])

    given = {"max_length": 2048, "seats": 128, "cache_gib": 1, "threads": 2}
    embedded = ModelConfig(**given)
    judge = JudgeConfig(**given)
    train = TrainConfig(
        max_length=2048,
        device_tokens=2048,
        global_tokens=16384,
        epochs=3.0,
        learning_rate=5e-4,
        gradient_checkpointing=False,
        holdout=HoldoutConfig(characters=0.05, dialogues=0.05),
    )
    assert asdict(config) == asdict(
        Config(
            stage="synth",
            teacher=embedded,
            player=embedded,
            user=embedded,
            judge=judge,
            train=train,
        )
    )


def test_the_main_command_of_the_readme_composes():
    config = compose_config(
        [
            *("stage=synth", "run=real", "personas=file", "personas.path=P", "personas.n=500"),
            *("instructions.paths=[a,b]", "synth.n_characters=3"),
            "synth.methods=[rewrite,generate]",
        ]
    )

    assert (config.personas.path, config.personas.n) == ("P", 500)
    assert (config.instructions.paths, config.instructions.licences) == (["a", "b"], [])
    assert config.synth.methods == [Method.rewrite, Method.generate]


@pytest.mark.parametrize(
    ("name", "sources", "method", "teacher"),
    [
        pytest.param("opencharacter_g", "ph lima alpaca", "generate", "Meta-Llama-3-70B-Instruct"),
        pytest.param("opencharacter_r", "lima alpaca", "rewrite", "Meta-Llama-3-70B-Instruct"),
        pytest.param("ablation_1", "lima alpaca", "rewrite", "gpt-4o-2024-05-13"),
        pytest.param("ablation_2", "lima alpaca", "rewrite", "Meta-Llama-3-70B-Instruct"),
        pytest.param("ablation_3", "ph", "generate", "gpt-4o-2024-05-13"),
        pytest.param("ablation_4", "ph", "generate", "Meta-Llama-3-70B-Instruct"),
        pytest.param("ablation_5", "lima alpaca", "generate", "Meta-Llama-3-70B-Instruct"),
    ],
)
def test_the_recipes_are_those_of_table_2(name, sources, method, teacher):
    hub = {
        "ph": "hub:proj-persona/PersonaHub:instruction",
        "lima": "hub:GAIR/lima",
        "alpaca": "hub:tatsu-lab/alpaca",
    }
    config = compose_config(["stage=synth", f"experiment=paper/{name}"])

    assert config.instructions.paths == [hub[source] for source in sources.split()]
    assert config.synth.methods == [Method(method)]
    assert config.teacher.model.rpartition("/")[2] == teacher
    assert (config.synth.n_characters, config.personas.n) == (3, 20_000)


def test_an_option_on_the_command_line_wins_over_an_experiment():
    config = compose_config(
        ["stage=synth", "experiment=paper/ablation_1", "llm@teacher=scripted", "personas.n=5"]
    )

    assert config.teacher.backend is Backend.scripted
    assert config.personas.n == 5


def test_a_dictionary_takes_new_keys():
    config = compose_config(["stage=mix", "mix.shares={lima:0.3}", "mix.caps.alpaca=10"])

    assert (config.mix.shares, config.mix.caps) == ({"lima": 0.3}, {"alpaca": 10})


def test_the_toxicity_axis_drops_by_default_and_is_pinned():
    axis = compose_config(["stage=mix", "axis=toxicity"]).mix.axes["toxicity"]

    assert (axis.model, len(axis.revision), axis.label) == ("unitary/toxic-bert", 40, "toxic")
    assert (axis.direction, axis.threshold) == (Direction.drop_above, 0.5)


def test_without_an_axis_nothing_is_scored():
    assert compose_config(["stage=mix"]).mix.axes == {}


def test_an_axis_of_one_s_own_joins_those_that_are_ready():
    mine = "mix.axes={words:{function:my.axes:count,direction:keep_above,percentile:25}}"
    axes = compose_config(["stage=mix", "axis=toxicity", mine]).mix.axes

    assert sorted(axes) == ["toxicity", "words"]
    assert axes["words"].function == "my.axes:count"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["mix.axes={q:{function:a:b,thresold:1}}"], r"did you mean 'threshold'\?"),
        (["mix.axes.q.function=a:b"], "'q' is a new name; write all of it at once"),
        (["mix.axes={Q:{function:a:b}}"], "lower-case letters"),
        (["axis=toxicity", "mix.axes.toxicity.percentile=95"], "set one of them to null"),
    ],
    ids=["typo", "dotted", "name", "two cuts"],
)
def test_a_mistake_in_an_axis_is_one_line(words, message):
    with pytest.raises(ConfigError, match=message):
        compose_config(["stage=mix", *words])
