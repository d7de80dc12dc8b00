"""The order of a list of runs, on every database: NULL, text and numbers sort differently in each."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Q
from django.utils import timezone

from experiments.selectors import jobs as job_lists
from experiments.selectors import run_order, runs
from experiments.selectors.job_log import first_error, tail
from experiments.selectors.run_matches import RunFilter, matching
from tests.jobs import make_job, write_log
from tests.runs import make_measured_run

pytestmark = pytest.mark.django_db


def make(
    name: str, metrics: dict[str, Any], batch: str | None, seconds: int | None, age: int, user: str
) -> None:
    started = timezone.now() - timedelta(hours=age)
    ended = started + timedelta(seconds=seconds) if seconds is not None else None
    params = {"batch": batch} if batch else {}
    make_measured_run(metrics, name=name, params=params, started_at=started, ended_at=ended, user=user)


@pytest.fixture
def five_runs() -> None:
    make("a", {"loss": 3.5}, "128", 30, 1, "m")
    make("b", {"loss": 2.5}, "8", 20, 2, "n")
    make("c", {"loss": -1}, "64", 10, 3, "a")
    make("none", {"other": 1}, None, None, 5, "o")
    make("nan", {"loss": "NaN"}, "auto", None, 4, "p")


def names(sort: str) -> list[str]:
    return [run.name for run in run_order.at(matching(RunFilter()), sort, 0, 100)]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("metrics.loss", ["c", "b", "a", "nan", "none"]),
        ("-metrics.loss", ["a", "b", "c", "nan", "none"]),
        ("params.batch", ["b", "c", "a", "nan", "none"]),
        ("-params.batch", ["a", "c", "b", "nan", "none"]),
        ("name", ["a", "b", "c", "nan", "none"]),
        ("duration", ["c", "b", "a", "nan", "none"]),
        ("-duration", ["a", "b", "c", "nan", "none"]),
        ("user", ["c", "a", "b", "none", "nan"]),
        ("-started", ["a", "b", "c", "nan", "none"]),
        ("nonsense", ["a", "b", "c", "nan", "none"]),
    ],
)
def test_any_column_sorts_and_what_has_no_value_comes_last(
    five_runs: None, sort: str, expected: list[str]
) -> None:
    assert names(sort) == expected


@pytest.mark.parametrize(
    "value", ["1e400", "1e99", "9" * 400, "1.5.5", "0x10", "", " 1", "1_000", "\u0663", "--1", "."]
)
def test_a_parameter_that_only_looks_like_a_number_stops_no_database(five_runs: None, value: str) -> None:
    make("odd", {}, value, None, 9, "q")
    assert set(names("params.batch")) == {"a", "b", "c", "nan", "none", "odd"}


@pytest.mark.parametrize("key", ["a'b", 'a"b', "a.b", "0", "$", "a%s", "{}", "[0]", "값"])
def test_names_of_parameters_and_metrics_are_no_part_of_the_query(five_runs: None, key: str) -> None:
    make_measured_run({key: 1.5}, name="odd", params={key: "3"}, started_at=None)
    for sort in (f"params.{key}", f"-metrics.{key}"):
        found = names(sort)
        assert len(found) == 6
        # To a database's JSON a whole number is an index, and SQLite finds no name with a quote in it.
        assert found[0] == "odd" or key in ("0", 'a"b')


def test_pages_count_what_they_list(five_runs: None) -> None:
    rows = matching(RunFilter(status="FINISHED"))
    assert (runs.count(rows), len(runs.page(rows, [], "-metrics.loss").rows)) == (runs.Count(5, False), 5)


SORTS = ["metrics.loss", "-metrics.loss", "params.batch", "-params.batch", "name", "duration", "-duration"]


@pytest.mark.parametrize("sort", [*SORTS, "user", "-user", "status", "experiment", "-started", "started"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_forth_and_back_show_every_run_once_in_order(five_runs: None, sort: str, size: int) -> None:
    make("twin", {"loss": 2.5}, "8", 20, 2, "n")
    make_measured_run({}, name="", params={}, started_at=None, ended_at=None, user="")
    rows = matching(RunFilter())
    pages = [run_order.page(rows, sort, size)]
    while pages[-1].after:
        pages.append(run_order.page(rows, sort, size, after=pages[-1].after))
    forth = [run.pk for page in pages for run in page.runs]
    assert forth == [run.pk for run in run_order.at(rows, sort, 0, 100)]
    assert len(set(forth)) == 7
    assert not pages[0].before
    for later, earlier in zip(pages[:0:-1], pages[-2::-1], strict=True):
        back = run_order.page(rows, sort, size, before=later.before)
        assert [run.pk for run in back.runs] == [run.pk for run in earlier.runs]
    assert [run_order.at(rows, sort, number, 1)[0].pk for number in range(7)] == forth


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!",
        "W10",
        "WzBd",
        "Wzk5LDEsMl0",
        "WzAsbnVsbCxudWxsXQ",
        "WzAsInh4IiwiYSJd",
        "é",
        "A" * 5000,
        "WzAsMWU5OTksMV0",
    ],
)
@pytest.mark.parametrize("sort", ["-started", "metrics.loss", "params.batch", "name"])
def test_a_cursor_that_somebody_made_up_is_refused(five_runs: None, cursor: str, sort: str) -> None:
    rows = matching(RunFilter())
    for place in ({"after": cursor}, {"before": cursor}):
        with pytest.raises(run_order.CursorError):
            run_order.page(rows, sort, 2, **place)


def test_logs_and_lists_of_jobs_read_the_same_everywhere() -> None:
    job = make_job("failed")
    write_log(job, ["fine"] * 300 + ["ERROR: no", "the end"])
    assert first_error(job) == 301
    assert [line.number for line in tail(job, 2).lines] == [301, 302]
    assert job_lists.matching(job_lists.JobFilter(state="failed")).filter(Q(pk=job.pk)).exists()
