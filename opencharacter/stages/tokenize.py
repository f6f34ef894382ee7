"""A mixture as token ids and labels: the assistant's turns are learned, all else is read.

Reads    runs/<run>/mix, and the tokenizer of train.model
Writes   runs/<run>/tokenize: Tokens; chat_template.jinja, which belongs to the trained model
Costs    one pass over the mixture on the CPU, constant memory; tokenize.processes share it
Run      python -m opencharacter stage=tokenize run=main tokenize.show=5
"""

from importlib import import_module

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.records import Tokens
from opencharacter.sources.rows import Tally

_WHAT = "Token ids and labels for supervised fine-tuning; -100 where nothing is learned."


def run(config: Config, job: Job) -> None:
    """Write the tokens of the run's mixture, and show the mask of some rows."""
    settings = config.tokenize
    # Late: transformers takes seconds to import, and `--help` names this stage too.
    opening = import_module("opencharacter.train.opening")
    encoding = import_module("opencharacter.train.encoding")
    tokens = import_module("opencharacter.train.tokens")
    templates = import_module("opencharacter.train.templates")
    masks = import_module("opencharacter.job.masks")

    opened = opening.open_tokenizer(config.train, settings)
    asked = encoding.Asked(
        tokenizer=opened,
        max_length=settings.max_length or opened.longest,
        overlong=settings.overlong,
        control_text=settings.control_text,
    )
    encoding.Encoder(asked).check()
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
