"""Answers that are nearly the same: good and bad rows, and what is promised of those refused."""

import random
from itertools import combinations

import pytest

from opencharacter.mix.alike import Spoken, near_duplicates

RECIPE = (
    "Knead flour, water, yeast and salt for ten minutes, let the dough rise under a cloth until it "
    "has doubled, shape a loaf, let it rest for half an hour and bake it at 220 degrees until the "
    "crust sounds hollow when you knock on it."
)
FALLBACK = (
    "As someone who has seen a great deal in life, I would say that it depends on many things, but "
    "with patience and a good heart you will surely find your way, my dear friend."
)


def among(rows, threshold, seed=0):
    def read(keep):
        return (row for row in rows if keep(row.response_id))

    return near_duplicates(read, threshold=threshold, seed=seed)


def refused(*texts, threshold=0.8):
    rows = [Spoken(f"r{n}", n, text) for n, text in enumerate(texts)]
    return among(rows, threshold)


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param([FALLBACK] * 4, id="one answer to many questions"),
        pytest.param([RECIPE, RECIPE.upper().replace(",", " ,")], id="case and punctuation"),
        pytest.param([RECIPE, RECIPE.replace("220", "230")], id="another number"),
        pytest.param([f"I am {name}. {RECIPE}" for name in ("Ana", "Bo", "Cy")], id="other names"),
        pytest.param([RECIPE, f"{RECIPE} Good luck, my friend!"], id="a greeting behind it"),
        pytest.param(
            ["烤面包要先揉面团再等它发起来然后放进烤箱里烤到金黄色"] * 2, id="without spaces"
        ),
    ],
)
def test_all_but_the_first_of_nearly_the_same_answers_are_refused(texts):
    found = refused(*texts)

    assert set(found) == {f"r{n}" for n in range(1, len(texts))}
    assert {alike.kept_id for alike in found.values()} == {"r0"}


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(["Paris."] * 5, id="short and right"),
        pytest.param(["It is seven, I believe, sir."] * 5, id="seven words at most"),
        pytest.param(
            [
                "Bread? My grandmother taught me by the sea: flour, water, salt, and no hurry at "
                "all. Then the oven, hot as a noon in August, and we wait for the smell.",
                "Listen up, recruit! Flour and water, mix, knead for ten minutes, no excuses. Let "
                "it rise, shape it, bake it at 220 degrees, and report when the crust is hollow.",
                "From a chemist's view yeast turns sugar into gas that the gluten holds; keep the "
                "dough warm for an hour, then bake it at 220 degrees until the crust is brown.",
            ],
            id="one recipe in three voices",
        ),
        pytest.param([f"{RECIPE} {FALLBACK}", FALLBACK], id="a part of a longer answer"),
        pytest.param(
            [
                f"Well, my friend, let me tell you: {a} Fair winds to you!"
                for a in (RECIPE, FALLBACK)
            ],
            id="the same greeting and farewell",
        ),
        pytest.param(
            [RECIPE, " ".join(reversed(RECIPE.split()))], id="the same words, other order"
        ),
        pytest.param(["", "   ", ""], id="nothing"),
    ],
)
def test_answers_that_differ_stay(texts):
    assert refused(*texts) == {}


def test_the_similarity_is_that_of_runs_of_three_words():
    # 9 words: 7 runs each; the last word alone differs: 6 runs are shared, 8 are there.
    one, other = "a b c d e f g h i", "a b c d e f g h x"

    assert refused(one, other, threshold=0.75)["r1"] == ("r0", 0.75)
    assert refused(one, other, threshold=0.76) == {}


def test_a_row_like_two_kept_ones_names_the_more_similar():
    far = RECIPE.replace("Knead flour, water", "Take wheat, rye")
    near = RECIPE.replace("Knead", "Mix")

    assert refused(far, near, RECIPE, threshold=0.9)["r2"].kept_id == "r1"


def test_what_is_like_a_refused_row_only_stays():
    words = RECIPE.split()
    middle = " ".join([*words[:-4], "x1", "x2"])
    far = " ".join(["y1", "y2", *words[4:-4], "x1", "x2"])
    found = refused(RECIPE, middle, far, threshold=0.8)

    assert set(found) == {"r1"}


def made(n=120, seed=0):
    """Return rows in families: a text and copies with some words changed."""
    drawn = random.Random(seed)
    words = [f"w{i}" for i in range(500)]
    rows: list[Spoken] = []
    text: list[str] = []
    for at in range(n):
        if at % 4 == 0:
            text = drawn.choices(words, k=60)
        for place in drawn.sample(range(60), at % 4):
            text[place] = drawn.choice(words)
        rows.append(Spoken(f"row-{at}", drawn.randrange(3), " ".join(text)))
    return rows


def runs(text):
    words = text.split()
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}


def test_every_refused_row_is_as_alike_as_it_says_to_one_that_stays():
    rows = made()
    texts = {row.response_id: runs(row.text) for row in rows}
    found = among(rows, 0.7)

    assert len(found) > 30
    for id_, (kept_id, similarity) in found.items():
        assert kept_id not in found
        shared = texts[id_] & texts[kept_id]
        assert similarity == len(shared) / len(texts[id_] | texts[kept_id]) >= 0.7


def test_no_two_rows_that_stay_are_alike():
    rows = made()
    found = among(rows, 0.7)
    stay = [runs(row.text) for row in rows if row.response_id not in found]

    assert all(len(a & b) < 0.7 * len(a | b) for a, b in combinations(stay, 2))


def test_the_order_of_the_rows_does_not_matter_and_the_seed_does():
    rows = made()
    mixed = random.Random(1).sample(rows, len(rows))

    assert among(mixed, 0.7) == among(rows, 0.7)
    assert set(among(rows, 0.7, seed=1)) != set(among(rows, 0.7))


def test_fewer_characters_per_instruction_refuse_a_subset():
    rows = made()
    few = [row for row in rows if row.draw < 2]
    all_refused = among(rows, 0.7)

    assert among(few, 0.7) == {
        row.response_id: all_refused[row.response_id]
        for row in few
        if row.response_id in all_refused
    }


def test_thousands_of_twins_are_no_more_than_linear_work():
    rows = [Spoken(f"r{n}", 0, f"{RECIPE} {n % 3}") for n in range(3000)]

    assert len(among(rows, 0.8)) == 2999
