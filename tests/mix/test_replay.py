import json

import pytest

from opencharacter.config import MixConfig
from opencharacter.errors import ConfigError
from opencharacter.ids import stable_number
from opencharacter.mix.replay import replay_rows
from opencharacter.mix.screening import Refusal
from opencharacter.records import Method, MixtureRow, Rejection
from opencharacter.sources.rows import Tally


@pytest.fixture
def general(tmp_path):
    path = tmp_path / "general.jsonl"
    rows = [{"instruction": f"Name {n} birds.", "output": f"Bird {n}."} for n in range(40)]
    rows += [{"instruction": "Unanswered?", "output": ""}, {"x": 1}, rows[0]]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def replayed(path, n, share, seed=0, screen=lambda _: {}):
    tally = Tally(rows=n)
    config = MixConfig(replay_paths=[path], replay_share=share)
    rows = list(replay_rows(config, n, seed=seed, tally=tally, screen=screen))
    kept = [row for row in rows if isinstance(row, MixtureRow)]
    rejected = [row for row in rows if isinstance(row, Rejection)]
    assert tally.rows == n + len(kept) + len(rejected) + tally.not_drawn
    return kept, rejected, tally


def test_the_share_is_of_the_whole_mixture(general):
    kept, rejected, tally = replayed(general, 30, 0.25)

    assert len(kept) == 10
    assert sorted(r.reason for r in rejected) == ["duplicate", "unknown_layout"]
    assert tally.notes == {
        "left out: replay without an answer to every turn": 1,
        "left out: replay_share": 30,
        "replayed": 10,
    }


def test_rows_have_no_system_prompt_and_say_where_they_are_from(general):
    row = replayed(general, 30, 0.25)[0][0]

    assert [m.role for m in row.messages] == ["user", "assistant"]
    assert (row.source, row.method, row.character_id) == ("general", Method.ingested, "")


def test_a_smaller_share_is_part_of_a_larger(general):
    small, large = ({row.id for row in replayed(general, 30, s)[0]} for s in (0.1, 0.4))

    assert small < large
    assert {row.id for row in replayed(general, 30, 0.1, seed=1)[0]} != small


def test_too_few_rows_are_an_error_with_the_numbers(general):
    with pytest.raises(ConfigError, match="takes 100 dialogues"):
        replayed(general, 100, 0.5)


def number(row):
    return int(row.messages[0].content.split()[1])


def odd_ones(asked):
    """Return a screen that refuses even numbers, and notes in `asked` what it was shown."""

    def screen(rows):
        asked.extend(rows)
        return {row.id: Refusal("axis_odd", "even") for row in rows if number(row) % 2 == 0}

    return screen


@pytest.fixture
def many(tmp_path):
    """Write 6,000 dialogues: more than are screened at a time."""
    rows = [{"instruction": f"Name {n} birds.", "output": f"Bird {n}."} for n in range(6000)]
    for folder, order in (("there", rows), ("back", rows[::-1])):
        (tmp_path / folder).mkdir()
        text = "".join(json.dumps(row) + "\n" for row in order)
        (tmp_path / folder / "general.jsonl").write_text(text)
    return [str(tmp_path / folder / "general.jsonl") for folder in ("there", "back")]


def test_the_first_that_a_screen_lets_through_are_drawn_whatever_order_they_come_in(many):
    found = []
    for path in many:
        asked = []
        kept, rejected, tally = replayed(path, 300, 0.25, screen=odd_ones(asked))
        found.append(([row.response_id for row in kept], [row.key for row in rejected]))
        assert all(number(row) % 2 for row in kept)
        assert len(asked) == len({row.id for row in asked}) < 2000
        assert tally.not_drawn == 6000 - len(kept) - len(rejected)

    assert found[0] == found[1]
    drawn, refused = found[0]
    order = sorted(drawn + refused, key=lambda id_: stable_number("replay", 0, id_))
    assert (len(drawn), order[-1]) == (100, drawn[-1])
    assert 60 < len(refused) < 150


def test_of_too_few_the_error_says_how_many_an_axis_leaves_out(general):
    with pytest.raises(ConfigError, match=r"have 20 with an answer .* no axis leaves out \(20 are"):
        replayed(general, 30, 0.5, screen=odd_ones([]))


def test_without_sources_nothing_is_replayed():
    assert list(replay_rows(MixConfig(), 100, seed=0, tally=Tally())) == []


def test_the_stage_mixes_them_in_and_the_books_close(opencharacter, tmp_path, general):
    assert opencharacter("stage=synth").returncode == 0

    done = opencharacter("stage=mix", f"mix.replay_paths=[{general}]", "mix.replay_share=0.2")

    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "runs" / "t" / "mix" / "manifest.json").read_text())
    made = manifest["methods"]["rewrite"] + manifest["methods"]["generate"]
    assert manifest["methods"]["ingested"] == round(made / 4)
    counts = manifest["counts"]
    left_out = [n for note, n in counts["notes"].items() if note.startswith("left out: ")]
    assert sum(left_out) == counts["not_drawn"] > 0
    assert counts["in"] == counts["out"] + sum(counts["rejected"].values()) + counts["not_drawn"]
