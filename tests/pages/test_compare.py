"""Runs beside each other: the table, its address, the file, and REST."""

import csv
import io
import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from plotly import graph_objects

from accounts.models import User
from accounts.roles import Role
from experiments.models import Experiment, MetricGoal, Run
from registry.models import RegisteredModel
from tests.jobs import make_repository
from tests.people import make_user
from tests.runs import NASTY, add_curve, make_experiment, make_measured_run
from tests.versions import make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.ENGINEER, username="someone")
    client.force_login(user)
    return user


@pytest.fixture
def runs() -> list[Run]:
    values = [(0.05, 0.9, "AdamW"), (0.04, 0.9, "SGD"), (0.06, 0.91, "AdamW")]
    return [
        make_measured_run(
            {"val_cer": cer, "val_accuracy": accuracy, "epochs": 8},
            name=f"run {number}",
            params={"optimizer": optimizer, "lr": "0.001" if number else "1e-3", "seed": "7"},
            tags={"team": "ocr"},
        )
        for number, (cer, accuracy, optimizer) in enumerate(values)
    ]


def address(runs: list[Run], rest: str = "", page: str = "/compare/") -> str:
    return f"{page}?runs={','.join(run.run_id for run in runs)}{rest}"


def lines(client: Client, where: str) -> dict[str, Any]:
    return {line.row.key: (line.row, line.cells) for line in client.get(where).context["lines"]}


def test_runs_are_judged_against_the_baseline(client: Client, someone: User, runs: list[Run]) -> None:
    shown = lines(client, address(runs))
    row, cells = shown["val_cer"]
    assert row.differs
    assert [cell.verdict for cell in cells] == ["", "better", "worse"]
    assert cells[1].delta == pytest.approx(-0.01)
    assert [cell.verdict for cell in shown["val_accuracy"][1]] == ["", "same", "better"]
    assert [
        cell.verdict for cell in lines(client, address(runs, f"&baseline={runs[1].run_id}"))["val_cer"][1]
    ] == [
        "worse",
        "",
        "worse",
    ]
    html = client.get(address(runs)).content.decode()
    assert "better" in html
    assert "smaller is better" in html


def test_what_says_the_same_does_not_differ(client: Client, someone: User, runs: list[Run]) -> None:
    shown = lines(client, address(runs))
    assert not shown["lr"][0].differs
    assert shown["optimizer"][0].differs
    assert set(lines(client, address(runs, "&rows=different"))) == {"val_cer", "val_accuracy", "optimizer"}
    assert set(lines(client, address(runs, "&q=OPTI"))) == {"optimizer"}


def test_a_tolerance_makes_differences_none(client: Client, someone: User, runs: list[Run]) -> None:
    MetricGoal.objects.create(
        experiment=runs[0].experiment, key="val_cer", tolerance=0.02, unit="%", changed_at=runs[0].seen_at
    )
    row, cells = lines(client, address(runs))["val_cer"]
    assert not row.differs
    assert [cell.verdict for cell in cells] == ["", "same", "same"]


def test_the_best_point_of_a_history_can_be_shown(client: Client, someone: User, runs: list[Run]) -> None:
    add_curve(runs[0], "val_cer", [0.5, 0.01, "NaN", 0.05])
    add_curve(runs[1], "val_cer", [0.2, "inf", 0.04])
    cells = lines(client, address(runs, "&point=best"))["val_cer"][1]
    assert [(cell.value, cell.step) for cell in cells] == [(0.01, 2), (0.04, 3), (0.06, None)]
    cells = lines(client, address(runs, "&point=max"))["val_cer"][1]
    assert [(cell.value, cell.step) for cell in cells[:2]] == [(0.5, 1), (0.2, 1)]


def test_the_run_in_production_is_the_baseline_or_is_offered(
    client: Client, someone: User, runs: list[Run]
) -> None:
    serving = make_version("1.2.0", stage="Production", run_id=runs[2].run_id)
    found = client.get(address(runs)).context["found"]
    assert found.baseline.run == runs[2]
    page = client.get(address(runs[:2]))
    assert page.context["found"].baseline.run == runs[0]
    [(offer, url)] = page.context["offers"].production
    assert offer.label == "receipt-ocr 1.2.0"
    assert client.get(url).context["found"].baseline.run == runs[2]
    assert "Compare with receipt-ocr 1.2.0 in Production" in page.content.decode()
    RegisteredModel.objects.filter(pk=serving.model_id).update(restricted=True)
    assert "receipt-ocr 1.2.0" not in client.get(address(runs)).content.decode()


def test_what_cannot_be_compared_is_named(client: Client, someone: User, runs: list[Run]) -> None:
    first = runs[0].run_id
    for rest, words in (
        (f"{first},nothing", "not known here"),
        (f"{first},{first},{runs[1].run_id}", "more than once"),
        (first, "One run has nothing"),
        (f"{first},{runs[1].run_id}&baseline=gone", "was to be the baseline"),
        (",".join(f"{number:032}" for number in range(150)), "50 more are left out"),
    ):
        page = client.get(f"/compare/?runs={rest}")
        assert page.status_code == 200
        assert words in page.content.decode()
    for rest in (
        "",
        "runs=",
        f"runs={NASTY}",
        "runs=" + "x" * 5000,
        f"runs={first}&page=x&point=x",
    ):
        page = client.get(f"/compare/?{rest}")
        assert page.status_code == 200
        assert NASTY not in page.content.decode()


def test_runs_come_and_go_and_keep_their_colour(client: Client, someone: User, runs: list[Run]) -> None:
    page = client.get(address(runs, "&rows=all"))
    colours = {one.run: one.colour for one in page.context["found"].runs}
    assert len(set(colours.values())) == 3
    column = page.context["columns"][1]
    rest = client.get(column["remove_url"]).context["found"]
    assert [one.run for one in rest.runs] == [runs[0], runs[2]]
    assert [one.colour for one in rest.runs] == [colours[runs[0]], colours[runs[2]]]
    assert rest.asked.rows == "all"
    assert client.get(column["baseline_url"]).context["found"].baseline.run == runs[1]
    for search in (runs[2].run_id, "run 2", "metrics.val_cer > 0.055"):
        [(run, url)] = (
            client.get(address(runs[:2]), {"add": search} | {"runs": runs[0].run_id}).context["offers"].runs
        )
        assert run == runs[2]
        assert runs[2] in [one.run for one in client.get(url).context["found"].runs]
    assert client.get(address(runs, "&add=metrics.x >")).context["offers"].fault


def test_runs_of_deleted_experiments_and_odd_values_are_shown_as_such(client: Client, someone: User) -> None:
    gone = make_experiment("9", "gone")
    Experiment.objects.filter(pk=gone.pk).update(lifecycle_stage="deleted")
    odd = [
        make_measured_run(
            {"a": value, "b": 1}, experiment=gone, name=NASTY, params={NASTY: NASTY, "long": "x" * 8000}
        )
        for value in ("NaN", "Infinity", 3)
    ]
    page = client.get(address(odd))
    html = page.content.decode()
    assert "deleted in MLflow" in html
    assert NASTY not in html
    assert "x" * 200 not in html
    row, cells = lines(client, address(odd))["a"]
    assert row.differs
    assert [cell.delta for cell in cells] == [None, None, None]


def test_the_number_of_queries_does_not_grow(client: Client, someone: User, runs: list[Run]) -> None:
    def queries(where: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(where)
        return len(captured)

    few = queries(address(runs[:2], "&point=best"))
    more = [
        make_measured_run(
            {f"m{key}": key for key in range(40)}, experiment=make_experiment(f"x{number}", f"e{number}")
        )
        for number in range(8)
    ]
    for run in more:
        add_curve(run, "m1", [1.0, 2.0])
    assert queries(address(runs + more, "&point=best")) <= few
    assert few <= 16


def test_the_file_has_all_values_and_no_formula(client: Client, someone: User, runs: list[Run]) -> None:
    Run.objects.filter(pk=runs[1].pk).update(params={"=cmd": "=1+1", "seed": "-7"}, name="@x")
    answer = client.get(address(runs, "&rows=all", "/compare/table.csv"))
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    table = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert table[0][:3] == ["", "run_id", runs[0].run_id]
    assert table[1][3] == "'@x"
    rows = {row[1]: row[2:] for row in table}
    assert rows["val_cer"][:3] == ["0.05", "0.04", "0.06"]
    assert float(rows["val_cer"][3]) == pytest.approx(-0.01)
    assert rows["seed"][1] == "-7"
    assert rows["'=cmd"][1] == "'=1+1"


def test_a_run_can_be_used_from_here(client: Client, someone: User, runs: list[Run]) -> None:
    Run.objects.filter(pk=runs[0].pk).update(tags={"stagegate.repository": make_repository().name})
    html = client.get(address(runs)).content.decode()
    assert f"/repositories/receipt-ocr/run/?from_run={runs[0].run_id}" in html
    assert f"/register/?run={runs[1].run_id}" in html
    client.force_login(make_user(Role.VIEWER))
    assert "from_run" not in client.get(address(runs)).content.decode()
    client.force_login(make_user())
    for page in ("/compare/", "/compare/table.csv", "/api/v1/compare/"):
        assert client.get(address(runs, page=page)).status_code == 403


def test_a_run_that_logs_brings_only_what_changed(client: Client, someone: User, runs: list[Run]) -> None:
    assert "live-poll" not in client.get(address(runs)).content.decode()
    Run.objects.filter(pk=runs[0].pk).update(status="RUNNING", ended_at=runs[0].started_at)
    page = client.get(address(runs))
    poll = page.context["live"].poll.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    assert client.get(poll, headers={"HX-Request": "true"}).status_code == 204
    Run.objects.filter(pk=runs[0].pk).update(metrics={"val_cer": 0.75})
    html = client.get(poll, headers={"HX-Request": "true"}).content.decode()
    assert "0.7500" in html
    assert "compare-runs" not in html


def test_rest_compares(client: Client, someone: User, runs: list[Run]) -> None:
    Run.objects.filter(pk=runs[2].pk).update(metrics={"val_cer": "NaN"})
    answer = client.get(address(runs, page="/api/v1/compare/")).json()
    assert answer["baseline"] == runs[0].run_id
    assert [run["run_id"] for run in answer["runs"]] == [run.run_id for run in runs]
    row = next(row for row in answer["results"] if row["key"] == "val_cer")
    assert (row["section"], row["direction"], row["differs"]) == ("metrics", "min", True)
    assert [cell["value"] for cell in row["cells"]] == [0.05, 0.04, "NaN"]
    assert [cell["verdict"] for cell in row["cells"]] == ["", "better", ""]
    first = runs[0].run_id
    for rest in (
        "",
        f"runs={first}",
        f"runs={first},nothing",
        f"runs={first},{runs[1].run_id}&baseline=x",
        f"runs={first},{runs[1].run_id}&point=x",
        "runs=" + ",".join(map(str, range(101))),
    ):
        assert client.get(f"/api/v1/compare/?{rest}").status_code == 422


def test_curves_are_figures_with_their_tables(client: Client, someone: User, runs: list[Run]) -> None:
    add_curve(runs[0], "loss", [2.0, 1.0, "NaN"])
    add_curve(runs[1], "loss", [3.0, 1.5])
    add_curve(runs[1], "lr", [0.1, 0.2])
    curves = client.get(address(runs, "&q=zzz&band=1&smooth=0.5")).context["curves"]
    assert [chart.title for chart in curves.charts] == ["loss", "lr"]
    figure = client.get(curves.charts[0].url).json()
    graph_objects.Figure(figure)
    lines = [line for line in figure["data"] if line.get("meta", {}).get("run")]
    assert [line["name"] for line in lines] == ["run 1", "run 1", "run 0", "run 0"]
    assert [line["line"].get("dash") for line in lines] == [None, "solid", None, "dash"]
    assert sum(bool(line["meta"].get("band")) for line in figure["data"]) == 2
    [(_key, table)] = curves.charts[0].tables
    rows = client.get(table).context["page"].object_list
    assert rows[:2] == [(1, [2.0, 3.0]), (2, [1.0, 1.5])]
    file = b"".join(client.get(f"{table}&format=csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert file.splitlines()[1] == "1,2.0,3.0"
    [overlaid] = client.get(address(runs, "&overlaid=1")).context["curves"].charts
    assert len(client.get(overlaid.url).json()["data"]) == 3
    for rest in ("", "&key=", "&key=nothing", f"&key={NASTY}"):
        assert client.get(address(runs, rest, "/compare/chart/")).status_code == 404
        assert client.get(address(runs, rest, "/compare/points/")).status_code == 404


def test_any_two_can_be_drawn_against_each_other(client: Client, someone: User, runs: list[Run]) -> None:
    plots = client.get(address(runs)).context["plots"]
    assert (plots.across.name, plots.up.name) == ("params.optimizer", "metrics.val_cer")
    assert [(x, y) for _run, x, y in plots.points] == [("AdamW", 0.05), ("SGD", 0.04), ("AdamW", 0.06)]
    assert [axis.name for axis in plots.parallel] == [
        "params.optimizer",
        "metrics.val_cer",
        "metrics.val_accuracy",
    ]
    for figure in (plots.scatter, plots.coordinates):
        graph_objects.Figure(json.loads(figure))
    chosen = "&across=metrics.epochs&up=params.lr&axis=params.seed&axis=params.lr&axis=nothing"
    plots = client.get(address(runs, chosen)).context["plots"]
    assert [(x, y) for _run, x, y in plots.points] == [(8, 0.001)] * 3
    assert [axis.name for axis in plots.parallel] == ["params.seed", "params.lr"]
    assert client.get(address(runs[:1])).context["plots"] is None
    alone = make_measured_run({"a": "NaN"}, params={NASTY: NASTY})
    assert NASTY not in client.get(address([*runs, alone], "&across=params." + NASTY)).content.decode()
