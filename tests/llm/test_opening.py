"""A folder's name is its content; what only clutters the terminal is quiet."""

import json
import logging
from logging.config import dictConfig
from pathlib import Path

import pytest

from opencharacter.config import Backend, ModelConfig
from opencharacter.errors import ConfigError, ModelError, StoreError
from opencharacter.llm.opening import check_model, engine_name, model_name, model_path, open_model

MIB = 2**20


@pytest.mark.parametrize(
    ("size", "at"),
    [
        pytest.param(3 * MIB, 2 * MIB, id="anywhere in a small file"),
        pytest.param(70 * MIB, 10, id="header of a large file"),
        pytest.param(70 * MIB, (70 * MIB - 64 * 1024) * 32 // 63, id="middle of a large file"),
        pytest.param(70 * MIB, 70 * MIB - 1, id="last byte of a large file"),
    ],
)
def test_other_weights_of_the_same_size_are_another_model(tmp_path, size, at):
    names = []
    for byte in (b"\0", b"\1"):
        with (tmp_path / "model.safetensors").open("wb") as file:
            file.truncate(size)  # a sparse file: nothing but the one byte is written
            file.seek(at)
            file.write(byte)
        names.append(model_name(ModelConfig(model=str(tmp_path))))

    assert names[0] != names[1]
    assert all(name.startswith(f"{tmp_path.name}@") for name in names)


def test_the_same_files_elsewhere_are_the_same_model(tmp_path):
    revisions = set()
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        (folder / "config.json").write_text("{}", encoding="utf-8")
        (folder / "notes.txt").write_text(folder.name, encoding="utf-8")
        revisions.add(model_name(ModelConfig(model=str(folder))).partition("@")[2])

    assert len(revisions) == 1


@pytest.mark.parametrize("backend", [Backend.scripted, Backend.endpoint])
def test_records_name_the_engine_alike_whether_it_was_opened_or_not(backend):
    config = ModelConfig(backend=backend, base_url="http://localhost:1/v1")
    opened = open_model(config)
    opened.close()

    assert opened.engine == engine_name(backend)


def test_a_machine_without_triton_is_not_told_so_even_after_vllm_has_set_up_logging():
    server = ModelConfig(backend=Backend.endpoint, base_url="http://localhost:1/v1")
    open_model(server).close()
    dictConfig({"version": 1, "disable_existing_loggers": False})  # as vLLM does when imported

    assert not logging.getLogger("torch._library.triton").isEnabledFor(logging.WARNING)


@pytest.mark.parametrize("model", ["/nowhere/model", "./nowhere", "~/nowhere-at-all"])
def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub(model):
    with pytest.raises(ModelError, match=r"there is no folder .*nowhere"):
        model_path(ModelConfig(model=model))


@pytest.fixture
def trained(tmp_path):
    """A run whose training began; the model that it shall be."""
    train = tmp_path / "runs" / "tiny" / "train"
    (train / "model").mkdir(parents=True)
    started = {"fingerprint": "f", "settings": {}, "inputs": {}, "at": 0.0}
    command = "python -m opencharacter stage=all run=tiny experiment=tiny"
    (train / "started.json").write_text(json.dumps({**started, "command": command}))
    return ModelConfig(run="tiny", model=str(train / "model"))


def test_the_model_of_an_unfinished_training_is_refused_with_the_command_that_finishes_it(trained):
    with pytest.raises(StoreError, match=r"unfinished; first run: .* stage=train run=tiny"):
        check_model(trained)


def test_the_model_of_a_finished_training_is_called_by_its_run(trained):
    folder = Path(trained.model)
    names = ("stage", "output", "settings", "counts", "usage", "seconds", "parts")
    manifest = {"inputs": {}, **dict.fromkeys(names, "x")}
    (folder.parent / "manifest.json").write_text(json.dumps(manifest))

    assert model_path(trained) == str(folder)
    assert model_name(trained).startswith("tiny@")


def test_a_run_alone_names_no_model():
    with pytest.raises(ConfigError, match=r"llm@teacher=trained teacher.run=tiny"):
        ModelConfig(run="tiny")
