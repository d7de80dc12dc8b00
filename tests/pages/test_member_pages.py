"""The members page of a model and its REST counterpart."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.roles import Role
from audit.models import AuditEntry
from registry.models import Member, RegisteredModel
from tests.people import make_user
from tests.versions import make_model

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def model():
    return make_model()


@pytest.fixture
def owner(model):
    user = make_user(Role.VIEWER, username="olga")
    Member.objects.create(model=model, user=user, part="owner")
    return user


def client_of(user):
    client = Client()
    client.force_login(user)
    return client


def page_of(model):
    return reverse("registry:members", args=[model.name])


def api_of(model):
    return reverse("api-members", args=[model.name])


def test_an_owner_adds_and_removes_a_member_on_the_page(model, owner):
    make_user(Role.VIEWER, username="clerk")
    client = client_of(owner)
    added = client.post(page_of(model), {"user": "clerk", "part": "reviewer"}, follow=True)
    assert added.redirect_chain == [(page_of(model), 302)]
    assert "clerk is reviewer now." in added.content.decode()
    member = Member.objects.get(user__username="clerk")
    removed = client.post(reverse("registry:remove-member", args=[model.name, member.pk]))
    assert removed.url == page_of(model)
    assert list(Member.objects.values_list("user__username", flat=True)) == ["olga"]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"user": "nobody", "part": "owner"}, "There is nobody called nobody."),
        ({"user": "olga", "part": "king"}, "king"),
        ({"user": "", "part": "owner"}, "required"),
        ({}, "required"),
    ],
)
def test_a_wrong_entry_comes_back_with_the_reason(model, owner, sent, words):
    response = client_of(owner).post(page_of(model), sent)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert Member.objects.count() == 1


def test_the_last_owner_is_told_why_they_cannot_leave(model, owner):
    member = Member.objects.get()
    response = client_of(owner).post(reverse("registry:remove-member", args=[model.name, member.pk]))
    assert response.status_code == 422
    assert "last owner" in response.content.decode()
    assert Member.objects.exists()


def test_who_may_not_manage_reads_who_may_and_finds_no_form(model, owner):
    page = client_of(make_user(Role.ENGINEER)).get(page_of(model)).content.decode()
    assert "olga" in page
    assert "owners of this model" in page
    assert 'name="part"' not in page
    assert "Remove" not in page


def test_restricting_and_leaving_brings_the_administrator_back_and_hides_it_from_others(model, owner):
    stranger = client_of(make_user(Role.ENGINEER))
    response = client_of(owner).post(reverse("registry:restrict", args=[model.name]), {"restricted": "yes"})
    assert response.url == page_of(model)
    assert stranger.get(page_of(model)).status_code == 404
    assert "receipt-ocr" not in stranger.get(reverse("registry:models")).content.decode()
    client_of(owner).post(reverse("registry:restrict", args=[model.name]), {"restricted": "no"})
    assert stranger.get(page_of(model)).status_code == 200


def test_an_owner_who_removes_themselves_from_a_restricted_model_is_not_sent_back_to_it(model, owner):
    second = make_user(Role.VIEWER)
    Member.objects.create(model=model, user=second, part="owner")
    RegisteredModel.objects.update(restricted=True)
    member = Member.objects.get(user=owner)
    response = client_of(owner).post(reverse("registry:remove-member", args=[model.name, member.pk]))
    assert response.url == reverse("registry:models")


@pytest.mark.parametrize("sent", [{}, {"restricted": "perhaps"}])
def test_restricting_needs_yes_or_no(model, owner, sent):
    response = client_of(owner).post(reverse("registry:restrict", args=[model.name]), sent)
    assert response.status_code == 422
    assert not RegisteredModel.objects.filter(restricted=True)


def test_a_member_of_another_model_and_a_number_beyond_any_row_are_not_found(model, owner):
    other = Member.objects.create(model=make_model("other"), user=owner, part="owner")
    client = client_of(owner)
    for number in (other.pk, 2**70):
        assert client.post(reverse("registry:remove-member", args=[model.name, number])).status_code == 404
        assert client.delete(reverse("api-member", args=[model.name, number])).status_code == 404


def test_hostile_names_are_text(model):
    user = make_user(Role.ADMINISTRATOR, username=HOSTILE)
    Member.objects.create(model=make_model(HOSTILE), user=user, part="owner")
    page = client_of(user).get(page_of(make_model(HOSTILE))).content.decode()
    assert "<img src=x" not in page
    assert page.count("&lt;img src=x") >= 3


def test_the_page_costs_the_same_queries_for_many_members(model, owner):
    client = client_of(owner)

    def count():
        with CaptureQueriesContext(connection) as queries:
            client.get(page_of(model))
        return len(queries)

    few = count()
    for _number in range(20):
        Member.objects.create(model=model, user=make_user(Role.VIEWER), part="reviewer")
    assert count() == few


def test_rest_lists_adds_restricts_and_removes(model, owner):
    clerk = make_user(Role.VIEWER, username="clerk")
    client = client_of(owner)
    added = client.post(
        api_of(model), json.dumps({"user": "clerk", "part": "reviewer"}), content_type="application/json"
    )
    assert added.status_code == 201
    member = Member.objects.get(user=clerk)
    assert added.json() == {"id": member.pk, "user": "clerk", "part": "reviewer"}
    changed = client.patch(api_of(model), json.dumps({"restricted": True}), content_type="application/json")
    assert changed.json()["restricted"] is True
    assert [one["user"] for one in client.get(api_of(model)).json()["members"]] == ["olga", "clerk"]
    assert client.delete(reverse("api-member", args=[model.name, member.pk])).status_code == 204
    assert [one["user"] for one in client.get(api_of(model)).json()["members"]] == ["olga"]
    assert AuditEntry.objects.count() == 3


@pytest.mark.parametrize(
    ("method", "body", "field"),
    [
        ("post", {"user": "nobody", "part": "owner"}, "user"),
        ("post", {"user": "olga", "part": "king"}, "part"),
        ("post", {"user": "olga"}, "part"),
        ("post", {"user": "olga", "part": "owner", "x": 1}, "x"),
        ("patch", {}, "restricted"),
        ("patch", {"restricted": "perhaps"}, "restricted"),
        ("patch", {"restricted": True, "name": "new"}, "name"),
    ],
)
def test_rest_refuses_by_field(model, owner, method, body, field):
    send = getattr(client_of(owner), method)
    response = send(api_of(model), json.dumps(body), content_type="application/json")
    assert response.status_code == 422
    assert field in response.json()["errors"]
    assert not AuditEntry.objects.exists()


def test_rest_tells_the_last_owner_why(model, owner):
    response = client_of(owner).delete(reverse("api-member", args=[model.name, Member.objects.get().pk]))
    assert response.status_code == 422
    assert "last owner" in response.content.decode()
