from dataclasses import replace

import pytest

from opencharacter.compare.recorded import COLUMNS, about_of, metrics_of, rows_of, system_of
from opencharacter.compare.reporting import report_of
from opencharacter.compare.systems import systems_of
from opencharacter.config import ReportConfig
from opencharacter.errors import SourceError
from tests.compare.played import results


def test_a_system_comes_back_as_it_was():
    system = systems_of([results(6)], [])[0]
    table = {"columns": list(COLUMNS), "data": rows_of(system)}

    assert system_of("a", about_of(system), table) == system


def test_runs_are_logged_under_the_same_names():
    names = [
        set(metrics_of(report_of(results(n, run=run), ReportConfig())))
        for n, run in ((6, "a"), (8, "b"))
    ]

    assert names[0] == names[1]
    assert {"report/headline", "report/in", "report/out", "report/gap"} <= names[0]


def logged(given):
    return metrics_of(report_of(given, ReportConfig()))


def test_of_a_headline_that_is_withheld_only_bounds_are_logged():
    given = results(12, values=lambda n, v: None if n % 3 == 0 else v)

    # Of 6 characters in-domain two are missing; the others have 4.2 and 4.1 twice.
    bounds = {name: value for name, value in logged(given).items() if "bounds" in name}
    assert bounds["report/bounds/in/low"] == pytest.approx((2 * 8.3 + 2) / 6)
    assert bounds["report/bounds/in/high"] == pytest.approx((2 * 8.3 + 10) / 6)
    assert logged(given).keys() - bounds.keys() == {
        "report/coverage",
        "report/transcripts",
        "report/failure/none",
    }


def test_of_a_part_of_a_suite_no_mean_is_logged():
    whole = results(12)
    part = replace(whole, incomplete=["12 of 200 personas"])

    assert {"report/headline", "report/criterion/habits"} <= logged(whole).keys()
    assert not [name for name in logged(part) if name.startswith(("report/in", "report/out"))]
    assert not [name for name in logged(part) if "gap" in name or "criterion" in name]


@pytest.mark.parametrize(
    ("about", "table"),
    [
        pytest.param({"run": "a"}, {"columns": [], "data": []}, id="another version"),
        pytest.param(None, {}, id="nothing"),
    ],
)
def test_what_is_no_report_of_ours_is_told(about, table):
    with pytest.raises(SourceError, match="of 'a' cannot be read"):
        system_of("a", about, table)
