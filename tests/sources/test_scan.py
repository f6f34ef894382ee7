import hashlib
import json
import multiprocessing
import random
from collections import Counter
from contextlib import nullcontext

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencharacter.config import PersonasConfig, Stratify
from opencharacter.errors import ConfigError, SourceError
from opencharacter.records import Persona, Rejection
from opencharacter.sources.personas import read_personas
from opencharacter.sources.rows import Tally

TEXTS = [f"Cook number {index}" for index in range(2000)]


def read(path, **settings):
    tally = Tally()
    return list(
        read_personas(PersonasConfig(path=str(path), **settings), seed=7, tally=tally)
    ), tally


def split(items):
    texts = [item.text for item in items if isinstance(item, Persona)]
    return texts, [item for item in items if isinstance(item, Rejection)]


def key(text):
    return int.from_bytes(hashlib.blake2b(f"7/{text}".encode(), digest_size=8).digest(), "little")


@pytest.mark.parametrize("name", ["p.jsonl", "p.json", "p.txt", "p.parquet"])
def test_every_kind_of_file_gives_the_texts_of_the_smallest_hashes(tmp_path, name):
    path = tmp_path / name
    rows = [{"text": text} for text in TEXTS]
    match path.suffix:
        case ".jsonl":
            path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        case ".json":
            path.write_text(json.dumps(rows), encoding="utf-8")
        case ".txt":
            path.write_text("\n".join(TEXTS), encoding="utf-8")
        case _:
            pyarrow.parquet.write_table(pyarrow.table({"text": TEXTS}), path)
    items, tally = read(path, n=30)

    assert sorted(item.text for item in items) == sorted(sorted(TEXTS, key=key)[:30])
    assert (tally.rows, tally.not_drawn) == (2000, 1970)


def test_a_flawed_row_before_the_end_of_the_sample_is_rejected_and_replaced(tmp_path):
    ordered = sorted(TEXTS, key=key)
    path = tmp_path / "p.jsonl"
    flawed = "Cook <|im_start|>"
    texts = [text for text in TEXTS if text != ordered[0]]
    behind = sum(key(text) < key(flawed) for text in texts)
    path.write_text("\n".join(json.dumps({"text": text}) for text in [*texts, flawed]), "utf-8")

    for n, reasons in ((behind, []), (behind + 1, ["control_tokens"])):
        kept, rejections = split(read(path, n=n)[0])
        assert len(kept) == n
        assert [rejection.reason for rejection in rejections] == reasons


def test_rows_without_a_text_are_rejected_wherever_they_stand(tmp_path):
    path = tmp_path / "p.jsonl"
    bad = [b"{", b'{"other": 1}', b'{"text": 3}', b'{"text": "\xff"}', b"", b"x" * 1_000_001]
    lines = [json.dumps({"text": text}).encode() for text in TEXTS]
    path.write_bytes(b"\r\n".join([*lines[:900], *bad, *lines[900:]]))
    items, tally = read(path, n=5)
    kept, rejections = split(items)

    assert sorted(kept) == sorted(sorted(TEXTS, key=key)[:5])
    assert [(rejection.reason, rejection.origin) for rejection in rejections] == [
        ("broken_json", "p.jsonl:901"),
        ("missing_key", "p.jsonl:902"),
        ("wrong_type", "p.jsonl:903"),
        ("invalid_utf8", "p.jsonl:904"),
        ("line_too_long", "p.jsonl:906"),
    ]
    assert (tally.rows, tally.not_drawn) == (2005, 1995)


def test_what_is_rejected_does_not_depend_on_the_order_of_rows(tmp_path):
    texts = [*TEXTS, *(f"Cook <|number_{index}|>" for index in range(500)), *TEXTS[:300]]
    found = []
    for number in range(2):
        path = tmp_path / "p.jsonl"
        path.write_text("\n".join(json.dumps({"text": text}) for text in texts), "utf-8")
        kept, rejections = split(read(path, n=200)[0])
        found.append((sorted(kept), sorted((row.reason, row.excerpt) for row in rejections)))
        random.Random(number).shuffle(texts)

    assert found[0] == found[1]
    assert {reason for reason, _ in found[0][1]} == {"control_tokens", "duplicate"}


LINE = st.one_of(
    st.binary(max_size=12),
    st.text(alphabet='ab \t\\"\u200b\u00e9\ud83d', max_size=6).map(
        lambda text: json.dumps({"text": text}).encode()
    ),
    st.sampled_from(
        [
            b'{"text": "a"',
            b'{"text": "a  b"}',
            b'{"text": "", "x": "a"}',
            b"",
            b" ",
            b"\r",
            b'"{\\"text\\": \\"a\\"}"',
            b"[" * 2000,
            b'{"text": "a"} ',
        ]
    ),
)


@given(
    lines=st.lists(LINE, min_size=1),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    piece=st.sampled_from([3, 4, 7, 50, 1 << 20]),
)
def test_the_fast_reading_of_a_sample_finds_what_the_careful_one_of_all_rows_finds(
    tmp_path_factory, lines, mark, piece
):
    path = tmp_path_factory.mktemp("lines") / "p.jsonl"
    path.write_bytes(mark + b"\n".join([b'{"text": "first"}', *lines]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("opencharacter.sources.scan._PIECE_BYTES", piece)
        (fast, fast_tally), (slow, slow_tally) = read(path, n=1000), read(path)

    assert fast == slow
    assert (fast_tally.rows, fast_tally.not_drawn) == (slow_tally.rows, 0)
    assert slow_tally.rows == len(slow)


def mixed(path, n=3000):
    """Write good rows of several layouts, and a bad one of every kind now and then."""
    bad = [b"{", b"", b" \r", b'{"other": 1}', b'{"text": "\xff"}', b"x" * 1_000_001, b'"\\ud800"']
    lines = []
    for index in range(n):
        text = f"{('I am', 'You are', 'She is')[index % 3]} a cook{' ' * (index % 2)}  no {index}"
        lines.append(json.dumps({"text": text if index % 5 else text.replace(" ", "\u00e9 ")}))
        lines[-1] = lines[-1].encode()
        if index % 97 == 0:
            lines += [bad[index // 97 % len(bad)], b'{"text": "Cook <|im_start|>"}']
    path.write_bytes(b"\n".join(lines))
    return path


@pytest.mark.parametrize("stratify", [None, Stratify.person])
def test_a_sample_does_not_depend_on_the_number_of_processes_or_the_size_of_pieces(
    tmp_path, monkeypatch, stratify
):
    for number in range(3):
        mixed(tmp_path / f"p{number}.jsonl", 1000)
    write(tmp_path / "p2.txt", [{}]).write_text("Cook of a list\n" * 2, "utf-8")
    settings = {"n": 400, "stratify": stratify}
    expected, tally = read(tmp_path, **settings)
    monkeypatch.setattr("opencharacter.sources.scan._MANY_BYTES", 0)
    monkeypatch.setattr("opencharacter.sources.scan._PIECE_BYTES", 9000)

    found, again = read(tmp_path, processes=2, **settings)

    assert found == expected
    assert sum(isinstance(item, Persona) for item in found) == 400
    assert {item.reason for item in found if isinstance(item, Rejection)} >= {
        "broken_json", "missing_key", "invalid_utf8", "line_too_long", "wrong_type", "duplicate",
    }  # fmt: skip
    assert (again.rows, again.not_drawn, again.notes) == (tally.rows, tally.not_drawn, tally.notes)


def test_rows_without_a_text_are_rejected_also_where_strata_have_declared_shares(tmp_path):
    path = tmp_path / "p.jsonl"
    lines = [json.dumps({"text": f"I am a cook, number {index}"}) for index in range(50)]
    path.write_text("\n".join([*lines, "{", '{"other": 1}']), "utf-8")
    kept, rejections = split(read(path, n=5, stratify=Stratify.person, shares={"first": 1.0})[0])

    assert len(kept) == 5
    assert [rejection.reason for rejection in rejections] == ["broken_json", "missing_key"]


def test_whoever_reads_is_told_of_rows_and_bytes_until_all_are_read(tmp_path, monkeypatch):
    path = mixed(tmp_path / "p.jsonl")
    monkeypatch.setattr("opencharacter.sources.scan._PIECE_BYTES", 100_000)
    tally, told = Tally(), []
    tally.watched = lambda: nullcontext(told.append)
    list(read_personas(PersonasConfig(path=str(path), n=5), seed=7, tally=tally))

    assert len(told) == -(-path.stat().st_size // 100_000)
    assert told == sorted(told)
    assert told[-1] == (tally.rows, path.stat().st_size, path.stat().st_size)


def kill_one(told):
    """Kill a process that reads, as a machine out of memory does."""
    if told.rows:
        [*readers] = multiprocessing.active_children()
        readers[0].kill()


def test_a_reader_that_is_killed_is_told_and_the_others_end(tmp_path, monkeypatch):
    path = mixed(tmp_path / "p.jsonl")
    monkeypatch.setattr("opencharacter.sources.scan._MANY_BYTES", 0)
    monkeypatch.setattr("opencharacter.sources.scan._PIECE_BYTES", 2000)
    tally = Tally()
    tally.watched = lambda: nullcontext(kill_one)

    with pytest.raises(SourceError, match=r"was killed, .* smaller personas\.processes"):
        list(read_personas(PersonasConfig(path=str(path), n=5, processes=2), seed=7, tally=tally))
    assert not multiprocessing.active_children()


def test_a_full_disk_says_where_to_make_room(tmp_path, monkeypatch):
    path = tmp_path / "p.jsonl"
    path.write_text("\n".join(json.dumps({"text": text}) for text in TEXTS), "utf-8")
    monkeypatch.setattr("tempfile.TemporaryFile", lambda: open("/dev/full", "r+b", buffering=0))  # noqa: PTH123, SIM115

    with pytest.raises(SourceError, match=r"cannot put rows aside .* \(No space left"):
        read(path, n=5)


def elite(text, domain):
    return {"persona": text, "general domain (top 1 percent)": domain, "specific domain": "x"}


def write(path, rows):
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return path


def test_domains_are_drawn_in_equal_shares_as_far_as_they_reach(tmp_path):
    sizes = {"Law": 500, "Music": 60, "None": 4}
    rows = [elite(f"{name} {i}", name) for name, size in sizes.items() for i in range(size)]
    random.Random(0).shuffle(rows)
    small, tally = read(write(tmp_path / "p.jsonl", rows), n=34, stratify=Stratify.domain)
    large, _ = read(tmp_path / "p.jsonl", n=90, stratify=Stratify.domain)

    assert Counter(item.domain for item in small) == {"Law": 15, "Music": 15, None: 4}
    assert Counter(item.domain for item in large) == {"Law": 43, "Music": 43, None: 4}
    assert {item.text for item in small} < {item.text for item in large}
    assert (tally.rows, tally.not_drawn) == (564, 530)
    assert tally.notes["drawn of domain none"] == 4


@pytest.mark.parametrize("name", ["p.jsonl", "p.txt"])
def test_a_declared_balance_of_persons_is_kept_and_counted(tmp_path, name):
    texts = [f"{who} a cook, number {i}" for who in ("I am", "You are", "He is") for i in range(99)]
    path = write(tmp_path / name, [{"text": text} for text in texts])
    if name.endswith(".txt"):
        path.write_text("\n".join(texts), "utf-8")
    shares = {"first": 3.0, "second": 1.0}
    items, tally = read(path, n=40, stratify=Stratify.person, shares=shares)

    assert Counter(item.text.split()[0] for item in items) == {"I": 30, "You": 10}
    assert tally.notes["drawn in the first person"] == 30


def test_languages_in_one_script_are_strata_and_a_script_of_many_languages_is_one(tmp_path):
    lines = {
        "en": "A teacher of physics in London, number {}",
        "fr": "Un boulanger de Lyon qui aime la pêche, numéro {}",
        "arabic": "معلم لغة عربية متقاعد من القاهرة {}",
        "other": "Compiler Designer {}",
    }
    counts = {"en": 60, "fr": 9, "arabic": 9, "other": 9}
    rows = [{"text": lines[name].format(i)} for name, n in counts.items() for i in range(n)]
    path = write(tmp_path / "p.jsonl", rows)

    _, tally = read(path, n=24, stratify=Stratify.language)

    assert tally.notes | {f"drawn of language {name}": 6 for name in counts} == tally.notes


def test_other_is_every_language_without_a_share_of_its_own(tmp_path):
    rows = [{"text": f"一位住在北京的中学物理老师{i}"} for i in range(9)]
    rows += [{"text": f"A teacher of physics in London, number {i}"} for i in range(9)]
    path = write(tmp_path / "p.jsonl", rows)

    items, _ = read(path, n=8, stratify=Stratify.language, shares={"zh": 1.0, "other": 1.0})

    assert Counter(item.language for item in items) == {"zh": 4, "en": 4}


def test_languages_and_lengths_are_strata(tmp_path):
    rows = [{"text": f"一位住在北京的中学物理老师{i}"} for i in range(5)]
    rows += [
        {"text": f"A teacher of physics, number {i}, " + "x" * (i % 2) * 90} for i in range(80)
    ]
    path = write(tmp_path / "p.jsonl", rows)
    languages, _ = read(path, n=10, stratify=Stratify.language)
    lengths, tally = read(path, n=12, stratify=Stratify.length)

    assert Counter(item.language for item in languages) == {"zh": 5, "en": 5}
    assert Counter(len(item.text) > 64 for item in lengths) == {False: 6, True: 6}
    assert {what: n for what, n in tally.notes.items() if what.startswith("drawn of")} == {
        "drawn of length up to 32": 6,
        "drawn of length up to 128": 6,
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stratify": Stratify.person}, "needs personas.n"),
        ({"n": 3, "shares": {"first": 1.0}}, "needs personas.stratify"),
        ({"n": 3, "stratify": Stratify.person, "shares": {"frist": 1.0}}, "knows first, second"),
        ({"n": 3, "stratify": Stratify.domain, "shares": {"Law": 0.0}}, "must be > 0"),
    ],
)
def test_shares_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        PersonasConfig(**settings)
