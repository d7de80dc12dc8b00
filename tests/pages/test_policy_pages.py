"""Policies on pages and over REST: everybody reads them, administrators change them, nobody by accident."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from registry import policies
from registry.gates import all_gates
from registry.models import Policy
from registry.policy_forms import PolicyForm
from registry.policy_rules import DEFAULTS, GateSetting, Rules
from tests.people import make_user
from tests.registry_story import HOSTILE
from tests.versions import make_model

pytestmark = pytest.mark.django_db

PAGE = "/policies/Production/"
API = "/api/v1/policies/Production/"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def administrator() -> User:
    return make_user(Role.ADMINISTRATOR, username="admin")


@pytest.fixture
def client(administrator: User) -> Client:
    return client_of(administrator)


def form_data(rules: Rules | None = None, number: int = 0, **changes: Any) -> dict[str, Any]:
    """What a browser sends of the form as it is shown, with some fields changed; None takes one away."""
    form = PolicyForm(rules or DEFAULTS["Production"], number)
    data = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in data.items() if value is not None and value is not False}
    sent |= {"reason": "because", **{name.replace("__", "-"): value for name, value in changes.items()}}
    return {name: value for name, value in sent.items() if value is not None}


def put(client: Client, body: dict[str, Any], address: str = API) -> Any:
    return client.put(address, body, content_type="application/json")


def body(expected: int = 0, **rules: Any) -> dict[str, Any]:
    return {"rules": rules, "reason": "because", "expected": expected}


@pytest.mark.parametrize("role", list(Role))
def test_everybody_with_a_role_reads_policies(role: Role) -> None:
    make_model()
    client = client_of(make_user(role))
    for path in ("/policies/", PAGE, "/policies/Staging/", "/models/receipt-ocr/policies/Production/"):
        assert client.get(path).status_code == 200, path
    answer = client.get("/api/v1/models/receipt-ocr/policies/Production/").json()
    assert (answer["model"], answer["number"], answer["whose"]) == ("receipt-ocr", 0, "product")
    assert answer["rules"]["approvals"] == 1
    assert "metrics" in {gate["gate"] for gate in answer["rules"]["gates"]}


def test_the_form_brings_the_fields_of_every_gate(client: Client) -> None:
    text = client.get(f"{PAGE}edit/").content.decode()

    for gate in all_gates().values():
        assert f'name="gate-{gate.name}-use"' in text
    assert 'name="gate-metrics-tolerance"' in text
    assert 'name="gate-metrics-rules-0-metric"' in text


def test_saving_the_form_as_it_is_shown_changes_nothing_that_the_policy_says(client: Client) -> None:
    answer = client.post(f"{PAGE}edit/", form_data())

    assert answer.status_code == 302
    saved = Rules.from_dict(Policy.objects.get().rules)
    shipped = DEFAULTS["Production"]
    assert [one.gate for one in saved.gates] == [one.gate for one in shipped.gates]
    assert [one.required for one in saved.gates] == [one.required for one in shipped.gates]
    assert (saved.approvals, saved.expires_days, saved.author_requests) == (1, 14, True)
    assert "Nothing that it says is different" in client.get(PAGE).content.decode()


def test_an_administrator_changes_every_kind_of_field(client: Client, administrator: User) -> None:
    make_user(Role.REVIEWER)
    changed = form_data(
        approvals=2,
        groups=["reviewer"],
        author_requests=None,
        expires_days="",
        minimum_hours=24,
        gate__card__use="off",
        gate__reproduced__use="required",
        gate__lineage__dvc_lock=None,
        gate__metadata__not_applicable=["val_cer", "val_wer"],
        gate__metrics__rules__1__metric="val_f1",
        gate__metrics__rules__1__at_least="0.9",
        gate__metrics__rules__1__compare="on",
        gate__metrics__rules__1__tolerance="0.01",
        gate__metrics__rules__1__unit="absolute",
        gate__metrics__rules__1__goal="max",
        reason="A second pair of eyes",
    )
    answer = client.post(f"{PAGE}edit/", changed, follow=True)

    policy = Policy.objects.get()
    rules = Rules.from_dict(policy.rules)
    settings = {setting.gate: setting for setting in rules.gates}
    assert (rules.approvals, rules.groups, rules.author_requests, rules.expires_days) == (
        2,
        ("reviewer",),
        False,
        None,
    )
    assert "card" not in settings
    assert settings["reproduced"].required
    assert settings["lineage"].config == {"data": True, "commit": True, "dvc_lock": False}
    assert settings["metadata"].config == {"not_applicable": ["val_cer", "val_wer"]}
    assert settings["metrics"].config["rules"] == [
        {
            "metric": "val_f1",
            "at_least": 0.9,
            "at_most": None,
            "compare": True,
            "goal": "max",
            "tolerance": 0.01,
            "unit": "absolute",
        }
    ]
    assert (policy.number, policy.reason, policy.by_name) == (1, "A second pair of eyes", "admin")
    entry = AuditEntry.objects.get(event="policy.changed")
    assert (entry.actor_name, entry.target_id, entry.data["number"]) == ("admin", ":Production", 1)
    text = answer.content.decode()
    for words in ("A second pair of eyes", "number 1", "val_f1", "Approvals", "<ins>+ 2</ins>"):
        assert words in text, words


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"approvals": "0"}, "approvals", "greater than or equal to 1"),
        ({"approvals": "many"}, "approvals", "whole number"),
        ({"groups": ["nobody"]}, "groups", "nobody"),
        ({"reason": ""}, "reason", "required"),
        ({"gate__metrics__tolerance": "-1"}, "gate-metrics-tolerance", "greater than or equal to 0"),
        ({"gate__metrics__tolerance": "nan"}, "gate-metrics-tolerance", "number"),
        (
            {"gate__metrics__rules__0__at_least": "1"},
            "gate-metrics-rules-0-metric",
            "This has to be filled in.",
        ),
        (
            {
                "gate__metrics__rules__1__metric": "val_cer",
                "gate__metrics__rules__1__at_least": "2",
                "gate__metrics__rules__1__at_most": "1",
            },
            "gate-metrics-rules-1-at_most",
            "The largest value is below the smallest.",
        ),
        (
            {"gate__metrics__rules__1__metric": "height", "gate__metrics__rules__1__compare": "on"},
            "gate-metrics-rules-1-goal",
            "The name does not tell which values are better",
        ),
        ({"gate__card__use": "perhaps"}, "gate-card-use", "perhaps"),
        ({"gate__metadata__not_applicable": ["height"]}, "gate-metadata-not_applicable", "height"),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_field(
    client: Client, changes: dict[str, Any], field: str, words: str
) -> None:
    answer = client.post(f"{PAGE}edit/", form_data(**changes))

    assert answer.status_code == 422
    assert words in " ".join(answer.context["form"].errors[field])
    assert words.replace("'", "&#x27;") in answer.content.decode()
    assert not Policy.objects.exists()


def test_of_two_administrators_at_once_the_second_is_told_so(client: Client) -> None:
    first = client.post(f"{PAGE}edit/", form_data(approvals=2))
    second = client.post(f"{PAGE}edit/", form_data(approvals=3))

    assert (first.status_code, second.status_code) == (302, 409)
    assert "admin has changed this policy meanwhile: it is number 1 now." in second.content.decode()
    assert Policy.objects.get().rules["approvals"] == 2


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_others_are_refused_with_the_sentence_and_a_trace(role: Role) -> None:
    client = client_of(make_user(role))
    page = client.get(f"{PAGE}edit/").content.decode()
    assert "Only these roles may edit policies" in page
    assert client.post(f"{PAGE}edit/", form_data()).status_code == 403
    answer = put(client, body(approvals=1))

    assert answer.status_code == 403
    assert "Only these roles may edit policies" in answer.json()["detail"]
    assert AuditEntry.objects.filter(event="permission.denied", target_kind="policy").count() == 2
    assert not Policy.objects.exists()


def test_an_owner_of_the_model_does_not_change_its_policy() -> None:
    from registry.models import Member

    model, owner = make_model(), make_user(Role.ENGINEER)
    Member.objects.create(model=model, user=owner, part="owner")
    address = "/models/receipt-ocr/policies/Production/"
    assert client_of(owner).post(f"{address}edit/", form_data()).status_code == 403


def test_a_model_gets_its_own_policy_and_keeps_it(client: Client, administrator: User) -> None:
    model = make_model()
    address = "/models/receipt-ocr/policies/Staging/"
    client.post(f"{address}edit/", form_data(DEFAULTS["Staging"], approvals=3))
    policies.change(None, "Staging", Rules(approvals=5), user=administrator)

    assert policies.effective(model, "Staging").rules.approvals == 3
    assert policies.effective(make_model("other"), "Staging").rules.approvals == 5
    assert policies.effective(make_model("other"), "Production").source == "product"
    assert "receipt-ocr" in client.get("/policies/").content.decode()


def test_rest_puts_a_policy_and_answers_with_what_holds(client: Client) -> None:
    answer = put(client, body(approvals=2, gates=[{"gate": "metrics"}]))

    assert answer.status_code == 200
    found = answer.json()
    assert (found["number"], found["whose"], found["rules"]["approvals"]) == (1, "installation", 2)
    assert found["rules"]["gates"] == [
        {"gate": "metrics", "required": True, "config": {"rules": [], "tolerance": 5}}
    ]
    assert [one["number"] for one in found["history"]] == [1]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"rules": {"approvals": 0}}, "rules.approvals"),
        ({"rules": {"approvals": "1"}}, "rules.approvals"),
        ({"rules": {"colour": "red"}}, "rules.colour"),
        ({"rules": {"groups": ["nobody"]}}, "rules.groups"),
        ({"rules": {"gates": [{"gate": "horoscope"}]}}, "rules.gates"),
        ({"rules": {"gates": "all"}}, "rules.gates"),
        (
            {"rules": {"gates": [{"gate": "metrics", "config": {"tolerance": "5"}}]}},
            "rules.gates.metrics.tolerance",
        ),
        (
            {"rules": {"gates": [{"gate": "metrics", "config": {"rules": [{"metric": "a", "b": 1}]}}]}},
            "rules.gates.metrics.rules.0.b",
        ),
        ({"rules": []}, "rules"),
        ({"reason": ""}, "reason"),
        ({"expected": None}, "expected"),
        ({"other": 1}, "other"),
    ],
)
def test_rest_names_the_field_that_cannot_be_used(client: Client, given: dict[str, Any], field: str) -> None:
    answer = put(client, {**body(), **given})

    assert answer.status_code == 422
    assert field in answer.json()["errors"]
    assert not Policy.objects.exists()


def test_rest_refuses_a_change_that_is_based_on_an_older_number(client: Client) -> None:
    assert put(client, body(approvals=2)).status_code == 200
    answer = put(client, body(approvals=3))

    assert answer.status_code == 409
    assert "meanwhile" in answer.json()["detail"]
    assert put(client, body(1, approvals=3)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/policies/Archived/",
        "/policies/nowhere/edit/",
        "/models/nothing/policies/Production/",
        "/api/v1/policies/nowhere/",
        "/api/v1/models/nothing/policies/Production/",
    ],
)
def test_addresses_that_name_nothing_are_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_restricted_model_hides_its_policy(administrator: User) -> None:
    model = make_model("secret")
    model.restricted = True
    model.save()
    policies.change(model, "Production", Rules(), user=administrator)
    client = client_of(make_user(Role.ENGINEER))

    assert client.get("/models/secret/policies/Production/").status_code == 404
    assert client.get("/api/v1/models/secret/policies/Production/").status_code == 404
    assert "secret" not in client.get("/policies/").content.decode()


def test_names_and_reasons_are_inert(client: Client, administrator: User) -> None:
    model = make_model(HOSTILE)
    metrics = GateSetting("metrics", config={"rules": [{"metric": HOSTILE, "compare": False}]})
    policies.change(model, "Production", Rules(gates=(metrics,)), user=administrator, reason=HOSTILE)
    for path in ("/policies/", policies_address(model), f"{policies_address(model)}edit/"):
        text = client.get(path).content.decode()
        assert HOSTILE not in text
        assert "&lt;img src=x onerror=alert(1)&gt;" in text


def policies_address(model: Any) -> str:
    from registry.views.policies import address

    return address(model, "Production")


def test_pages_ask_a_fixed_number_of_questions(client: Client, administrator: User) -> None:
    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(path).status_code == 200
        return len(seen)

    paths = ("/policies/", PAGE, "/models/model-0/policies/Production/", f"{PAGE}edit/")
    fill(1, administrator)
    few = [queries(path) for path in paths]
    fill(8, administrator)
    assert [queries(path) for path in paths] == few
    assert max(few) <= 12


def fill(count: int, user: User) -> None:
    for number in range(count):
        for model in (None, make_model(f"model-{number}")):
            policies.change(model, "Production", Rules(approvals=number + 1), user=user, reason="more")
