"""Where the metrics of a training go."""

from opencharacter.tracking import Tracker


class Run:
    """Keeps what a W&B run is told."""

    def __init__(self):
        self.logged, self.axes = [], {}

    def log(self, metrics):
        self.logged.append(metrics)

    def define_metric(self, name, step_metric=None):
        self.axes[name] = step_metric


def test_metrics_of_a_training_are_drawn_over_its_steps():
    run = Run()
    Tracker(run, prefix="r", stage="train").log_step({"loss": 2.0, "eval_characters_loss": 3.0}, 7)

    assert run.logged == [{"train/loss": 2.0, "train/eval_characters_loss": 3.0, "train/step": 7}]
    assert run.axes["train/*"] == "train/step"


def test_without_tracking_nothing_is_told():
    Tracker(None, prefix="r", stage="train").log_step({"loss": 2.0}, 7)
