"""Fetching a repository without anybody asking: by the clock, and by its host's webhook."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.roles import Role
from audit.models import AuditEntry
from experiments.models import Job
from lineage import updates
from lineage.models import UpdatePlan
from tests.history import make_plan
from tests.jobs import make_repository
from tests.people import make_user

# Refusals are recorded in a transaction of their own.
pytestmark = pytest.mark.django_db(transaction=True)


def fetches() -> list[str]:
    return list(Job.objects.filter(kind="fetch").order_by("pk").values_list("submitted_by_name", flat=True))


def test_a_repository_is_fetched_when_it_is_due_and_not_before() -> None:
    repository = make_repository()
    updates.schedule(repository, minutes=15, user=make_user(Role.ADMINISTRATOR))
    updates.keep()
    assert fetches() == []
    UpdatePlan.objects.update(next_at=timezone.now() - timedelta(minutes=1))
    updates.keep()
    updates.keep()
    assert fetches() == ["schedule"]
    assert UpdatePlan.objects.get().next_at > timezone.now() + timedelta(minutes=14)  # type: ignore[operator]


def test_only_administrators_set_a_schedule_within_bounds() -> None:
    repository = make_repository()
    with pytest.raises(PermissionDenied):
        updates.schedule(repository, minutes=15, user=make_user(Role.ENGINEER))
    with pytest.raises(ValidationError):
        updates.schedule(repository, minutes=1, user=make_user(Role.ADMINISTRATOR))
    assert not UpdatePlan.objects.exists()


def test_deliveries_queue_one_fetch_and_none_is_lost() -> None:
    plan = make_plan(make_repository(), hook_nonce="a number")
    first = updates.delivered(plan)
    assert updates.delivered(plan) == first  # it waits still
    Job.objects.update(state="running")
    assert updates.delivered(plan) is None  # too soon for another one
    assert fetches() == ["webhook"]
    updates.keep()
    assert fetches() == ["webhook", "webhook"]
    updates.keep()
    assert fetches() == ["webhook", "webhook"]


def test_a_new_secret_ends_the_old_one_and_is_not_in_the_trail() -> None:
    repository, administrator = make_repository(), make_user(Role.ADMINISTRATOR)
    first, second = (updates.make_hook(repository, user=administrator) for _ in range(2))
    assert first != second
    assert len(second) == 64
    told = str(list(AuditEntry.objects.values()))
    assert first not in told
    assert second not in told
    assert second not in str(UpdatePlan.objects.values())
