"""Model cards: started from the last one, revised without loss, approved by somebody else, audited."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from audit import trail
from audit.events import Event
from audit.models import AuditEntry
from registry import card, card_format, card_rendering, card_sections, card_template, card_values
from registry.conflicts import ConflictError
from registry.models import CardRevision, Member, ModelVersion
from tests.cards import COMPLETE, hub_cards, make_card
from tests.people import make_user
from tests.registry_story import full_metadata, version_of
from tests.versions import make_run, make_version

# Refusals are recorded in a transaction of their own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="clerk")


@pytest.fixture
def reviewer() -> User:
    return make_user(Role.REVIEWER, username="checker")


@pytest.fixture
def version() -> ModelVersion:
    return version_of("1.0.0")


def events() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("sequence").values_list("event", "actor_name"))


def test_the_first_card_of_a_model_tells_what_is_recorded(version: ModelVersion, engineer: User) -> None:
    revision = card.start(version, user=engineer)
    assert revision.number == 1
    assert revision.text == card_template.initial(version)
    assert card_sections.missing(revision.text, card_values.of(version)) == (
        "Intended use",
        "Out-of-scope use",
        "Limitations",
        "Bias and ethical considerations",
        "Owners",
        "Licence",
    )
    html = card_rendering.html(version, revision.text)
    assert "<td>0.01123</td>" in html
    assert "receipt-ocr" in html
    assert "data/receipts" in html


def test_the_first_card_needs_nothing_recorded() -> None:
    bare = make_version(metadata={}, run_id="gone")
    revision = card.start(bare)
    assert card_sections.missing(revision.text, card_values.of(bare))[0] == "Intended use"
    assert card_rendering.shown(bare, revision.text).unknown == ()


def test_starting_again_changes_nothing(version: ModelVersion) -> None:
    assert card.start(version) == card.start(version)
    assert events() == [(Event.CARD_REVISED, "system")]


def test_a_card_is_started_in_the_callers_transaction(version: ModelVersion) -> None:
    with transaction.atomic():
        card.start(version)
        transaction.set_rollback(True)
    assert card.newest(version) is None
    assert events() == []


def test_a_new_version_starts_from_the_highest_version_below_it() -> None:
    make_card(version_of("1.10.0"), "# Ten")
    make_card(version_of("1.9.0"), "# Nine")
    make_card(version_of("2.0.0"), "# Two")
    make_card(version_of("1.11.0", model="other"), "# Other")
    older = version_of("1.10.0-rc2")
    make_card(older, "# Candidate")
    revision = card.start(version_of("1.10.1"))
    assert (revision.text, revision.state) == ("# Ten", "draft")
    assert revision.summary == "Taken over from 1.10.0"
    assert card.start(version_of("1.10.0-rc10")).text == "# Candidate"


def test_a_final_version_starts_from_its_candidate() -> None:
    make_card(version_of("1.3.0-rc3"), "# Third")
    candidate = version_of("1.3.0-rc2")
    make_card(candidate, "# Second", state="approved")
    final = card.start(version_of("1.3.0", finalises=candidate))
    assert (final.text, final.state) == ("# Second", "draft")


def test_the_numbers_of_a_card_follow_its_version() -> None:
    make_card(version_of("1.0.0", val_cer=0.04))
    later = version_of("1.1.0", val_cer=0.02)
    revision = card.start(later)
    assert '<td align="right">0.02</td>' in card_rendering.html(later, revision.text)


def test_values_come_from_the_metadata_then_from_the_run() -> None:
    run = make_run(metrics={"val_cer": 0.5, "f1/macro": 0.75, "odd": "NaN"})
    metadata = full_metadata("1.0.0", val_cer=0.1, val_wer=None)
    values = card_values.of(make_version(run_id=run.run_id, metadata=metadata))
    assert values["metrics.val_cer"] == 0.1
    assert values["metrics.f1/macro"] == 0.75
    assert values["metrics.odd"] == "NaN"
    assert "metrics.val_wer" not in values
    assert values["metadata.git_tag"] == "none"
    assert values["model"] == "receipt-ocr"


def test_every_text_is_a_new_revision_and_a_draft(version: ModelVersion, engineer: User) -> None:
    first = card.save(version, COMPLETE, user=engineer, based_on=0, summary="First words")
    assert (first.number, first.digest) == (1, card_format.digest(COMPLETE))
    CardRevision.objects.update(state="approved")
    second = card.save(version, COMPLETE + "\nMore.\n", user=engineer, based_on=1)
    assert (second.number, second.state, second.by_name) == (2, "draft", "clerk")
    assert card.newest(version) == second
    assert events() == [(Event.CARD_REVISED, "clerk")] * 2
    entry = AuditEntry.objects.get(sequence=1)
    assert entry.data == {"card": 1, "digest": first.digest, "comment": "First words"}
    assert (entry.target_kind, entry.target_id) == ("version", "receipt-ocr@1.0.0")


def test_the_same_text_again_changes_nothing(version: ModelVersion, engineer: User) -> None:
    first = card.save(version, COMPLETE, user=engineer, based_on=0)
    assert card.save(version, COMPLETE, user=engineer, based_on=1) == first
    assert len(events()) == 1


@pytest.mark.parametrize("based_on", [0, 2])
def test_nobody_overwrites_what_they_have_not_seen(
    version: ModelVersion, engineer: User, based_on: int
) -> None:
    make_card(version, "# Theirs", by_name="sora")
    with pytest.raises(ConflictError, match="sora saved revision 1"):
        card.save(version, "# Mine", user=engineer, based_on=based_on)
    assert [revision.text for revision in version.card_revisions.all()] == ["# Theirs"]
    assert events() == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("a" * 200_001, "too long"),
        ("a" * 5_000_000, "too long"),
        ("---\na: &x [1]\nb: *x\n---\n", "anchor"),
        ("---\na: !!python/name:os.system x\n---\n", "tag"),
        ("---\nlicense: [[a]]\n---\n", "license must be"),
        ("---\nmodel-index: [{}]\n---\n", "name is missing"),
        ("a\0b", "not text"),
    ],
)
def test_text_that_is_no_card_is_refused_with_a_reason(
    version: ModelVersion, engineer: User, text: str, words: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        card.save(version, text, user=engineer, based_on=0)
    assert words in refusal.value.message_dict["text"][0]
    assert card.newest(version) is None


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER, Role.AUDITOR])
def test_only_those_who_edit_models_edit_cards(version: ModelVersion, role: Role) -> None:
    person = make_user(role)
    make_card(version)
    for act in (
        lambda: card.save(version, "# Mine", user=person, based_on=1),
        lambda: card.start_by_hand(version, user=person),
        lambda: card.submit(version, user=person, number=1),
        lambda: card.import_readme(version, b"# Mine", user=person, based_on=1),
    ):
        with pytest.raises(PermissionDenied):
            act()
    assert {event for event, _actor in events()} == {Event.PERMISSION_DENIED}
    assert card.newest(version).text == COMPLETE


def test_an_owner_of_the_model_edits_its_cards(version: ModelVersion) -> None:
    owner = make_user(Role.VIEWER)
    Member.objects.create(model=version.model, user=owner, part=Member.Part.OWNER)
    assert card.save(version, COMPLETE, user=owner, based_on=0).number == 1


def test_a_card_goes_from_draft_to_approved_by_somebody_else(
    version: ModelVersion, engineer: User, reviewer: User
) -> None:
    card.save(version, COMPLETE, user=engineer, based_on=0)
    assert card.submit(version, user=engineer, number=1).state == "in_review"
    approved = card.approve(version, user=reviewer, number=1)
    approved.refresh_from_db()
    assert (approved.state, approved.decided_by_name) == ("approved", "checker")
    assert approved.decided_at is not None
    assert events() == [
        (Event.CARD_REVISED, "clerk"),
        (Event.CARD_SUBMITTED, "clerk"),
        (Event.CARD_APPROVED, "checker"),
    ]
    assert trail.verify() is None


def test_nobody_approves_their_own_card(version: ModelVersion) -> None:
    admin = make_user(Role.ADMINISTRATOR)
    card.save(version, COMPLETE, user=admin, based_on=0)
    card.submit(version, user=admin, number=1)
    with pytest.raises(PermissionDenied, match="their own card"):
        card.approve(version, user=admin, number=1)
    assert card.newest(version).state == "in_review"
    denied = AuditEntry.objects.get(event=Event.PERMISSION_DENIED)
    assert denied.data == {"permission": "promotion.review", "why": "author"}


def test_a_comma_of_somebody_else_does_not_make_it_a_card_of_others(version: ModelVersion) -> None:
    first, second, third = (make_user(Role.ADMINISTRATOR) for _ in range(3))
    card.save(version, COMPLETE, user=first, based_on=0)
    card.save(version, COMPLETE + "\n,\n", user=second, based_on=1)
    card.submit(version, user=second, number=2)
    for author in (first, second):
        with pytest.raises(PermissionDenied):
            card.approve(version, user=author, number=2)
    assert card.approve(version, user=third, number=2).state == "approved"
    card.save(version, COMPLETE, user=second, based_on=2)
    card.submit(version, user=second, number=3)
    assert card.approve(version, user=first, number=3).state == "approved"


def test_an_incomplete_card_cannot_be_submitted(version: ModelVersion, engineer: User) -> None:
    text = COMPLETE.replace("## Owners", "## Others") + "\n{{ metrics.unheard_of }}\n"
    card.save(version, text, user=engineer, based_on=0)
    with pytest.raises(ValidationError) as refusal:
        card.submit(version, user=engineer, number=1)
    assert refusal.value.messages == ["The card is incomplete: Owners, placeholder metrics.unheard_of."]
    assert card.newest(version).state == "draft"


@pytest.mark.parametrize(
    ("state", "allowed"),
    [("draft", {"submit"}), ("in_review", {"approve", "return"}), ("approved", {"return"})],
)
def test_each_state_allows_what_the_table_says(
    version: ModelVersion, state: str, allowed: set[str], reviewer: User
) -> None:
    admin = make_user(Role.ADMINISTRATOR)
    acts = {
        "submit": lambda: card.submit(version, user=admin, number=1),
        "approve": lambda: card.approve(version, user=reviewer, number=1),
        "return": lambda: card.return_to_draft(version, user=reviewer, number=1, reason="No."),
    }
    for name, act in acts.items():
        CardRevision.objects.all().delete()
        make_card(version, state=state)
        if name in allowed:
            act()
        else:
            with pytest.raises(ConflictError):
                act()
            assert card.newest(version).state == state


def test_a_decision_about_a_text_that_is_not_the_newest_is_refused(
    version: ModelVersion, engineer: User, reviewer: User
) -> None:
    make_card(version, state="in_review")
    card.save(version, COMPLETE + "\nNew.\n", user=engineer, based_on=1)
    for act in (
        lambda: card.approve(version, user=reviewer, number=1),
        lambda: card.submit(version, user=engineer, number=1),
        lambda: card.return_to_draft(version, user=reviewer, number=1, reason="No."),
    ):
        with pytest.raises(ConflictError, match="revision 2"):
            act()


def test_a_card_is_returned_with_a_reason(version: ModelVersion, reviewer: User) -> None:
    make_card(version, state="approved", decided_by_name="checker")
    with pytest.raises(ValidationError):
        card.return_to_draft(version, user=reviewer, number=1, reason="  ")
    returned = card.return_to_draft(version, user=reviewer, number=1, reason="The limits are wrong.")
    returned.refresh_from_db()
    assert (returned.state, returned.decided_by_name, returned.decided_at) == ("draft", "", None)
    assert AuditEntry.objects.get(event=Event.CARD_RETURNED).data["reason"] == "The limits are wrong."


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ENGINEER, Role.AUDITOR])
def test_only_reviewers_decide_about_cards(version: ModelVersion, role: Role) -> None:
    person = make_user(role)
    make_card(version, state="in_review")
    with pytest.raises(PermissionDenied):
        card.approve(version, user=person, number=1)
    with pytest.raises(PermissionDenied):
        card.return_to_draft(version, user=person, number=1, reason="No.")
    assert card.newest(version).state == "in_review"
    assert events() == [(Event.PERMISSION_DENIED, person.username)] * 2


def test_a_role_that_was_taken_away_meanwhile_does_not_count(
    version: ModelVersion, engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role goes between the first look and the end of the transaction."""
    checked = card.check

    def fire(text: str) -> None:
        checked(text)
        User.objects.get(pk=engineer.pk).groups.clear()

    monkeypatch.setattr(card, "check", fire)
    with pytest.raises(PermissionDenied):
        card.save(version, COMPLETE, user=engineer, based_on=0)
    assert card.newest(version) is None


def test_a_trail_that_cannot_be_written_stops_the_decision(
    version: ModelVersion, engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(trail, "_append", fail)
    with pytest.raises(OSError, match="disk full"):
        card.save(version, COMPLETE, user=engineer, based_on=0)
    assert card.newest(version) is None


@pytest.mark.parametrize("name", hub_cards())
def test_a_card_of_the_hub_comes_in_and_goes_out_as_it_is(
    version: ModelVersion, engineer: User, name: str
) -> None:
    content = hub_cards()[name].encode()
    saved = card.import_readme(version, content, user=engineer, based_on=0)
    saved.refresh_from_db()
    assert saved.text.encode() == content
    assert card_rendering.readme(version, saved.text).encode() == content
    assert saved.summary == "Imported from README.md"


@pytest.mark.parametrize("content", [b"\xff\xff", b"a" * 5_000_000])
def test_a_file_that_is_no_card_is_refused(version: ModelVersion, engineer: User, content: bytes) -> None:
    with pytest.raises(ValidationError) as refusal:
        card.import_readme(version, content, user=engineer, based_on=0)
    assert list(refusal.value.message_dict) == ["readme"]


def test_the_hubs_library_reads_what_is_exported(version: ModelVersion, tmp_path) -> None:
    from huggingface_hub import ModelCard

    path = tmp_path / "README.md"
    path.write_text(card_rendering.readme(version, COMPLETE), encoding="utf-8")
    read = ModelCard.load(path)
    (result,) = read.data.eval_results
    assert (result.metric_value, result.dataset_name) == (0.01123, "data/receipts")
    assert (read.data.license, read.data.model_name) == ("apache-2.0", "receipt-ocr")
    assert "{{" not in read.content
    first = ModelCard(card_rendering.readme(version, card_template.initial(version)))
    assert [one.metric_type for one in first.data.eval_results] == [
        "train_loss",
        "loss",
        "accuracy",
        "cer",
        "wer",
    ]
