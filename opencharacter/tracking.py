"""Metrics and lineage of a stage on Weights & Biases: the home of wandb.

What links a stage to its inputs hangs on the mode:

- online: the manifest is an artifact `<run>-<stage>` of type `stage` with its output's fingerprint
  as an alias, and the run declares the artifacts `<run>-<input>:<fingerprint>` as used, so W&B
  draws the lineage graph;
- offline (no key, or WANDB_MODE=offline): wandb refuses to declare a use, since it cannot look the
  input up. The artifact's metadata carry the fingerprints of inputs and output instead, which tie
  stages together by equal values; `wandb sync` uploads run, metrics and artifact later.

An input that was never tracked is a notice and no error: the metadata have its fingerprint too.

Metrics are drawn over `records_done`, not over W&B's step: a process that goes on with a stage may
begin below what the one before it logged, and W&B drops steps that fall.
"""

import json
import logging
import netrc
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from opencharacter.config import Tracking
from opencharacter.errors import ConfigError
from opencharacter.ids import digest

_LOGGER = logging.getLogger(__name__)
_METADATA = ("fingerprint", "output", "inputs", "counts")
_DONE = "records_done"
_STEP = "train/step"
_STORAGE_S = 60.0  # to hear of W&B's storage


class Tracker:
    """Where one stage's metrics go: a W&B run, or nowhere."""

    def __init__(self, run: Any | None, *, prefix: str, stage: str) -> None:
        """Take an open run; None = nothing is tracked.

        Args:
            run: A `wandb.Run`.
            prefix: The name of our run, which every artifact's name begins with.
            stage: The stage.
        """
        self.run = run
        self._prefix = prefix
        self._stage = stage

    def log(self, metrics: Mapping[str, float], done: int) -> None:
        """Record metrics at `done` records.

        Call it every few seconds, not for every record: each call is a row of the run's history.
        """
        if self.run is not None:
            self.run.log({**metrics, _DONE: done})

    def log_step(self, metrics: Mapping[str, float], step: int) -> None:
        """Record metrics of a training at an optimizer step, as `train/<name>` over `train/step`.

        A training that goes on from a checkpoint may log steps again: the last value counts.
        """
        if self.run is None:
            return
        self.run.define_metric(_STEP)
        self.run.define_metric("train/*", step_metric=_STEP)
        self.run.log({**{f"train/{name}": value for name, value in metrics.items()}, _STEP: step})

    def finish(self, manifest: Path) -> None:
        """Record the final counts and the manifest, link its inputs (see the module), end the run.

        Args:
            manifest: The finished stage's `manifest.json`.
        """
        if self.run is None:
            return
        wandb = import_module("wandb")
        written = json.loads(manifest.read_text(encoding="utf-8"))
        counts = written["counts"]
        self.log(final_metrics(written), counts["in"] - counts["not_drawn"])
        metadata = {key: written[key] for key in _METADATA}
        if not self.run.offline:
            for name, fingerprint in written["inputs"].items():
                used = f"{_artifact_name(self._prefix, name)}:{fingerprint}"
                with _told(f"{used} is not linked as an input"):
                    self.run.use_artifact(used)
        name = _artifact_name(self._prefix, self._stage)
        artifact = wandb.Artifact(name, type="stage", metadata=metadata)
        artifact.add_file(str(manifest), name="manifest.json")
        with _told(f"{name} is not kept as an artifact"):
            self.run.log_artifact(artifact, aliases=["latest", written["output"]])
        self._end(0)

    def report(
        self,
        metrics: Mapping[str, float],
        *,
        done: int,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
    ) -> None:
        """Record a report: its numbers, and the table `items`; end the run.

        Args:
            metrics: The same names in every run, so that W&B puts runs beside each other.
            done: Transcripts that the numbers are of.
            columns: Of the table.
            rows: Of the table.
        """
        if self.run is None:
            return
        wandb = import_module("wandb")
        self.log(metrics, done)
        table = wandb.Table(columns=list(columns), data=[list(r) for r in rows])
        with _told("the report's table is not kept; give the command of the report again"):
            self.run.log({ITEMS: table})
        self._end(0)

    def close(self) -> None:
        """End the run as failed unless `finish` ended it; twice is fine."""
        self._end(1)

    def _end(self, exit_code: int) -> None:
        if self.run is not None:
            self.run.finish(exit_code=exit_code)
            self.run = None


@contextmanager
def _told(lost: str) -> Iterator[None]:
    """Say in a line what the service did not take: the stage is done, and stays so."""
    try:
        yield
    except _failures() as error:
        _LOGGER.warning("W&B: %s: %s", lost, " ".join(str(error).split()))


def _failures() -> tuple[type[Exception], ...]:
    """Return what wandb raises where the service cannot be asked, or has not what is asked for.

    What its own process cannot do is none of wandb's errors; what is not there is a ValueError, as
    is an answer of another form; a file that cannot be fetched is an OSError.
    """
    wandb = import_module("wandb")
    service = import_module("wandb.sdk.lib.service.service_connection")
    return (wandb.Error, service.WandbApiFailedError, ValueError, OSError)


def open_tracker(
    tracking: Tracking,
    *,
    project: str,
    run: str,
    stage: str,
    run_dir: Path,
    started: Mapping[str, Any],
) -> Tracker:
    """Start tracking a stage, by one process at a time, or go on with the W&B run it had before.

    Args:
        tracking: `none` imports nothing and tracks nothing.
        project: W&B project.
        run: Name of our run: the W&B group.
        stage: The W&B job type.
        run_dir: The run's folder, which must exist; W&B writes to `wandb/` in it.
        started: What `started.json` holds; its settings are shown on W&B.

    Raises:
        ConfigError: wandb is not installed, or it refuses to start.
    """
    if tracking is Tracking.none:
        return Tracker(None, prefix=run, stage=stage)
    wandb = _import_wandb()
    mode = _choose_mode(wandb, f"{run}/{stage}", run_dir)
    try:
        opened = wandb.init(
            project=project,
            group=run,
            job_type=stage,
            id=tracked_id(project, run, stage, started),
            name=f"{run}/{stage}",
            resume="allow",
            dir=str(run_dir),
            config=started["settings"],
            mode=mode,
            # No copy of the code, no console capture: the terminal belongs to the progress display.
            settings=wandb.Settings(silent=True, console="off", disable_code=True, save_code=False),
        )
    except wandb.Error as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"tracking=wandb cannot start: {reason}; run `wandb login`, or set WANDB_MODE=offline "
            "or tracking=none"
        ) from error
    opened.define_metric(_DONE)
    opened.define_metric("*", step_metric=_DONE)
    return Tracker(opened, prefix=run, stage=stage)


ITEMS = "items"
"""Name of the table of a report."""


class Recorded(NamedTuple):
    """What W&B keeps of a report."""

    group: str
    """Name of our run."""
    about: object
    """What the report said of itself: `config["system"]`."""
    table: dict[str, Any]
    """`columns` and `data` of the table of items."""


def read_reports(project: str, groups: Sequence[str]) -> list[Recorded]:
    """Return the newest report of each of some runs from W&B.

    Args:
        project: `project` or `entity/project`.
        groups: Names of our runs.

    Raises:
        ConfigError: wandb is not installed or has no key, the service is not there or has no such
            project, or a run has no report there.
    """
    wandb = _import_wandb()
    if not _has_key(wandb):
        raise ConfigError(
            "compare.source=wandb reads from W&B, and no key was found; run `wandb login`, or "
            "compare folders: compare.source=folder"
        )
    try:
        api = wandb.Api()
        return [_read_report(api, project, group) for group in groups]
    except _failures() as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"W&B cannot give the reports of {project}: {reason}; check project= (or "
            "entity/project), the key, WANDB_BASE_URL and the network, or compare folders: "
            "compare.source=folder"
        ) from error


def _read_report(api: Any, project: str, group: str) -> Recorded:
    filters = {"group": group, "jobType": "report", "state": "finished"}
    runs = api.runs(project, filters=filters, order="-created_at")
    urls = ((run, url) for run in runs for url in _tables(run))
    for run, url in urls:
        if len(runs) > 1:
            _LOGGER.warning(
                "W&B: %s has %d finished reports of '%s'; read is that of %s",
                *(project, len(runs), group, run.created_at),
            )
        return Recorded(group, run.config["system"], _fetch(url))
    raise ConfigError(
        f"W&B's project {project} has no finished report of '{group}' with its table of items; "
        f"write it with stage=report run={group} tracking=wandb"
    )


def _tables(run: Any) -> Iterator[str]:
    """Yield the addresses of the tables of items that a run of W&B has kept."""
    for artifact in run.logged_artifacts():
        if artifact.type == "run_table" and "system" in run.config:
            files = {each.name: each.direct_url for each in artifact.files()}
            yield from filter(None, [files.get(f"{ITEMS}.table.json")])


def _fetch(url: str) -> dict[str, Any]:
    """Return a table from W&B's storage, which gives it to who knows its address.

    wandb would leave it in a folder of the user's, and try for twenty minutes where nobody answers.
    """
    requests = import_module("requests")  # wandb brings it
    answer = requests.get(url, timeout=_STORAGE_S)
    answer.raise_for_status()
    table: dict[str, Any] = answer.json()
    return table


def tracked_id(project: str, run: str, stage: str, started: Mapping[str, Any]) -> str:
    """Return the W&B run's id, 40 of [a-z0-9-].

    It hangs on the moment the stage was started: the same for every process that goes on with it,
    another one when it is started over, and in a run of the same name elsewhere.
    """
    start = [started["fingerprint"], started["at"]]
    return f"stage-{digest(project, run, stage, start)[:34]}"


def final_metrics(manifest: Mapping[str, Any]) -> dict[str, float]:
    """Return the counts, tokens and seconds of a finished stage under `final/`."""
    counts = manifest["counts"]
    rejected = counts["rejected"]
    metrics = {name: counts[name] for name in ("in", "out", "not_drawn")}
    metrics |= {"rejected": sum(rejected.values()), "seconds": manifest["seconds"]}
    metrics |= {f"rejected/{reason}": count for reason, count in rejected.items()}
    metrics |= manifest["usage"]
    return {f"final/{name}": value for name, value in metrics.items()}


def _choose_mode(wandb: Any, what: str, run_dir: Path) -> str | None:
    """Return WANDB_MODE, or `offline` with a notice where there is no key; None = online."""
    mode = os.environ.get("WANDB_MODE")  # wandb itself reads it only once in a process
    if mode in ("offline", "disabled") or _has_key(wandb):
        return mode
    _LOGGER.warning(
        "W&B: no key found, so %s is kept offline in %s; `wandb login` sends the next one, "
        "`wandb sync` this one",
        *(what, run_dir / "wandb"),
    )
    return "offline"  # and not a question for a key, which nobody may be there to answer


def _import_wandb() -> Any:
    # Read when wandb is imported: neither banners nor reports of its own errors to its makers.
    os.environ.setdefault("WANDB_SILENT", "true")
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    try:
        return import_module("wandb")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "wandb":
            raise
        raise ConfigError(
            "tracking=wandb needs wandb, which is not installed; "
            "run pip install 'opencharacter[track]', or set tracking=none"
        ) from error


def _artifact_name(run: str, stage: str) -> str:
    """Return `<run>-<stage>` with only the characters that W&B allows, at most 128 of them."""
    name = "".join(letter if re.match(r"[\w.-]", letter, re.ASCII) else "-" for letter in run)
    return f"{name[:100]}-{stage}"


def _has_key(wandb: Any) -> bool:
    """Return whether wandb would find a key without asking for one."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    known = wandb.setup().settings
    if known.api_key:
        return True
    host = urlsplit(known.base_url).netloc
    path = Path(os.environ.get("NETRC") or Path.home() / ".netrc").expanduser()
    try:
        entry = netrc.netrc(path).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return False
    return entry is not None and bool(entry[2])
