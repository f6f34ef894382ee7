"""Who judges, by what, and what counts as a verdict."""

from dataclasses import dataclass, field, fields
from typing import Any

from opencharacter.config.model import ModelConfig
from opencharacter.config.ranges import require


@dataclass(kw_only=True)
class JudgeConfig(ModelConfig):
    """A judge: a model, what it is asked, and what counts as its verdict."""

    rubrics: str = "role_play"
    """A folder of criteria in eval/rubrics, or the path of one of your own."""
    criteria: list[str] = field(default_factory=list)
    """Criteria to judge by; empty = those that each item names."""
    min_mass: float = 0.5
    """Least probability of all labels together; below it there is no verdict, in [0, 1]."""
    retries: int = 2
    """Further attempts after a fault of engine or server, or after a verdict in JSON that cannot be
    read; then it is missing. A verdict that can be read is never asked for again."""
    cache: str = ""
    """Folder of verdicts that all runs share; empty = `judged` in runs_dir."""

    def __post_init__(self) -> None:
        """Check ranges."""
        ModelConfig.__post_init__(self)
        require(bool(self.rubrics), "rubrics is empty; name a folder of criteria")
        require(0 <= self.min_mass <= 1, f"min_mass is {self.min_mass}; it must be in [0, 1]")
        require(self.retries >= 0, f"retries is {self.retries}; it must be >= 0")
        listed = ", ".join(self.criteria)
        is_once = len(set(self.criteria)) == len(self.criteria)
        require(is_once, f"criteria is [{listed}]; name each criterion once")

    @property
    def model_config(self) -> ModelConfig:
        """The model alone: an engine is shared by all roles that name the same one."""
        return ModelConfig(**_model_settings(self))


def _model_settings(config: ModelConfig) -> dict[str, Any]:
    return {each.name: getattr(config, each.name) for each in fields(ModelConfig)}
