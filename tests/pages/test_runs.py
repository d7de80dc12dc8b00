"""The table of runs and the list of experiments."""

import csv
import io
import math
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pyarrow import parquet

from accounts.models import User
from accounts.roles import Role
from experiments import run_export, run_parquet
from experiments.models import Experiment, Run, RunMetric
from tests.people import make_user
from tests.runs import NASTY, make_experiment, make_measured_run, set_mirror

pytestmark = pytest.mark.django_db


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.VIEWER, username="someone")
    client.force_login(user)
    return user


def listed(client: Client, **query: Any) -> list[str]:
    return [row.run.name for row in client.get("/runs/", query).context["page"].rows]


def columns(client: Client, **query: Any) -> list[str]:
    return [column.name for column in client.get("/runs/", query).context["columns"]]


def poll_address(client: Client, **query: Any) -> str:
    poll: str = client.get("/runs/", query).context["live"].poll
    return poll.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")


def test_runs_are_listed_newest_first_with_telling_columns(client: Client, someone: User) -> None:
    now = timezone.now()
    make_measured_run(
        {"val_cer": 0.0123456}, name="old", started_at=now - timedelta(hours=1), params={"rate": "1"}
    )
    make_measured_run({"val_cer": "NaN", "zeta": 1}, name="new", started_at=now, params={"rate": "2"})
    assert listed(client) == ["new", "old"]
    assert columns(client) == ["metrics.val_cer", "metrics.zeta", "params.rate"]
    html = client.get("/runs/").content.decode()
    for text in ("0.01235", "NaN", "receipt-ocr", "Finished"):
        assert text in html


def test_they_can_be_filtered(client: Client, someone: User) -> None:
    other = make_experiment()
    make_measured_run({}, name="CRNN slow", run_id="ab" * 16)
    make_measured_run({}, name="cnn", status="FAILED", experiment=other)
    assert listed(client, experiment="7") == ["cnn"]
    assert listed(client, status="FINISHED") == ["CRNN slow"]
    assert listed(client, q="crnn") == ["CRNN slow"]
    assert listed(client, q="ABAB") == ["CRNN slow"]
    assert listed(client, q="crnn", status="FAILED") == []


def test_runs_and_experiments_that_were_deleted_in_mlflow_are_not_listed(
    client: Client, someone: User
) -> None:
    make_measured_run({}, name="deleted", lifecycle_stage="deleted")
    gone = make_experiment()
    make_measured_run({}, name="of a deleted experiment", experiment=gone)
    Experiment.objects.filter(pk=gone.pk).update(lifecycle_stage="deleted")
    assert listed(client) == []
    assert client.get("/experiments/").context["rows"][0].runs == 0


@pytest.mark.parametrize(
    "sort", ["bogus", "-bogus", "metrics.", "-", "--started", "metrics.unknown", "params.a'b\"c"]
)
def test_an_order_that_does_not_exist_does_no_harm(client: Client, someone: User, sort: str) -> None:
    make_measured_run({}, name="one")
    assert listed(client, sort=sort) == ["one"]


@pytest.mark.parametrize(
    "query",
    [
        {"experiment": "bogus"},
        {"status": "bogus"},
        {"columns": "metrics."},
        {"q": "x" * 500},
        {"columns": "bogus"},
        {"since": "x"},
    ],
)
def test_an_odd_address_shows_the_page(client: Client, someone: User, query: dict[str, str]) -> None:
    make_measured_run({}, name="one")
    assert client.get("/runs/", query).status_code == 200


def test_columns_are_chosen_by_the_address_in_its_order(client: Client, someone: User) -> None:
    make_measured_run({"a": 1, "b": 2}, params={"p": "x"})
    assert columns(client, columns=["params.p", "metrics.b", "metrics.gone"]) == [
        "params.p",
        "metrics.b",
        "metrics.gone",
    ]


def test_links_keep_everything_else_in_the_address(client: Client, someone: User) -> None:
    make_measured_run({"a": 1})
    query = {"columns": ["metrics.a"], "q": "run", "status": "FINISHED"}
    html = client.get("/runs/", query).content.decode()
    link = next(one for one in html.split('href="') if "sort=-metrics.a" in one.split('"')[0]).split('"')[0]
    assert parse_qs(urlsplit(link.replace("&amp;", "&")).query) == {
        "columns": ["metrics.a"],
        "q": ["run"],
        "status": ["FINISHED"],
        "sort": ["-metrics.a"],
    }


def test_a_hundred_runs_are_on_a_page_and_links_lead_on_and_back(client: Client, someone: User) -> None:
    for number in range(102):
        make_measured_run({"loss": number}, name=f"r{number}", params={}, tags={})
    first = client.get("/runs/", {"sort": "metrics.loss"}).context["page"]
    assert (len(first.rows), first.before) == (100, "")
    second = client.get("/runs/", {"sort": "metrics.loss", "after": first.after}).context["page"]
    assert [row.run.name for row in second.rows] == ["r100", "r101"]
    assert not second.after
    back = client.get("/runs/", {"sort": "metrics.loss", "before": second.before}).context["page"]
    assert [row.run.pk for row in back.rows] == [row.run.pk for row in first.rows]


def test_a_place_that_is_none_shows_the_first_page_as_a_fault_of_the_address(
    client: Client, someone: User
) -> None:
    make_measured_run({}, name="one")
    response = client.get("/runs/", {"after": "nowhere"})
    assert response.status_code == 400
    assert [row.run.name for row in response.context["page"].rows] == ["one"]


def test_an_expression_filters(client: Client, someone: User) -> None:
    make_measured_run({"val_cer": 0.01}, name="good", params={"optimizer": "AdamW"})
    make_measured_run({"val_cer": 0.01}, name="other", params={"optimizer": "SGD"})
    make_measured_run({"val_cer": 0.9}, name="bad", params={"optimizer": "AdamW"})
    assert listed(client, q='metrics.val_cer < 0.05 and params.optimizer = "AdamW"') == ["good"]


@pytest.mark.parametrize(
    ("text", "at"), [("metrics.a <", " "), ("_connector = 1", "_connector"), ("(" * 40, "(")]
)
def test_a_filter_that_is_none_is_shown_with_the_place_of_its_fault(
    client: Client, someone: User, text: str, at: str
) -> None:
    make_measured_run({}, name="one")
    response = client.get("/runs/", {"q": text})
    assert response.status_code == 400
    assert f"<mark>{at}</mark>" in response.content.decode()
    assert response.context["page"].rows == []


def test_a_filter_that_is_none_is_refused_over_rest(client: Client, someone: User) -> None:
    response = client.get("/api/v1/runs/", {"q": "metrics.a < 1 or"})
    assert response.status_code == 422
    assert "character 17" in str(response.json()["errors"])


def test_the_number_of_queries_does_not_grow_with_the_runs(client: Client, someone: User) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        return len(captured)

    set_mirror()
    make_measured_run({"loss": 1})
    addresses = ("/runs/?sort=metrics.loss", "/experiments/")
    few = [queries(address) for address in addresses]
    for number in range(10):
        make_measured_run({"loss": number}, experiment=make_experiment(f"e{number}", f"e{number}"))
    assert [queries(address) for address in addresses] == few


def test_no_runs_and_no_matches_read_differently(client: Client, someone: User) -> None:
    assert "No runs yet" in client.get("/runs/").content.decode()
    make_measured_run({})
    assert "No run matches this filter" in client.get("/runs/?q=nothing").content.decode()


@pytest.mark.parametrize(
    ("ago", "error", "says"),
    [
        (1, "", "Mirrored from MLflow"),
        (60, "MLflow does not answer.", "MLflow has not answered"),
        (600, "", "No worker mirrors MLflow"),
    ],
)
def test_the_state_of_the_mirror_is_told(
    client: Client, someone: User, ago: float, error: str, says: str
) -> None:
    set_mirror(ago=ago, error=error)
    for address in ("/runs/", "/experiments/"):
        assert says in client.get(address).content.decode()


def test_a_mirror_that_has_never_been_filled_says_so(client: Client, someone: User) -> None:
    assert "has not been mirrored yet" in client.get("/runs/").content.decode()


def test_new_runs_are_announced_and_do_not_push_the_others_away(client: Client, someone: User) -> None:
    set_mirror()
    make_measured_run({"a": 1}, name="old")
    address = poll_address(client)
    assert client.get(address, headers={"HX-Request": "true"}).status_code == 204
    make_measured_run({"b": 1}, name="newer")
    html = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "1 new run" in html
    assert "newer" not in html
    assert 'id="runs-body"' not in html


def test_a_run_that_goes_on_changes_its_row_in_the_columns_that_are_shown(
    client: Client, someone: User
) -> None:
    set_mirror()
    run = make_measured_run({"a": 1.5}, name="live", status="RUNNING")
    address = poll_address(client)
    Run.objects.filter(pk=run.pk).update(metrics={"a": 2.5, "val_cer": 0.1}, status="FINISHED")
    RunMetric.objects.filter(run=run).update(value=2.5)
    RunMetric.objects.create(run=run, key="val_cer", value=0.1)
    html = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert '<template><tbody id="runs-body" hx-swap-oob="true">' in html
    assert "2.500" in html
    assert "0.1000" not in html


def test_a_new_run_that_does_not_match_the_filter_is_not_announced(client: Client, someone: User) -> None:
    set_mirror()
    make_measured_run({}, name="one")
    address = poll_address(client, q="one")
    make_measured_run({}, name="two")
    assert client.get(address, headers={"HX-Request": "true"}).status_code == 204


def test_experiments_show_how_much_they_hold_and_their_best_run(client: Client, someone: User) -> None:
    other = make_experiment()
    now = timezone.now()
    for cer, status in ((0.02, "FINISHED"), (0.01, "FINISHED"), (0.001, "RUNNING")):
        make_measured_run({"val_cer": cer, "loss": 9}, status=status, started_at=now - timedelta(days=1))
    make_measured_run({"val_accuracy": 0.8}, experiment=other, started_at=now)
    make_measured_run({"val_accuracy": 0.9}, experiment=other, started_at=now)
    make_experiment("8", "empty")
    first, second, empty = client.get("/experiments/").context["rows"]
    assert (first.experiment, first.runs, first.live) == (other, 2, 0)
    assert (first.best.key, first.best.value) == ("val_accuracy", 0.9)
    assert (second.runs, second.live, second.best.key, second.best.value) == (3, 1, "val_cer", 0.01)
    assert (empty.experiment.name, empty.runs, empty.last_run, empty.best) == ("empty", 0, None, None)
    html = client.get("/experiments/").content.decode()
    assert "sort=metrics.val_cer" in html
    assert "sort=-metrics.val_accuracy" in html


def test_experiments_are_found_by_name(client: Client, someone: User) -> None:
    assert "No experiments yet" in client.get("/experiments/").content.decode()
    make_experiment(name="Digits")
    assert len(client.get("/experiments/?q=digi").context["rows"]) == 1
    assert "No experiment has this in its name" in client.get("/experiments/?q=zzz").content.decode()


def test_what_people_logged_is_text(client: Client, someone: User) -> None:
    experiment = make_experiment(NASTY[:60], NASTY)
    make_measured_run(
        {NASTY: 1}, name=NASTY, params={NASTY: NASTY, "x": "1"}, user=NASTY, experiment=experiment
    )
    set_mirror(error=NASTY)
    for address in ("/runs/", f"/runs/?columns=metrics.{NASTY}", "/experiments/", f"/runs/?q={NASTY}"):
        assert NASTY not in client.get(address).content.decode()


@pytest.mark.parametrize("address", ["/runs/", "/experiments/"])
def test_without_a_role_nothing_is_shown(client: Client, address: str) -> None:
    client.force_login(make_user())
    assert client.get(address).status_code == 403


def test_runs_are_counted_apart_from_the_table(client: Client, someone: User) -> None:
    for number in range(101):
        make_measured_run({"loss": number}, params={}, tags={})
    html = client.get("/runs/", {"q": "metrics.loss >= 0"}).content.decode()
    address = html.split('hx-get="/runs/count/')[1].split('"')[0].replace("&amp;", "&")
    fragment = client.get(f"/runs/count/{address}", headers={"HX-Request": "true"})
    assert "101 runs" in fragment.content.decode()
    assert "<html" not in fragment.content.decode()
    assert "101 runs" in client.get(f"/runs/count/{address}").content.decode()
    assert "1 run<" in client.get("/runs/", {"q": "metrics.loss < 1"}).content.decode()
    assert client.get("/runs/count/?q=metrics.a <").status_code == 400


def test_a_full_page_is_small_on_its_way(client: Client, someone: User) -> None:
    for number in range(100):
        make_measured_run({f"m{key}": number / 7 for key in range(8)}, name=f"run-{number}")
    response = client.get("/runs/", headers={"Accept-Encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip"
    assert len(response.content) < 40_000


def exported(client: Client, **query: Any) -> list[list[str]]:
    response = client.get("/runs/export.csv", query)
    assert response["Content-Disposition"] == 'attachment; filename="runs.csv"'
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.reader(text.splitlines()))


def test_all_pages_are_exported_with_the_filter_order_and_columns(
    client: Client, someone: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_export, "CHUNK", 2)
    for number in range(5):
        make_measured_run({"loss": -number, "odd": "NaN"}, name=f"값 {number}", params={"p": "x" * 300})
    make_measured_run({}, name="other", status="FAILED")
    query = {
        "status": "FINISHED",
        "sort": "metrics.loss",
        "columns": ["metrics.loss", "metrics.odd", "params.p"],
    }
    heading, *rows = exported(client, **query)
    assert heading[-3:] == ["metrics.loss", "metrics.odd", "params.p"]
    assert [row[1] for row in rows] == ["값 4", "값 3", "값 2", "값 1", "값 0"]
    assert rows[0][-3:] == ["-4", "nan", "x" * 300]
    html = client.get("/runs/", query).content.decode()
    assert "/runs/export.csv?status=FINISHED&amp;sort=metrics.loss&amp;columns=metrics.loss" in html


def test_what_is_exported_as_parquet_is_typed(
    client: Client, someone: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_parquet, "CHUNK", 2)
    runs = [
        make_measured_run({"loss": -number, "odd": "NaN"}, name=f"값 {number}", tags={"team": "=1"})
        for number in range(5)
    ]
    make_measured_run({"odd": "Infinity"}, name="without", params={})
    query = {"sort": "metrics.loss", "columns": "metrics.loss,metrics.odd,params.p,tags.team"}
    response = client.get("/runs/export.parquet", query)
    table = parquet.read_table(io.BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]
    assert table.column("name").to_pylist() == ["값 4", "값 3", "값 2", "값 1", "값 0", "without"]
    assert str(table.schema.field("started").type) == "timestamp[ms, tz=UTC]"
    assert table.column("metrics.loss").to_pylist()[-2:] == [0.0, None]
    odd = table.column("metrics.odd").to_pylist()
    assert (math.isnan(odd[0]), odd[-1]) == (True, math.inf)
    assert table.column("params.p").to_pylist() == [None] * 6
    assert table.column("tags.team").to_pylist()[0] == "=1"
    few = client.get("/runs/export.parquet", {"runs": f"{runs[1].run_id},{runs[3].run_id}", **query})
    named = parquet.read_table(io.BytesIO(b"".join(few.streaming_content)))  # type: ignore[attr-defined]
    assert named.column("name").to_pylist() == ["값 3", "값 1"]
    assert client.get("/runs/export.parquet?q=metrics.a <").status_code == 400
    assert client.get("/runs/export.xml").status_code == 404


def test_nothing_that_is_exported_is_a_formula(client: Client, someone: User) -> None:
    make_measured_run({}, name="=1+1", user="@a", params={"a": "-2", "b": "+cmd|' /C calc'!A0"})
    _heading, row = exported(client, columns=["params.a", "params.b"])
    assert (row[1], row[7], row[8:]) == ("'=1+1", "'@a", ["-2", "'+cmd|' /C calc'!A0"])


def test_an_export_takes_as_much_memory_and_as_many_queries_as_a_part_of_it(
    client: Client, someone: User
) -> None:
    for number in range(12):
        make_measured_run({"loss": number})
    with CaptureQueriesContext(connection) as captured:
        assert len(exported(client, sort="metrics.loss")) == 13
    # Session and user, permissions, experiments, columns; then the places of two phases, and the runs.
    assert len(captured) <= 10


def test_a_filter_that_is_none_exports_nothing(client: Client, someone: User) -> None:
    assert client.get("/runs/export.csv", {"q": "metrics.a <"}).status_code == 400
