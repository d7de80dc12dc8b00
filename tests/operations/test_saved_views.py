"""Arrangements of the table of runs under names."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from experiments import saved_views
from experiments.models import SavedView
from experiments.selectors import saved_views as selectors
from tests.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner() -> User:
    return make_user(Role.VIEWER, username="owner")


def make(owner: User, name: str = "Best", **changes: Any) -> SavedView:
    asked = {"query": "sort=metrics.cer", "shared": False, **changes}
    return saved_views.create(name, asked["query"], shared=asked["shared"], user=owner)


def test_a_view_keeps_the_arrangement_and_not_the_place(owner: User) -> None:
    view = make(
        owner, " Best  runs ", query="after=x&q=a%20%3C%201&runs=1&columns=metrics.b&columns=params.a&status="
    )
    assert (view.name, view.query) == ("Best runs", "q=a+%3C+1&columns=metrics.b&columns=params.a")
    assert list(AuditEntry.objects.values_list("event", "target_name")) == [("view.saved", "Best runs")]


def test_others_see_a_view_once_it_is_shared(owner: User) -> None:
    other, view = make_user(Role.VIEWER), make(owner)
    assert list(selectors.visible(other)) == []
    saved_views.change(view, user=owner, shared=True)
    assert list(selectors.visible(other)) == [view]
    assert [tab.own for tab in selectors.tabs(other, str(view.pk), "")] == [False]
    with pytest.raises(PermissionDenied):
        saved_views.change(view, user=other, name="Mine")
    with pytest.raises(PermissionDenied):
        saved_views.delete(view, user=other)
    saved_views.change(view, user=make_user(Role.ADMINISTRATOR), name="Everybody's")
    assert SavedView.objects.get().name == "Everybody's"
    changes = [one.data for one in AuditEntry.objects.filter(event="view.changed").order_by("sequence")]
    assert changes == [{"shared": True}, {"name": "Everybody's"}]


def test_the_same_again_changes_nothing_and_leaves_no_entry(owner: User) -> None:
    view = make(owner)
    saved_views.change(view, user=owner, name="Best", query="sort=metrics.cer", shared=False)
    assert AuditEntry.objects.count() == 1
    saved_views.delete(view, user=owner)
    saved_views.delete(view, user=owner)
    assert not SavedView.objects.exists()
    assert AuditEntry.objects.filter(event="view.deleted").count() == 1


def test_a_name_is_somebodys_own(owner: User) -> None:
    make(owner)
    make(make_user(Role.VIEWER))
    second = make(owner, "Second")
    for act in (lambda: make(owner), lambda: saved_views.change(second, user=owner, name="Best")):
        with pytest.raises(ValidationError) as refused:
            act()
        assert "name" in refused.value.message_dict
    assert SavedView.objects.get(pk=second.pk).name == "Second"


@pytest.mark.parametrize(
    ("name", "query", "field"),
    [("", "", "name"), ("\0 ", "", "name"), ("x" * 101, "", "name"), ("x", "q=" + "y" * 9000, "query")],
)
def test_what_cannot_be_kept_is_refused(owner: User, name: str, query: str, field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        make(owner, name, query=query)
    assert field in refused.value.message_dict
    assert not SavedView.objects.exists()


def test_nobody_keeps_views_without_end(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MAX_VIEWS", 1)
    make(owner)
    with pytest.raises(ValidationError):
        make(owner, "Another")
