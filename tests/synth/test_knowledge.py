import pytest

from opencharacter.synth.knowledge import kept_share


@pytest.mark.parametrize(
    ("reference", "rewrite", "share"),
    [
        pytest.param(
            "It has 1,000 and 2.50 of 7.", "One has 1000, 2.5 and 8!", 2 / 3, id="numbers"
        ),
        pytest.param("There are 3 of 5.", "Three, of five.", 1.0, id="spelled out"),
        pytest.param("Go to Rome or Oslo.", "To ROME we go.", 1 / 2, id="names"),
        pytest.param("Rome is old. It is big.", "No.", None, id="sentence start is no name"),
        pytest.param("A plant conserves chlorophyll.", "Conservation, aye!", 1 / 2, id="endings"),
        pytest.param("It is because of that, however.", "Aye.", None, id="common words"),
        pytest.param("Use `a  == b` now.", "I say: a == b", 1.0, id="inline code"),
        pytest.param("Use `x = 1` now.", "I say: y", 0.0, id="numbers in code count once"),
        pytest.param("```py\nx = f()\n\ny = 2\n```", "My x = f() is", 1 / 2, id="code by line"),
        pytest.param("See https://a.org/b.", "At https://a.org/b it is", 1.0, id="url"),
        pytest.param("月亮很亮", "月亮很大", 2 / 3, id="Chinese by pairs"),
        pytest.param("Это планета и человек.", "Наши планеты.", 1 / 2, id="Russian"),
        pytest.param("On 1.2.3 or 2024-01-05", "1.2.3, 2024", 2 / 4, id="versions and dates"),
        pytest.param("Yes, it is.", "Aye.", None, id="nothing to check"),
        pytest.param("", "Aye.", None, id="empty reference"),
        pytest.param("In 1969 Apollo flew.", "", 0.0, id="empty rewrite"),
        pytest.param("He met Jean-Paul.", "Paul, no other.", 1 / 2, id="double name"),
        pytest.param("7 7 7 8", "7", 1 / 2, id="each fact once"),
    ],
)
def test_share_of_facts_found_again(reference, rewrite, share):
    assert kept_share(reference, rewrite) == (None if share is None else pytest.approx(share))


def test_a_text_keeps_all_of_itself():
    text = "In 1969 `go()` ran at https://x.y/z; Apollo carried 3 astronauts. 月亮很亮 100,5 1e5 v2"

    assert kept_share(text, text) == 1.0
