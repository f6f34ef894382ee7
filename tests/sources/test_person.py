import pytest

from opencharacter.sources.person import person_of


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("I am a nurse from Lima.", "first"),
        ("i'm vegan. i like my dog.", "first"),
        ("My name is Ana, you know.", "first"),
        ("As a nurse, I keep bees.", "first"),
        ("Я учитель физики", "first"),
        ("我是一名中学物理老师", "first"),
        ("You are a nurse who says: I am tired.", "second"),
        ("Imagine that you are a judge.", "second"),
        ("You’re a poet", "second"),
        ("您是一位老师", "second"),
        ("A nurse who asks: are you well?", "third"),
        ("Ian, a mytholog of Iowa", "third"),
        ("Youth workers' leader", "third"),
        ("I. Newton's last pupil", "third"),
    ],
)
def test_the_first_words_tell_the_person(text, person):
    assert person_of(text) == person
