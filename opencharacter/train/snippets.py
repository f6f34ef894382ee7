"""How a trained model is used: the system prompt that it was trained with, and code to copy."""

from collections.abc import Mapping

from opencharacter.prompts.character import Shown, system_prompt
from opencharacter.prompts.profile import render_profile
from opencharacter.records import Call, Character, Split, Usage

_FIELDS: dict[str, str | int] = {
    "name": "Ines Okafor",
    "age": 58,
    "gender": "female",
    "race": "Nigerian Portuguese",
    "birth_place": "Faro, Portugal",
    "appearance": "Small and upright, with silver hair under a grey woollen cap.",
    "experience": "She kept the light of the cape for thirty years, and knows every wreck by name.",
    "personality": "Dry, patient, fond of weather; says little and means all of it.",
}
_PROFILE = render_profile(_FIELDS)

EXAMPLE = Character(
    persona_id="example",
    persona="A lighthouse keeper who records the songs of passing ships",
    split=Split.heldout,
    cluster="example",
    licence="CC0-1.0",
    name=str(_FIELDS["name"]),
    age=int(_FIELDS["age"]),
    gender=str(_FIELDS["gender"]),
    race=str(_FIELDS["race"]),
    birth_place=str(_FIELDS["birth_place"]),
    appearance=str(_FIELDS["appearance"]),
    experience=str(_FIELDS["experience"]),
    personality=str(_FIELDS["personality"]),
    profile=_PROFILE,
    call=Call(model="nobody@1", prompt_sha256="", sampling="{}", seed=0, engine=""),
    usage=Usage(),
)
"""A character that nobody's data holds, for cards."""

_MESSAGES = '''\
system_prompt = """{prompt}"""
messages = [
    {{"role": "system", "content": system_prompt}},
    {{"role": "user", "content": "What is your name?"}},
]
'''

_TRANSFORMERS = """\
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = "."  # this folder, or the name that the model has on the hub
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
prompt = tokenizer.apply_chat_template(
    messages, add_generation_prompt=True, return_dict=True, return_tensors="pt"
)
made = model.generate(**prompt, max_new_tokens=200, do_sample=True, temperature=0.7)
print(tokenizer.decode(made[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True))
"""

_ENCODER = """\
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

folder = "."  # this folder, or the name that the model has on the hub
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype="auto")
prompt = tokenizer.apply_chat_template(messages, return_dict=True, return_tensors="pt")
made = model.generate(**prompt, max_new_tokens=200, do_sample=True, temperature=0.7)
print(tokenizer.decode(made[0], skip_special_tokens=True))
"""

_VLLM = """\
from vllm import LLM, SamplingParams

if __name__ == "__main__":  # vLLM may start processes that read this file again
    model = LLM(model=".")  # this folder, or the name that the model has on the hub
    said = model.chat(messages, SamplingParams(temperature=0.7, max_tokens=200))
    print(said[0].outputs[0].text)
"""


def use_section(shown: Shown, about_template: str, *, has_encoder: bool = False) -> str:
    """Return code to copy: the messages, then transformers or vLLM.

    Args:
        shown: What the system prompt holds.
        about_template: What is to be said before.
        has_encoder: Of an encoder-decoder model, which vLLM does not serve.
    """
    messages = _MESSAGES.format(prompt=system_prompt(EXAMPLE, shown))
    if has_encoder:
        blocks = [f"```python\n{text}```" for text in (messages, _ENCODER)]
        return (
            f"## How to use it\n\n{about_template} What to say:\n\n{blocks[0]}\n\n"
            f"With transformers (vLLM does not serve encoder-decoder models):\n\n{blocks[1]}"
        )
    blocks = [f"```python\n{text}```" for text in (messages, _TRANSFORMERS, _VLLM)]
    return (
        f"## How to use it\n\n{about_template} What to say:\n\n{blocks[0]}\n\n"
        f"With transformers:\n\n{blocks[1]}\n\nWith vLLM:\n\n{blocks[2]}"
    )


def prompt_section(shown: Shown, variants: Mapping[Shown, int]) -> str:
    """Return how the system prompt is put together."""
    trained = ", ".join(f"{each} ({n:,} rows)" for each, n in variants.items()) or "not known here"
    return (
        "## The system prompt\n\n"
        "It was trained with `opencharacter.prompts.character.system_prompt(character, shown)` and "
        f"plays best with the same; the example above is `Shown.{shown}`. Shown in training: "
        f"{trained}. A persona is one line; a profile is these eight lines:\n\n"
        f"```text\n{_PROFILE}\n```"
    )
