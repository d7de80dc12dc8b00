"""The page of a promotion: what it says, who may do what, and what it costs."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from registry import bypass, history, promotion
from registry.models import Comment, ModelVersion, Promotion, Waiver
from tests.people import make_user
from tests.promotions import set_rules
from tests.registry_story import HOSTILE
from tests.review_story import Review, add_card, approved, make_review
from tests.trail_bulk import add_entries
from tests.versions import make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def story() -> Review:
    return make_review()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(request: Promotion, user: User, query: str = "") -> str:
    response = signed_in(user).get(request.get_absolute_url() + query)
    assert response.status_code == 200
    return response.content.decode()


def act(request: Promotion, name: str, user: User, **given: str):
    return signed_in(user).post(reverse(f"registry:{name}", args=[request.pk]), given)


def test_every_reason_leads_to_what_it_is_about(story: Review) -> None:
    page = page_of(story.opened, story.second)
    assert "Cannot be approved" in page
    assert '<a href="#gate-card">Model card: The model card waits for its approval.</a>' in page
    assert 'id="gate-card"' in page


def test_failed_gates_come_first_and_passed_ones_are_folded(story: Review) -> None:
    board = signed_in(story.second).get(story.opened.get_absolute_url()).context["board"]
    assert [line.name for line in board.open] == ["card", "reproduced", "smoke_test"]
    assert [line.state for line in board.open] == ["failed", "pending", "waived"]
    assert len(board.passed) == 7


def test_a_stale_approval_is_struck_and_says_what_changed(story: Review) -> None:
    page = page_of(story.opened, story.second)
    assert "<s><strong>reviewer</strong> approved</s>" in page
    assert "does not count any more; changed since: model card" in page
    assert "0 of 2 approvals" in page


def test_a_waiver_stays_to_be_seen(story: Review) -> None:
    page = page_of(story.opened, story.second)
    assert "Waived by administrator" in page
    assert "the same bytes ran as 1.3.0-rc2" in page


def test_metrics_within_the_policys_tolerance_are_not_called_worse(story: Review) -> None:
    comparison = signed_in(story.second).get(story.opened.get_absolute_url()).context["comparison"]
    assert comparison.better == ("val_cer", "val_accuracy")
    assert comparison.worse == ()
    assert {line.fact.name: line.judgement for line in comparison.lines}["val_loss"] == "within"


def test_a_remark_stands_at_its_row_and_in_the_timeline(story: Review) -> None:
    answer = act(story.opened, "comment", story.second, body="Why?", anchor="gate:card")
    comment = Comment.objects.latest("pk")
    assert answer.url == f"{story.opened.get_absolute_url()}#comment-{comment.pk}"
    page = page_of(story.opened, story.second)
    assert f'<a class="remark-count" href="#comment-{comment.pk}">' in page
    assert f'<li id="comment-{comment.pk}"' in page


def test_an_empty_remark_comes_back(story: Review) -> None:
    answer = act(story.opened, "comment", story.second, body=" ", anchor="gate:card")
    assert answer.status_code == 422
    assert "Write something first." in answer.content.decode()


def test_a_remark_on_what_is_not_there_comes_back(story: Review) -> None:
    assert act(story.opened, "comment", story.second, body="x", anchor="gate:nothing").status_code == 422


@pytest.mark.parametrize("text", [HOSTILE, "<script>alert(1)</script>", "[x](javascript:alert(1))"])
def test_what_people_write_stays_text(story: Review, text: str) -> None:
    act(story.opened, "comment", story.second, body=text)
    Promotion.objects.filter(pk=story.opened.pk).update(comment=text)
    Waiver.objects.update(reason=text)
    page = page_of(story.opened, story.second)
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert 'href="javascript:' not in page


def test_only_administrators_are_offered_to_waive(story: Review) -> None:
    assert 'id="waive"' not in page_of(story.opened, story.second)
    page = page_of(story.opened, story.administrator)
    assert 'id="waive"' in page
    assert 'href="?waive=card#waive-form"' in page
    assert act(story.opened, "waive", story.second, gate="card", reason="x").status_code == 403
    assert act(story.opened, "waive", story.administrator, gate="card", reason=" ").status_code == 422
    assert act(story.opened, "waive", story.administrator, gate="card", reason="Seen.").status_code == 302
    assert Waiver.objects.filter(gate="card").exists()


def test_without_scripts_the_form_of_the_waiver_opens_by_address(story: Review) -> None:
    page = page_of(story.opened, story.administrator, "?waive=card")
    assert 'aria-labelledby="waive-title" open>' in page
    assert '<option value="card" selected>' in page


def test_changed_evidence_is_renewed_by_those_who_may_ask(story: Review) -> None:
    ModelVersion.objects.filter(pk=story.candidate.pk).update(source="runs:/elsewhere/model")
    assert "Renew the evidence" in page_of(story.opened, story.engineer)
    assert "Renew the evidence" not in page_of(story.opened, story.second)
    assert act(story.opened, "renew", story.second).status_code == 403
    assert act(story.opened, "renew", story.engineer).status_code == 302
    assert act(story.opened, "renew", story.engineer).status_code == 409
    assert "changed: place of the model" in page_of(story.opened, story.second).replace("\n", " ")


def test_two_approvals_bring_the_version_to_production(story: Review) -> None:
    add_card(story.candidate, story.candidate.card_revisions.first().text)
    act(story.opened, "renew", story.engineer)
    story.opened.refresh_from_db()
    approved(story.opened, story.first)
    page = page_of(story.opened, story.second)
    assert "Ready for your decision" in page
    assert "1 of 2 approvals" in page
    answer = {"verdict": "approve", "evidence_digest": story.opened.evidence_digest, "confirm": "1.3.0"}
    assert act(story.opened, "review", story.second, **answer).status_code == 302
    page = page_of(story.opened, story.second)
    assert "Approved; MLflow is being brought to the same state" in page
    assert "<progress" in page
    story.candidate.refresh_from_db()
    assert story.candidate.stage == "Production"


def test_what_cannot_be_applied_says_why(story: Review) -> None:
    Promotion.objects.filter(pk=story.opened.pk).update(
        state="approved", decided_at=timezone.now(), problem="The artifacts have changed."
    )
    page = page_of(story.opened, story.second)
    assert "Approved, but not applied to MLflow" in page
    assert "The artifacts have changed." in page


@pytest.mark.parametrize(
    ("state", "words"),
    [("withdrawn", "Withdrawn"), ("expired", "Nobody decided in time"), ("rejected", "Rejected")],
)
def test_what_was_decided_against_can_be_asked_for_again(story: Review, state: str, words: str) -> None:
    Promotion.objects.filter(pk=story.opened.pk).update(state=state, decided_at=timezone.now())
    page = page_of(story.opened, story.engineer)
    assert words in page
    assert "Ask again" in page


def test_a_bypass_waits_for_somebody_else_to_look_at_it(story: Review) -> None:
    done = bypass.bypass(story.candidate, "Production", user=story.administrator, reason="Receipts pile up.")
    assert "Emergency bypass" in page_of(done, story.second)
    for address in ("/", story.candidate.model.get_absolute_url(), story.candidate.get_absolute_url()):
        page = signed_in(story.second).get(address).content.decode()
        assert "in place without a review" in page, address
    assert "Record the review" not in page_of(done, story.administrator)
    assert act(done, "follow-up", story.administrator, comment="Mine.").status_code == 403
    assert act(done, "follow-up", story.second, comment=" ").status_code == 422
    assert act(done, "follow-up", story.second, comment="It was right.").status_code == 302
    assert "It was right." in page_of(done, story.second)
    assert "without a review</strong>" not in signed_in(story.second).get("/").content.decode()


def test_the_differences_of_the_card_are_fetched_and_can_be_a_page(story: Review) -> None:
    client = signed_in(story.second)
    address = reverse("registry:promotion-card", args=[story.opened.pk])
    fragment = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert "600" in fragment
    assert "<html" in client.get(address).content.decode()


def test_a_poll_of_a_page_that_shows_other_evidence_says_so(story: Review) -> None:
    old = story.opened.evidence_digest
    ModelVersion.objects.filter(pk=story.candidate.pk).update(source="runs:/elsewhere/model")
    act(story.opened, "renew", story.engineer)
    address = f"{story.opened.get_absolute_url()}?evidence={old}&seen=x"
    answer = signed_in(story.second).get(address, headers={"HX-Request": "true"}).content.decode()
    assert "The evidence was renewed while you had this page open." in answer
    assert 'name="comment"' not in answer
    assert f"evidence={old}" in answer


def test_an_unknown_promotion_is_not_found(story: Review) -> None:
    for name in ("promotion", "promotion-card"):
        assert signed_in(story.second).get(reverse(f"registry:{name}", args=[999])).status_code == 404
    for name in ("review", "comment", "waive", "renew", "withdraw", "follow-up"):
        assert signed_in(story.second).post(reverse(f"registry:{name}", args=[999])).status_code == 404


def test_the_page_costs_fifteen_queries_at_most_in_a_large_registry(story: Review) -> None:
    _add_versions(story.candidate, 1000)
    add_entries(100_000)
    AuditEntry.objects.order_by("sequence").first()
    client = signed_in(story.second)
    address = story.opened.get_absolute_url()
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    assert len(captured) <= 15, [query["sql"] for query in captured]
    for query in captured:
        assert not _walks_a_long_table(query["sql"]), query["sql"]


def test_the_queries_do_not_grow_with_what_people_say(story: Review) -> None:
    client = signed_in(story.second)
    address = story.opened.get_absolute_url()
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(20):
        act(story.opened, "comment", story.first, body=f"Remark {number}", anchor="gate:metrics")
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few)


def test_the_timeline_tells_only_of_this_promotion(story: Review) -> None:
    told = history.entries_of_promotion(story.opened)
    numbers = {entry.data.get("promotion") for entry in told if entry.event == "version.stage_changed"}
    assert numbers == set()
    assert {entry.target_id for entry in told if entry.target_kind == "promotion"} == {str(story.opened.pk)}


def test_the_inbox_shows_gates_approvals_and_kind(story: Review) -> None:
    client = signed_in(story.second)
    [row] = client.get("/promotions/").context["rows"]
    assert (row.approvals, row.needed) == (0, 2)
    assert row.gates == {"failed": 1, "waived": 1, "passed": 7}
    done = client.get("/promotions/?tab=done")
    assert len(done.context["rows"]) == 5


def test_the_list_of_promotions_takes_as_many_queries_for_many() -> None:
    set_rules()
    engineer, reviewer = make_user(Role.ENGINEER), make_user(Role.REVIEWER)
    promotion.open_for(make_version("1.0.0"), "Staging", user=engineer)
    client = signed_in(reviewer)
    client.get("/promotions/")
    with CaptureQueriesContext(connection) as few:
        client.get("/promotions/")
    for minor in range(1, 6):
        promotion.open_for(make_version(f"1.{minor}.0"), "Staging", user=engineer)
    with CaptureQueriesContext(connection) as many:
        client.get("/promotions/")
    assert len(few) == len(many)


def _add_versions(template: ModelVersion, count: int) -> None:
    columns = {field.attname: getattr(template, field.attname) for field in ModelVersion._meta.fields}
    ModelVersion.objects.bulk_create(
        ModelVersion(
            **{**columns, "id": None, "stage": "Archived", "major": 0, "version": f"0.{n}.0", "key": f"k{n}"}
        )
        for n in range(count)
    )


def _walks_a_long_table(sql: str) -> bool:
    """Say whether the database would read the whole trail, or all versions, to answer `sql`."""
    if not any(name in sql for name in ("audit_auditentry", "registry_modelversion")):
        return False
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            steps = [row[-1] for row in cursor.fetchall()]
            return any(
                step.startswith("SCAN") and ("audit" in step or "modelversion" in step) for step in steps
            )
        cursor.execute("ANALYZE audit_auditentry")
        cursor.execute("ANALYZE registry_modelversion")
        cursor.execute(f"EXPLAIN {sql}")
        return any("Seq Scan on audit" in row[0] for row in cursor.fetchall())
