"""Changing policies: numbered, audited, and never two at once."""

import threading
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from accounts.models import User
from accounts.roles import Role
from audit import trail
from audit.models import AuditEntry
from registry import policies
from registry.conflicts import ConflictError
from registry.models import Policy, RegisteredModel
from registry.policy_rules import DEFAULTS, GateSetting, Rules
from tests.people import make_user
from tests.versions import make_model

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def administrator() -> User:
    return make_user(Role.ADMINISTRATOR, username="admin")


def test_every_change_is_a_new_number_and_nothing_is_overwritten(administrator: User) -> None:
    model = make_model()
    for approvals in (1, 2, 3):
        policies.change(model, "Production", Rules(approvals=approvals), user=administrator, reason="more")

    kept = [(one.number, one.rules["approvals"]) for one in policies.history(model, "Production")]
    assert kept == [(3, 3), (2, 2), (1, 1)]
    told = AuditEntry.objects.filter(event="policy.changed").order_by("sequence")
    assert [one.data["number"] for one in told] == [1, 2, 3]
    assert {one.target_id for one in told} == {"receipt-ocr:Production"}
    assert trail.verify() is None


def test_a_models_own_policy_holds_else_the_installations_else_the_products(administrator: User) -> None:
    model = make_model()
    found = policies.effective(model, "Staging")
    assert (found.source, found.number, found.rules) == ("product", 0, DEFAULTS["Staging"])
    policies.change(None, "Staging", Rules(approvals=2), user=administrator)
    found = policies.effective(model, "Staging")
    assert (found.source, found.number, found.rules.approvals) == ("installation", 0, 2)
    policies.change(model, "Staging", Rules(approvals=3), user=administrator)
    found = policies.effective(model, "Staging")
    assert (found.source, found.number, found.rules.approvals) == ("model", 1, 3)
    assert policies.current(model, "Staging") == found.policy
    assert policies.effective(model, "Production").source == "product"


def test_a_change_that_is_based_on_an_older_number_is_refused(administrator: User) -> None:
    policies.change(None, "Staging", Rules(), user=administrator, expected=0)
    with pytest.raises(ConflictError, match="admin has changed this policy meanwhile: it is number 1 now"):
        policies.change(None, "Staging", Rules(), user=administrator, expected=0)
    assert policies.change(None, "Staging", Rules(), user=administrator, expected=1).number == 2


@pytest.mark.parametrize("name", ["", "receipt-ocr"])
def test_of_changes_at_the_same_moment_one_wins(administrator: User, name: str) -> None:
    model = make_model(name) if name else None
    gate, outcomes = threading.Barrier(6), []

    def one(approvals: int) -> None:
        try:
            gate.wait(10)
            policies.change(model, "Staging", Rules(approvals=approvals), user=administrator, expected=0)
            outcomes.append("won")
        except ConflictError:
            outcomes.append("conflict")
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["conflict"] * 5 + ["won"]
    assert Policy.objects.count() == AuditEntry.objects.filter(event="policy.changed").count() == 1
    assert trail.verify() is None


def test_who_may_not_edit_policies_is_refused_with_a_trace() -> None:
    for role in (Role.VIEWER, Role.ENGINEER, Role.REVIEWER, Role.AUDITOR):
        with pytest.raises(PermissionDenied):
            policies.change(None, "Staging", Rules(), user=make_user(role))
        with pytest.raises(PermissionDenied):
            policies.change(make_model(), "Staging", Rules(), user=make_user(role))
    assert AuditEntry.objects.filter(event="permission.denied", target_kind="policy").count() == 8
    assert not Policy.objects.exists()


@pytest.mark.parametrize(
    ("stage", "rules", "options", "fields"),
    [
        ("Archived", Rules(), {}, {"to_stage"}),
        ("Staging", Rules(), {"reason": "x" * 2001}, {"reason"}),
        ("Staging", Rules(groups=("nobody",)), {}, {"groups"}),
        ("Staging", Rules(gates=(GateSetting("horoscope"),)), {}, {"gates"}),
        (
            "Staging",
            Rules(
                gates=(
                    GateSetting("card", config={"approved": 1}),
                    GateSetting("metrics", config={"tolerance": -1}),
                )
            ),
            {},
            {"gates.card.approved", "gates.metrics.tolerance"},
        ),
    ],
)
def test_what_cannot_be_used_is_refused_by_field(
    administrator: User, stage: str, rules: Rules, options: dict[str, Any], fields: set[str]
) -> None:
    with pytest.raises(ValidationError) as caught:
        policies.change(None, stage, rules, user=administrator, **options)
    assert set(caught.value.message_dict) == fields
    assert not Policy.objects.exists()


def test_settings_are_kept_complete_so_that_a_later_default_changes_no_policy(administrator: User) -> None:
    rules = Rules(gates=(GateSetting("card"), GateSetting("lineage", config={"data": False})))
    kept = policies.change(None, "Staging", rules, user=administrator).rules["gates"]
    assert kept == [
        {"gate": "card", "required": True, "config": {"approved": True}},
        {
            "gate": "lineage",
            "required": True,
            "config": {"data": False, "commit": True, "dvc_lock": True},
        },
    ]


def test_a_policy_of_a_model_with_the_longest_name_fits_the_trail(administrator: User) -> None:
    model = make_model("a" * 200)
    assert isinstance(model, RegisteredModel)
    policies.change(model, "Production", Rules(), user=administrator)
    entry = AuditEntry.objects.get(event="policy.changed")
    assert (len(entry.target_id), entry.model_name) == (200, "a" * 200)
