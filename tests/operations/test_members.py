"""Members of models: who may make them, and what the trail keeps of it."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import Permission, Role
from audit.events import Event
from audit.models import AuditEntry
from registry import access, members, trail_targets
from registry.models import Member, ModelVersion, Promotion, RegisteredModel
from tests.people import make_user
from tests.versions import make_model, make_version

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def model():
    return make_model()


@pytest.fixture
def administrator():
    return make_user(Role.ADMINISTRATOR)


def make_member(model, user, part="owner"):
    return Member.objects.create(model=model, user=user, part=part)


def events():
    return list(AuditEntry.objects.order_by("sequence").values_list("event", flat=True))


def test_an_administrator_adds_and_removes_a_member_and_the_trail_tells_who(model, administrator):
    person = make_user(Role.VIEWER, username="clerk")
    member = members.add(model, person, "reviewer", user=administrator)
    members.remove(member, user=administrator)
    assert not Member.objects.exists()
    assert events() == [Event.MEMBER_ADDED, Event.MEMBER_REMOVED]
    added = AuditEntry.objects.get(event=Event.MEMBER_ADDED)
    assert (added.actor_name, added.model_name) == (administrator.username, model.name)
    assert added.data == {"user": str(person.pk), "name": "clerk", "part": "reviewer"}


def test_adding_and_removing_twice_is_told_once(model, administrator):
    person = make_user(Role.VIEWER)
    member = members.add(model, person, "owner", user=administrator)
    assert members.add(model, person, "owner", user=administrator) == member
    members.remove(member, user=administrator)
    members.remove(member, user=administrator)
    assert events() == [Event.MEMBER_ADDED, Event.MEMBER_REMOVED]


def test_an_owner_manages_the_members_of_their_model_only(model):
    owner, person = make_user(Role.VIEWER), make_user(Role.VIEWER)
    make_member(model, owner)
    members.add(model, person, "reviewer", user=owner)
    other = make_model("other")
    with pytest.raises(PermissionDenied):
        members.add(other, person, "reviewer", user=owner)
    assert events() == [Event.MEMBER_ADDED, Event.PERMISSION_DENIED]
    refusal = AuditEntry.objects.get(event=Event.PERMISSION_DENIED)
    assert (refusal.target_kind, refusal.target_id, refusal.model_name) == ("model", "other", "other")
    assert refusal.data == {"permission": "member.manage", "roles": ["viewer"]}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ENGINEER, Role.REVIEWER, Role.AUDITOR])
def test_nobody_else_manages_members(model, role):
    user = make_user(role)
    member = make_member(model, make_user(Role.VIEWER))
    for act in (
        lambda: members.add(model, user, "owner", user=user),
        lambda: members.remove(member, user=user),
        lambda: members.set_restricted(model, True, user=user),
    ):
        with pytest.raises(PermissionDenied, match="owners of this model"):
            act()
    assert Member.objects.count() == 1
    assert events() == [Event.PERMISSION_DENIED] * 3
    assert not RegisteredModel.objects.filter(restricted=True)


def test_the_last_owner_leaves_only_by_an_administrator(model, administrator):
    owner = make_user(Role.ENGINEER)
    member = make_member(model, owner)
    with pytest.raises(ValidationError, match="last owner"):
        members.remove(member, user=owner)
    second = members.add(model, make_user(Role.VIEWER), "owner", user=owner)
    members.remove(member, user=owner)
    members.remove(second, user=administrator)
    assert not Member.objects.exists()


def test_being_a_reviewer_does_not_make_an_owner_the_second(model):
    owner = make_user(Role.ENGINEER)
    member, reviewer = make_member(model, owner), make_member(model, owner, "reviewer")
    members.remove(reviewer, user=owner)
    with pytest.raises(ValidationError):
        members.remove(member, user=owner)


@pytest.mark.parametrize("part", ["", "king", "Owner", "owner "])
def test_an_unknown_part_is_refused_by_its_field(model, administrator, part):
    with pytest.raises(ValidationError) as refusal:
        members.add(model, make_user(Role.VIEWER), part, user=administrator)
    assert "part" in refusal.value.message_dict


def test_who_is_switched_off_gets_no_part(model, administrator):
    person = make_user(Role.VIEWER)
    User.objects.filter(pk=person.pk).update(is_active=False)
    person.refresh_from_db()
    with pytest.raises(ValidationError) as refusal:
        members.add(model, person, "owner", user=administrator)
    assert "user" in refusal.value.message_dict


@pytest.mark.parametrize("name", ["nobody", "", "\0", "x" * 500])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(ValidationError):
        members.person_called(name)


def test_restricting_is_told_once_with_what_changed(model, administrator):
    members.set_restricted(model, True, user=administrator)
    members.set_restricted(model, True, user=administrator)
    assert model.restricted
    assert events() == [Event.MODEL_CHANGED]
    assert AuditEntry.objects.get().data == {"restricted": {"before": False, "after": True}}


def test_without_an_audit_entry_nothing_changes(model, administrator, monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("no trail")

    member = make_member(model, make_user(Role.VIEWER))
    monkeypatch.setattr("audit.trail.record", fail)
    for act in (
        lambda: members.add(model, make_user(Role.VIEWER), "owner", user=administrator),
        lambda: members.remove(member, user=administrator),
        lambda: members.set_restricted(model, True, user=administrator),
    ):
        with pytest.raises(RuntimeError, match="no trail"):
            act()
    assert list(Member.objects.all()) == [member]
    assert not RegisteredModel.objects.filter(restricted=True).exists()


def test_permissions_follow_the_database_not_what_was_asked_before(model):
    user = make_user(Role.VIEWER)
    assert Permission.PROMOTION_REVIEW not in access.permissions_on(user, model)
    member = make_member(model, user, "reviewer")
    assert Permission.PROMOTION_REVIEW in access.permissions_on(user, model)
    member.delete()
    assert Permission.PROMOTION_REVIEW not in access.permissions_on(user, model)


def test_two_queries_tell_what_somebody_may_do(model):
    user = make_user(Role.VIEWER)
    with CaptureQueriesContext(connection) as queries:
        access.permissions_on(user, model)
    assert len(queries) == 2


def test_a_stranger_and_somebody_switched_off_may_nothing(model):
    owner = make_user(Role.ADMINISTRATOR)
    make_member(model, owner)
    owner.is_active = False
    for person in (AnonymousUser(), owner):
        assert access.permissions_on(person, model) == frozenset()
        assert not access.visible(person).exists()
        assert not access.sees(person, RegisteredModel(restricted=True, pk=model.pk))


def test_a_refusal_outside_a_transaction_is_kept_and_names_the_version():
    version = make_version()
    user = make_user(Role.VIEWER)
    with pytest.raises(PermissionDenied, match="reviewers of this model"):
        access.require_on(
            user, Permission.PROMOTION_REVIEW, version.model, target=trail_targets.of_version(version)
        )
    entry = AuditEntry.objects.get()
    assert (entry.event, entry.target_id) == (Event.PERMISSION_DENIED, "receipt-ocr@1.0.0")


def test_the_sentence_tells_that_a_model_is_restricted(model):
    model.restricted = True
    assert "restricted" in access.explain_on(Permission.PROMOTION_OPEN, model)


def test_lists_show_what_a_person_sees_and_agree_with_each_single_answer():
    people = {role: make_user(role) for role in Role}
    people["none"], people["member"] = make_user(), make_user(Role.VIEWER)
    for name in ("open", "closed", "theirs"):
        make_version("1.0.0", model=name)
    RegisteredModel.objects.exclude(name="open").update(restricted=True)
    make_member(make_model("theirs"), people["member"], "reviewer")
    make_member(make_model("theirs"), people["member"])
    expected = {
        Role.VIEWER: {"open"},
        Role.ENGINEER: {"open"},
        Role.REVIEWER: {"open"},
        Role.AUDITOR: {"open", "closed", "theirs"},
        Role.ADMINISTRATOR: {"open", "closed", "theirs"},
        "none": set(),
        "member": {"open", "theirs"},
    }
    for key, person in people.items():
        seen = list(access.visible(person).values_list("name", flat=True))
        assert len(seen) == len(set(seen))
        assert set(seen) == expected[key]
        versions = ModelVersion.objects.filter(access.visible_q(person, "model"))
        assert {version.model.name for version in versions} == expected[key]
        if key != "none":
            assert {one.name for one in RegisteredModel.objects.all() if access.sees(person, one)} == set(
                seen
            )


def test_a_condition_of_visibility_can_be_joined_by_or_with_another():
    make_version("1.0.0")
    version = make_version("1.0.0", model="other")
    nothing = Promotion.objects.filter(access.visible_q(make_user(), "version__model"))
    assert not nothing.exists()
    auditor = make_user(Role.AUDITOR)
    both = access.visible_q(auditor, "model")
    assert ModelVersion.objects.filter(both).count() == 2
    from django.db.models import Q

    assert ModelVersion.objects.filter(Q(pk=version.pk) | both).count() == 2
