"""Who judges, by what, and what counts as a verdict."""

import re
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
    checklist: bool = False
    """Also hold every fact of the profile against every dialogue: one call a fact."""
    against: str = ""
    """Also compare each dialogue with that of this run, in both orders; empty = with none."""
    jury: list[str] = field(default_factory=list)
    """Judge with several models in turn, each a file of conf/llm or one of `jurors`; empty = with
    llm@judge alone."""
    jurors: dict[str, ModelConfig] = field(default_factory=dict)
    """Models of a jury by name, where no file of conf/llm has them."""
    same_family: bool = False
    """State in headlines a judge of the teacher's or the tested model's own family; else such a
    judge's means are no headline."""
    min_mass: float = 0.5
    """Least probability of all labels together; below it there is no verdict, in [0, 1]."""
    retries: int = 2
    """Further attempts after a fault of engine or server, of the same request; then the verdict is
    missing. Nothing else is asked for again: one that cannot be read is missing at once."""
    cache: str = ""
    """Folder of verdicts that all runs share; empty = `judged` in runs_dir."""

    def __post_init__(self) -> None:
        """Check ranges; as a judge the embedded model has weights of its own."""
        ModelConfig.__post_init__(self)
        if self.model == "embedded":
            self.model = "embedded_judge"
        require(bool(self.rubrics), "rubrics is empty; name a folder of criteria")
        require(0 <= self.min_mass <= 1, f"min_mass is {self.min_mass}; it must be in [0, 1]")
        require(self.retries >= 0, f"retries is {self.retries}; it must be >= 0")
        listed = ", ".join(self.criteria)
        is_once = len(set(self.criteria)) == len(self.criteria)
        require(is_once, f"criteria is [{listed}]; name each criterion once")
        is_each_once = len(set(self.jury)) == len(self.jury)
        require(is_each_once, f"jury is [{', '.join(self.jury)}]; name each judge once")

    @property
    def members(self) -> "dict[str, JudgeConfig]":
        """Each judge by name, as if it were the only one."""
        if not self.jury:
            return {_plain_name(self.model): self}
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        own |= {"jury": [], "jurors": {}}
        return {name: JudgeConfig(**own | _model_settings(self.jurors[name])) for name in self.jury}

    @property
    def model_config(self) -> ModelConfig:
        """The model alone: an engine is shared by all roles that name the same one."""
        return ModelConfig(**_model_settings(self))


def _plain_name(model: str) -> str:
    """Return what a model's scores are called on disk: the end of its id or path."""
    name = model.rstrip("/").rpartition("/")[2]
    return re.sub(r"[^A-Za-z0-9._]+", "_", name).strip("._").lower() or "model"


def _model_settings(config: ModelConfig) -> dict[str, Any]:
    return {each.name: getattr(config, each.name) for each in fields(ModelConfig)}


@dataclass(kw_only=True)
class QualifyConfig:
    """Whether a judge may judge: it is held to faults that were planted, and to people."""

    n: int = 100
    """Transcripts that faults are planted in, about nine calls each; of a kind that few answers can
    take, more are drawn until there are as many cases."""
    fall: float = 0.1
    """Points by which a fault must lower a score to count as found."""
    tolerance: float = 0.5
    """Points by which a change that is no fault may move a score."""
    page: int = 0
    """Answers on a page for people to label, qualify/labels.html, blind; 0 = no page."""
    labels: list[str] = field(default_factory=list)
    """CSV files that such pages export (key, annotator, points); empty = nobody has labelled."""
    epsilon: float = 0.1
    """What a judge's lower cost is worth against an annotator, as a share of items (arXiv
    2501.10970: 0.2 for experts, 0.15 for trained workers, 0.1 for crowd workers)."""
    least_detected: float = 0.8
    """Least share of each kind of fault that a judge must find, in [0, 1]; ours."""
    least_kept: float = 0.8
    """Least share of changes that are none at which it must keep its score, in [0, 1]; ours."""
    least_scored: float = 0.95
    """Least share of answers that it must give a verdict of, in [0, 1]; ours."""
    least_cases: int = 30
    """Cases of a kind from which on the share of them decides; ours. Of fewer only an interval does
    that is on one side of what is asked as a whole; else there are too few to say."""
    least_labelled: int = 30
    """Least number of labelled answers with its verdict; with fewer it stays uncalibrated, and is
    not held to people (arXiv 2501.10970 trusts no t test of fewer)."""
    least_kappa: float = 0.4
    """Least quadratic kappa with the mean of people's labels, in [-1, 1]; ours. With labels of
    three people or more it must pass the alternative annotator test besides."""

    def __post_init__(self) -> None:
        """Check ranges."""
        require(self.n >= 1, f"qualify.n is {self.n}; it must be >= 1")
        require(self.page >= 0, f"qualify.page is {self.page}; it must be >= 0")
        require(self.epsilon > 0, f"qualify.epsilon is {self.epsilon}; it must be > 0")
        for name in ("fall", "tolerance"):
            value = getattr(self, name)
            require(value >= 0, f"qualify.{name} is {value}; it must be >= 0 points")
        for name in ("least_detected", "least_kept", "least_scored"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"qualify.{name} is {value}; it must be in [0, 1]")
        cases = self.least_cases
        require(cases >= 1, f"qualify.least_cases is {cases}; it must be >= 1")
        n, least = self.least_labelled, self.least_kappa
        require(n >= 2, f"qualify.least_labelled is {n}; it must be >= 2")
        require(-1 <= least <= 1, f"qualify.least_kappa is {least}; it must be in [-1, 1]")
