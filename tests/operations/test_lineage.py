"""The lineage graph as it is read from the database."""

import pytest
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.roles import Role
from experiments.models import Run
from lineage import collect, facts, node_ids, roots
from lineage.graph import Direction, Graph
from lineage.node_ids import Kind
from lineage.reach import Reach
from registry.models import RegisteredModel, Review
from tests.deployments import make_deployment
from tests.jobs import make_repository
from tests.lineage_rows import (
    MODELS,
    PROCESSED,
    RAW,
    SHA,
    make_data,
    make_history_commit,
    make_job_run,
    make_pipeline,
    make_plain_run,
    make_stage,
)
from tests.people import make_user
from tests.stage_events import day, enter, leave, make_promotion
from tests.versions import make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer():
    return make_user(Role.VIEWER)


@pytest.fixture
def repository():
    return make_repository("receipts")


@pytest.fixture
def story(repository):
    """Data, a pipeline, its run, a version that was promoted and serves."""
    make_pipeline(repository)
    version = make_version(run_id=make_job_run().run_id, created_at=day(3), stage="Production")
    promotion = make_promotion(version, approved_by=("ada",), opened_at=day(3.5), decided_at=day(4))
    enter(version, day(4), promotion=promotion)
    make_deployment(version, at=day(5))
    return version


def around(text: str, user, **options) -> Graph:
    return collect.around(roots.find(node_ids.parse(text), user=user), user=user, **options)


def ids(graph: Graph, user, at=None) -> set[str]:
    told = facts.of(graph.nodes.values(), Reach.of(user, at))
    return {one.id or "hidden" for one in told.values()}


def count(call) -> int:
    with CaptureQueriesContext(connection) as queries:
        call()
    return len(queries)


def test_a_version_is_walked_back_to_the_scans_and_on_to_where_it_serves(story, viewer):
    found = ids(around("version:receipt-ocr@1.0.0", viewer), viewer)
    promotion, deployment = story.promotions.get(), story.deployments.get()
    assert found >= {
        f"data:receipts:data/raw@{RAW}",
        f"data:receipts:data/out@{PROCESSED}",
        f"stage:receipts:preprocess@{SHA}",
        f"stage:receipts:train@{SHA}",
        f"commit:receipts@{SHA}",
        f"run:{story.run_id}",
        f"promotion:{promotion.pk}",
        f"deployment:{deployment.pk}",
    }
    # Code that a stage reads is no data: the commit has it.
    assert not any("src/train.py" in one for one in found)


def test_data_leads_to_the_same_version(story, viewer):
    found = around(f"data:receipts:data/raw@{RAW}", viewer, direction=Direction.DOWNSTREAM)
    assert "version:receipt-ocr@1.0.0" in ids(found, viewer)


def test_a_commit_leads_to_its_run_and_to_results_based_on_it(story, viewer):
    later = "2" * 40
    run = make_job_run(later, git_base_commit=SHA)
    found = ids(around(f"commit:receipts@{SHA}", viewer, direction=Direction.DOWNSTREAM), viewer)
    assert {f"run:{story.run_id}", f"run:{run.run_id}", f"commit:@{later}"} <= found


def test_a_plain_run_is_joined_by_its_tags_and_claims_no_stage(repository, viewer):
    make_pipeline(repository)
    run = make_plain_run()
    found = ids(around(f"run:{run.run_id}", viewer, direction=Direction.UPSTREAM, depth=1), viewer)
    assert found == {f"run:{run.run_id}", f"commit:receipts@{SHA}", f"data:receipts:data/raw@{RAW}"}


def test_two_repositories_with_the_same_data_are_joined(story, repository, viewer):
    other = make_repository("other")
    make_data(other, "scans", RAW, sha="3" * 40, at=day(6))
    make_stage(other, "count", reads=[("scans", RAW)], sha="3" * 40, at=day(6))
    found = around(f"data:other:scans@{RAW}", viewer, direction=Direction.DOWNSTREAM)
    assert {f"stage:other:count@{'3' * 40}", "version:receipt-ocr@1.0.0"} <= ids(found, viewer)
    told = facts.of(found.nodes.values(), Reach())[found.root]
    assert told.known["also_at"] == ["other: scans"]


def test_what_git_keeps_leads_from_stage_to_stage_and_nowhere_else(repository, viewer):
    make_data(repository, "data/raw", RAW)
    split, scores = "7" * 32, "8" * 32
    make_stage(
        repository, "split", reads=[("data/raw", RAW)], makes=[("split", split), ("x", scores)], in_git=True
    )
    make_stage(repository, "fit", reads=[("split", split)], makes=[("models", MODELS)])
    names = {"split": f"stage:receipts:split@{SHA}", "fit": f"stage:receipts:fit@{SHA}"}
    down = ids(around(f"data::@{RAW}", viewer, direction=Direction.DOWNSTREAM, depth=4), viewer)
    up = ids(around(f"data::@{MODELS}", viewer, direction=Direction.UPSTREAM, depth=4), viewer)
    assert {*names.values(), f"data:receipts:split@{split}"} <= down & up
    # Scores that no stage goes on with would only stand in the way.
    assert not any(scores in one for one in down | up)


def test_what_is_the_same_everywhere_joins_nothing(repository, viewer):
    empty = "d751713988987e9331980363e24189ce.dir"
    make_stage(repository, "clean", reads=[("tmp", empty)], makes=[("log", empty)])
    run = make_plain_run(data=empty)
    found = around(f"run:{run.run_id}", viewer)
    assert all(node.key.kind is not Kind.DATA for node in found.nodes.values())


def test_a_deleted_run_and_one_that_is_gone_keep_their_place(story, viewer):
    Run.objects.filter(run_id=story.run_id).update(lifecycle_stage="deleted")
    told = _told(story, viewer)
    assert (told.gone, told.known["deleted"], told.note) == (True, True, "deleted in MLflow")
    assert _told(story, viewer, timezone.now()).note == "deleted in MLflow by now"
    story.lineage = {"git_commit": SHA, "dataset_hash": RAW}
    story.save(update_fields=["lineage"])
    Run.objects.filter(run_id=story.run_id).delete()
    assert _told(story, viewer).gone
    found = ids(around("version:receipt-ocr@1.0.0", viewer), viewer)
    assert {f"commit:receipts@{SHA}", f"data:receipts:data/raw@{RAW}"} <= found


def _told(version, user, at=None) -> facts.Told:
    found = around(str(node_ids.NodeId(Kind.RUN, version.run_id)), user, depth=0)
    return facts.of(found.nodes.values(), Reach(at))[found.root]


def test_a_cycle_in_foreign_data_ends(repository, viewer):
    make_stage(repository, "a", reads=[("x", "1" * 32)], makes=[("y", "2" * 32)])
    make_stage(repository, "b", reads=[("y", "2" * 32)], makes=[("x", "1" * 32)])
    found = around(f"data::@{'1' * 32}", viewer, depth=12)
    assert found.complete
    assert len([key for key in found.nodes if key.kind is Kind.DATA]) == 2


def test_as_of_a_past_instant_it_is_as_it_was(story, viewer):
    enter(make_version("1.1.0", created_at=day(6)), day(8))
    leave(story, day(8))
    story.stage = "Archived"
    story.save(update_fields=["stage"])

    def then(at) -> tuple[set[str], str, str]:
        found = around("version:receipt-ocr@1.0.0", viewer, at=at)
        told = facts.of(found.nodes.values(), Reach(at))
        state = next((one.state for one in told.values() if one.kind is Kind.PROMOTION), "")
        return {one.kind for one in told.values()}, told[found.root].stage, state

    assert then(day(3.2)) == ({"version", "run", "commit", "data", "stage"}, "Development", "")
    assert then(day(3.7))[1:] == ("Development", "open")
    assert then(day(4.5))[1:] == ("Production", "applied")
    assert "deployment" not in then(day(4.5))[0]
    assert "deployment" in then(day(7))[0]
    assert then(day(9))[1] == "Archived"
    assert set(around("version:receipt-ocr@1.0.0", viewer, at=day(2.5)).nodes) == {_key(story)}


def test_what_did_not_exist_then_stood_nowhere(story, viewer):
    nodes = [f"promotion:{story.promotions.get().pk}", f"deployment:{story.deployments.get().pk}"]
    for text in ("version:receipt-ocr@1.0.0", f"run:{story.run_id}", *nodes):
        found = around(text, viewer, at=day(0))
        told = facts.of(found.nodes.values(), Reach(day(0)))[found.root]
        assert (told.stage, told.state, told.note) == ("", "", ""), text
        assert told.title
        assert not {"stage", "state"} & set(told.known)


def _key(version):
    return node_ids.Kind.VERSION, str(version.pk)


def test_data_that_came_later_is_not_there_yet(repository, viewer):
    make_pipeline(repository)
    make_stage(repository, "later", reads=[("data/raw", RAW)], sha="3" * 40, at=day(6))
    found = around(f"data::@{RAW}", viewer, direction=Direction.DOWNSTREAM, at=day(5))
    assert f"stage:receipts:later@{'3' * 40}" not in ids(found, viewer)


def test_of_a_restricted_model_strangers_see_that_there_is_a_version(story, viewer):
    RegisteredModel.objects.update(restricted=True)
    found = around(f"run:{story.run_id}", viewer)
    hidden = [node for node in found.nodes.values() if node.hidden]
    assert len(hidden) == 1
    assert {key.kind for key in found.nodes} == {Kind.RUN, Kind.COMMIT, Kind.DATA, Kind.STAGE, Kind.VERSION}
    assert ids(found, viewer) & {"hidden"}
    with pytest.raises(Http404):
        around("version:receipt-ocr@1.0.0", viewer)
    with pytest.raises(Http404):
        around(f"promotion:{story.promotions.get().pk}", viewer)
    with pytest.raises(Http404):
        around(f"deployment:{story.deployments.get().pk}", viewer)
    assert "version:receipt-ocr@1.0.0" in ids(
        around(f"run:{story.run_id}", make_user(Role.AUDITOR)), make_user(Role.AUDITOR)
    )


@pytest.mark.parametrize(
    "text",
    [
        "data::@nothing",
        f"commit:r@{'9' * 40}",
        f"stage:r:s@{'9' * 40}",
        "run:x",
        "promotion:9",
        "deployment:9",
    ],
)
def test_what_is_not_there_is_not_found(text, viewer):
    with pytest.raises(Http404):
        around(text, viewer)


def test_the_queries_do_not_grow_with_the_width(repository, viewer):
    make_pipeline(repository)

    def widen(number: int) -> None:
        for _one in range(number):
            version = make_version(f"1.{number}.{_one}", run_id=make_job_run().run_id)
            make_promotion(version)
            make_deployment(version)

    def ask() -> None:
        graph = around(f"data::@{RAW}", viewer)
        facts.of(graph.nodes.values(), Reach.of(viewer))

    widen(1)
    few = count(ask)
    widen(25)
    make_history_commit(repository, "4" * 40)
    assert count(ask) == few


def test_an_approval_counts_as_of_when_its_evidence_was_the_newest(story, viewer):
    promotion = make_promotion(
        make_version("1.1.0"),
        approved_by=("ada",),
        opened_at=day(6),
        decided_at=day(9),
        evidence_digest="b" * 64,
    )
    for at, digest in ((6, "a"), (8, "b")):
        promotion.snapshots.create(digest=digest * 64, facts={}, at=day(at), by_name="system")
    promotion.reviews.create(
        reviewer_name="checker", verdict=Review.Verdict.APPROVE, evidence_digest="a" * 64, at=day(7)
    )
    found = [
        facts.of([roots.find(node_ids.parse(f"promotion:{promotion.pk}"), user=viewer)], Reach(at))
        for at in (day(6.5), day(7), day(8.5), day(9), None)
    ]
    told = [next(iter(one.values())).known for one in found]
    assert [(one.get("approved_by"), one["evidence_digest"][0]) for one in told] == [
        *((None, "a"), (["checker"], "a"), (None, "b"), (["ada"], "b"), (["ada"], "b"))
    ]


def test_of_a_restricted_model_no_way_leads_on_from_its_candidate(repository, viewer):
    run = make_job_run()
    candidate = make_version("2.0.0-rc1", run_id=run.run_id)
    make_version("2.0.0", run_id=make_plain_run().run_id, finalises=candidate)
    node = f"run:{run.run_id}"

    def versions() -> int:
        found = around(node, viewer, direction=Direction.DOWNSTREAM)
        return sum(key.kind is Kind.VERSION for key in found.nodes)

    assert versions() == 2
    RegisteredModel.objects.update(restricted=True)
    assert versions() == 1


def test_as_of_takes_no_more_queries_than_now(story, viewer):
    now = count(lambda: around("version:receipt-ocr@1.0.0", viewer))
    assert count(lambda: around("version:receipt-ocr@1.0.0", viewer, at=day(20))) <= now


def test_what_a_pipeline_makes_one_hash_of_is_not_taken_for_lost_data(repository, viewer):
    make_pipeline(repository)
    joint, lost = "5" * 32, "6" * 32
    make_job_run(data=joint)
    make_plain_run(data=lost)
    told = facts.of(
        (roots.find(node_ids.parse(f"data::@{one}"), user=viewer) for one in (joint, lost)), Reach()
    )
    assert [(one.note, one.gone) for one in told.values()] == [
        ("all inputs together", False),
        ("named by runs only", True),
    ]
