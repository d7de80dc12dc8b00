"""Creating people, giving them roles, switching them off, their preferences."""

from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from accounts import access, users
from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from tests.people import PASSWORD, make_user

pytestmark = pytest.mark.django_db


def test_an_administrator_creates_a_person_with_roles() -> None:
    admin = make_user(Role.ADMINISTRATOR, username="admin")
    user = users.create("clerk", PASSWORD, [Role.REVIEWER, Role.ENGINEER], by=admin)
    assert user.check_password(PASSWORD)
    assert access.roles_of(user) == {Role.ENGINEER, Role.REVIEWER}
    entry = AuditEntry.objects.get()
    assert (entry.event, entry.actor_name, entry.target_id) == ("user.created", "admin", str(user.pk))
    assert entry.data == {"roles": ["engineer", "reviewer"]}
    assert PASSWORD not in str(entry.data)


def test_the_product_itself_creates_people_at_set_up() -> None:
    users.create("clerk", PASSWORD, [Role.VIEWER], by=None)
    assert AuditEntry.objects.get().actor_name == "system"


def test_nobody_else_creates_people() -> None:
    with pytest.raises(PermissionDenied):
        users.create("clerk", PASSWORD, [Role.ADMINISTRATOR], by=make_user(Role.ENGINEER))
    assert not User.objects.filter(username="clerk").exists()
    assert AuditEntry.objects.get().event == "permission.denied"


@pytest.mark.parametrize(
    ("username", "password", "field"),
    [
        ("clerk", "short", "password"),
        ("clerk", "password1234", "password"),
        ("", PASSWORD, "username"),
        ("a b", PASSWORD, "username"),
        ("x" * 151, PASSWORD, "username"),
        ("taken", PASSWORD, "username"),
        ("TAKEN", PASSWORD, "__all__"),
    ],
)
def test_what_is_not_acceptable_is_refused_by_name(username: str, password: str, field: str) -> None:
    make_user(username="taken")
    with pytest.raises(ValidationError) as refused:
        users.create(username, password, [], by=None)
    assert field in refused.value.message_dict
    assert User.objects.count() == 1
    assert not AuditEntry.objects.exists()


def test_the_database_refuses_a_name_that_differs_only_in_case() -> None:
    make_user(username="admin")
    with pytest.raises(IntegrityError):
        make_user(username="Admin")


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(ValueError, match="emperor"):
        users.create("clerk", PASSWORD, ["emperor"], by=None)  # type: ignore[list-item]
    assert not User.objects.exists()


def test_roles_are_replaced_and_the_trail_says_from_what_to_what() -> None:
    admin, user = make_user(Role.ADMINISTRATOR), make_user(Role.VIEWER, Role.ENGINEER)
    users.set_roles(user, [Role.ENGINEER, Role.AUDITOR], by=admin)
    assert access.roles_of(user) == {Role.ENGINEER, Role.AUDITOR}
    entry = AuditEntry.objects.get()
    assert entry.data == {"before": ["engineer", "viewer"], "after": ["auditor", "engineer"]}


def test_giving_the_same_roles_again_leaves_no_trace() -> None:
    user = make_user(Role.VIEWER)
    users.set_roles(user, [Role.VIEWER], by=None)
    assert not AuditEntry.objects.exists()


def test_nobody_gives_themselves_roles() -> None:
    user = make_user(Role.ENGINEER)
    with pytest.raises(PermissionDenied):
        users.set_roles(user, [Role.ADMINISTRATOR], by=user)
    assert access.roles_of(user) == {Role.ENGINEER}


def test_the_last_administrator_stays() -> None:
    admin = make_user(Role.ADMINISTRATOR)
    with pytest.raises(ValidationError):
        users.set_roles(admin, [Role.VIEWER], by=admin)
    with pytest.raises(ValidationError):
        users.set_active(admin, False, by=admin)
    assert access.roles_of(admin) == {Role.ADMINISTRATOR}

    other = make_user(Role.ADMINISTRATOR)
    users.set_roles(admin, [Role.VIEWER], by=other)
    assert access.roles_of(admin) == {Role.VIEWER}


def test_an_inactive_administrator_does_not_count() -> None:
    make_user(Role.ADMINISTRATOR)
    User.objects.update(is_active=False)
    admin = make_user(Role.ADMINISTRATOR)
    with pytest.raises(ValidationError):
        users.set_active(admin, False, by=admin)


def test_somebody_is_switched_off_and_on_again_each_recorded_once() -> None:
    admin, user = make_user(Role.ADMINISTRATOR), make_user(Role.ENGINEER)
    users.set_active(user, False, by=admin)
    users.set_active(user, False, by=admin)
    user.refresh_from_db()
    assert not user.is_active
    users.set_active(user, True, by=admin)
    assert list(AuditEntry.objects.values_list("event", flat=True)) == [
        "user.deactivated",
        "user.reactivated",
    ]


def test_a_password_is_changed_and_a_weak_one_refused() -> None:
    user = make_user()
    users.set_password(user, "another long password")
    with pytest.raises(ValidationError):
        users.set_password(user, "short")
    user.refresh_from_db()
    assert user.check_password("another long password")
    assert AuditEntry.objects.get().event == "user.password_changed"


def test_preferences_are_kept_and_only_what_changed_is_recorded() -> None:
    user = make_user()
    users.set_preferences(user, theme="dark", density="compact", language="ko", shortcuts=False)
    user.refresh_from_db()
    assert (user.theme, user.density, user.language, user.shortcuts) == ("dark", "compact", "ko", False)
    entry = AuditEntry.objects.get()
    assert entry.event == "user.preferences_changed"
    assert entry.data == {"theme": "dark", "language": "ko", "shortcuts": False}


def test_unchanged_preferences_leave_no_trace() -> None:
    users.set_preferences(make_user(), theme="auto", shortcuts=True)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("preferences", "error"),
    [
        ({"theme": "pink"}, ValidationError),
        ({"language": "xx"}, ValidationError),
        ({"density": ""}, ValidationError),
        ({"theme": "dark", "is_superuser": True}, TypeError),
    ],
)
def test_a_preference_that_is_not_on_the_list_changes_nothing(
    preferences: dict[str, Any], error: type[Exception]
) -> None:
    user = make_user()
    with pytest.raises(error):
        users.set_preferences(user, **preferences)
    assert user.theme == "auto"
    assert not AuditEntry.objects.exists()


def test_the_command_line_creates_the_first_administrator() -> None:
    output = StringIO()
    call_command("create_user", "root", "--role", "administrator", "--random-password", stdout=output)
    password = output.getvalue().split("Password: ")[1].strip()
    user = User.objects.get(username="root")
    assert user.check_password(password)
    assert access.roles_of(user) == {Role.ADMINISTRATOR}


def test_the_command_line_says_what_is_wrong_in_one_line() -> None:
    with pytest.raises(CommandError, match="Enter a valid username"):
        call_command("create_user", "a b", "--random-password")
