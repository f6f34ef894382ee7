"""The loss on given answers, against numbers by hand."""

import math
from dataclasses import replace

import pytest

from opencharacter.compare.compare_beside import loss_sentence, paired_loss_table
from opencharacter.compare.compare_page import compare_markdown
from opencharacter.compare.losses import exponential, losses_of, paired_losses
from opencharacter.compare.recorded import metrics_of
from opencharacter.compare.report_page import report_markdown
from opencharacter.compare.reporting import report_of
from opencharacter.compare.systems import systems_of
from opencharacter.config import CompareConfig, ReportConfig
from opencharacter.job.comparing import write_comparison
from opencharacter.records import Loss, Usage
from tests.compare.played import CALL, results


def loss(dialogue, *losses, topic="a", n_bytes=10):
    return Loss(
        dialogue_id=dialogue, source="s@1", topic=topic, messages=(), model="m@1", losses=losses,
        n_bytes=n_bytes, licence="mit", origin="f:1", call=CALL, usage=Usage(),
    )  # fmt: skip


def test_the_mean_is_over_tokens_and_the_interval_over_dialogues():
    rows = [loss("1", 1.0, 2.0, 3.0), loss("2", 4.0, topic="b"), loss("3", 2.0, 2.0, topic="b")]
    overall, a, b = losses_of(rows, level=0.95)

    assert (overall.nats.value, overall.nats.n, overall.nats.clusters) == (14 / 6, 6, 3)
    assert overall.perplexity.value == pytest.approx(math.exp(14 / 6))
    assert overall.bits.value == pytest.approx(14 / math.log(2) / 30)
    assert [(each.name, each.nats.value) for each in (a, b)] == [("a", 2.0), ("b", 8 / 3)]
    # By hand: errors of dialogues -1, 5/3, -2/3 (they sum to 0); k = 3, Student's t with 2 df.
    se = math.sqrt(3 / 2 * (1 + 25 / 9 + 4 / 9)) / 6
    assert overall.nats.se == pytest.approx(se)
    assert overall.nats.high == pytest.approx(14 / 6 + 4.302653 * se, rel=1e-5)


def test_runs_are_paired_by_dialogue_token_for_token():
    base = [loss("1", 1.0, 1.0), loss("2", 2.0), loss("3", 5.0)]
    tuned = [loss("2", 2.5), loss("1", 1.5, 2.5), loss("4", 9.0)]
    [line] = paired_losses([(("base", base), ("tuned", tuned))], level=0.95)

    assert (line.unit, line.left_out) == ("nats a token", 2)
    assert [each.value for each in line.losses] == [4 / 3, 6.5 / 3]
    assert line.difference.value == pytest.approx(2.5 / 3)
    assert (line.p, line.p_holm) == (0.5, 0.5)  # of the four ways to flip +2, +0.5 two are as far
    assert line.difference.clusters == 2


def test_where_tokens_differ_bytes_are_compared():
    one, other = [loss("1", 1.0, 1.0)], [loss("1", 4.0)]
    [line] = paired_losses([(("a", one), ("b", other))], level=0.95)

    assert line.unit == "bits a byte"
    assert line.difference.value == pytest.approx((4 - 2) / math.log(2) / 10)


def test_one_model_twice_differs_in_nothing():
    rows = [loss(str(n), 1.0 + n) for n in range(12)]
    [line] = paired_losses([(("a", rows), ("b", rows))], level=0.95)

    assert (line.difference.value, line.difference.low, line.difference.se) == (0, None, 0)
    assert "alike" in loss_sentence(line, level=0.95)
    assert paired_losses([(("a", rows), ("b", []))], level=0.95) == []


def test_who_has_forgotten_is_said_and_what_is_not_shown_too():
    base = [loss(str(n), 2.0, 3.0) for n in range(12)]
    worse = [loss(str(n), 2.5 + n / 50, 3.5) for n in range(12)]
    noise = [loss(str(n), 2.0 + (-1) ** n, 3.0) for n in range(12)]
    pairs = [(("base", base), ("tuned", worse)), (("base", base), ("other", noise))]
    told = [loss_sentence(line, level=0.95) for line in paired_losses(pairs, level=0.95)]

    assert "They cost tuned 0.55" in told[0] or "They cost tuned 0.56" in told[0]
    assert "more than base (95% interval" in told[0]
    assert "perplexity 12.18 and" in told[0]
    assert "No difference is shown" in told[1]


def test_a_report_shows_the_loss_beside_its_headline():
    played = replace(results(4), losses=[loss("1", 1.0, 2.0), loss("2", 3.0, topic="<b>")])
    report = report_of(played, ReportConfig())
    text = report_markdown(report, played)

    assert "## Loss on given answers" in text
    assert "| a | 1.50 [no interval] | 4.48 [no interval] |" in text
    assert "| &lt;b> |" in text
    assert metrics_of(report)["report/loss"] == 2.0
    assert "loss" not in report.criteria
    assert "Loss on" not in report_markdown(report_of(results(4), ReportConfig()), played)


def test_a_comparison_pairs_losses_and_names_whose_is_missing(tmp_path):
    rows = [loss(str(n), 1.0 + n) for n in range(3)]
    runs = [
        replace(results(4), run="base", losses=rows),
        replace(results(4), run="tuned", losses=[loss(str(n), 2.0 + n) for n in range(3)]),
        replace(results(4), run="other"),
    ]
    found = write_comparison(tmp_path, systems_of(runs, []), runs, CompareConfig())

    assert [(line.first, line.second, line.difference.value) for line in found.losses] == [
        ("base", "tuned", 1.0)
    ]
    assert any("The loss of other on given answers is not measured" in w for w in found.cautions)
    assert "| tuned − base | 3.00 [" in compare_markdown(found)
    assert "Loss on given answers" in (tmp_path / "compare.html").read_text()


def test_a_loss_is_never_below_nothing_and_a_perplexity_stays_a_number():
    rows = [loss("1", 0.4, 0.6), loss("2", 4.0, 5.0), loss("3", 1.0, 1.2)]
    [found] = losses_of(rows, level=0.95)
    huge = exponential(replace(found.nats, value=500.0, low=400.0, high=5_000.0))

    assert (found.nats.low, found.bits.low, found.perplexity.low) == (0.0, 0.0, 1.0)
    assert math.isfinite(huge.high)


def test_with_few_dialogues_no_difference_can_be_shown_and_that_is_said():
    rows = [[loss(str(n), by + n + 0.1 * n * by) for n in range(5)] for by in (1.0, 3.0)]
    [line] = paired_losses([(("a", rows[0]), ("b", rows[1]))], level=0.95)

    assert line.least_p == 2 / 2**5
    told = loss_sentence(line, level=0.95)
    assert "cannot be shown: no p below 0.062 is possible with so few dialogues" in told
    assert "0.062" in paired_loss_table([line], level=0.95).note
