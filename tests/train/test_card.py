"""The card of a model: what the hub reads, what a reader reads, and nothing breaks out of it."""

import ast
import re
from dataclasses import replace

import pytest
import yaml

from opencharacter.config import TrainConfig, Tuning
from opencharacter.prompts.character import Shown, system_prompt
from opencharacter.records import Checkpoint
from opencharacter.train.card import CardFacts, adapters_card, code, model_card, plain
from opencharacter.train.lineage import Lineage, Made, base_licence
from opencharacter.train.snippets import EXAMPLE

CHECKPOINT = Checkpoint(
    mixture="a" * 64,
    base="meta-llama/Meta-Llama-3-8B@abc",
    settings="s",
    code="0.1.0",
    path="model",
    step=1200,
    epoch=1.5,
    chosen="step 1200: the lowest loss on held-out characters (1.2000 at step 1200)",
    train_loss=1.1,
    character_loss=1.2,
    dialogue_loss=None,
    forgetting_loss=2.5,
    licence="llama3",
)


def made(stage, rows=3000, **more):
    settings = {"versions": more.pop("versions", {}), "sources": more.pop("origins", {})}
    counts = {"out": rows, "notes": more.pop("notes", {})}
    return Made(stage, stage[0] * 64, {"counts": counts, "settings": settings, **more})


LINEAGE = Lineage(
    stages=[
        made(
            "tokenize",
            sources={"lima": 1000, "alpaca": 2000},
            methods={"generate": 2900, "ingested": 100},
            licences={"llama3 + CC-BY-NC-SA-4.0": 3000},
        ),
        made("mix", notes={"system prompt: both": 10, "system prompt: persona": 90}),
        made("generate", versions={"model": "meta-llama/Meta-Llama-3-70B-Instruct@def"}),
        made("personas", origins={"data/persona.jsonl": "hash"}, unmet=["200 <too> few"]),
    ],
    n_characters=70,
    templates=["llama3@0123"],
)
FACTS = CardFacts(
    run="main",
    command="python -m opencharacter stage=train run=main",
    checkpoint=CHECKPOINT,
    config=TrainConfig(model="meta-llama/Meta-Llama-3-8B", revision="abc"),
    base_licence="apache-2.0",
    lineage=LINEAGE,
    before={"characters": 2.25},
    notes={"rows trained on": 2900},
    stop="<|eot_id|>",
)


def front(card):
    return yaml.safe_load(card.split("---\n")[1])


def blocks(card, language="python"):
    return re.findall(rf"^```{language}\n(.*?)^```$", card, flags=re.DOTALL | re.MULTILINE)


def test_the_hub_reads_base_licence_and_task():
    assert front(model_card(FACTS)) == {
        "license": "other",  # LLaMA's terms beside share-alike ones
        "license_name": "see-the-section-on-licence",
        "base_model": "meta-llama/Meta-Llama-3-8B",
        "base_model_relation": "finetune",
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["opencharacter", "role-play", "sft"],
    }


@pytest.mark.parametrize(
    ("base", "rows", "licence"),
    [
        ("apache-2.0", "MIT", "apache-2.0"),
        ("llama3", "Apache-2.0 + llama3", "llama3"),
        ("apache-2.0", "CC-BY-NC-4.0", "cc-by-nc-4.0"),
        ("llama3", "CC-BY-NC-4.0", "other"),
        ("unknown", "MIT", "other"),
    ],
)
def test_the_licence_is_the_strictest_of_base_and_rows(base, rows, licence):
    lineage = LINEAGE._replace(stages=[made("tokenize", licences={rows: 1})])
    card = model_card(replace(FACTS, base_licence=base, lineage=lineage))

    assert front(card)["license"] == licence
    assert ("nobody knows the licence" in card) == (base == "unknown")


def test_a_reader_finds_losses_sources_teachers_and_the_command():
    card = model_card(FACTS)

    assert "| characters that were held out | 2.2500 | 1.2000 |" in card
    assert "| instructions that were held out | not measured | not measured |" in card
    assert "| general instructions, without a character | not measured | 2.5000 |" in card
    assert "3,000 dialogues of 70 characters, those held out included (all weights; epoch" in card
    assert "written by `meta-llama/Meta-Llama-3-70B-Instruct@def`" in card
    assert "| alpaca | 2,000 |" in card
    assert "| mix | 3,000 | `mmmmmmmmmmmmmmmm` |" in card
    assert "`persona.jsonl`" in card
    assert "data/persona.jsonl" not in card
    assert "\npython -m opencharacter stage=train run=main\n" in card
    assert "A toy" not in card


def test_the_example_prompt_is_what_most_rows_were_trained_with():
    messages, transformers, vllm = blocks(model_card(FACTS))
    said = {}
    exec(messages, said)

    assert said["messages"][0]["content"] == system_prompt(EXAMPLE, Shown.persona)
    assert "persona (90 rows)" in model_card(FACTS)
    assert ast.parse(transformers)
    assert ast.parse(vllm)


def test_adapters_a_folder_and_the_embedded_model_are_told():
    checkpoint = replace(CHECKPOINT, base="embedded@123")
    config = TrainConfig(model="embedded", tuning=Tuning.lora)
    card = model_card(replace(FACTS, checkpoint=checkpoint, config=config))

    assert "base_model" not in front(card)
    assert "low-rank adapters, merged" in card
    assert "**A toy.**" in card


def test_adapters_say_what_they_belong_to():
    card = adapters_card(FACTS)

    assert front(card)["base_model_relation"] == "adapter"
    assert front(card)["library_name"] == "peft"
    assert "adapters of `meta-llama/Meta-Llama-3-8B@abc`" in card
    assert ast.parse(blocks(card)[0])


def test_a_llama_asks_for_its_name():
    rows = LINEAGE._replace(stages=[made("tokenize", licences={"MIT": 1})])

    assert "Built with Meta Llama 3" in model_card(FACTS)
    assert "Built with" not in model_card(replace(FACTS, lineage=rows))


def test_names_with_markup_stay_names():
    nasty = "a|b `c` <script> [x](y) ---\n# d"
    lineage = LINEAGE._replace(stages=[made("tokenize", sources={nasty: 7}, licences={nasty: 7})])
    facts = replace(FACTS, run=nasty, lineage=lineage, command=f"python ```\n{nasty}\n```")
    card = model_card(facts)
    row = next(line for line in card.splitlines() if line.endswith("| 7 |"))

    assert front(card)["license"] == "other"
    assert len(re.findall(r"(?<!\\)\|", row)) == 3
    assert not re.search(r"(?<!\\)<script|^# d", card.split("## Training")[0], re.MULTILINE)
    assert "````bash\n" in card


def test_code_holds_backticks_and_plain_text_escapes_them():
    assert code("a`b``c") == "```a`b``c```"
    assert code("`a") == "`` `a ``"
    assert plain("a_b|c\n<d>") == r"a\_b\|c \<d\>"


@pytest.mark.parametrize(
    ("readme", "licence"),
    [
        ("---\nlicense: llama3\ntags: [a]\n---\n# A model", "llama3"),
        ("---\nlicense: other\nlicense_name: qwen-research\n---\n", "qwen-research"),
        ("---\nlicense: [broken\n---\n", "unknown"),
        ("# No front matter", "unknown"),
        (None, "unknown"),
    ],
)
def test_the_licence_of_a_base_is_what_its_card_says(tmp_path, readme, licence):
    if readme is not None:
        (tmp_path / "README.md").write_text(readme)

    assert base_licence(TrainConfig(model=str(tmp_path))) == licence
    assert base_licence(TrainConfig(model=str(tmp_path), base_licence="mit")) == "mit"
    assert base_licence(TrainConfig(model="embedded")) == "apache-2.0"
