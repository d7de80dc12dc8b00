"""Which role may do what."""

import pytest

from accounts.roles import GRANTS, Permission, Role, permissions_of, roles_with


def test_nobody_may_do_anything_without_a_role() -> None:
    assert permissions_of([]) == frozenset()


def test_several_roles_add_up() -> None:
    both = permissions_of([Role.REVIEWER, Role.AUDITOR])
    assert both == GRANTS[Role.REVIEWER] | GRANTS[Role.AUDITOR]
    assert Permission.JOB_SUBMIT not in both


@pytest.mark.parametrize("role", Role)
def test_every_role_may_look(role: Role) -> None:
    assert Permission.VIEW in GRANTS[role]


@pytest.mark.parametrize("permission", Permission)
def test_an_administrator_may_do_everything(permission: Permission) -> None:
    assert Role.ADMINISTRATOR in roles_with(permission)


@pytest.mark.parametrize(
    ("role", "permission"),
    [
        (Role.VIEWER, Permission.JOB_SUBMIT),
        (Role.VIEWER, Permission.VERSION_REGISTER),
        (Role.ENGINEER, Permission.PROMOTION_REVIEW),
        (Role.ENGINEER, Permission.REPOSITORY_CONNECT),
        (Role.ENGINEER, Permission.JOB_CANCEL_ANY),
        (Role.ENGINEER, Permission.USER_MANAGE),
        (Role.REVIEWER, Permission.PROMOTION_OPEN),
        (Role.REVIEWER, Permission.POLICY_EDIT),
        (Role.AUDITOR, Permission.PROMOTION_REVIEW),
        (Role.AUDITOR, Permission.JOB_SUBMIT),
    ],
)
def test_duties_are_kept_apart(role: Role, permission: Permission) -> None:
    assert permission not in GRANTS[role]


def test_roles_with_a_permission_come_in_declared_order() -> None:
    assert roles_with(Permission.PROMOTION_OPEN) == [Role.ENGINEER, Role.ADMINISTRATOR]
