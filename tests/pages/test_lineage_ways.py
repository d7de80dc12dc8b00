"""The ways between pages of data, commits and runs and the graph and impact of them."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from accounts.roles import Role
from lineage.models import HistoryCommit
from registry.models import ModelVersion
from tests.jobs import make_repository
from tests.lineage_rows import RAW, SHA, make_data, make_job_run, make_pipeline, make_plain_run
from tests.people import make_user
from tests.stage_events import day, make_promotion
from tests.versions import make_version

pytestmark = pytest.mark.django_db
ODD = "데이터/100% @ a:b+c?&#.csv"


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user(Role.VIEWER))
    return client


@pytest.fixture
def run():
    make_pipeline(make_repository("receipts"))
    run = make_job_run()
    make_version(run_id=run.run_id, created_at=day(3), stage="Production")
    return run


def links(client: Client, address: str, page: str) -> list[str]:
    """Return the links on `address` to the page called `page` that name a node."""
    answer = client.get(address)
    assert answer.status_code == 200
    found = [unescape(one) for one in re.findall(r'href="([^"]*)"', answer.content.decode())]
    return [one for one in found if one.startswith(f"{reverse(page)}?") and "node=" in one]


def test_the_pages_of_a_cause_ask_which_production_models_it_reached(client: Client, run) -> None:
    data = make_data(make_repository("copy"), ODD, RAW)
    for address in (
        reverse("lineage:data-version", args=["copy", data.pk]),
        f"{reverse('lineage:pipeline', args=['receipts'])}?ref={SHA}",
        run.get_absolute_url(),
    ):
        [ask] = links(client, address, "lineage:impact")
        assert parse_qs(urlsplit(ask).query)["stage"] == ["Production"]
        answer = client.get(ask)
        assert answer.status_code == 200
        assert "receipt-ocr" in answer.content.decode()


def test_the_instant_goes_along(client: Client, run) -> None:
    at = day(4).strftime("%Y-%m-%dT%H:%M:%SZ")
    graph = f"{reverse('lineage:lineage')}?node=run:{run.run_id}&at={at}"
    [ask] = links(client, graph, "lineage:impact")
    assert parse_qs(urlsplit(ask).query)["at"] == [at]
    [*there] = links(client, f"{reverse('lineage:impact')}?node=run:{run.run_id}&at={at}", "lineage:lineage")
    assert len(there) == 2  # the run's own graph, and that of the version
    assert all(parse_qs(urlsplit(one).query)["at"] == [at] for one in there)


def test_the_impact_names_the_one_version_of_the_data_and_where_its_promotions_went(
    client: Client, run
) -> None:
    promotion = make_promotion(ModelVersion.objects.get(run_id=run.run_id), opened_at=day(3.5))
    node = f"data:receipts:data/raw@{RAW}"
    text = client.get(reverse("lineage:impact"), {"node": node}).content.decode()
    assert f'data-copy="{node}"' in text
    assert f"#{promotion.pk} to Production" in text
    assert "In Production then" not in text
    then = client.get(reverse("lineage:impact"), {"node": node, "at": "2026-01-06T00:00:00Z"})
    assert "In Production then" in then.content.decode()


def test_data_at_an_odd_path_lead_to_their_graph_and_back(client: Client) -> None:
    repository = make_repository("odd")
    data = make_data(repository, ODD, RAW)
    page = reverse("lineage:data-version", args=["odd", data.pk])
    [graph] = links(client, page, "lineage:lineage")
    answer = client.get(graph)
    assert answer.status_code == 200
    assert f'href="{page}"' in answer.content.decode()
    rows = client.get(reverse("api-data", args=["odd"])).json()["results"]
    assert client.get(reverse("api-lineage"), {"node": rows[0]["node"]}).json()["root"] == rows[0]["node"]


def test_the_page_of_data_and_their_impact_tell_the_same_versions(client: Client, run) -> None:
    make_version("1.1.0", run_id=make_plain_run(data="").run_id)  # at a commit that has it
    repository = make_repository("elsewhere")
    data = make_data(repository, "scans", RAW)
    told = client.get(reverse("api-data-version", args=["elsewhere", data.pk])).json()["uses"]
    reached = client.get(reverse("api-impact"), {"node": data.node}).json()
    assert told["version_count"] == reached["count"] == 1
    assert told["runs"] == [run.run_id]
    assert len(told["commit_runs"]) == told["commit_run_count"] == 1
    [commit] = told["commits"]
    assert commit == HistoryCommit.objects.get().node


def test_a_graph_that_goes_on_says_so_in_words(client: Client, run) -> None:
    address, node = reverse("lineage:lineage"), f"run:{run.run_id}"
    near = client.get(address, {"node": node, "depth": 1, "direction": "upstream"}).content.decode()
    assert "··· goes on beyond these hops." in near
    assert "1 hop upstream, goes on beyond these hops" in near
    assert '<span class="muted">··· goes on</span>' in near
    far = client.get(address, {"node": node, "depth": 12, "direction": "upstream"}).content.decode()
    assert "goes on" not in far


def test_facts_say_kinds_in_words(client: Client, run) -> None:
    promotion = make_promotion(ModelVersion.objects.get(run_id=run.run_id), opened_at=day(3.5))
    for node, word in (
        (f"data:receipts:data/raw@{RAW}", "data set"),
        (f"promotion:{promotion.pk}", "Request"),
    ):
        text = client.get(reverse("lineage:lineage"), {"node": node}).content.decode()
        assert f"<dt>Kind</dt><dd>{word}</dd>" in text
