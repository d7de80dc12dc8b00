"""What a cause reached, as a file to take along."""

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from audit.events import Event
from audit.models import AuditEntry
from lineage import asked_causes, impact_export
from registry.models import RegisteredModel
from tests.deployments import make_deployment
from tests.jobs import make_repository
from tests.lineage_rows import RAW, make_data, make_job_run, make_pipeline
from tests.people import make_user
from tests.stage_events import day, enter, make_promotion
from tests.versions import make_version

pytestmark = pytest.mark.django_db
NODE = f"data:receipts:data/raw@{RAW}"


@pytest.fixture
def viewer():
    return make_user(Role.VIEWER, username="viewer")


@pytest.fixture
def story():
    make_pipeline(make_repository("receipts"))
    version = make_version(run_id=make_job_run().run_id, created_at=day(3), stage="Production")
    enter(version, day(4), promotion=make_promotion(version, opened_at=day(3.5)))
    make_deployment(version, at=day(5))
    return version


def exported(user, asked=None, **options):
    cause = asked_causes.of(asked or {"node": NODE}, user=user)
    made = impact_export.export(cause, user=user, **options)
    return list(csv.DictReader(io.StringIO(b"".join(made.chunks).decode("utf-8-sig"))))


def test_each_line_says_of_what_cause_and_instant_it_is_and_whether_that_is_all(story, viewer):
    [row] = exported(viewer, at=day(6))
    assert (row["model"], row["version"], row["stage_then"]) == ("receipt-ocr", "1.0.0", "Production")
    assert row["promotions"] == f"#{story.promotions.get().pk} Production applied"
    assert row["deployments"] == "production-eu serves"
    assert row["cause"] == f"node={NODE}"
    assert row["as_of"] == day(6).isoformat()
    assert (row["hidden_versions"], row["complete"]) == ("0", "yes")


def test_no_version_is_said_as_well_with_the_number_of_hidden_ones(story, viewer):
    RegisteredModel.objects.update(restricted=True)
    [row] = exported(viewer, {"path": "data/raw"}, stage="Production")
    assert (row["model"], row["version"]) == ("", "")
    assert (row["cause"], row["in_stage"], row["hidden_versions"]) == ("path=data/raw", "Production", "1")


def test_every_version_is_in_it_with_few_queries(story, viewer, monkeypatch):
    monkeypatch.setattr(impact_export, "_CHUNK", 10)
    for number in range(24):
        make_version(f"1.1.{number}", run_id=story.run_id)
    with CaptureQueriesContext(connection) as queries:
        rows = exported(viewer)
    assert len({row["version"] for row in rows}) == len(rows) == 25
    assert len(queries) < 40


def test_an_impact_that_is_not_whole_says_so(story, viewer, monkeypatch):
    monkeypatch.setattr("lineage.causes.LIMIT", 1)
    assert {row["complete"] for row in exported(viewer)} == {"no"}


def test_it_is_in_the_trail(story, viewer):
    exported(viewer, at=day(6), stage="Production")
    entry = AuditEntry.objects.get(event=Event.IMPACT_EXPORTED)
    assert (entry.actor_name, entry.target_id) == ("viewer", f"node={NODE}")
    assert entry.data == {"cause": {"node": NODE}, "at": day(6).isoformat(), "stage": "Production"}


def test_a_cause_with_a_long_name_is_exported(story, viewer):
    path = "d/" * 245
    make_data(make_repository("deep"), path, RAW)
    assert len(exported(viewer, {"path": path})) == 1
    assert AuditEntry.objects.get(event=Event.IMPACT_EXPORTED).data["cause"] == {"path": path}
