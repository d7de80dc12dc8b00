"""What was in Production at an instant."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry import as_of
from registry.models import ModelVersion, Promotion, RegisteredModel, Review
from tests.stage_events import day, enter, leave, make_promotion
from tests.versions import make_model, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def story():
    """1.0.0 imported on day 1, replaced by 1.1.0 on day 5, which was rolled back on day 9."""
    old, new = make_version("1.0.0"), make_version("1.1.0")
    enter(old, day(1), how="import", by_name="system")
    first = make_promotion(new, approved_by=("checker", "ada"), decided_at=day(5))
    leave(old, day(5), promotion=first)
    enter(new, day(5), promotion=first, reason="Better.")
    back = make_promotion(
        old, kind=Promotion.Kind.ROLLBACK, decided_at=day(9), evidence_digest="f" * 64, from_stage="Archived"
    )
    leave(new, day(9), promotion=back, how="rollback", by_name="ada")
    enter(old, day(9), promotion=back, how="rollback", by_name="ada", reason="Too slow.")
    return old, new, first, back


def test_before_the_first_version_nothing_served(story):
    found = as_of.production(make_model(), day(0.5))
    assert found.version is None
    assert found.model == make_model()
    assert found.since is None


def test_an_imported_version_has_no_decision(story):
    old, _new, _first, _back = story
    found = as_of.production(make_model(), day(2))
    assert (found.version, found.how, found.by) == (old, "import", "system")
    assert (found.since, found.until) == (day(1), day(5))
    assert (found.promotion, found.evidence_digest, found.approved_by) == (None, None, ())
    assert found.artifact_digest == old.manifest_digest


def test_a_promoted_version_tells_who_approved_it_on_what(story):
    _old, new, first, _back = story
    found = as_of.production(make_model(), day(7))
    assert (found.version, found.how, found.reason) == (new, "promotion", "Better.")
    assert found.approved_by == ("checker", "ada")
    assert (found.promotion, found.approved_in) == (first.pk, first.pk)
    assert found.evidence_digest == first.evidence_digest
    assert (found.since, found.until, found.until_how, found.until_by) == (day(5), day(9), "rollback", "ada")


def test_a_rolled_back_version_serves_again_with_who_did_it(story):
    old, _new, _first, back = story
    found = as_of.production(make_model(), day(30))
    assert (found.version, found.how, found.by, found.reason) == (old, "rollback", "ada", "Too slow.")
    assert (found.promotion, found.evidence_digest) == (back.pk, "f" * 64)
    assert (found.since, found.until) == (day(9), None)
    # It was imported, so nobody had ever approved it here.
    assert (found.approved_by, found.approved_in) == ((), None)


def test_a_rollback_names_who_had_approved_the_version_before(story):
    old, new, first, _back = story
    again = make_promotion(new, kind=Promotion.Kind.ROLLBACK, decided_at=day(12))
    leave(old, day(12), promotion=again, how="rollback")
    enter(new, day(12), promotion=again, how="rollback")
    found = as_of.production(make_model(), day(13))
    assert (found.version, found.promotion) == (new, again.pk)
    assert (found.approved_by, found.approved_in) == (("checker", "ada"), first.pk)


def test_the_very_instant_of_a_change_belongs_to_what_comes(story):
    old, new, _first, _back = story
    assert as_of.production(make_model(), day(5)).version == new
    assert as_of.production(make_model(), day(5) - timedelta(microseconds=1)).version == old


def test_what_was_retired_leaves_nothing_behind():
    version = make_version("1.0.0")
    enter(version, day(1))
    leave(version, day(2), how="retirement")
    assert as_of.production(make_model(), day(3)).version is None
    assert as_of.production(make_model(), day(1.5)).until_how == "retirement"


def test_an_approval_of_older_evidence_is_not_counted():
    version = make_version("1.0.0")
    promotion = make_promotion(version, approved_by=("ada",))
    Review.objects.create(
        promotion=promotion,
        reviewer_name="checker",
        verdict=Review.Verdict.APPROVE,
        evidence_digest="0" * 64,
        at=day(0),
    )
    Review.objects.create(
        promotion=promotion,
        reviewer_name="critic",
        verdict=Review.Verdict.REQUEST_CHANGES,
        evidence_digest=promotion.evidence_digest,
        at=day(0),
    )
    enter(version, day(1), promotion=promotion)
    assert as_of.production(make_model(), day(2)).approved_by == ("ada",)


def test_moves_of_other_models_and_between_other_stages_say_nothing(story):
    other = make_version("3.0.0", model="other")
    enter(other, day(8))
    dev = make_version("1.2.0")
    dev.stage_events.create(from_stage="Development", to_stage="Staging", at=day(8), by_name="x")
    assert as_of.production(make_model(), day(8.5)).version.version == "1.1.0"


def test_many_models_are_answered_in_their_order_by_the_same_queries_as_one(story):
    def count(models):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            found = as_of.productions(models, day(30))
        assert [one.model for one in found] == models
        return len(queries)

    few = count([make_model()])
    for number in range(30):
        version = make_version("1.0.0", model=f"model-{number}")
        enter(version, day(1), promotion=make_promotion(version, approved_by=("ada",)))
        if number % 2:
            leave(version, day(3))
    make_model("empty")
    assert count(list(RegisteredModel.objects.order_by("-name"))) <= max(few, 6)


def test_every_time_in_production_is_listed_newest_first(story):
    old, new, _first, _back = story
    found = as_of.periods(as_of.arrivals(make_model()), day(30))
    assert [(one.version, one.since, one.until) for one in found] == [
        (old, day(9), None),
        (new, day(5), day(9)),
        (old, day(1), day(5)),
    ]


def test_no_list_is_no_query():
    with CaptureQueriesContext(connection) as queries:
        assert as_of.periods([], day(1)) == []
    assert not queries.captured_queries


def test_the_stage_of_a_version_at_any_instant_is_what_its_events_say():
    version = make_version("1.0.0", stage="Archived", stage_since=day(5))
    enter(version, day(1))
    leave(version, day(5))

    def stage(at):
        return ModelVersion.objects.annotate(then=as_of.stage_then(at)).get(pk=version.pk).then

    asked = [day(0.5), day(1), day(4.9), day(5), day(9), None]
    assert [stage(at) for at in asked] == [
        *("Development", "Production", "Production", "Archived", "Archived", "Archived")
    ]


def test_events_of_versions_that_did_not_move_since_are_not_looked_up():
    make_version("1.0.0", stage="Staging", stage_since=day(1))
    # There is no event: only the row itself can tell.
    for at in (day(1), day(2)):
        assert ModelVersion.objects.annotate(then=as_of.stage_then(at)).get().then == "Staging"
