"""A training of a tiny model: its gradients, its losses, what it learns, and when it stops."""

import copy
import math
import shutil

import pytest
import torch

from opencharacter.config import HoldoutConfig, LoraConfig, Precision, TrainConfig, Tuning
from opencharacter.errors import TrainingError
from opencharacter.train.batches import derive_batches
from opencharacter.train.fit import build_arguments, build_trainer, fit, prepare
from opencharacter.train.holdout import Split, split_rows
from opencharacter.train.lora import add_adapters, merge_adapters
from opencharacter.train.models import Opened
from opencharacter.train.vocabulary import NewTokens
from tests.train.models import VOCABULARY, number_row, opened_rows, tiny_model
from tests.train.rows import tokenizer

UNHELD = HoldoutConfig(characters=0, dialogues=0, general=0)


def settings(**changed):
    """Return settings for rows of up to 16 tokens; a step takes 8 rows."""
    base = {
        "max_length": 16,
        "device_tokens": 16,
        "global_tokens": 128,
        "epochs": 1.0,
        "learning_rate": 1e-2,
        "warmup": 0.0,
        "holdout": UNHELD,
        "packing": False,
        "precision": Precision.float32,
        "gradient_checkpointing": False,
    }
    return TrainConfig(**{**base, **changed})


def uneven_rows(n=8):
    """Return rows of 4 to 16 tokens that learn from 1 to all but one of them."""
    return [
        number_row(
            f"r{k}",
            [(7 * k + 3 * at) % VOCABULARY for at in range(4 + 3 * k % 13)],
            set(range(1, 2 + k % 3 * (1 + 3 * k % 13))),
        )
        for k in range(n)
    ]


def trainer_of(model, rows, config, folder, *, split=None, report=lambda step, metrics: None):
    split = split or split_rows(rows.rows, {}, config.holdout, seed=0)
    prepared = prepare(rows, split, config, seed=0)
    batches = derive_batches(config, 1)
    arguments = build_arguments(
        *(config, batches, folder / "checkpoints"),
        steps_per_epoch=batches.steps(len(prepared.train)),
        metric=prepared.metric,
        seed=0,
    )
    opened = Opened(model, copy.deepcopy(tokenizer()), torch.float32, [], NewTokens([], []))
    return build_trainer(opened, prepared, arguments, report), prepared


def trained_weights(rows, folder, **changed):
    """Return the weights after a training; gradients show in them."""
    trainer, prepared = trainer_of(tiny_model(), rows, settings(**changed), folder)
    fit(trainer, prepared.metric)
    return torch.cat([weight.detach().flatten() for weight in trainer.model.parameters()])


def test_one_row_eight_times_is_two_rows_four_times(tmp_path):
    rows = opened_rows(tmp_path, uneven_rows())
    plain = {"optim": "sgd", "max_grad_norm": 0.0}
    by_ones = trained_weights(rows, tmp_path / "a", device_tokens=16, sft=plain)
    by_twos = trained_weights(rows, tmp_path / "b", device_tokens=32, sft=plain)

    assert torch.allclose(by_ones, by_twos, atol=1e-6)
    assert not torch.allclose(by_ones, torch.cat([w.flatten() for w in tiny_model().parameters()]))


def test_packed_rows_teach_what_rows_alone_teach(tmp_path):
    rows = opened_rows(tmp_path, uneven_rows())
    plain = {"optim": "sgd", "max_grad_norm": 0.0}
    alone = trained_weights(rows, tmp_path / "a", sft=plain)
    packed = trained_weights(rows, tmp_path / "b", packing=True, sft=plain)

    assert torch.allclose(alone, packed, atol=1e-6)


@pytest.mark.parametrize("tuning", [Tuning.full, Tuning.lora])
def test_activations_computed_again_teach_the_same(tmp_path, tuning):
    rows = opened_rows(tmp_path, uneven_rows())
    found = []
    for again in (False, True):
        model = tiny_model()
        if tuning is Tuning.lora:
            model = add_adapters(model, LoraConfig(rank=4, dropout=0.0), [])
        config = settings(gradient_checkpointing=again, packing=True)
        trainer, _ = trainer_of(model, rows, config, tmp_path / str(again))
        fit(trainer, None)
        learned = [w.detach().flatten() for w in trainer.model.parameters() if w.requires_grad]
        found.append(torch.cat(learned))

    assert torch.allclose(*found, atol=1e-6)


def test_packed_rows_have_the_losses_of_rows_alone(tmp_path):
    model = tiny_model()
    rows = opened_rows(tmp_path, uneven_rows(3))
    trainer, _ = trainer_of(
        model,
        rows,
        settings(packing=True, max_length=40, device_tokens=40, global_tokens=40),
        tmp_path,
    )
    batch = trainer.data_collator([rows.example([0, 1, 2], is_packed=True)])
    with torch.no_grad():
        packed = -model(**batch, fused_lm_head=True).log_probs
    nats = {round(float(value), 4) for value in packed[packed != 0]}

    expected = set()
    for number in range(3):
        example = rows.example([number], is_packed=False)
        ids, labels = (torch.tensor(example[name])[None] for name in ("input_ids", "labels"))
        with torch.no_grad():
            logits = tiny_model()(input_ids=ids).logits.log_softmax(-1)[0, :-1]
        for at, label in enumerate(labels[0, 1:].tolist()):
            expected |= {round(-float(logits[at, label]), 4)} if label != -100 else set()

    assert nats == expected


@pytest.mark.parametrize("packing", [False, True], ids=["alone", "packed"])
def test_validation_counts_tokens_and_turns_over_all_batches(tmp_path, packing):
    rows = opened_rows(tmp_path, uneven_rows())
    split = Split(train=[0, 1, 2, 3], characters=[4, 5, 6, 7], dialogues=[], forgetting=[])
    config = settings(global_tokens=64, packing=packing)
    trainer, _ = trainer_of(tiny_model(), rows, config, tmp_path, split=split)
    metrics = trainer.evaluate()

    nats = []
    for number in split.characters:
        example = rows.example([number], is_packed=False)
        ids, labels = (torch.tensor(example[name])[None] for name in ("input_ids", "labels"))
        logits = tiny_model()(input_ids=ids).logits[0, :-1]
        losses = torch.nn.functional.cross_entropy(
            logits, labels[0, 1:], ignore_index=-100, reduction="none"
        )
        nats += losses[labels[0, 1:] != -100].tolist()
    assert metrics["eval_characters_loss"] == pytest.approx(sum(nats) / len(nats), rel=1e-4)
    assert metrics["eval_characters_supervised_tokens"] == len(nats)
    assert metrics["eval_characters_turns"] == 4


def test_a_turn_with_one_wrong_token_is_wrong(tmp_path):
    # Both rows begin with 0: what follows it can be right in one of them only. All else is told by
    # what stands before it.
    ids = [[0, 5, 6, 0, 5, 7], [0, 9, 9, 0, 9, 8]]
    rows = opened_rows(
        tmp_path, [number_row(f"{n}", each, {1, 2, 4, 5}) for n, each in enumerate(ids)]
    )
    config = settings(epochs=60.0, global_tokens=32)
    trainer, prepared = trainer_of(
        tiny_model(), rows, config, tmp_path, split=Split([0, 1], [0, 1], [], [])
    )
    fit(trainer, prepared.metric)
    metrics = trainer.evaluate()

    assert metrics["eval_characters_token_accuracy"] == 7 / 8
    assert (metrics["eval_characters_turn_accuracy"], metrics["eval_characters_turns"]) == (
        3 / 4,
        4,
    )


def test_a_loss_that_is_no_number_stops_the_training(tmp_path):
    rows = opened_rows(tmp_path, uneven_rows())
    model = tiny_model()
    with torch.no_grad():
        model.lm_head.weight[:] = math.nan
    trainer, _ = trainer_of(model, rows, settings(), tmp_path)

    with pytest.raises(TrainingError, match="at step 1 of 1 the loss is nan"):
        fit(trainer, None)
    assert not list((tmp_path / "checkpoints").glob("checkpoint-*"))


def test_the_best_validation_is_kept_and_told(tmp_path):
    rows = opened_rows(tmp_path, uneven_rows())
    split = Split(train=[0, 1, 2, 3], characters=[4, 5, 6, 7], dialogues=[], forgetting=[])
    config = settings(global_tokens=64, epochs=8.0, learning_rate=0.3)
    trainer, prepared = trainer_of(tiny_model(), rows, config, tmp_path, split=split)
    fitted = fit(trainer, prepared.metric)
    losses = {
        line["step"]: line["eval_characters_loss"]
        for line in trainer.state.log_history
        if "eval_characters_loss" in line and line["step"]
    }

    assert fitted.step == min(losses, key=losses.get)
    assert fitted.losses["characters"] == losses[fitted.step]
    assert f"step {fitted.step}: the lowest loss on held-out characters" in fitted.chosen
    assert trainer.evaluate()["eval_characters_loss"] == pytest.approx(losses[fitted.step])


def test_a_best_checkpoint_that_is_gone_is_not_claimed_to_be_kept(tmp_path):
    """What was damaged is removed before a training goes on; the trainer then keeps its last."""
    rows = opened_rows(tmp_path, uneven_rows())
    split = Split(train=[0, 1, 2, 3], characters=[4, 5, 6, 7], dialogues=[], forgetting=[])
    config = settings(global_tokens=64, epochs=8.0, learning_rate=0.3)
    trainer, prepared = trainer_of(tiny_model(), rows, config, tmp_path, split=split)
    best = fit(trainer, prepared.metric).step
    assert best < 8
    shutil.rmtree(tmp_path / "checkpoints" / f"checkpoint-{best}")
    trainer, prepared = trainer_of(tiny_model(), rows, config, tmp_path, split=split)
    fitted = fit(trainer, prepared.metric, tmp_path / "checkpoints" / "checkpoint-8")

    assert fitted.step == 8
    assert "step 8, the last: the checkpoint of the best on held-out characters" in fitted.chosen
    found = trainer.evaluate()["eval_characters_loss"]
    assert fitted.losses["characters"] == pytest.approx(found)


def test_adapters_change_and_nothing_else(tmp_path):
    rows = opened_rows(tmp_path, uneven_rows())
    before = tiny_model().state_dict()
    config = settings(tuning=Tuning.lora, epochs=3.0)
    model = add_adapters(tiny_model(), LoraConfig(rank=4, dropout=0.0), [])
    trainer, _ = trainer_of(model, rows, config, tmp_path)
    fit(trainer, None)
    base = trainer.model.get_base_model()
    frozen = {name.replace(".base_layer", ""): w for name, w in base.state_dict().items()}
    assert all(torch.equal(frozen[name], weight) for name, weight in before.items())

    merged = merge_adapters(trainer.model, torch.float32, [1, 2, 3]).state_dict()
    changed = {name for name, weight in before.items() if not torch.equal(merged[name], weight)}

    assert changed == {name for name in before if name.endswith("_proj.weight")}


@pytest.mark.parametrize("is_tied", [False, True], ids=["two matrices", "one matrix"])
def test_new_tokens_learn_beside_adapters(tmp_path, is_tied):
    ids = [1, 2, 62, 3, 63]
    rows = opened_rows(tmp_path, [number_row(f"r{n}", ids, {1, 2, 3, 4}) for n in range(4)])
    model = tiny_model(is_tied=is_tied)
    before = model.get_input_embeddings().weight.detach().clone()
    model = add_adapters(model, LoraConfig(rank=4, dropout=0.0), [62, 63])
    trainer, _ = trainer_of(model, rows, settings(tuning=Tuning.lora, epochs=2.0), tmp_path)
    fit(trainer, None)
    after = merge_adapters(trainer.model, torch.float32, [1, 2, 3]).get_input_embeddings().weight

    assert not torch.equal(after[62], before[62])
    assert is_tied or torch.equal(after[5], before[5])


def test_tokens_are_counted_on_from_a_checkpoint(tmp_path):
    lines = []
    rows = opened_rows(tmp_path, uneven_rows(16))
    halves = settings(packing=True, global_tokens=32, validations=2)

    trainer, _ = trainer_of(tiny_model(), rows, halves, tmp_path)
    fit(trainer, None)
    again, _ = trainer_of(
        tiny_model(), rows, halves, tmp_path, report=lambda step, line: lines.append(line)
    )
    first = min((tmp_path / "checkpoints").iterdir(), key=lambda path: int(path.name[11:]))
    fit(again, None, resume=first)

    def counts(lines):
        return [line["num_tokens"] for line in lines if "num_tokens" in line]

    whole = counts(trainer.state.log_history)
    assert whole[-1] == sum(row.length for row in rows.rows)
    assert counts(lines) == whole[int(first.name[11:]) :]


def test_speed_is_told_with_each_line(tmp_path):
    lines = []
    rows = opened_rows(tmp_path, uneven_rows())
    trainer, _ = trainer_of(
        tiny_model(),
        rows,
        settings(packing=True),
        tmp_path,
        report=lambda *line: lines.append(line),
    )
    fit(trainer, None)
    step, metrics = lines[0]
    seconds = metrics["step_seconds_p50"]

    assert step == 1
    total = sum(row.length for row in rows.rows)
    assert metrics["tokens_per_second"] * seconds == pytest.approx(total)
    learned = sum(row.n_supervised for row in rows.rows)
    assert metrics["supervised_tokens_per_second"] * seconds == pytest.approx(learned)
    assert 0 < metrics["packing_efficiency"] <= 1
