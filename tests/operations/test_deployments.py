"""Where versions serve: recorded once, one after the other, and to an end."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.roles import Role
from audit.models import AuditEntry
from registry import deployments
from registry.conflicts import ConflictError
from registry.deployments import Place
from registry.models import Deployment
from tests.people import make_user
from tests.stage_events import day
from tests.versions import make_version

pytestmark = pytest.mark.django_db(transaction=True)
EU = Place("production-eu", "https://ocr.example.org/v1", "rolled out by CI")


@pytest.fixture
def engineer():
    return make_user(Role.ENGINEER, username="engineer")


def events() -> list[tuple[str, str]]:
    rows = AuditEntry.objects.filter(event__startswith="deployment").order_by("sequence")
    return list(rows.values_list("event", "target_id"))


def test_a_deployment_is_kept_with_its_audit_entry(engineer):
    made = deployments.record(make_version(), EU, user=engineer, at=day(3))
    assert (made.environment, made.url, made.at, made.retired_at) == (EU.environment, EU.url, day(3), None)
    assert events() == [("deployment.recorded", "receipt-ocr@1.0.0")]
    entry = AuditEntry.objects.get(event="deployment.recorded")
    assert (entry.data["environment"], entry.data["number"]) == ("production-eu", made.pk)


def test_telling_it_again_changes_nothing(engineer):
    version = make_version()
    first = deployments.record(version, EU, user=engineer, at=day(3))
    assert deployments.record(version, EU, user=engineer, at=day(3)) == first
    assert len(events()) == 1


def test_the_next_version_takes_the_place_of_the_one_before(engineer):
    old = deployments.record(make_version("1.0.0"), EU, user=engineer, at=day(1))
    elsewhere = deployments.record(make_version("1.0.1"), Place("edge"), user=engineer, at=day(1))
    new = deployments.record(make_version("1.1.0"), EU, user=engineer, at=day(5))
    old.refresh_from_db()
    elsewhere.refresh_from_db()
    assert (old.retired_at, old.replaced_by) == (day(5), new)
    assert elsewhere.retired_at is None
    assert events()[-1] == ("deployment.retired", "receipt-ocr@1.0.0")


def test_a_canary_serves_beside_the_others(engineer):
    old = deployments.record(make_version("1.0.0"), EU, user=engineer, at=day(1))
    deployments.record(make_version("1.1.0"), EU, user=engineer, at=day(5), alongside=True)
    old.refresh_from_db()
    assert old.retired_at is None


def test_other_models_in_the_same_environment_stay(engineer):
    other = deployments.record(make_version(model="other"), EU, user=engineer, at=day(1))
    deployments.record(make_version(), EU, user=engineer, at=day(2))
    other.refresh_from_db()
    assert other.retired_at is None


def test_what_came_later_is_not_rewritten(engineer):
    deployments.record(make_version("1.1.0"), EU, user=engineer, at=day(5))
    with pytest.raises(ConflictError):
        deployments.record(make_version("1.0.0"), EU, user=engineer, at=day(1))
    assert Deployment.objects.count() == 1


def test_it_ends_once_and_not_before_it_began(engineer):
    made = deployments.record(make_version(), EU, user=engineer, at=day(5))
    with pytest.raises(ValidationError):
        deployments.retire(made, user=engineer, at=day(4))
    ended = deployments.retire(made, user=engineer, at=day(6))
    assert (ended.retired_at, ended.retired_by_name, ended.replaced_by) == (day(6), "engineer", None)
    with pytest.raises(ConflictError):
        deployments.retire(made, user=engineer)


@pytest.mark.parametrize(
    "place",
    [
        Place(""),
        Place("umgebung-ä"),
        Place("a\nb"),
        Place("x" * 101),
        Place("eu", "javascript:alert(1)"),
        Place("eu", "https://"),
        Place("eu", "https://user:secret@example.org"),
        Place("eu", "https://example.org:port/"),
        Place("eu", "https://example.org/a b"),
        Place("eu", note="x" * 2001),
    ],
)
def test_a_place_that_cannot_be_is_refused(engineer, place):
    with pytest.raises(ValidationError):
        deployments.record(make_version(), place, user=engineer)


def test_nobody_knows_the_future(engineer):
    with pytest.raises(ValidationError):
        deployments.record(make_version(), EU, user=engineer, at=timezone.now() + timedelta(hours=1))


def test_a_viewer_is_refused_and_the_refusal_recorded():
    with pytest.raises(PermissionDenied):
        deployments.record(make_version(), EU, user=make_user(Role.VIEWER))
    assert not Deployment.objects.exists()
    assert AuditEntry.objects.filter(event="permission.denied").exists()
