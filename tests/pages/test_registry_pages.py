"""The pages of models, versions and promotions, with the Django client."""

import time

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.roles import Role
from experiments.models import Job
from registry import promotion, selectors
from registry.models import ModelVersion
from tests.jobs import make_repository
from tests.people import make_user
from tests.promotions import set_rules
from tests.registry_story import make_story
from tests.versions import make_model, make_run, make_version

pytestmark = pytest.mark.django_db

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def engineer():
    return make_user(Role.ENGINEER)


@pytest.fixture
def client(engineer):
    client = Client()
    client.force_login(engineer)
    return client


def test_every_page_asks_a_stranger_to_sign_in():
    version = make_version()
    for address in (
        "/",
        reverse("registry:models"),
        version.get_absolute_url(),
        reverse("registry:promotions"),
    ):
        response = Client().get(address)
        assert response.status_code == 302
        assert response.url.startswith(reverse("accounts:sign-in"))


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


@pytest.mark.parametrize(
    "address", ["models/none/", "models/receipt-ocr/versions/9.9.9/", "promotions/999/", "register/"]
)
def test_what_does_not_exist_is_404(client, address):
    make_model()
    assert client.get(f"/{address}").status_code == 404


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


def test_a_run_is_registered_from_the_form(client):
    run = make_run()
    form = client.get(reverse("registry:register") + f"?run={run.run_id}")
    assert str(form.context["proposal"].version) == "1.0.0"
    response = client.post(
        reverse("registry:register") + f"?run={run.run_id}",
        {"model": "receipt-ocr", "version": "", "reason": ""},
    )
    job = Job.objects.get(kind="register")
    assert response.status_code == 302
    assert response.url == job.get_absolute_url()


def test_a_wrong_version_comes_back_with_what_was_typed(client):
    run = make_run()
    response = client.post(
        reverse("registry:register") + f"?run={run.run_id}",
        {"model": "receipt-ocr", "version": "01.0.0", "reason": "because of it"},
    )
    assert response.status_code == 422
    assert "version" in response.context["form"].errors
    assert "because of it" in response.content.decode()
    assert not Job.objects.exists()


def test_the_proposal_follows_the_model_that_is_typed(client):
    make_version("4.0.0", model="other")
    run = make_run()
    address = reverse("registry:register") + f"?run={run.run_id}&model=other"
    page = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in page
    assert "4" in page


def test_the_run_offers_registration_only_to_those_who_may():
    run = make_run()
    viewer = Client()
    viewer.force_login(make_user(Role.VIEWER))
    page = viewer.get(reverse("registry:run-versions", args=[run.run_id])).content.decode()
    assert "Only these roles" in page
    assert reverse("registry:register") not in page


def test_a_promotion_goes_from_request_to_decision_in_the_pages(client):
    set_rules()
    version = make_version()
    opened = client.post(
        reverse("registry:open-promotion", args=["receipt-ocr", "1.0.0"]),
        {"to": "Staging", "comment": "please"},
    )
    request = promotion.Promotion.objects.get()
    assert opened.url == request.get_absolute_url()
    reviewer = Client()
    reviewer.force_login(make_user(Role.REVIEWER))
    assert "please" in reviewer.get(opened.url).content.decode()
    answer = {"verdict": "approve", "evidence_digest": request.evidence_digest, "comment": ""}
    assert reviewer.post(reverse("registry:review", args=[request.pk]), answer).status_code == 302
    version.refresh_from_db()
    assert version.stage == "Staging"


def test_the_requester_cannot_approve_on_the_page_either(engineer):
    both = make_user(Role.ENGINEER, Role.REVIEWER)
    request = promotion.open_for(make_version(), "Staging", user=both)
    client = Client()
    client.force_login(both)
    assert "another reviewer" in client.get(request.get_absolute_url()).content.decode()
    answer = {"verdict": "approve", "evidence_digest": request.evidence_digest}
    assert client.post(reverse("registry:review", args=[request.pk]), answer).status_code == 403


def test_a_review_of_old_evidence_is_a_conflict_that_says_so(engineer):
    request = promotion.open_for(make_version(), "Staging", user=engineer)
    client = Client()
    client.force_login(make_user(Role.REVIEWER))
    answer = {"verdict": "approve", "evidence_digest": "0" * 64}
    response = client.post(reverse("registry:review", args=[request.pk]), answer)
    assert response.status_code == 409
    assert "not the one you reviewed" in response.content.decode()


def test_an_unknown_stage_is_refused_in_the_form(client):
    make_version()
    address = reverse("registry:open-promotion", args=["receipt-ocr", "1.0.0"])
    assert client.post(address, {"to": "Nirvana"}).status_code == 422


def approve(client: Client, request: promotion.Promotion, **changes: str):
    answer = {"verdict": "approve", "evidence_digest": request.evidence_digest, "comment": "", **changes}
    return client.post(reverse("registry:review", args=[request.pk]), answer)


@pytest.mark.parametrize("typed", ["", "1.0.0", "production"])
def test_production_is_not_approved_without_typing_the_version(client, engineer, typed):
    set_rules()
    make_version("1.0.0", stage="Production")
    version = make_version("1.1.0", stage="Staging")
    request = promotion.open_for(version, "Production", user=engineer)
    reviewer = Client()
    reviewer.force_login(make_user(Role.REVIEWER))
    assert 'name="confirm"' in reviewer.get(request.get_absolute_url() + "?confirm").content.decode()
    refused = approve(reviewer, request, confirm=typed, comment="my words")
    assert refused.status_code == 422
    assert "Type 1.1.0 to approve it." in refused.content.decode()
    assert "my words" in refused.content.decode()
    assert not request.reviews.exists()
    assert approve(reviewer, request, confirm="1.1.0").status_code == 302
    version.refresh_from_db()
    assert version.stage == "Production"


def test_the_review_page_says_what_improved_and_what_got_worse():
    story = make_story()
    client = Client()
    client.force_login(story.reviewer)
    response = client.get(story.opened.get_absolute_url())
    comparison = response.context["comparison"]
    assert comparison.better == ("val_cer", "val_accuracy")
    assert comparison.worse == ("val_loss",)
    assert comparison.same == ("val_wer", "train_loss")
    assert [field.name for field, _before in response.context["changes"]] == ["learning_rate", "scheduler"]


def test_the_timeline_of_a_promotion_tells_of_both_versions_it_moved():
    story = make_story()
    approver = make_user(Role.REVIEWER)
    promotion.review(story.opened, "approve", user=approver, evidence_digest=story.opened.evidence_digest)
    client = Client()
    client.force_login(approver)
    events = client.get(story.opened.get_absolute_url()).context["events"]
    assert [(event.subject, event.stages) for event in events if event.stages] == [
        ("1.2.0", ("Production", "Archived")),
        ("1.3.0", ("Staging", "Production")),
    ]


def test_changed_evidence_blocks_the_approval_and_names_what_changed(client, engineer):
    set_rules()
    version = make_version()
    request = promotion.open_for(version, "Staging", user=engineer)
    ModelVersion.objects.filter(pk=version.pk).update(manifest_digest="f" * 64)
    reviewer = Client()
    reviewer.force_login(make_user(Role.REVIEWER))
    page = reviewer.get(request.get_absolute_url()).content.decode()
    assert "Cannot be approved" in page
    assert "Since the evidence was taken these facts changed: artifacts." in page
    assert approve(reviewer, request).status_code == 409


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


def test_who_may_not_open_a_promotion_is_told_so_and_refused():
    version = make_version()
    viewer = Client()
    viewer.force_login(make_user(Role.VIEWER))
    assert "Only these roles" in viewer.get(version.get_absolute_url()).content.decode()
    address = reverse("registry:open-promotion", args=["receipt-ocr", "1.0.0"])
    assert "Only these roles" in viewer.get(address + "?to=Staging").content.decode()
    assert viewer.post(address, {"to": "Staging"}).status_code == 403


def test_the_requester_withdraws_and_nobody_else_does(client, engineer):
    request = promotion.open_for(make_version(), "Staging", user=engineer)
    other = Client()
    other.force_login(make_user(Role.ENGINEER))
    address = reverse("registry:withdraw", args=[request.pk])
    assert other.post(address).status_code == 403
    assert client.post(address).status_code == 302
    assert client.post(address).status_code == 409


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
    assert few <= 22


def test_somebody_without_a_role_sees_nothing_but_their_settings():
    nobody = Client()
    nobody.force_login(make_user())
    version = make_version()
    run = make_run()
    names = [
        "home",
        "api-docs",
        "registry:models",
        "registry:promotions",
        "experiments:runs",
        "experiments:jobs",
    ]
    addresses = [reverse(name) for name in names]
    addresses += [version.get_absolute_url(), version.model.get_absolute_url(), run.get_absolute_url()]
    addresses += ["/api/v1/models/", "/api/v1/promotions/", "/api/v1/runs/", "/api/v1/jobs/"]
    assert {address: nobody.get(address).status_code for address in addresses} == dict.fromkeys(
        addresses, 403
    )
    assert nobody.get(reverse("accounts:settings")).status_code == 200


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/models/a%00b/", 400),
        ("/runs/%00/", 400),
        ("/models/?q=%00", 200),
        ("/register/?run=%00", 404),
        ("/api/v1/models/?q=%00", 200),
    ],
)
def test_nul_in_an_address_does_not_reach_the_database(client, address, status):
    assert client.get(address).status_code == status


def test_a_model_name_with_nul_is_refused_in_the_form(client):
    address = reverse("registry:register") + f"?run={make_run().run_id}"
    assert client.post(address, {"model": "a\0b"}).status_code == 422
    assert client.get(address + "&model=%00").status_code == 200
