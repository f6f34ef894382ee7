"""Reports of runs made up of scores."""

from dataclasses import replace

from opencharacter.compare.reporting import report_of
from opencharacter.config import ReportConfig
from opencharacter.records import Domain
from tests.compare.played import item, results, score, transcript


def report(given, **settings):
    return report_of(given, ReportConfig(**settings))


def with_scores(pairs):
    """Return a run of transcripts with their scores."""
    items = {one.id: one for one, _, _ in pairs}
    return replace(
        results(0),
        items=items,
        transcripts=[played for _, played, _ in pairs],
        scores=[each for _, _, scores in pairs for each in scores],
    )


def played(number, *values, domain=Domain.inside, **about):
    """Return an item, its transcript, and a score of each judge."""
    one = item(number, domain=domain)
    said = transcript(one, **about)
    scores = [score(said, value, judge=f"judge-{at}@1") for at, value in enumerate(values)]
    return one, said, scores
