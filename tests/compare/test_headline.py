"""What a reader is told beside the figures."""

from dataclasses import replace

import pytest

from opencharacter.compare.report_page import report_markdown
from opencharacter.compare.reporting import report_of
from opencharacter.config import ReportConfig
from tests.compare.played import results


def report(given):
    return report_of(given, ReportConfig())


def test_without_human_labels_the_title_says_so():
    assert report(results(4)).title.endswith("(uncalibrated)")
    assert (
        "(uncalibrated)"
        not in report(replace(results(4), cards={"judge-a@1": {"is_calibrated": True}})).title
    )


def test_nobody_is_said_to_be_trained_on_the_mixture_without_a_training():
    told = "nothing says that this model was trained on it"

    assert any(told in each for each in report(results(4)).cautions)
    trained = replace(results(4), facts={"characters": 2})
    assert not any(told in each for each in report(trained).cautions)


@pytest.mark.parametrize(("n", "told"), [(3, "(1 character)"), (12, "(6 characters)")])
def test_one_character_is_no_characters(n, told):
    shown = report_markdown(report(results(n)), results(n))

    assert told in shown
