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
