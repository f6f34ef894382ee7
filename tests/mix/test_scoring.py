import pytest

from opencharacter.config import AxisConfig, Spoken
from opencharacter.errors import ConfigError, ModelError
from opencharacter.mix.scoring import (
    TextScore,
    open_scorer,
    score_log_name,
    score_rows,
    scorer_name,
    texts_of,
)
from opencharacter.records import Call, Message, Method, Response, Role, Usage
from opencharacter.store.claims import Part
from opencharacter.store.completions import CompletionLog

CALL = Call(model="m@1", prompt_sha256="0", sampling="{}", seed=0, engine="none")


def response(number, question, *answers):
    turns = [Message(role=Role.user, content=question)]
    turns += [Message(role=Role.assistant, content=answer) for answer in answers]
    return Response(
        character_id="character-1",
        instruction_id=f"instruction-{number}",
        method=Method.generate,
        source="s",
        draw=0,
        licence="none",
        messages=tuple(turns),
        finish_reasons=("stop",),
        call=CALL,
        usage=Usage(),
    )


@pytest.fixture
def score(tmp_path):
    """Return a function that scores rows by their length, and says in which batches."""

    def run(rows, *, stop_after=None, **settings):
        batches = []

        def by_length(texts):
            batches.append(list(texts))
            return [TextScore(float(len(text))) for text in texts]

        def after_batch(_):
            if len(batches) == stop_after:
                raise KeyboardInterrupt

        with CompletionLog(tmp_path / "scored", Part(0, 1), {}) as log:
            axis = AxisConfig(function="m:f", **settings)
            scored = score_rows(
                [(row.id, row.messages) for row in rows],
                axis,
                scorer=lambda: by_length,
                log=log,
                after_batch=after_batch,
            )
            try:
                found = [[text.score for text in row.texts] for row in scored]
            except KeyboardInterrupt:
                found = []
        return found, batches

    return run


def test_each_text_is_scored_once_and_rows_come_in_their_order(score):
    rows = [response(1, "q", "bbb", "a"), response(2, "q", "a"), response(3, "q", "cc")]

    found, batches = score(rows)

    assert found == [[3.0, 1.0], [1.0], [2.0]]
    assert batches == [["bbb", "cc", "a"]]  # the longest first


def test_texts_of_one_length_share_a_batch(score):
    rows = [response(n, "q", f"{n:04d}" * (10_000 if n < 3 else 1)) for n in range(70)]

    _, batches = score(rows)

    assert [len(batch) for batch in batches] == [1, 1, 1, 64, 3]


def test_a_second_time_nothing_is_scored_and_nothing_is_opened(score):
    rows = [response(n, "q", "x" * n) for n in range(1, 200)]

    first, batches = score(rows)
    again, none = score(rows)

    assert len(batches) == 4  # of 64 at most
    assert (again, none) == (first, [])


def test_what_was_scored_before_a_stop_is_not_scored_again(score):
    rows = [response(n, "q", "x" * n) for n in range(1, 201)]

    _, before = score(rows, stop_after=2)
    found, after = score(rows)

    assert found == [[float(n)] for n in range(1, 201)]
    assert sum(map(len, before)) == 128
    assert sum(map(len, after)) == 72
    assert not {t for batch in before for t in batch} & {t for batch in after for t in batch}


@pytest.mark.parametrize(
    ("spoken", "texts"),
    [
        ("assistant", ["Yes.", "No."]),
        ("user", ["Is it?"]),
        ("dialogue", ["User: Is it?\nAssistant: Yes.\nAssistant: No."]),
    ],
)
def test_which_text_is_scored_is_a_setting(spoken, texts):
    assert texts_of(response(1, "Is it?", "Yes.", "No.").messages, Spoken(spoken)) == texts


@pytest.fixture
def functions(tmp_path, monkeypatch):
    """Write a module of scoring functions; return its name."""
    (tmp_path / "axes_of_mine.py").write_text(
        "def words(texts): return [len(t.split()) for t in texts]\n"
        "def odd(texts): return [None, float('nan'), float('inf'), 2][: len(texts)]\n"
        "def short(texts): return [1.0]\n"
        "def words_of(texts): return ['a'] * len(texts)\n"
        "def one(texts): return 3.0\n"
        "def broken(texts): return [1 / 0 for _ in texts]\n"
        "number = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return "axes_of_mine"


def test_a_function_is_an_axis(functions):
    axis = AxisConfig(function=f"{functions}:words")

    assert open_scorer("a", axis)(["one two", "one"]) == [TextScore(2.0), TextScore(1.0)]
    assert scorer_name("a", axis).startswith("axes_of_mine:words@")


def test_what_is_no_number_is_no_score(functions):
    scores = open_scorer("a", AxisConfig(function=f"{functions}:odd"))(["a", "b", "c", "d"])

    assert [score.score for score in scores] == [None, None, None, 2.0]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("axes_of_mine:none", "has no function none; check mix.axes.a.function"),
        ("axes_of_mine:number", "has no function number"),
        ("no_such_module:f", "there is no module no_such_module for mix.axes.a"),
        ("no_such.module:f", "there is no module no_such for mix.axes.a"),
    ],
)
@pytest.mark.usefixtures("functions")
def test_a_function_that_is_not_there_is_named(function, message):
    with pytest.raises(ConfigError, match=message):
        scorer_name("a", AxisConfig(function=function))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("short", "returned 1 scores for 2 texts; it must return one for each"),
        ("words_of", "returned 'a' for a text; it must return a number"),
        ("one", r"raised TypeError: .* is not iterable; it must take a list of texts"),
        ("broken", r"raised ZeroDivisionError: .* \(line 6 of .*axes_of_mine\.py\)"),
    ],
)
def test_what_is_wrong_with_a_function_is_said_with_its_axis(functions, function, message):
    scorer = open_scorer("a", AxisConfig(function=f"{functions}:{function}"))

    with pytest.raises(
        ConfigError, match=rf"mix\.axes\.a\.function=axes_of_mine:{function} {message}"
    ):
        scorer(["a", "b"])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def f(texts)", r"raised SyntaxError: .*\(broken_axes.py, line 1\); mend that module"),
        ("\n1 / 0", r"raised ZeroDivisionError: .* \(line 2 of .*broken_axes.py\); mend"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named_with_the_place(
    tmp_path, monkeypatch, code, message
):
    (tmp_path / "broken_axes.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ConfigError, match=rf"mix\.axes\.a\.function=broken_axes:f: .*{message}"):
        scorer_name("a", AxisConfig(function="broken_axes:f"))


def test_a_missing_folder_is_found_before_any_library_is_loaded():
    with pytest.raises(ModelError, match=r"there is no folder .*; check mix\.axes\.a\.model"):
        scorer_name("a", AxisConfig(model="./no/such/folder"))


def test_scores_are_kept_apart_by_what_made_them_and_not_by_the_cut():
    name = score_log_name("m@1", AxisConfig(model="m", label="x", threshold=0.5))

    assert name == score_log_name("m@1", AxisConfig(model="m", label="x", percentile=9))
    assert name != score_log_name("m@1", AxisConfig(model="m", label="y"))
    assert name != score_log_name("m@2", AxisConfig(model="m", label="x"))
