"""The page of one run, its curves and their tables."""

import csv
import io
import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from experiments import run_files
from experiments.models import Run, RunFile
from tests.jobs import make_job, make_repository
from tests.people import make_user
from tests.runs import NASTY, add_curve, make_measured_run

pytestmark = pytest.mark.django_db
TABS = ("metrics/", "system/", "files/", "children/", "reproduce/")


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.ENGINEER, username="someone")
    client.force_login(user)
    return user


@pytest.fixture
def run() -> Run:
    made = make_measured_run(
        {"val_cer": 0.00512, "train_loss": 0.02, "val_loss": 0.03, "samples": 4000, "bad": "NaN"},
        name="slower",
        params={"train.learning_rate": "0.001", "seed": "7"},
        tags={
            "git_commit": "c" * 40,
            "dataset_hash": "d" * 32,
            "team": "ocr",
            "mlflow.note.content": "A note",
        },
    )
    add_curve(made, "train_loss", [2.0, 1.0, "NaN"])
    add_curve(made, "val_loss", [2.5, 1.5])
    add_curve(made, "samples", [4000])
    return made


def html_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_everything_about_a_run_is_shown(client: Client, someone: User, run: Run, settings: Settings) -> None:
    settings.MLFLOW_PUBLIC_URL = "https://mlflow.example/base/"
    html = html_of(client, f"/runs/{run.run_id}/")
    for text in ("slower", "A note", "0.005120", "learning_rate", "c" * 12, "team", "ocr", run.run_id):
        assert text in html
    assert f'href="https://mlflow.example/base/#/experiments/1/runs/{run.run_id}"' in html
    assert f'hx-get="/runs/{run.run_id}/versions/"' in html


def test_curves_are_drawn_for_metrics_with_more_than_one_point(
    client: Client, someone: User, run: Run
) -> None:
    shown = client.get(f"/runs/{run.run_id}/metrics/").context
    assert [group.keys for group in shown["charts"]] == [("train_loss", "val_loss")]
    assert [row.key for row in shown["rows"]][:2] == ["val_cer", "val_loss"]


def test_very_many_curves_are_not_drawn_all_at_once(client: Client, someone: User, run: Run) -> None:
    for number in range(30):
        add_curve(run, f"m{number:02}", [1, 2])
    Run.objects.filter(pk=run.pk).update(metrics={**run.metrics, **{f"m{n:02}": 2 for n in range(30)}})
    assert client.get(f"/runs/{run.run_id}/metrics/").context["hidden_charts"] == 7
    assert "Draw 7 more curves" in html_of(client, f"/runs/{run.run_id}/metrics/")
    assert client.get(f"/runs/{run.run_id}/metrics/?charts=all").context["hidden_charts"] == 0


def test_a_figure_comes_as_json(client: Client, someone: User, run: Run) -> None:
    answer = client.get(f"/runs/{run.run_id}/chart/?group=loss&x=relative&y=log")
    assert answer["Content-Type"] == "application/json"
    figure = json.loads(answer.content)
    assert [line["name"] for line in figure["data"]] == ["train_loss", "val_loss"]
    assert figure["layout"]["yaxis"]["type"] == "log"


def test_the_table_of_a_curve_has_the_same_numbers(client: Client, someone: User, run: Run) -> None:
    page = client.get(f"/runs/{run.run_id}/points/?group=loss")
    assert "<html" in page.content.decode()
    rows = page.context["page"].object_list
    assert rows[:2] == [(1, [2.0, 2.5]), (2, [1.0, 1.5])]
    assert "NaN" in page.content.decode()
    fragment = client.get(f"/runs/{run.run_id}/points/?group=loss", headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode()


def test_a_step_that_was_logged_twice_has_two_rows(client: Client, someone: User, run: Run) -> None:
    add_curve(run, "twice", [1.0, 2.0, 3.0], steps=[1, 1, 2])
    rows = client.get(f"/runs/{run.run_id}/points/?group=twice").context["page"].object_list
    assert rows == [(1, [1.0]), (1, [2.0]), (2, [3.0])]


def test_all_points_can_be_had_as_a_file_that_no_spreadsheet_runs(
    client: Client, someone: User, run: Run
) -> None:
    add_curve(run, "=cmd", [0.5] * 150)
    answer = client.get(f"/runs/{run.run_id}/points/", {"group": "=cmd", "format": "csv"})
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["step", "'=cmd"]
    assert len(rows) == 151


@pytest.mark.parametrize("view", ["chart", "points"])
def test_a_curve_that_does_not_exist_is_not_found(client: Client, someone: User, run: Run, view: str) -> None:
    for group in ("", "nothing", "samples", NASTY):
        assert client.get(f"/runs/{run.run_id}/{view}/", {"group": group}).status_code == 404


def test_a_run_without_anything_says_so(client: Client, someone: User) -> None:
    run = make_measured_run({}, params={}, tags={}, name="", started_at=None, ended_at=None, artifact_uri="")
    html = html_of(client, f"/runs/{run.run_id}/")
    assert "This run has logged no metrics." in html
    assert "This run has logged no parameters." in html
    assert run.run_id in html


def test_single_values_have_no_curve_and_the_page_says_so(client: Client, someone: User) -> None:
    run = make_measured_run({"loss": 1})
    assert "so there is no curve" in html_of(client, f"/runs/{run.run_id}/metrics/")


def test_the_job_and_the_repository_are_linked_with_the_way_to_run_again(
    client: Client, someone: User
) -> None:
    repository = make_repository()
    job = make_job("succeeded", repository=repository)
    tags = {"stagegate.job": str(job.pk), "stagegate.repository": repository.name}
    run = make_measured_run({}, tags=tags)
    html = html_of(client, f"/runs/{run.run_id}/")
    assert f'href="/jobs/{job.pk}/"' in html
    assert f'href="/repositories/{repository.name}/"' in html
    assert f"/repositories/{repository.name}/run/?from_run={run.run_id}" in html
    client.force_login(make_user(Role.VIEWER))
    assert "from_run" not in html_of(client, f"/runs/{run.run_id}/")


def test_the_result_behind_a_run_can_be_put_onto_a_branch(client: Client, someone: User) -> None:
    job = make_job("succeeded", repository=make_repository(), result={"sha": "a" * 40})
    run = make_measured_run({}, tags={"stagegate.job": str(job.pk)})
    assert f'href="/jobs/{job.pk}/apply/"' in html_of(client, f"/runs/{run.run_id}/")
    job.result = {}
    job.save()
    assert "/apply/" not in html_of(client, f"/runs/{run.run_id}/")


@pytest.mark.parametrize("number", ["x", "999999", "9" * 40, "-1", "\u0663"])
def test_tags_that_name_no_job_are_only_tags(client: Client, someone: User, number: str) -> None:
    run = make_measured_run({}, tags={"stagegate.job": number, "stagegate.repository": "gone"})
    assert client.get(f"/runs/{run.run_id}/").context["frame"].job is None


def test_a_run_that_goes_on_renews_itself_and_one_that_ended_does_not(
    client: Client, someone: User, run: Run
) -> None:
    assert "live-poll" not in html_of(client, f"/runs/{run.run_id}/")
    Run.objects.filter(pk=run.pk).update(status="RUNNING", ended_at=None)
    page = client.get(f"/runs/{run.run_id}/")
    address = page.context["live"].poll.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    Run.objects.filter(pk=run.pk).update(metrics={"val_cer": 0.25}, status="FINISHED")
    html = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "0.2500" in html
    assert "live-poll" not in html
    assert "data-chart-url" not in html


def test_the_number_of_queries_does_not_grow_with_metrics_and_curves(
    client: Client, someone: User, run: Run
) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        return len(captured)

    tabs = ("", "metrics/", "system/", "files/", "children/", "reproduce/", "chart/?group=loss")
    addresses = [f"/runs/{run.run_id}/{tab}" for tab in tabs]
    run_files.obtain([run])
    make_measured_run({}, tags={"mlflow.parentRunId": run.run_id})
    add_curve(run, "system/cpu", [1, 2])
    Run.objects.filter(pk=run.pk).update(metrics={**run.metrics, "system/cpu": 2})
    few = [queries(address) for address in addresses]
    keys = [f"{part}m{number}" for number in range(10) for part in ("", "system/")]
    for key in keys:
        add_curve(run, key, [1, 2, 3])
    Run.objects.filter(pk=run.pk).update(metrics={**run.metrics, **dict.fromkeys(keys, 3)})
    for number in range(10):
        RunFile.objects.create(run=run, path=f"{number}/a.txt", kind="text", size=1)
        make_measured_run({}, tags={"mlflow.parentRunId": run.run_id})
    assert [queries(address) for address in addresses] == few


@pytest.mark.parametrize("run_id", ["0" * 32, "x", NASTY, "%2e%2e"])
@pytest.mark.parametrize("rest", ["", *TABS, "chart/", "points/"])
def test_a_run_that_does_not_exist_is_not_found(
    client: Client, someone: User, run_id: str, rest: str
) -> None:
    assert client.get(f"/runs/{run_id}/{rest}").status_code == 404


def test_what_people_logged_is_text(client: Client, someone: User) -> None:
    run = make_measured_run(
        {NASTY: 1},
        name=NASTY,
        user=NASTY,
        params={NASTY: NASTY},
        tags={NASTY: NASTY, "git_branch": NASTY, "mlflow.note.content": NASTY, "mlflow.x": NASTY},
        artifact_uri=f"file:/{NASTY}",
    )
    add_curve(run, NASTY, [1.0, 2.0])
    RunFile.objects.create(run=run, path=NASTY, kind="text", size=1)
    for address in ("", *TABS, f"points/?group={NASTY}", f"files/?path={NASTY}"):
        assert NASTY not in html_of(client, f"/runs/{run.run_id}/{address}")


@pytest.mark.parametrize("rest", ["", *TABS, "chart/?group=loss", "points/?group=loss"])
def test_without_a_role_nothing_is_shown(client: Client, run: Run, rest: str) -> None:
    client.force_login(make_user())
    assert client.get(f"/runs/{run.run_id}/{rest}").status_code == 403


def test_metrics_of_the_machine_are_on_a_page_of_their_own(client: Client, someone: User) -> None:
    run = make_measured_run({"loss": 1, "system/cpu": 50})
    add_curve(run, "system/cpu", [40, 60, "NaN", 50])
    assert [row.key for row in client.get(f"/runs/{run.run_id}/metrics/").context["rows"]] == ["loss"]
    [row] = client.get(f"/runs/{run.run_id}/system/").context["rows"]
    assert (row.key, row.low.value, row.high.value, row.high.step) == ("system/cpu", 40, 60, 2)
    assert "system/cpu" not in html_of(client, f"/runs/{run.run_id}/")


def test_metrics_are_found_by_a_part_of_their_names(client: Client, someone: User) -> None:
    run = make_measured_run({f"metric-{number}": number for number in range(250)})
    page = client.get(f"/runs/{run.run_id}/metrics/").context["page"]
    assert (page.paginator.count, len(page.object_list)) == (250, 100)
    rows = client.get(f"/runs/{run.run_id}/metrics/?find=IC-17").context["rows"]
    assert len(rows) == 11


def test_nested_runs_are_listed_and_lead_back(client: Client, someone: User) -> None:
    parent = make_measured_run({}, name="the parent")
    tags = {"mlflow.parentRunId": parent.run_id}
    first = make_measured_run({"val_loss": 0.25}, name="child one", tags=tags, params={"lr": "1"})
    make_measured_run({"val_loss": 0.125}, name="child two", tags=tags, params={"lr": "2"})
    page = client.get(f"/runs/{parent.run_id}/children/")
    assert [row.run.name for row in page.context["children"].rows] == ["child one", "child two"]
    assert "0.1250" in page.content.decode()
    found = client.get("/runs/?" + page.context["table_query"])
    assert found.context["page"].rows
    assert f'href="/runs/{parent.run_id}/"' in html_of(client, f"/runs/{first.run_id}/")
    assert "children" not in html_of(client, f"/runs/{first.run_id}/")


def test_a_page_without_its_parent_is_still_a_page(client: Client, someone: User) -> None:
    run = make_measured_run({}, tags={"mlflow.parentRunId": "gone"})
    assert client.get(f"/runs/{run.run_id}/").context["frame"].parent is None


def test_the_note_is_markdown_that_can_do_nothing(client: Client, someone: User) -> None:
    run = make_measured_run({}, tags={"mlflow.note.content": "**bold** <script>alert(1)</script>"})
    html = html_of(client, f"/runs/{run.run_id}/")
    assert "<strong>bold</strong>" in html
    assert "<script>alert" not in html


def test_data_sets_that_a_run_used_are_shown(client: Client, someone: User) -> None:
    used = {"name": "digits", "digest": "ab12", "source_type": "s3", "source": NASTY, "context": "training"}
    run = make_measured_run({}, inputs=[used])
    html = html_of(client, f"/runs/{run.run_id}/")
    assert "digits" in html
    assert NASTY not in html
