"""What is looked at before a stage is started, so that it is not told after hours of others."""

from pathlib import Path

from opencharacter.config import Config, ModelConfig
from opencharacter.llm.opening import check_model
from opencharacter.store.stage import StageFolder


def check_teacher(config: Config, stage: str) -> None:
    """Check that there is a teacher, where a stage has work for it here.

    Raises:
        ModelError: its library, its folder or its server is not there.
    """
    check_asked(config, stage, config.teacher)


def check_asked(config: Config, stage: str, model: ModelConfig) -> None:
    """Check that there is the model that a stage asks, where it has work for it here.

    Raises:
        ModelError: its library, its folder or its server is not there.
    """
    folder = StageFolder(run_dir=Path(config.runs_dir) / config.run, stage=stage)
    is_done = folder.manifest_file.exists() and not config.force
    if not (is_done or config.slurm.submit):  # a node of a cluster may see what a login node cannot
        check_model(model)
