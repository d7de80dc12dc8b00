"""The pages of models and versions, with the Django client: what they show, and at what cost."""

import time

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry import promotion, selectors
from registry.models import ModelVersion
from tests.jobs import make_repository
from tests.pages import signed_in
from tests.versions import make_model, make_run, make_version

pytestmark = pytest.mark.django_db
engineer, client = signed_in.engineer, signed_in.client

HOSTILE = "<img src=x onerror=alert(1)>"


def test_the_list_shows_what_serves_and_what_is_latest(client):
    make_version("1.0.0", stage="Production")
    make_version("1.1.0-rc1")
    page = client.get(reverse("registry:models")).content.decode()
    assert "receipt-ocr" in page
    assert "1.0.0" in page.replace("<b>", "").replace("</b>", "")
    assert reverse("registry:version", args=["receipt-ocr", "1.1.0-rc1"]) in page


def test_no_model_differs_from_no_match(client):
    assert "There is no model yet" in client.get(reverse("registry:models")).content.decode()
    make_model()
    assert "No model" in client.get(reverse("registry:models") + "?q=zzz").content.decode()


def test_the_versions_of_a_model_stand_in_semantic_order(client):
    for number in ("1.9.0", "1.10.0-rc2", "1.10.0", "1.10.0-rc10"):
        make_version(number)
    response = client.get(reverse("registry:model", args=["receipt-ocr"]))
    assert [row.version.version for row in response.context["table"].rows] == [
        "1.10.0",
        "1.10.0-rc10",
        "1.10.0-rc2",
        "1.9.0",
    ]


@pytest.mark.parametrize("tab", ["", "metadata/", "metrics/", "files/", "history/"])
def test_every_tab_of_a_version_answers(client, tab):
    version = make_version()
    assert client.get(version.get_absolute_url() + tab).status_code == 200


def test_the_metadata_tab_names_what_is_missing_by_category(client):
    page = client.get(make_version().get_absolute_url() + "metadata/").content.decode()
    for heading in (
        "Training configuration",
        "Metrics",
        "Data version",
        "Code commit",
        "Environment",
        "Model architecture",
        "Training infrastructure",
    ):
        assert heading in page
    assert "not recorded" in page


def test_a_version_is_found_by_mlflows_number_too(client):
    version = make_version(mlflow_version=7)
    response = client.get(reverse("registry:version", args=["receipt-ocr", "7"]))
    assert response.status_code == 302
    assert response.url == version.get_absolute_url()


def test_hostile_names_are_shown_as_text(client, engineer):
    make_version("1.0.0", model=HOSTILE, reason=HOSTILE, bump_reasons=[HOSTILE], created_by=HOSTILE)
    version = ModelVersion.objects.get()
    promotion.open_for(version, "Staging", user=engineer, comment=HOSTILE)
    addresses = [
        "/",
        reverse("registry:models"),
        version.model.get_absolute_url(),
        version.get_absolute_url(),
        version.get_absolute_url() + "history/",
        version.promotions.get().get_absolute_url(),
        reverse("registry:promotions") + "?tab=waiting",
    ]
    for address in addresses:
        page = client.get(address).content.decode()
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page


def test_a_metric_that_is_no_number_is_shown_as_it_is(client):
    make_version("1.0.0", stage="Production", run_id=make_run(metrics={"loss": 0.5, "cer": "NaN"}).run_id)
    run = make_run(metrics={"loss": "NaN", "cer": 0.1, "peak": "Infinity"})
    version = make_version("1.1.0", run_id=run.run_id)
    response = client.get(version.get_absolute_url() + "metrics/")
    assert response.status_code == 200
    assert "NaN" in response.content.decode()
    assert "∞" in response.content.decode()


@pytest.mark.parametrize("metadata", [{}, {"model_name": 3}, {"val_cer": "much"}])
def test_metadata_that_cannot_be_read_breaks_no_page(client, engineer, metadata):
    version = make_version(stage="Staging", metadata=metadata, lineage={}, manifest=[], bump_reasons=[])
    request = promotion.open_for(version, "Production", user=engineer)
    base = version.get_absolute_url()
    for address in ("/", "/models/", version.model.get_absolute_url(), base, request.get_absolute_url()):
        assert client.get(address).status_code == 200
    for tab in ("metadata/", "metrics/", "files/", "history/", "promote/?to=Production"):
        assert client.get(base + tab).status_code == 200


def test_the_metadata_can_be_downloaded(client):
    version = make_version()
    response = client.get(version.get_absolute_url() + "metadata/?format=json")
    assert response.json() == version.metadata
    assert "receipt-ocr-1.0.0-metadata.json" in response["Content-Disposition"]


def test_a_version_shows_the_commands_that_rebuild_it(client):
    repository = make_repository()
    lineage = {"git_commit": "c" * 40, "stagegate.repository": repository.name}
    response = client.get(make_version(lineage=lineage).get_absolute_url())
    assert response.context["rebuild"][-3:] == [f"git checkout {'c' * 40}", "dvc pull", "dvc repro"]
    assert "The path of the mirror is on the server." in response.content.decode()


def test_the_latest_version_is_found_by_the_index_however_many_there_are(client):
    many = [make_version("1.0.0")]
    template = many[0]
    ModelVersion.objects.bulk_create(
        ModelVersion(
            **{
                **{field.attname: getattr(template, field.attname) for field in ModelVersion._meta.fields},
                "id": None,
                "version": f"1.0.{number}",
                "key": f"k{number}",
                "patch": number,
            }
        )
        for number in range(1, 3_000)
    )
    response = client.get(reverse("registry:models"))
    assert response.context["rows"][0].latest.version == "1.0.2999"
    if connection.vendor == "sqlite":
        plan = selectors.latest_versions([template.model_id]).explain()
        assert "USING COVERING INDEX version_semantic" in plan or "USING INDEX version_semantic" in plan
        assert "SCAN registry_modelversion" not in plan
    started = time.monotonic()
    assert client.get(reverse("registry:model", args=["receipt-ocr"])).status_code == 200
    assert client.get(reverse("registry:models")).status_code == 200
    assert time.monotonic() - started < 2


def queries(client: Client, address: str) -> int:
    client.get(address)  # what is loaded once (content types, translations) is not counted
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/models/",
        "/models/receipt-ocr/",
        "/models/receipt-ocr/versions/1.0.0/",
        "/models/receipt-ocr/versions/1.0.0/history/",
        "/promotions/?tab=waiting",
        "/promotions/?tab=done",
    ],
)
def test_queries_do_not_grow_with_the_rows(client, engineer, address):
    promotion.open_for(make_version("1.0.0"), "Staging", user=engineer)
    make_version("1.0.1", stage="Production")
    make_run()
    few = queries(client, address)
    for minor in range(1, 12):
        promotion.open_for(make_version(f"1.{minor}.0"), "Staging", user=engineer)
        make_version("1.0.0", model=f"model-{minor}", stage="Production")
        make_run()
    assert queries(client, address) == few
    assert few <= 20
