"""What the embedded model learns to judge: labels by rule, and a case as a tree."""

from dataclasses import replace
from itertools import islice
from random import Random

import pytest

from opencharacter.evaluation import planting
from opencharacter.evaluation.people import shown_facts
from opencharacter.evaluation.work import compile_checklist
from opencharacter.prompts.rubrics import load_rubric
from opencharacter.records import Domain, EvalItem
from opencharacter.train.embedded.characters import cast
from opencharacter.train.embedded.claims import (
    CONTRADICTED,
    OPEN,
    SHOWN,
    Claim,
    claims_in,
    consistency,
    fact_label,
    known_fields,
)
from opencharacter.train.embedded.judged import (
    by_comparison,
    by_criterion,
    checklist,
    judged,
    points,
)
from opencharacter.train.embedded.personas import Line, is_heldout, persona_line
from opencharacter.train.embedded.pretrain import FOLDER
from opencharacter.train.embedded.scenes import Said, Scene, Tag

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


def person(text, **fields):
    made = cast(Random(1), Line(text=text))
    given = {"name": "Ann Lee", "age": 30, "gender": "female", "birth_place": "Oslo, Norway"}
    values = {**made.fields, **given, **fields}
    first = str(values["name"]).split()[0]
    return replace(made, fields=values, first=first, hobby=fields.get("hobby", "chess"))


@pytest.fixture
def baker():
    return person("A baker who sings")


@pytest.fixture
def sailor():
    values = {"name": "Bo Dahl", "age": 61, "birth_place": "Lima, Peru", "gender": "male"}
    return person("A sailor on the lakes", **values)


@pytest.fixture(scope="module")
def tokenizer():
    return transformers.AutoTokenizer.from_pretrained(FOLDER)


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("My name is Ann Lee, and I am 30.", 5),
        ("I would go home and sleep.", 5),
    ],
)
def test_what_is_true_of_a_character_agrees(baker, answer, label):
    known = known_fields(baker, by_profile=True)

    assert consistency(claims_in(answer, baker), baker, known, 0) == label


@pytest.mark.parametrize("answer", ["I am 61 by now.", "Bo here.", "In Lima we say so."])
def test_another_ones_main_facts_are_worth_one_point(baker, sailor, answer):
    known = known_fields(baker, by_profile=True)

    assert consistency(claims_in(answer, sailor), baker, known, 0) == 1


def test_denying_a_fact_contradicts_it_and_denying_another_ones_does_not(baker, sailor):
    known = known_fields(baker, by_profile=True)
    own, other = (Claim("job", each, is_denied=True) for each in (baker, sailor))

    assert consistency([own], baker, known, 0) == 1
    assert consistency([other], baker, known, 0) == 5


def test_what_nobody_told_the_judge_is_no_contradiction_but_invented(baker, sailor):
    known = known_fields(baker, by_profile=False)
    name, age = (Claim(field, sailor) for field in ("name", "age"))

    assert known == {"job"}
    assert consistency([name], baker, known, 0) == 4
    assert consistency([name, age], baker, known, 0) == 3
    assert consistency([], baker, known, 2) == 3


@pytest.mark.parametrize(
    ("fact", "field", "label"),
    [
        ("Age: 30", "age", CONTRADICTED),
        ("Name: Ann Lee", "name", SHOWN),
        ("Birth Place: Oslo, Norway", "birth_place", OPEN),
        ("General Experience: A baker who sings.", "experience", SHOWN),
    ],
)
def test_facts_are_contradicted_shown_or_open(baker, sailor, fact, field, label):
    claims = [Claim("age", sailor), Claim("name", baker), Claim("job", baker)]

    assert fact_label(fact, field, claims, baker) == label


def test_a_program_is_worth_one_point_of_all_but_harmlessness(baker):
    scene = Scene(baker, (), "Who are you?", "name", (), True)
    said = Said("I am an AI.", "program")

    found = {name: points(said, name, scene) for name in load_rubric("role_play").criteria}

    assert found.pop("toxicity_control") == 5
    assert set(found.values()) == {1}


def test_the_facts_are_those_that_a_judge_is_asked_about():
    for seed in range(30):
        one = cast(Random(seed), persona_line(Random(seed)))
        facts = shown_facts(one.character)
        item = EvalItem(
            suite="s@1", persona_id="p", system="", persona=one.line.text, facts=facts,
            questions=("?",), task="t", dimensions=("d",),
            domain=Domain.unknown,
        )  # fmt: skip

        assert [fact for _, fact in checklist(one)] == [fact for _, fact in compile_checklist(item)]


def test_every_prompt_ends_with_its_labels_and_has_one_of_them():
    seen = set()
    for case in islice(judged(0), 60):
        for prompt, label in zip(case.prompts, case.labels, strict=True):
            asked = prompt.rpartition("Reply with one of ")[2].removesuffix(" and nothing else.")
            assert label in asked.split(", ")
            seen.add((asked, label))

    assert len(seen) == 5 + 3 + 2


def test_the_better_answer_stands_in_both_places():
    rubric = load_rubric("pairwise")

    labels = [label for n in range(20) for label in by_comparison(Random(n), rubric).labels]

    assert 0.35 < labels.count("1") / len(labels) < 0.65


def test_no_character_of_the_tests_is_judged_in_training():
    rubric = load_rubric("role_play")
    for seed in range(20):
        for is_kept in (True, False):
            prompt = by_criterion(Random(seed), rubric, heldout=is_kept).prompts[0]
            persona = prompt.partition("# Character\n")[2].partition("\n")[0]

            assert is_heldout(persona) is is_kept


def test_nothing_that_qualify_plants_is_trained_on():
    text = "\n".join(p for case in islice(judged(0), 150) for p in case.prompts).lower()
    planted = [
        planting._DISCLAIMER, *planting._FOREIGN.values(), *planting._FILLER.split(". "),
        "so let me tell you", ", by the way", "whatever they say", "i never was",
        *planting._OTHER_NAMES, "päivää", "jó napot",
    ]  # fmt: skip

    assert not [each for each in planted if each.strip().lower() in text]


def test_a_tree_holds_each_prompt_as_the_chat_template_writes_it(tokenizer):
    judging = pytest.importorskip("opencharacter.train.embedded.judging")
    for case in islice(judged(2), 6):
        tree = judging.planted(tokenizer, case)
        for at, (prompt, label) in enumerate(zip(case.prompts, case.labels, strict=True)):
            chat = [{"role": "user", "content": prompt}, {"role": "assistant", "content": label}]
            whole = tokenizer(tokenizer.apply_chat_template(chat, tokenize=False))["input_ids"]
            ids = [*tree.shared[0].tolist(), *tree.branches[at].tolist()]

            assert ids[: len(whole)] == whole
            learned = tree.branches[at][tree.is_learned[at]].tolist()
            assert tokenizer.decode(learned) == f"{label}<|eot_id|>"


def test_words_of_an_answer_are_tagged_by_what_they_tell(baker, sailor):
    scene = Scene(baker, (sailor,), "Who are you?", "name", (), True)
    said = Said(
        "I am Ann, and I work as a sailor.", "wrong", (Claim("name", baker), Claim("job", sailor))
    )
    prompt = f"Ann, a sailor. {said.text} The end."

    told = {(prompt[start:end], tag) for start, end, tag in scene.marks(prompt, said)}

    assert told == {(said.text, Tag.plain), ("Ann", Tag.true), ("a sailor", Tag.against)}


def test_every_token_of_a_marked_word_has_its_tag(tokenizer):
    judging = pytest.importorskip("opencharacter.train.embedded.judging")
    case = next(c for c in judged(4) if any(m.tag is Tag.against for ms in c.marks for m in ms))
    tree = judging.planted(tokenizer, case)
    for at, (prompt, marks) in enumerate(zip(case.prompts, case.marks, strict=True)):
        tagged = tokenizer.decode(tree.branches[at][tree.tags[at] == Tag.against])
        wanted = [prompt[m.start : m.end] for m in marks if m.tag is Tag.against]

        assert all(words in tagged for words in wanted)
        assert bool(tagged) is bool(wanted)


def test_the_label_is_asked_for_at_every_token_after_the_answer(tokenizer):
    judging = pytest.importorskip("opencharacter.train.embedded.judging")
    case = next(judged(0))
    tree = judging.planted(tokenizer, case)
    for at, (prompt, label) in enumerate(zip(case.prompts, case.labels, strict=True)):
        asked = tree.verdicts[at] != -1
        end = max(mark.end for mark in case.marks[at])

        assert tokenizer.decode(tree.branches[at][asked]).startswith(prompt[end:])
        assert {tokenizer.decode(each) for each in tree.verdicts[at][asked]} == {label}


def test_a_tree_is_read_as_its_prompts_one_by_one(tokenizer):
    judging = pytest.importorskip("opencharacter.train.embedded.judging")
    model = transformers.AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32).eval()
    case = next(judged(3))
    tree = judging.planted(tokenizer, case)
    with torch.no_grad():
        found = judging.read_tree(model, tree).logits[::2]
        for prompt, logits in zip(case.prompts, found, strict=True):
            chat = [{"role": "user", "content": prompt}]
            text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
            alone = model(input_ids=torch.tensor([tokenizer(text)["input_ids"]])).logits[0, -1]

            assert torch.allclose(alone, logits, atol=2e-3)


def test_who_follows_what_was_said_before_learns_all_that_could_have_been_said():
    judging = pytest.importorskip("opencharacter.train.embedded.judging")
    copying = pytest.importorskip("opencharacter.train.embedded.copying")
    load = transformers.AutoModelForCausalLM.from_pretrained
    before, other = (load(FOLDER, dtype=torch.float32).eval() for _ in range(2))
    with torch.no_grad():
        other.lm_head.weight.mul_(0.9)
    ids = torch.tensor([[0, 20, 30, 40, 50]])
    batch = copying.Batch(ids, torch.tensor([[False, False, False, True, True]]))
    with torch.no_grad():
        aim, told = (each(input_ids=ids).logits[0, 2:4].log_softmax(-1) for each in (before, other))
        expected = torch.distributions.kl_divergence(
            *(torch.distributions.Categorical(logits=each) for each in (aim, told))
        ).mean()

    assert expected > 0.001
    assert torch.allclose(judging.divergence(other, before, batch), expected, atol=1e-5)
    assert judging.divergence(before, before, batch).item() == pytest.approx(0, abs=1e-6)


def test_the_rate_rises_stays_and_falls():
    judging = pytest.importorskip("opencharacter.train.embedded.judging")
    course = judging.Course(400, 1e-3, 0.4, 0, follows=False)
    rates = [judging.learning_rate(step, course) for step in (0, 49, 239, 320, 399)]

    assert rates == pytest.approx([2e-5, 1e-3, 1e-3, 5e-4, 3e-5])


def test_the_judge_can_be_made_alone(tmp_path):
    pretrain = pytest.importorskip("opencharacter.train.embedded.pretrain")
    made = pretrain.Made(tmp_path / "base", 0, None, 0, tmp_path / "judge", 0.001, FOLDER)
    threads = torch.get_num_threads()

    pretrain.make(made)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)

    weights, before = (at / "model.safetensors" for at in (tmp_path / "judge", FOLDER))
    assert weights.read_bytes() != before.read_bytes()
    for file in ("tokenizer_config.json", "tokenizer.json", "config.json"):
        assert (tmp_path / "judge" / file).read_bytes() == (FOLDER / file).read_bytes()
