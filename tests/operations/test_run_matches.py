"""Walking and collecting have to find the same runs in the same order, on every database."""

import random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from experiments.filters import FilterError
from experiments.models import Experiment
from experiments.selectors import run_matches, run_order
from experiments.selectors.run_matches import RunFilter, matching
from tests.runs import make_experiment, make_measured_run

pytestmark = pytest.mark.django_db

FILTERS = [
    RunFilter(text="metrics.loss < 0.5"),
    RunFilter(text="metrics.loss < 0.5 and metrics.cer > 0.2 and params.optimizer = AdamW"),
    RunFilter(text="metrics.loss < 0.2 or params.optimizer = 'SGD'"),
    RunFilter(text="metrics.loss < 0.2 or name like 'r1%'"),
    RunFilter(text="params.optimizer != SGD and params.batch >= 16"),
    RunFilter(text="not (metrics.loss < 0.5) and tags.team in (x, y)"),
    RunFilter(text="metrics.loss is null"),
    RunFilter(text=f"params.long = '{'a' * 300}b'"),
    RunFilter(text="metrics.loss < 0.5", status="FAILED"),
    RunFilter(text="r1", experiment="7"),
]
SORTS = ["metrics.loss", "-metrics.cer", "params.batch", "-params.optimizer", "-started", "name"]


@pytest.fixture
def sixty_runs() -> None:
    chance = random.Random(4)
    other = make_experiment()
    for number in range(60):
        metrics: dict[str, Any] = {"cer": chance.random(), "loss": chance.choice([0.1, 0.4, 0.6, "NaN"])}
        if chance.random() < 0.2:
            del metrics["loss"]
        params = {
            "optimizer": chance.choice(["AdamW", "SGD"]),
            "batch": chance.choice(["8", "16", "64", "auto"]),
            "long": "a" * 300 + chance.choice("bc"),
        }
        make_measured_run(
            metrics,
            name=f"r{number}",
            params=params,
            tags={"team": chance.choice("xyz")},
            status=chance.choice(["FINISHED", "FAILED"]),
            started_at=timezone.now() if number % 7 else None,
            **({"experiment": other} if number % 2 else {}),
        )


def pages(wanted: RunFilter, sort: str) -> list[int]:
    """Return the runs of all pages, and check that the way back shows the same."""
    found = matching(wanted)
    page = run_order.page(found, sort, 7)
    listed = [run.pk for run in page.runs]
    while page.after:
        place = page.after
        page = run_order.page(found, sort, 7, after=place)
        back = run_order.page(found, sort, 7, before=page.before)
        assert [run.pk for run in back.runs] == listed[-7:]
        listed += [run.pk for run in page.runs]
    return listed


@pytest.mark.parametrize("wanted", FILTERS, ids=lambda one: one.text[:40])
@pytest.mark.parametrize("sort", SORTS)
def test_both_ways_find_the_same_in_the_same_order(
    sixty_runs: None, monkeypatch: pytest.MonkeyPatch, wanted: RunFilter, sort: str
) -> None:
    collected = pages(wanted, sort)
    monkeypatch.setattr(run_matches, "PROBED", 0)
    assert matching(wanted).driver is None
    assert pages(wanted, sort) == collected
    assert collected


@pytest.mark.parametrize(
    ("text", "collects"),
    [
        ("metrics.loss < 0.5", True),
        ("metrics.loss < 0.5 or metrics.cer < 0.5", True),
        ("metrics.loss < 0.5 or user = someone", False),
        ("metrics.loss is null", False),
        ("not metrics.loss < 0.5", False),
    ],
)
def test_a_part_that_an_index_answers_is_collected_by(sixty_runs: None, text: str, collects: bool) -> None:
    assert (matching(RunFilter(text=text)).driver is not None) is collects


def test_a_fault_is_found_in_any_part(sixty_runs: None) -> None:
    for text in ("metrics.loss < 1 and metrics.cer like 'x'", "metrics.loss < 1 and start > 'never'"):
        with pytest.raises(FilterError):
            matching(RunFilter(text=text))


def test_a_deleted_experiment_has_no_runs(sixty_runs: None) -> None:
    Experiment.objects.filter(experiment_id="7").update(lifecycle_stage="deleted")
    assert len(pages(RunFilter(text="metrics.cer >= 0"), "metrics.cer")) == 30
    assert pages(RunFilter(experiment="7"), "-started") == []


def test_the_longest_filter_asks_few_indexes(sixty_runs: None) -> None:
    text = " and ".join(f"metrics.cer < {number + 1}" for number in range(50))
    with CaptureQueriesContext(connection) as captured:
        matching(RunFilter(text=text))
    assert len(captured) == 9


def test_runs_are_collected_by_all_parts_that_are_not_much_larger_than_the_smallest(
    sixty_runs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = RunFilter(text="tags.team = x and metrics.cer > 0.2 and params.optimizer = AdamW")
    found = matching(wanted)
    assert str(found.driver.query).count("INTERSECT") == 2
    assert "EXISTS" not in str(found.rest.query)
    listed = pages(wanted, "metrics.loss")
    assert set(listed) == set(found.all().values_list("pk", flat=True))
    monkeypatch.setattr(run_matches, "_CHEAPER", 0)
    alone = matching(wanted)
    assert "INTERSECT" not in str(alone.driver.query)
    assert str(alone.rest.query).count("EXISTS") == 2
    assert pages(wanted, "metrics.loss") == listed
