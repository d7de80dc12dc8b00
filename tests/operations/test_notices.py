"""Who is told what, in the product and by e-mail; comments, reminders and the end of requests."""

import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import override_settings
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from experiments import chores
from registry import comments, deadlines, inbox, mail, notices, promotion, promotion_renewal, rollback
from registry.models import Member, ModelVersion, Notice, Promotion
from tests.people import make_user
from tests.promotions import approve, bring, set_rules
from tests.servers import free_port
from tests.versions import make_run, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def policies(db: None) -> None:
    set_rules()


def opened(version: ModelVersion | None = None, **changes: Any) -> Promotion:
    user = changes.pop("user", None) or make_user(Role.ENGINEER)
    return promotion.open_for(version or make_version(), "Staging", user=user, **changes)


def kinds(user: User | None) -> list[str]:
    assert user is not None
    return list(notices.of(user).values_list("kind", flat=True))


def test_a_request_is_told_to_those_who_can_act_and_to_nobody_else() -> None:
    reviewer, boss = make_user(Role.REVIEWER), make_user(Role.ADMINISTRATOR)
    gone = make_user(Role.REVIEWER)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    both, viewer = make_user(Role.ENGINEER, Role.REVIEWER), make_user(Role.VIEWER)
    version = make_version()
    part = make_user(Role.VIEWER)
    Member.objects.create(model=version.model, user=part, part="reviewer")
    request = opened(version, user=both, comment="Better on blurred receipts")
    told = set(Notice.objects.filter(promotion=request).values_list("user", flat=True))
    assert told == {reviewer.pk, boss.pk, part.pk}
    assert both.pk not in told
    assert viewer.pk not in told
    notice = notices.unread(reviewer).get()
    assert notices.sentence(notice) == f"{both.username} asks to move receipt-ocr@1.0.0 to Staging."
    assert notice.text == "Better on blurred receipts"


def test_a_restricted_model_is_told_to_its_members_only() -> None:
    version, outsider, member = make_version(), make_user(Role.REVIEWER), make_user(Role.REVIEWER)
    version.model.restricted = True
    version.model.save()
    owner = make_user(Role.ENGINEER)
    for user, part in ((member, "reviewer"), (owner, "owner")):
        Member.objects.create(model=version.model, user=user, part=part)
    opened(version, user=owner)
    assert kinds(member) == ["review_wanted"]
    assert not Notice.objects.filter(user=outsider).exists()


def test_the_requester_hears_of_the_review_and_the_decision() -> None:
    request, reviewer = opened(), make_user(Role.REVIEWER)
    approve(request, reviewer, comment="Good")
    assert kinds(request.requested_by) == ["decided", "reviewed"]


def test_those_whose_approval_became_stale_are_told_what_has_changed() -> None:
    set_rules(approvals=2)
    request, reviewer = opened(), make_user(Role.REVIEWER)
    approve(request, reviewer)
    ModelVersion.objects.update(fingerprint="0" * 12)
    promotion_renewal.renew(request, user=make_user(Role.ENGINEER))
    notice = notices.unread(reviewer).first()
    assert notice is not None
    assert notice.kind == "evidence_changed"
    assert notices.details(notice) == "fingerprint"


def test_a_rollback_is_told_to_those_who_could_have_done_it_and_to_the_requester() -> None:
    engineer = make_user(Role.ENGINEER)
    old = bring(make_version("1.0.0"), "Staging", "Production", engineer=engineer)
    bring(make_version("1.1.0"), "Staging", "Production", engineer=engineer)
    Notice.objects.all().delete()
    other, acting = make_user(Role.REVIEWER), make_user(Role.REVIEWER)
    rollback.roll_back(old.model, old, user=acting, reason="x")
    assert kinds(other) == kinds(engineer) == ["rolled_back"]
    assert kinds(acting) == []


def test_notices_are_read_one_by_one_or_all_and_only_ones_own() -> None:
    first, second = make_user(Role.REVIEWER), make_user(Role.REVIEWER)
    for number in ("1.0.0", "1.1.0", "1.2.0"):
        opened(make_version(number))
    theirs = notices.unread(second).first()
    mine = notices.unread(first).first()
    assert theirs
    assert mine
    assert notices.mark_read(first, [mine.pk, theirs.pk]) == 1
    assert notices.unread(second).count() == 3
    assert notices.mark_read(first) == 2
    assert not notices.unread(first).exists()
    assert notices.of(first).count() == 3


def test_a_comment_is_kept_with_its_anchor_and_told_to_those_concerned() -> None:
    request, reviewer, viewer = opened(), make_user(Role.REVIEWER), make_user(Role.VIEWER)
    comments.add(request, "Why is it slower?", user=reviewer, anchor="metric:val_cer")
    comments.add(request, "<script>alert(1)</script>", user=viewer)
    assert [(one.anchor, one.by_name) for one in request.comments.all()] == [
        ("metric:val_cer", reviewer.username),
        ("", viewer.username),
    ]
    assert kinds(request.requested_by) == ["commented", "commented"]
    assert kinds(reviewer) == ["commented", "review_wanted"][: len(kinds(reviewer))]
    entry = AuditEntry.objects.filter(event="promotion.commented").first()
    assert entry is not None
    assert entry.data["comment"] == "Why is it slower?"


@pytest.mark.parametrize(
    ("body", "anchor", "field"),
    [
        (" ", "", "body"),
        ("x" * 10_001, "", "body"),
        ("x", "javascript:alert(1)", "anchor"),
        ("x", "gate:", "anchor"),
    ],
)
def test_a_comment_that_makes_no_sense_is_refused(body: str, anchor: str, field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        comments.add(opened(), body, user=make_user(Role.VIEWER), anchor=anchor)
    assert list(refusal.value.message_dict) == [field]


def test_who_cannot_see_a_model_cannot_talk_about_it() -> None:
    request = opened()
    request.version.model.restricted = True
    request.version.model.save()
    with pytest.raises(PermissionDenied):
        comments.add(request, "x", user=make_user(Role.REVIEWER))


def test_what_nobody_decided_in_time_ends_and_its_requester_hears_of_it() -> None:
    late, early = opened(make_version("1.0.0")), opened(make_version("1.1.0"))
    Promotion.objects.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    chores.do("deadlines")
    late.refresh_from_db()
    early.refresh_from_db()
    assert (late.state, early.state) == ("expired", "open")
    assert late.decided_at is not None
    assert kinds(late.requested_by) == ["expired"]
    assert AuditEntry.objects.get(event="promotion.expired").actor_name == "system"
    chores.do("deadlines")
    assert AuditEntry.objects.filter(event="promotion.expired").count() == 1


def test_those_who_can_act_are_reminded_after_days_of_silence_and_not_every_minute() -> None:
    set_rules(reminder_days=3)
    request, reviewer = opened(), make_user(Role.REVIEWER)
    chores.do("deadlines")
    assert kinds(reviewer) == []
    Promotion.objects.update(opened_at=timezone.now() - timedelta(days=4))
    chores.do("deadlines")
    chores.do("deadlines")
    assert kinds(reviewer) == ["reminder"]
    Promotion.objects.update(reminded_at=timezone.now() - timedelta(days=4))
    comments.add(request, "Looking at it", user=reviewer)
    deadlines.keep()
    assert kinds(reviewer) == ["reminder"]


def test_the_inbox_lists_what_a_person_can_decide_about(django_assert_max_num_queries: Any) -> None:
    reviewer = make_user(Role.REVIEWER, username="checker")
    mine = opened(make_version("1.0.0"))
    own = opened(make_version("1.1.0"), user=make_user(Role.ENGINEER))
    Promotion.objects.filter(pk=own.pk).update(requested_by=reviewer, requested_by_name="checker")
    authored = opened(make_version("1.2.0", run_id=make_run(user="checker").run_id))
    grouped = make_version("1.0.0", model="grouped")
    set_rules(grouped.model, groups=("others",))
    outside = opened(grouped)
    twice = make_version("1.0.0", model="twice")
    set_rules(twice.model, approvals=2)
    approved = opened(twice)
    approve(approved, reviewer)
    secret = make_version("1.0.0", model="secret")
    opened(secret)
    secret.model.restricted = True
    secret.model.save()

    permissions = _permissions(reviewer)
    with django_assert_max_num_queries(12):
        waiting, others = inbox.split(reviewer, permissions)
        assert list(waiting) == [mine]
        assert set(others) == {own, authored, outside, approved}
    member = make_user(Role.VIEWER)
    Member.objects.create(model=mine.version.model, user=member, part="reviewer")
    assert set(inbox.needs_review_by(member, _permissions(member))) == {mine, own, authored}


def _permissions(user: User) -> Any:
    from accounts.access import permissions_of

    return permissions_of(user)


# --- e-mail -----------------------------------------------------------------------------------------------


def with_address(*roles: Role, **changes: Any) -> User:
    user = make_user(*roles)
    User.objects.filter(pk=user.pk).update(email=f"{user.username}@example.org", **changes)
    user.refresh_from_db()
    return user


def test_a_mail_says_what_happened_with_a_link_in_the_language_of_its_reader() -> None:
    english = with_address(Role.REVIEWER)
    make_user(Role.REVIEWER)
    request = opened(comment="Better\non blurred receipts")
    with override_settings(BASE_URL="https://stagegate.example.org"):
        chores.do("mail")
        chores.do("mail")
    (sent,) = outbox.outbox
    assert sent.to == [english.email]
    assert sent.subject == (
        f"[Stagegate] {request.requested_by_name} asks to move receipt-ocr@1.0.0 to Staging."
    )
    assert f"https://stagegate.example.org/promotions/{request.pk}/" in sent.body
    assert "> Better\n> on blurred receipts" in sent.body
    notice = Notice.objects.get(user=english)
    assert notice.mailed_at is not None
    assert Notice.objects.get(mailed_at=None).mail_attempts == 0


def test_a_model_name_cannot_add_headers_to_a_mail() -> None:
    with_address(Role.REVIEWER)
    opened(make_version(model="x\nBcc: everybody@example.org"))
    mail.send_waiting()
    (sent,) = outbox.outbox
    assert "Bcc" not in dict(sent.message().items())


def test_a_dead_mail_server_is_tried_a_few_times_and_delays_nothing() -> None:
    readers = [with_address(Role.REVIEWER) for _ in range(5)]
    opened()
    dead = {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": free_port(),
    }
    with override_settings(**dead):
        for after in (*mail.SCHEDULE, timedelta(hours=10), timedelta(hours=20)):
            Notice.objects.update(at=timezone.now() - after - timedelta(seconds=1))
            mail.send_waiting()
    found = Notice.objects.filter(user__in=readers)
    assert set(found.values_list("mail_attempts", flat=True)) == {len(mail.SCHEDULE)}
    assert not found.exclude(mailed_at=None).exists()
    mail.send_waiting()
    assert outbox.outbox == []


def test_between_two_attempts_the_server_is_left_alone(monkeypatch: Any) -> None:
    with_address(Role.REVIEWER)
    opened()
    tried = []

    class Dead:
        def open(self) -> None:
            tried.append(1)
            raise ConnectionRefusedError("no server")

        def close(self) -> None:
            raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr(mail, "get_connection", Dead)
    for _ in range(4):
        mail.send_waiting()
    assert len(tried) == 1


def test_an_addressee_who_is_refused_does_not_keep_the_others_from_their_mail(monkeypatch: Any) -> None:
    first, second = with_address(Role.REVIEWER), with_address(Role.REVIEWER)
    opened()
    sent = []

    class Picky:
        def open(self) -> None: ...
        def close(self) -> None: ...
        def send_messages(self, messages: list[Any]) -> int:
            if messages[0].to == [first.email]:
                raise smtplib.SMTPRecipientsRefused({first.email: (550, b"unknown")})
            sent.extend(messages[0].to)
            return 1

    monkeypatch.setattr(mail, "get_connection", Picky)
    mail.send_waiting()
    assert sent == [second.email]
    assert Notice.objects.get(user=first).mailed_at is None


def test_old_news_and_lost_readers_are_not_mailed() -> None:
    old, gone, blind = (with_address(Role.REVIEWER) for _ in range(3))
    request = opened()
    Notice.objects.filter(user=old).update(at=timezone.now() - timedelta(days=2))
    User.objects.filter(pk=gone.pk).update(is_active=False)
    request.version.model.restricted = True
    request.version.model.save()
    mail.send_waiting()
    assert outbox.outbox == []
    assert Notice.objects.get(user=blind).mail_attempts == 1
