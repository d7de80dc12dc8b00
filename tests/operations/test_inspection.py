"""Versions that nobody looked into can be inspected later; open promotions take the result into account."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from experiments.models import Job
from registry import inspection, promotion, registration
from registry.models import ModelVersion
from tests.mlflow_registry import log_file, log_run, unique, work
from tests.people import make_user
from tests.promotions import set_rules
from tests.versions import make_version

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("places")]


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER)


@pytest.fixture
def version(url: str, engineer: User) -> ModelVersion:
    """A version as one that was registered before files were looked through."""
    work(registration.register(log_run(url), unique(), user=engineer))
    ModelVersion.objects.update(inspection={})
    return ModelVersion.objects.select_related("model").get()


def test_a_version_is_inspected_later_and_the_trail_says_so(version: ModelVersion, engineer: User) -> None:
    job = inspection.request(version, user=engineer)
    assert inspection.request(version, user=engineer) == job
    job = work(job)
    assert (job.state, job.result) == ("succeeded", {"clean": False, "error": ""})
    version.refresh_from_db()
    assert {one["path"]: one["kind"] for one in version.inspection["files"]} == {
        "MLmodel": "text",
        "data/model.pt2": "text",
    }
    entry = AuditEntry.objects.get(event="check.recorded")
    assert (entry.data["kind"], entry.data["passed"]) == ("inspection", False)
    assert inspection.request(version, user=engineer) != job


def test_an_open_promotion_takes_the_result_into_its_evidence(version: ModelVersion, engineer: User) -> None:
    set_rules()
    opened = promotion.open_for(version, "Staging", user=engineer)
    before = opened.evidence_digest
    assert work(inspection.request(version, user=engineer)).state == "succeeded"
    opened.refresh_from_db()
    assert opened.evidence_digest != before


def test_the_same_result_again_changes_nothing(version: ModelVersion, engineer: User) -> None:
    for _ in range(2):
        assert work(inspection.request(version, user=engineer)).state == "succeeded"
    assert AuditEntry.objects.filter(event="check.recorded").count() == 1


def test_other_artifacts_are_not_inspected_for_the_registered_ones(
    url: str, version: ModelVersion, engineer: User
) -> None:
    log_file(url, version.run_id, "model/data/model.pt2", "weightz")
    job = work(inspection.request(version, user=engineer))
    assert job.state == "failed"
    assert "are not those that were registered" in job.error
    version.refresh_from_db()
    assert version.inspection == {}


def test_what_was_inspected_is_not_queued_again_by_itself(engineer: User) -> None:
    fresh, known = make_version("1.0.0"), make_version("1.1.0", inspection={"clean": True})
    with transaction.atomic():
        assert inspection.ensure(known, user=engineer) is None
        assert isinstance(inspection.ensure(fresh, user=engineer), Job)


def test_a_viewer_may_not_ask_for_an_inspection() -> None:
    with pytest.raises(PermissionDenied):
        inspection.request(make_version("1.0.0"), user=make_user(Role.VIEWER))
