"""What roles and parts let a person do to one model."""

import pytest

from accounts.roles import GRANTS, Permission, Role
from registry import member_rules
from registry.member_rules import ADDED, Part
from registry.models import Member


def granted(role, parts=(), *, restricted=False):
    by_roles = GRANTS[role] if role else frozenset()
    return member_rules.granted(by_roles, parts, restricted=restricted)


def test_the_parts_are_those_that_the_table_holds():
    assert [part.value for part in Part] == Member.Part.values


@pytest.mark.parametrize("role", Role)
def test_on_an_open_model_a_role_is_all_that_somebody_without_a_part_has(role):
    assert granted(role) == GRANTS[role]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("part", Part)
@pytest.mark.parametrize("restricted", [False, True])
def test_a_part_adds_to_the_role_on_open_and_on_restricted_models(role, part, restricted):
    assert granted(role, [part], restricted=restricted) == GRANTS[role] | ADDED[part]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ENGINEER, Role.REVIEWER])
def test_a_restricted_model_does_not_exist_for_those_without_a_part(role):
    assert granted(role, restricted=True) == frozenset()


def test_an_auditor_sees_a_restricted_model_and_does_nothing_to_it():
    assert granted(Role.AUDITOR, restricted=True) == {Permission.VIEW, Permission.AUDIT_READ}


def test_an_auditors_other_roles_do_not_count_on_a_restricted_model():
    both = GRANTS[Role.AUDITOR] | GRANTS[Role.ENGINEER]
    found = member_rules.granted(both, (), restricted=True)
    assert found == {Permission.VIEW, Permission.AUDIT_READ}


def test_an_administrator_does_to_a_restricted_model_what_the_role_may():
    assert granted(Role.ADMINISTRATOR, restricted=True) == frozenset(Permission)


@pytest.mark.parametrize("part", Part)
@pytest.mark.parametrize("restricted", [False, True])
def test_a_part_gives_nothing_to_somebody_whose_roles_were_taken_away(part, restricted):
    assert granted(None, [part], restricted=restricted) == frozenset()


@pytest.mark.parametrize("part", Part)
def test_no_part_waives_gates_bypasses_reviews_or_edits_policies(part):
    for permission in (
        Permission.GATE_WAIVE,
        Permission.PROMOTION_BYPASS,
        Permission.POLICY_EDIT,
        Permission.AUDIT_READ,
        Permission.USER_MANAGE,
    ):
        assert permission not in ADDED[part]


def test_an_owner_does_not_review():
    assert Permission.PROMOTION_REVIEW not in granted(Role.ENGINEER, [Part.OWNER])


@pytest.mark.parametrize("role", Role)
def test_who_sees_all_is_who_sees_a_restricted_model_without_a_part(role):
    sees = Permission.VIEW in granted(role, restricted=True)
    assert member_rules.sees_all(GRANTS[role]) == sees
