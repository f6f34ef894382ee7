"""What a stage is given besides its settings: its folder, models, tracking and progress.

A stage is a recipe; everything it has in common with other stages (starting, going on, claiming,
accounting, tracking) is here.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from opencharacter.config import (
    ROLES,
    Backend,
    Config,
    JudgeConfig,
    LLMStageConfig,
    LossConfig,
    ModelConfig,
    data_settings,
)
from opencharacter.errors import ConfigError
from opencharacter.ids import canonical_json
from opencharacter.job.replicas import Replicas, end_with_leader, is_replica, wait_for_leader
from opencharacter.job.stage import OpenStage
from opencharacter.llm.opening import UnopenedModel, free_memory, model_name, open_model
from opencharacter.llm.requests import Model
from opencharacter.llm.stopping import Stopping
from opencharacter.store.claims import Claims
from opencharacter.store.files import whole_file
from opencharacter.store.stage import StageFolder, finished_input, stage_fingerprint
from opencharacter.store.starting import begin, make_room, told_changes

_BESIDE = {
    "play": ("items", "suite.json"),
    "loss": ("loss.json",),
    "judge": ("judges.json", "jury.json", "compat.json"),
    "qualify": ("judge_card.json", "judge_card.md"),
}
"""What stages write beside their records and write again only where there is something to say. The
page that people label is theirs: it stays."""


class Job:
    """One command: the run's folder, and the models that its stages share."""

    def __init__(self, config: Config, *, command: str, stopping: Stopping | None = None) -> None:
        """Prepare; nothing is opened yet.

        Args:
            config: The whole run.
            command: As it was typed, for manifests.
            stopping: Says when to ask models nothing new; None = never.
        """
        self.stopping = stopping or Stopping()
        self.config = config
        self.command = command
        self.run_dir = Path(config.runs_dir) / config.run
        self._models: dict[bytes, Model] = {}
        self._replicas = Replicas(command, logs=self.run_dir, starts_over=config.force)

    def __enter__(self) -> Self:
        """Watch the leader, in a replica.

        Raises:
            ConfigError: there can be no such folder; it is made when a stage starts.
        """
        with self._told_of_folder(), suppress(FileNotFoundError):
            self.run_dir.stat()
        if is_replica():
            end_with_leader()
        return self

    @contextmanager
    def _told_of_folder(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ConfigError(
                f"cannot make the folder {self.run_dir}: {error.strerror}; check runs_dir and run"
            ) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the replicas and close the models."""
        if kind is None:
            self._replicas.report_dead()
        self._end_models()
        with suppress(OSError):  # there is nothing in it
            self.run_dir.rmdir()

    def close_models(self) -> None:
        """Free what the models hold: the stages that follow ask none, or need the memory.

        Raises:
            SystemExit: in a replica, with status 0: it has nothing left to do.
        """
        self._replicas.report_dead()
        self._end_models()
        if is_replica():
            raise SystemExit(0)

    def _end_models(self) -> None:
        self._replicas.end()
        for model in self._models.values():
            model.close()
        self._models.clear()

    def model(self, config: ModelConfig) -> Model:
        """Return the model of `config`, opened once for all stages that ask for it."""
        key = canonical_json(asdict(config))
        if key not in self._models:
            self._replicas.start(
                copies=config.data_parallel,
                gpus_each=config.tensor_parallel if config.backend is Backend.vllm else 0,
            )
            print(f"opening {model_name(config)} ...", file=sys.stderr)
            with self.stopping.impatience():  # the work has begun where it was opened on demand
                self._models[key] = open_model(config)
        return self._models[key]

    def unopened(self, config: ModelConfig) -> Model:
        """Return the same, opened when something is asked of it, and then alone.

        Each engine takes its share (`memory`) of a device: who judges follows who was played and
        the judge before, and finds no room beside them.
        """
        return UnopenedModel(config, lambda: self._alone(config))

    def _alone(self, config: ModelConfig) -> Model:
        if self._models and canonical_json(asdict(config)) not in self._models:
            for model in self._models.values():
                model.close()
            self._models.clear()
            free_memory()
        return self.model(config)

    def folder(self, stage: str) -> StageFolder:
        """Return where a stage of this run keeps its files."""
        return StageFolder(run_dir=self.run_dir, stage=stage, beside=_BESIDE.get(stage, ()))

    @contextmanager
    def stage(
        self,
        name: str,
        *,
        settings: Sequence[object] = (),
        versions: Mapping[str, str] | None = None,
        reads: Sequence[str] = (),
        sources: Mapping[str, str] | None = None,
    ) -> Iterator[OpenStage]:
        """Prepare a stage; its `stream` or `work` starts it, or goes on with it.

        Whatever the recipe finds wrong before that costs nothing: nothing was written, and with
        `force=true` nothing removed.

        Args:
            name: Of the stage.
            settings: Sections of the configuration that decide what it makes.
            versions: Hashes of prompts and models that decide what it makes.
            reads: Stages of this run whose records it reads; they must be finished.
            sources: Fingerprints of what it reads from outside the run.

        Raises:
            ConfigError: there can be no such folder.
            StoreError: an input is missing or stale, or the stage was started otherwise.
        """
        with self._told_of_folder():
            self.run_dir.mkdir(parents=True, exist_ok=True)
        folder = self.folder(name)
        inputs = {
            stage: finished_input(self.run_dir, stage, run=self.config.run, typed=self.command)
            for stage in reads
        }
        decisive = self._decisive(settings, versions or {}, sources or {})
        role, asked = self._asked(settings)
        fingerprint = stage_fingerprint(name, decisive, inputs)
        if is_replica():
            wait_for_leader(folder, fingerprint)

        claims = Claims(folder.path / "claims", timeout_s=self.config.claim_timeout_s)

        stage = OpenStage(
            folder=folder,
            config=self.config,
            command=self.command,
            fingerprint=fingerprint,
            start=lambda: self._start(stage, decisive, inputs),
            claims=claims,
            replicas=self._replicas,
            stopping=self.stopping,
            role=role,
            asked=asked,
        )
        is_seen_only = self.config.preview and any(map(_asks, settings))
        with nullcontext() if is_seen_only else claims:  # it leaves nothing behind
            yield stage

    def _start(
        self, stage: OpenStage, settings: Mapping[str, Any], inputs: Mapping[str, str]
    ) -> None:
        """Write down what a stage is started with, or refuse; make room where that is cheap."""
        told = not self.config.force and make_room(
            stage.folder,
            settings=settings,
            inputs=inputs,
            cheap=stage.cheap,
            claims=stage.claims,
            command=self.command,
        )
        if told:
            print(f"{stage.folder.stage}: made anew ({told})", file=sys.stderr)
        begin(
            stage.folder,
            settings=settings,
            inputs=inputs,
            command=self.command,
            force=self.config.force,
            claims=stage.claims,
        )
        self._write_config(stage.folder)

    def since_start(
        self,
        name: str,
        *,
        settings: Sequence[object],
        versions: Mapping[str, str],
        reads: Sequence[str],
    ) -> str | None:
        """Return what differs from the start of a stage; "" = nothing, None = it never started.

        An input that is not finished is taken for the one that was there.

        Args:
            name: Of the stage.
            settings: As for `stage`.
            versions: As for `stage`.
            reads: As for `stage`.

        Raises:
            StoreError: an input is stale.
        """
        started = self.folder(name).started()
        if started is None:
            return None
        inputs = dict(started["inputs"])
        for each in reads:
            if self.folder(each).manifest() is not None:
                inputs[each] = finished_input(
                    self.run_dir, each, run=self.config.run, typed=self.command
                )
        return told_changes(started, self._decisive(settings, versions, {}), inputs)

    def _asked(self, settings: Sequence[object]) -> tuple[str, ModelConfig]:
        """Return the role and the model that a stage asks; the teacher where it names none."""
        for each in settings:
            if isinstance(each, JudgeConfig):
                return "judge", each
            for role in ROLES:
                if isinstance(each, ModelConfig) and getattr(self.config, role) is each:
                    return role, each
        return ROLES[0], self.config.teacher

    def _decisive(
        self, settings: Sequence[object], versions: Mapping[str, str], sources: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return everything that decides what a stage makes, besides its inputs."""
        found: dict[str, Any] = {"seed": self.config.seed, "versions": dict(versions)}
        for section in settings:
            name = type(section).__name__.removesuffix("Config").lower()
            others = [role for role in ROLES[1:] if section is getattr(self.config, role)]
            found[others[0] if others else name] = data_settings(section)
        return found | ({"sources": dict(sources)} if sources else {})

    def _write_config(self, folder: StageFolder) -> None:
        """Write the configuration to the folder of an unfinished stage, below the command."""
        if folder.manifest() is not None or is_replica():
            return
        with whole_file(folder.path / "config.yaml") as temporary:
            plain = json.loads(json.dumps(asdict(self.config)))
            settings = yaml.dump(plain, Dumper=yaml.CSafeDumper, sort_keys=False)
            temporary.write_text(f"# {self.command}\n{settings}", encoding="utf-8")


def _asks(section: object) -> bool:
    """Tell whether a section is that of a stage that asks a model."""
    return isinstance(section, LLMStageConfig | LossConfig | JudgeConfig)
