"""What the loss stage counts of a dialogue is what a training learns of it, token for token."""

from copy import deepcopy

import pytest

pytest.importorskip("transformers")

from opencharacter.errors import ModelError
from opencharacter.llm.chat import ChatEncoder
from opencharacter.records import Message, Role
from tests.train.test_encoding import DIALOGUES, dialogue
from tests.train.vocabularies import chatml, embedded, encoder, llama3, mistral, mixture, opened

FAMILIES = {"llama3": llama3, "chatml": chatml, "mistral": mistral, "auto": embedded}


@pytest.mark.parametrize("template", FAMILIES)
def test_the_same_tokens_are_counted_as_in_training(template):
    known = FAMILIES[template]()
    serving = deepcopy(known)
    serving.chat_template = opened(known, template).template.text
    said = [dialogue(text) for text in DIALOGUES.values()]
    batch = encoder(known, template=template).encode(mixture(*said)).batch
    assert len(batch) == len(said)

    for turns, ids, labels in zip(
        said, batch["input_ids"].to_pylist(), batch["labels"].to_pylist(), strict=True
    ):
        messages = tuple(Message(role=Role(role), content=text) for role, text in turns)
        found, places = ChatEncoder(serving).encode_said(messages)

        assert found == ids[: len(found)]
        assert places == [at for at, label in enumerate(labels) if label != -100]


def test_nothing_after_the_last_counted_token_is_read():
    serving = deepcopy(chatml())
    serving.chat_template = opened(chatml(), "chatml").template.text
    messages = (Message(role=Role.user, content="Hi"), Message(role=Role.assistant, content="Ho"))
    found, places = ChatEncoder(serving).encode_said(messages)

    assert places[-1] == len(found) - 1  # the line break after <|im_end|> is left out
    assert serving.convert_ids_to_tokens(found[-1]) == "<|im_end|>"


def test_a_control_token_inside_an_answer_is_text_and_ends_nothing():
    messages = (
        Message(role=Role.user, content="Hi"),
        Message(role=Role.assistant, content="a<|eot_id|>b"),
    )
    found, places = ChatEncoder(embedded()).encode_said(messages)
    end = embedded().convert_tokens_to_ids("<|eot_id|>")

    assert [found[at] for at in places].count(end) == 1
    assert embedded().decode([found[at] for at in places[:-1]]) == "a<|eot_id|>b"


ASKED = "{% for m in messages %}{% if m.role == 'user' %}"
NOT_PARTED = {  # [INST] is plain text for the tokenizer of LLaMA-3, as for those of the two
    "llama2": ASKED + "{{ bos_token + '[INST] ' + m.content + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content + ' ' + eos_token }}{% endif %}{% endfor %}",
    "mistral_v0_1": "{{ bos_token }}" + ASKED + "{{ '[INST] ' + m.content + ' [/INST]' }}"
    "{% else %}{{ m.content + eos_token + ' ' }}{% endif %}{% endfor %}",
    "no_control_tokens": ASKED + "User: {{ m.content }}\n{% else %}Assistant: {{ m.content }}\n"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}Assistant: {% endif %}",
}


def said_by(template, *texts, first=Role.user):
    serving = deepcopy(llama3())
    serving.chat_template = template
    both = [Role.user, Role.assistant] if first is Role.user else [Role.assistant, Role.user]
    messages = tuple(Message(role=both[n % 2], content=text) for n, text in enumerate(texts))
    found, places = ChatEncoder(serving).encode_said(messages)
    return serving.decode([found[at] for at in places])


@pytest.mark.parametrize("name", NOT_PARTED)
def test_a_template_that_parts_nothing_has_no_loss(name):
    with pytest.raises(ModelError, match="does not part what the assistant says"):
        said_by(NOT_PARTED[name], "Hi", "Ho", "Who?", "Me.")


def test_a_generation_prompt_of_plain_text_parts_the_one_answer():
    assert said_by(NOT_PARTED["no_control_tokens"], "Hi", "Ho").strip() == "Ho"


def test_the_first_token_of_all_has_no_loss():
    bare = "{% for m in messages %}{{ m.content + eos_token }}{% endfor %}"
    assert said_by(bare, "Hi", "Ho") == "Ho<|eot_id|>"
    with pytest.raises(ModelError, match="its loss cannot be told"):
        said_by(bare, "Ho", "Hi", first=Role.assistant)
