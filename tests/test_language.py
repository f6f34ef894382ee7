import pytest

from opencharacter.language import language_of
from tests.languages import TEXTS


@pytest.mark.parametrize("language", TEXTS)
def test_a_sentence_is_enough_to_tell(language):
    assert language_of(TEXTS[language]) == language


@pytest.mark.parametrize("text", ["", "Hi!", "42 + 17 = 59", "```\nfor x in the_list: pass\n```"])
def test_too_little_to_tell(text):
    assert language_of(text) is None
