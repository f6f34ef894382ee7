import pytest

from opencharacter.checks.control import control_tokens, replacement_character


@pytest.mark.parametrize(
    "answer",
    [
        "Hi<|eot_id|>",
        "<|start_header_id|>user<|end_header_id|>",
        "<|im_start|>assistant",
        "<|endoftext|>",
        "[INST] Hi [/INST]",
        "<<SYS>> be good",
        "<s>Hi",
        "Hi</s>",
        "<s>Hi</s>",
        "Hi</s><s>And you",
        "<end_of_turn>",
        "<\uff5cAssistant\uff5c>",
        "a\x00b",
        "a\x1b[0m",
        "half \ud83d",
    ],
)
def test_control_text_is_seen(answer):
    assert control_tokens(answer) is not None


@pytest.mark.parametrize(
    "answer",
    [
        "a < b and b > c",
        "if (a <= b || c > d) {}",
        "x |> f <| y",
        "<p>Hi</p>",
        "<strong>no</strong>",
        "<s>9.99</s> 7.99 only",
        "He <s>go</s> goes, not <s>go</s>",
        "Write `<s>` before and `</s>` behind it to strike it out",
        "<span>x</span>",
        "[1] a footnote",
        "[INSTRUMENT]",
        "a\tb\nc",
        "5 <| 6",
        "I pad the <div>",
        "😀 yes",
    ],
)
def test_plain_text_and_code_are_no_control_text(answer):
    assert control_tokens(answer) is None


def test_a_lost_character_is_seen_where_nobody_speaks_of_it():
    assert replacement_character("At the caf\ufffd.", "Where?") == "U+FFFD in 'At the caf\ufffd.'"
    assert replacement_character("It is \ufffd.", "Which character stands for lost ones?") is None
    assert replacement_character("\ufffd is a box.", "What is \ufffd?") is None
