"""A mixture as token ids and labels: the assistant's turns are learned, all else is read.

Reads    runs/<run>/mix, and the tokenizer of train.model
Writes   runs/<run>/tokenize: Tokens; chat_template.jinja, which belongs to the trained model
Costs    one pass over the mixture on the CPU, constant memory; tokenize.processes share it
Run      python -m opencharacter stage=tokenize run=main tokenize.show=5
"""

from importlib import import_module
from typing import Any

from opencharacter.config import Config
from opencharacter.errors import ConfigError
from opencharacter.job import Job
from opencharacter.records import Tokens
from opencharacter.sources.rows import Tally

_WHAT = "Token ids and labels for supervised fine-tuning; -100 where nothing is learned."


def check(config: Config) -> None:
    """Check that the tokenizer opens and that its template can be encoded segment by segment.

    Raises:
        ConfigError: in stage=all, a dialogue may come out longer than a row of the training.
        ModelError: there is no such model, its tokenizer does not open, or it has no template.
    """
    longest, row = _asked(config).max_length, config.train.max_length
    if config.stage == "all" and longest > row:
        raise ConfigError(
            f"dialogues may have {longest:,} tokens (tokenize.max_length), but a row of the "
            f"training has {row:,} (train.max_length); set tokenize.max_length={row}, or make the "
            "row longer"
        )


def run(config: Config, job: Job) -> None:
    """Write the tokens of the run's mixture, and show the mask of some rows."""
    settings = config.tokenize
    # Late: transformers takes seconds to import, and `--help` names this stage too.
    tokens = import_module("opencharacter.train.tokens")
    templates = import_module("opencharacter.train.templates")
    masks = import_module("opencharacter.job.masks")

    asked = _asked(config)
    opened = asked.tokenizer
    versions = {
        "tokenizer": opened.version,
        "template": opened.template.version,
        "max_length": str(asked.max_length),
    }
    with job.stage("tokenize", settings=[settings], versions=versions, reads=["mix"]) as stage:
        tally = Tally()
        stage.stream(
            Tokens,
            tokens.token_rows(
                job.folder("mix").data, asked, processes=settings.processes, tally=tally
            ),
            tally,
            what=_WHAT,
            unit="rows",
            max_rejected=settings.max_rejected,
        )
        templates.save_template(opened.template, stage.folder.path)
    masks.show_masks(job.folder("tokenize"), opened, settings.show)


def _asked(config: Config) -> Any:
    opening = import_module("opencharacter.train.opening")
    encoding = import_module("opencharacter.train.encoding")
    opened = opening.open_tokenizer(config.train, config.tokenize)
    asked = encoding.Asked(
        tokenizer=opened,
        max_length=config.tokenize.max_length or opened.longest,
        overlong=config.tokenize.overlong,
        control_text=config.tokenize.control_text,
    )
    encoding.Encoder(asked).check()
    return asked
