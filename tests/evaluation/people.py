"""Characters, and a run's folder with a mixture of some of them, made by hand."""

from opencharacter.ids import stable_fraction
from opencharacter.prompts.profile import render_profile
from opencharacter.records import (
    Call,
    Character,
    Instruction,
    Message,
    Method,
    MixtureRow,
    Role,
    Split,
    Tokens,
    Usage,
    persona_id,
)
from opencharacter.store.files import write_json
from opencharacter.store.rows import write_records

CALL = Call(model="m@1", prompt_sha256="0", sampling="{}", seed=0, engine="none")
TRAIN, HELDOUT = Split.train, Split.heldout


def character(name, age, place, persona, experience="Nothing much.", split=TRAIN, cluster=""):
    fields = {
        "name": name,
        "age": age,
        "gender": "female",
        "race": "not stated",
        "birth_place": place,
        "appearance": "tall",
        "experience": experience,
        "personality": "dry",
    }
    return Character(
        persona_id=persona_id("test", persona),
        persona=persona,
        split=split,
        cluster=cluster or persona,
        licence="CC0-1.0",
        profile=render_profile(fields),
        call=CALL,
        usage=Usage(),
        **fields,
    )


ANNA = character(
    "Anna Berg",
    35,
    "Oslo, Norway",
    "A baker who sings",
    "She has two daughters and grew up in Bergen.",
)
BEN = character("Ben Adeyemi", 50, "Lagos, Nigeria", "A sailor from the delta")
CLEO = character(
    "Cleo Rossi", 61, "Turin, Italy", "A dentist who paints", split=HELDOUT, cluster="c"
)
DAN = character("Dan Quist", 20, "Osaka, Japan", "A shy welder", split=HELDOUT)
PEOPLE = [ANNA, BEN, CLEO, DAN]


def instruction(text, *more):
    turns = tuple(Message(role=Role.user, content=turn) for turn in (text, *more))
    return Instruction(source="tests", messages=turns, licence="CC0-1.0", origin="here")


INSTRUCTIONS = [instruction(f"What is {n} plus {n}?", "And once more?") for n in range(6)]


def row(character, asked):
    return MixtureRow(
        response_id=f"response-{character.id}-{asked.id}",
        character_id=character.id,
        instruction_id=asked.id,
        persona_id=character.persona_id,
        render_version="1",
        messages=(*asked.messages[:1],),
        source="tests",
        method=Method.generate,
        draw=0,
        weight=1.0,
        licence="CC0-1.0",
    )


def write_run(run_dir, *, people=PEOPLE, met=((ANNA, 0), (ANNA, 1), (BEN, 2)), instructions=None):
    """Write profiles, instructions and a mixture in which some met some; return the folder."""
    asked = INSTRUCTIONS if instructions is None else instructions
    rows = [row(who, asked[number]) for who, number in met]
    made = {"profiles": (Character, people), "instructions": (Instruction, asked)}
    made["mix"] = (MixtureRow, rows)
    for stage, (record_type, records) in made.items():
        path = run_dir / stage / "data" / "part-00000-of-00001.parquet"
        write_records(path, record_type, records)
        finish(run_dir / stage)
    return run_dir


def train(run_dir, people, *, held, seed=0):
    """Write a training of the mixture of `people` that held some of them out."""
    share = max(stable_fraction("holdout", seed, who.cluster) for who in held) + 1e-9
    rows = [
        Tokens(
            row_id=f"row-{who.id}", character_id=who.id, instruction_id=INSTRUCTIONS[0].id,
            persona_id=who.persona_id, source="tests", method=Method.generate, tokenizer="t",
            template="t", dropped_turns=0, n_supervised=1, input_ids=(1, 2), labels=(-100, 2),
        )
        for who in people
    ]  # fmt: skip
    write_records(run_dir / "tokenize" / "data" / "part-00000-of-00001.parquet", Tokens, rows)
    holdout = {"characters": share, "dialogues": 0.0, "general": 0.0}
    names = {"fingerprint": "f", "inputs": {}, "command": "python", "at": 0.0}
    settings = {"seed": seed, "train": {"holdout": holdout}}
    write_json(run_dir / "train" / "started.json", names | {"settings": settings})


def finish(folder, *, notes=None):
    """Write what says that a stage is finished."""
    settings = {"fingerprint": "f", "settings": {}, "inputs": {}, "command": "python", "at": 0.0}
    write_json(folder / "started.json", settings)
    counts = {"in": 0, "out": 0, "rejected": {}, "not_drawn": 0, "notes": notes or {}}
    write_json(
        folder / "manifest.json",
        {
            "stage": folder.name,
            "output": f"output of {folder.name}",
            "inputs": {},
            "settings": {},
            "counts": counts,
            "usage": {},
            "seconds": 0.0,
            "parts": 1,
        },
    )
