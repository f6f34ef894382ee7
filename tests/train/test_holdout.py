"""What is held out never comes up in training: no character, no instruction."""

from opencharacter.config import HoldoutConfig
from opencharacter.ids import stable_fraction
from opencharacter.train.holdout import split_rows
from opencharacter.train.rows import Row


def rows_of(n_characters, n_instructions, n_general=0):
    played = [(f"c{c}", f"i{i}") for c in range(n_characters) for i in range(n_instructions)]
    general = [("", f"g{g}") for g in range(n_general)]
    return [
        Row(id=f"{c}/{i}", character_id=c, instruction_id=i, n_supervised=5, start=0, length=9)
        for c, i in played + general
    ]


SHARES = HoldoutConfig(characters=0.1, dialogues=0.1, general=0.2)


def test_held_out_characters_and_instructions_share_nothing_with_training():
    rows = rows_of(40, 30, 50)
    split = split_rows(rows, {}, SHARES, seed=0)
    trained = [rows[n] for n in split.train]
    trained_characters = {row.character_id for row in trained}
    trained_instructions = {row.instruction_id for row in trained}

    assert not trained_characters & {rows[n].character_id for n in split.characters}
    for n in split.dialogues + split.forgetting:
        assert rows[n].instruction_id not in trained_instructions


def test_every_row_is_in_exactly_one_part():
    rows = rows_of(40, 30, 50)

    assert sorted(n for part in split_rows(rows, {}, SHARES, seed=0) for n in part) == list(
        range(len(rows))
    )


def test_held_out_dialogues_are_of_trained_characters():
    rows = rows_of(40, 30)
    split = split_rows(rows, {}, SHARES, seed=0)
    trained = {rows[n].character_id for n in split.train}

    assert split.dialogues
    assert {rows[n].character_id for n in split.dialogues} <= trained


def test_a_character_of_which_nothing_is_left_counts_as_held_out():
    held = next(f"i{n}" for n in range(99) if stable_fraction("holdout", 0, f"i{n}") < 0.1)
    rows = [*rows_of(3, 3), Row("x", "lonely", held, 5, 0, 9)]
    split = split_rows(rows, {}, HoldoutConfig(characters=0, dialogues=0.1, general=0), seed=0)

    assert split.characters == [9]


def test_near_duplicates_of_a_character_are_held_out_together():
    rows = rows_of(40, 3)
    groups = {f"c{n}": f"group{n % 10}" for n in range(40)}
    split = split_rows(rows, groups, HoldoutConfig(characters=0.2, dialogues=0), seed=0)
    held = {groups[rows[n].character_id] for n in split.characters}

    assert held
    assert not held & {groups[rows[n].character_id] for n in split.train}


def test_a_larger_mixture_holds_the_same_characters_out():
    few, many = rows_of(50, 3), rows_of(100, 3)
    config = HoldoutConfig(characters=0.1, dialogues=0)
    held_of_few = {few[n].character_id for n in split_rows(few, {}, config, seed=0).characters}
    held_of_many = {many[n].character_id for n in split_rows(many, {}, config, seed=0).characters}

    assert held_of_few == held_of_many & {f"c{n}" for n in range(50)}


def test_the_share_is_about_what_is_asked_for():
    rows = rows_of(1_000, 1)
    split = split_rows(rows, {}, HoldoutConfig(characters=0.1, dialogues=0), seed=3)

    assert 60 < len(split.characters) < 140  # 4 standard deviations of a binomial


def test_of_a_few_characters_one_is_held_out_all_the_same():
    rows = rows_of(6, 4)
    split = split_rows(rows, {}, HoldoutConfig(characters=0.001, dialogues=0), seed=0)

    assert len(split.characters) == 4


def test_nothing_is_held_out_with_shares_of_zero():
    rows = rows_of(6, 4, 4)
    split = split_rows(rows, {}, HoldoutConfig(characters=0, dialogues=0, general=0), seed=0)

    assert split.train == list(range(28))


def test_a_general_dialogue_that_is_held_out_is_trained_on_by_no_character():
    general = rows_of(0, 0, 200)
    played = [Row(f"p{g}", "c", f"g{g}", 5, 0, 9) for g in range(200)]
    config = HoldoutConfig(characters=0, dialogues=0, general=0.2)
    split = split_rows([*general, *played], {}, config, seed=0)
    held = {f"g{n}" for n in split.forgetting}

    assert held
    assert not held & {f"g{n - 200}" for n in split.train if n >= 200}
