"""Drift on the home page, the model's page, its own page and over REST."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.roles import Role
from audit.models import AuditEntry
from experiments.models import Job, SyncState
from registry import reconciler_state
from registry.models import Drift, ModelVersion, Promotion
from tests.drifts import make_drift
from tests.people import make_user
from tests.versions import make_version

pytestmark = pytest.mark.django_db

HOSTILE = "<img src=x onerror=alert(1)>"
PROBLEM = "The artifacts are not those that were registered: changed data/model.pt2."


@pytest.fixture
def version() -> ModelVersion:
    return make_version("1.2.0", stage="Production")


@pytest.fixture
def reviewer() -> Client:
    return signed_in(Role.REVIEWER)


def signed_in(*roles: Role) -> Client:
    client = Client()
    client.force_login(make_user(*roles))
    return client


def make_unapplied(version: ModelVersion, **changes: Any) -> Promotion:
    columns = {
        "version": version,
        "from_stage": "Staging",
        "to_stage": version.stage,
        "state": "approved",
        "requested_by_name": "clerk",
        "opened_at": timezone.now(),
        "decided_at": timezone.now(),
        "evidence_digest": "0" * 64,
        "problem": PROBLEM,
    }
    return Promotion.objects.create(**{**columns, **changes})


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def drift_path(version: ModelVersion) -> str:
    return reverse("registry:drift", args=[version.model.name])


def test_home_and_model_page_tell_of_open_drift(reviewer: Client, version: ModelVersion) -> None:
    assert "Somebody changed MLflow" not in text_of(reviewer, "/")
    make_drift(version)
    make_drift(version, kind="alias", expected="champion -> 1", found="champion -> none")
    make_drift(version, kind="missing", expected="version 3", found="", state="gone")
    for path in ("/", version.model.get_absolute_url()):
        page = text_of(reviewer, path)
        assert "Somebody changed MLflow: 2 differences" in page
        assert "Its stage in MLflow is Archived; decided here was Production." in page
        assert "The alias champion is gone; it belongs to MLflow version 1." in page
        assert drift_path(version) in page


def test_a_promotion_that_is_not_applied_is_an_alert_until_its_version_has_moved_on(
    reviewer: Client, version: ModelVersion
) -> None:
    make_unapplied(version)
    for path in ("/", version.model.get_absolute_url(), drift_path(version)):
        assert PROBLEM in text_of(reviewer, path)
    ModelVersion.objects.filter(pk=version.pk).update(stage="Archived")
    assert PROBLEM not in text_of(reviewer, "/")


def test_what_was_not_adopted_is_told_on_the_home_page(reviewer: Client, version: ModelVersion) -> None:
    problem = f"The model '{HOSTILE}' of MLflow is not adopted."
    SyncState.objects.create(name=reconciler_state.NAME, counts={"problems": {"x": [problem]}})
    page = text_of(reviewer, "/")
    assert "1 remark about what was found in MLflow" in page
    assert HOSTILE not in page


def test_the_page_says_when_it_was_compared_and_what_became_of_earlier_drift(
    reviewer: Client, version: ModelVersion
) -> None:
    assert "MLflow has not been compared yet." in text_of(reviewer, drift_path(version))
    SyncState.objects.create(name=reconciler_state.NAME, reconciled_at=timezone.now())
    assert "MLflow says what was decided here." in text_of(reviewer, drift_path(version))
    ended = {"state": "accepted", "ended_at": timezone.now(), "ended_by": "checker", "reason": HOSTILE}
    make_drift(version, **ended)
    page = text_of(reviewer, drift_path(version))
    assert "accepted" in page
    assert "checker" in page
    assert HOSTILE not in page
    assert "&lt;img src=x" in page


def test_a_reviewer_has_it_repaired(reviewer: Client, version: ModelVersion) -> None:
    drift = make_drift(version)
    answer = reviewer.post(reverse("registry:drift-repair", args=[version.model.name, drift.pk]))
    assert answer.status_code == 302
    [job] = Job.objects.filter(kind="apply")
    assert job.payload == {"model": version.model.name, "promotion": None, "drifts": [drift.pk]}
    assert AuditEntry.objects.filter(event="job.submitted").exists()
    page = text_of(reviewer, drift_path(version))
    assert "being repaired" in page
    assert "Accept it instead" not in page


def test_a_source_cannot_be_repaired(reviewer: Client, version: ModelVersion) -> None:
    drift = make_drift(version, kind="source", expected="runs:/1/model", found="s3://elsewhere")
    answer = reviewer.post(reverse("registry:drift-repair", args=[version.model.name, drift.pk]))
    assert answer.status_code == 422
    assert "MLflow cannot change this back" in answer.content.decode()
    assert reverse("registry:drift-repair", args=[version.model.name, drift.pk]) not in text_of(
        reviewer, drift_path(version)
    )


def test_accepting_needs_a_reason_and_keeps_what_was_typed(reviewer: Client, version: ModelVersion) -> None:
    drift = make_drift(version)
    path = reverse("registry:drift-accept", args=[version.model.name, drift.pk])
    answer = reviewer.post(path, {"reason": "  "})
    assert answer.status_code == 422
    assert "Say why it may stay as it is." in answer.content.decode()
    long = reviewer.post(path, {"reason": "x" * 2001})
    assert long.status_code == 422
    assert "x" * 2001 in long.content.decode()
    assert reviewer.post(path, {"reason": "Shadow test."}).status_code == 302
    drift.refresh_from_db()
    assert (drift.state, drift.reason) == ("accepted", "Shadow test.")
    again = reviewer.post(path, {"reason": "Shadow test."})
    assert again.status_code == 409
    assert "not open any more" in again.content.decode()


def test_who_may_not_decide_is_told_so_and_refused(version: ModelVersion) -> None:
    drift, engineer = make_drift(version), signed_in(Role.ENGINEER)
    page = text_of(engineer, drift_path(version))
    assert "Only these roles may decide about drift in MLflow" in page
    assert reverse("registry:drift-repair", args=[version.model.name, drift.pk]) not in page


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["drift-repair", "drift-accept"])
def test_a_refusal_is_audited(name: str) -> None:
    version = make_version("1.2.0", stage="Production")
    drift, engineer = make_drift(version), signed_in(Role.ENGINEER)
    answer = engineer.post(reverse(f"registry:{name}", args=[version.model.name, drift.pk]), {"reason": "x"})
    assert answer.status_code == 403
    assert AuditEntry.objects.filter(event="permission.denied", target_kind="drift").count() == 1


def test_drift_of_another_or_a_hidden_model_is_not_found(reviewer: Client, version: ModelVersion) -> None:
    other = make_version("1.0.0", model="other")
    hidden = make_version("1.0.0", model="top-secret")
    hidden.model.restricted = True
    hidden.model.save()
    drift, secret = make_drift(version), make_drift(hidden)
    for path in (
        reverse("registry:drift-repair", args=[other.model.name, drift.pk]),
        reverse("registry:drift-repair", args=[hidden.model.name, secret.pk]),
        f"/api/v1/drifts/{secret.pk}/repair/",
    ):
        assert reviewer.post(path).status_code == 404
    assert reviewer.get(drift_path(hidden)).status_code == 404
    assert "top-secret" not in text_of(reviewer, "/")
    assert [row["id"] for row in reviewer.get("/api/v1/drifts/").json()["results"]] == [drift.pk]


def test_a_promotion_is_tried_again_and_only_as_long_as_it_waits(
    reviewer: Client, version: ModelVersion
) -> None:
    promotion = make_unapplied(version)
    path = reverse("registry:apply-again", args=[promotion.pk])
    assert reviewer.post(path).status_code == 302
    [job] = Job.objects.filter(kind="apply")
    assert job.payload["promotion"] == promotion.pk
    Promotion.objects.update(state="applied")
    assert reviewer.post(path).status_code == 409
    assert reviewer.post(f"/api/v1/promotions/{promotion.pk}/apply/").status_code == 409


def test_rest_lists_repairs_and_accepts(reviewer: Client, version: ModelVersion) -> None:
    first = make_drift(version)
    second = make_drift(version, kind="missing", expected="version 1", found="")
    make_drift(version, state="gone", kind="alias", expected="champion -> 1", found="champion -> 2")
    rows = reviewer.get("/api/v1/drifts/", {"state": "open", "model": "receipt-ocr"}).json()["results"]
    assert [(row["id"], row["kind"], row["repairable"]) for row in rows] == [
        (second.pk, "missing", False),
        (first.pk, "stage", True),
    ]
    assert (rows[1]["expected"], rows[1]["found"], rows[1]["version"]) == ("Production", "Archived", "1.2.0")
    assert reviewer.get("/api/v1/drifts/", {"state": "odd"}).status_code == 422
    answer = reviewer.post(f"/api/v1/drifts/{first.pk}/repair/")
    assert (answer.status_code, answer.json()["job"]) == (202, Job.objects.get(kind="apply").pk)
    assert reviewer.post(f"/api/v1/drifts/{second.pk}/repair/").status_code == 422
    path, kind = f"/api/v1/drifts/{second.pk}/accept/", "application/json"
    assert reviewer.post(path, {}, content_type=kind).status_code == 422
    answer = reviewer.post(path, {"reason": "Deleted on purpose."}, content_type=kind)
    assert (answer.status_code, answer.json()["state"]) == (200, "accepted")
    assert reviewer.post(path, {"reason": "Again."}, content_type=kind).status_code == 409
    assert reviewer.post("/api/v1/drifts/999999/repair/").status_code == 404
    assert Drift.objects.get(pk=second.pk).reason == "Deleted on purpose."


def test_more_drift_costs_no_more_queries(
    reviewer: Client, version: ModelVersion, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_drift(version)
    make_unapplied(version)
    counts = {}
    paths = ("/", version.model.get_absolute_url(), drift_path(version), "/api/v1/drifts/")
    for path in paths:
        reviewer.get(path)
        with CaptureQueriesContext(connection) as queries:
            reviewer.get(path)
        counts[path] = len(queries)
    for number in range(2, 5):
        other = make_version(f"1.{number}.1", model="receipt-ocr")
        make_drift(other, expected="None")
        make_drift(other, kind="missing", expected="gone")
    for path in paths:
        with django_assert_num_queries(counts[path]):
            reviewer.get(path)


def test_a_version_that_was_never_hashed_says_so_and_can_be(version: ModelVersion) -> None:
    adopted = make_version("0.3.0", imported=True, manifest=[], manifest_digest="", mlflow_version=77)
    engineer, viewer = signed_in(Role.ENGINEER), signed_in(Role.VIEWER)
    assert "Its files are not hashed yet." in text_of(engineer, adopted.get_absolute_url())
    files, path = f"{adopted.get_absolute_url()}files/", f"{adopted.get_absolute_url()}hash/"
    assert "its files were never hashed" in text_of(engineer, files)
    assert path in text_of(engineer, files)
    assert path not in text_of(viewer, files)
    assert engineer.post(path).status_code == 302
    [job] = Job.objects.filter(kind="import")
    answer = engineer.post(f"/api/v1/models/{adopted.model.name}/versions/0.3.0/hash/")
    assert (answer.status_code, answer.json()["job"]) == (202, job.pk)
    done = engineer.post(f"/api/v1/models/{version.model.name}/versions/1.2.0/hash/")
    assert done.status_code == 409
