"""Drift in Chromium: seen, repaired, accepted; accessible in both themes."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from accounts.roles import Role
from experiments.models import Job
from registry.models import Drift, ModelVersion, Promotion
from tests.browser import OpenPage, accessibility_faults
from tests.drifts import make_drift
from tests.pages.test_drift import HOSTILE, make_unapplied
from tests.people import make_user
from tests.registry_story import LONG, version_of
from tests.versions import make_version

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reviewer() -> User:
    return make_user(Role.REVIEWER, username="checker")


@pytest.fixture
def version() -> ModelVersion:
    """A model with every kind of drift, what is not applied, and models that are awkward to show."""
    serving = version_of("1.2.0", stage="Production", mlflow_version=3)
    make_drift(serving)
    make_drift(serving, kind="alias", expected="champion -> 3", found="champion -> 7")
    make_drift(
        version_of("1.1.0", stage="Archived", mlflow_version=2),
        kind="missing",
        expected="version 2",
        found="",
    )
    source = {"expected": f"runs:/{serving.run_id}/model", "found": f"s3://elsewhere/{'deep/' * 20}{HOSTILE}"}
    make_drift(version_of("1.3.0", stage="Staging", mlflow_version=4), kind="source", **source)
    make_unapplied(make_version("2.0.0", model="invoice-ocr", stage="Production"), requested_by_name="clerk")
    make_drift(make_version("1.0.0", model=HOSTILE, stage="Production"))
    make_drift(make_version("2.11.4", model=LONG, stage="Production"))
    return serving


@pytest.mark.parametrize("width", [1440, 390])
def test_home_model_and_drift_pages_are_accessible(
    open_page: OpenPage, reviewer: User, version: ModelVersion, width: int
) -> None:
    for path in ("/", version.model.get_absolute_url(), f"{version.model.get_absolute_url()}drift/"):
        page = open_page(path, reviewer, width=width)
        expect(page.get_by_text("Its stage in MLflow is Archived").first).to_be_visible()
        assert accessibility_faults(page) == []
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) <= 0


def test_a_reviewer_repairs_one_difference_and_accepts_another(
    open_page: OpenPage, reviewer: User, version: ModelVersion
) -> None:
    page = open_page(version.model.get_absolute_url(), reviewer)
    page.get_by_role("link", name="Repair or accept").click()
    stage, missing = Drift.objects.get(kind="stage", version=version), Drift.objects.get(kind="missing")
    row = page.locator(f"#drift-{stage.pk}")
    row.get_by_role("button", name="Repair").click()
    expect(page.locator(f"#drift-{stage.pk}")).to_contain_text("being repaired")
    assert Job.objects.get(kind="apply").payload["drifts"] == [stage.pk]

    row = page.locator(f"#drift-{missing.pk}")
    expect(row.get_by_role("button", name="Repair")).to_have_count(0)
    row.get_by_text("Accept it", exact=True).press("Enter")
    row.get_by_label("Why it may stay as it is").fill("Deleted on purpose.")
    row.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("cell", name="Deleted on purpose.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Deleted on purpose.")).to_contain_text("checker")
    missing.refresh_from_db()
    assert missing.state == "accepted"


def test_what_is_not_applied_is_tried_again_from_the_page(
    open_page: OpenPage, reviewer: User, version: ModelVersion
) -> None:
    page = open_page("/", reviewer)
    page.get_by_role("link", name="Look into it").click()
    page.get_by_role("button", name="Verify and apply again").click()
    expect(page.get_by_text("verifies the artifacts and tries once more")).to_be_visible()
    [job] = Job.objects.filter(kind="apply")
    assert job.payload["promotion"] == Promotion.objects.get(state="approved").pk
