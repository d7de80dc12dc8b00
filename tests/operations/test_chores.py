"""Chores: done by one worker at a time, again after a crash, and what went wrong is kept."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from experiments import chores
from experiments.chores import Chore
from experiments.models import SyncState
from tests import chore_probes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(chores, "_chores", {})
    chores.register(Chore("count", "tests.chore_probes:count", 5))
    chores.register(Chore("fail", "tests.chore_probes:fail", 5))
    yield
    chore_probes.calls.clear()
    chore_probes.inside.clear()


def test_a_chore_is_done_and_its_success_is_noted() -> None:
    assert chores.do("count")
    row = SyncState.objects.get(name="chore:count")
    assert chore_probes.calls == ["count"]
    assert (row.lease_until, row.error, row.succeeded_at is not None) == (None, "", True)


def test_a_chore_that_somebody_else_does_is_left_to_them() -> None:
    answers: list[bool] = []
    chore_probes.inside.append(lambda: answers.append(chores.do("count")) if not answers else None)
    assert chores.do("count")
    assert answers == [False]
    assert chore_probes.calls == ["count"]


def test_a_lease_that_ran_out_does_not_keep_a_chore_for_ever() -> None:
    SyncState.objects.create(name="chore:count", lease_until=timezone.now() - timedelta(seconds=1))
    assert chores.do("count")


def test_whoever_lost_the_lease_does_not_end_that_of_another() -> None:
    later = timezone.now() + timedelta(minutes=5)
    chore_probes.inside.append(lambda: SyncState.objects.update(lease_until=later))
    assert chores.do("count")
    assert SyncState.objects.get(name="chore:count").lease_until == later


def test_what_a_chore_raises_is_kept_and_it_may_be_done_again() -> None:
    with pytest.raises(RuntimeError, match="disk is full"):
        chores.do("fail")
    row = SyncState.objects.get(name="chore:fail")
    assert (row.lease_until, row.error) == (None, "the disk is full")
    with pytest.raises(RuntimeError):
        chores.do("fail")


def test_two_chores_of_one_name_are_refused() -> None:
    chores.register(Chore("count", "tests.chore_probes:count", 5))
    with pytest.raises(ValueError, match="registered already"):
        chores.register(Chore("count", "tests.chore_probes:fail", 5))


def test_every_chore_of_the_product_has_its_function() -> None:
    import importlib

    from django.apps import apps

    for app in ("registry", "config"):
        apps.get_app_config(app).ready()
    found = [one for one in chores.all_chores() if one.name not in ("count", "fail")]
    assert {"deadlines", "mail", "reconcile"} <= {one.name for one in found}
    for one in found:
        module, _, function = one.target.partition(":")
        assert callable(getattr(importlib.import_module(module), function))
        assert len(one.row) <= 30
