"""Who may do what, and the trace that a refusal leaves."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts import access
from accounts.roles import Permission, Role
from audit import trail
from audit.models import AuditEntry
from tests.people import make_user

JOB = trail.Target("job", "42", "pipeline 42", "ocr-receipt")


@pytest.mark.django_db
def test_migrating_creates_a_group_for_every_role() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == set(Role)


@pytest.mark.django_db
def test_roles_come_from_groups_and_other_groups_mean_nothing() -> None:
    user = make_user(Role.ENGINEER, Role.REVIEWER)
    user.groups.add(Group.objects.create(name="football"))
    assert access.roles_of(user) == {Role.ENGINEER, Role.REVIEWER}
    assert access.can(user, Permission.PROMOTION_REVIEW)
    assert not access.can(user, Permission.USER_MANAGE)


@pytest.mark.django_db
def test_a_superuser_is_an_administrator() -> None:
    user = make_user()
    user.is_superuser = True
    assert access.roles_of(user) == {Role.ADMINISTRATOR}


@pytest.mark.django_db
def test_the_inactive_and_the_anonymous_may_do_nothing() -> None:
    user = make_user(Role.ADMINISTRATOR)
    user.is_active = False
    assert access.permissions_of(user) == frozenset()
    assert access.permissions_of(AnonymousUser()) == frozenset()


@pytest.mark.django_db
def test_being_allowed_leaves_no_trace() -> None:
    access.require(make_user(Role.ENGINEER), Permission.JOB_SUBMIT, target=JOB)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_refusal_says_which_roles_may_and_is_recorded() -> None:
    user = make_user(Role.VIEWER, username="curious")
    with pytest.raises(PermissionDenied, match=r"Only these roles may start jobs: engineer, administrator\."):
        access.require(user, Permission.JOB_SUBMIT, target=JOB)
    entry = AuditEntry.objects.get()
    assert (entry.event, entry.actor_name) == ("permission.denied", "curious")
    assert (entry.target_kind, entry.target_id, entry.model_name) == ("job", "42", "ocr-receipt")
    assert entry.data == {"permission": "job.submit", "roles": ["viewer"]}


@pytest.mark.django_db
@pytest.mark.parametrize("permission", Permission)
def test_every_refusal_can_be_explained(permission: Permission) -> None:
    assert access.explain(permission).startswith("Only these roles may ")


@pytest.mark.django_db
def test_a_refusal_inside_a_transaction_is_a_mistake_of_the_caller() -> None:
    """Its entry would be rolled back with the transaction that it ends."""
    user = make_user()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        access.require(user, Permission.JOB_SUBMIT)
