"""Data that runs logged with `mlflow.log_input`, without DVC, in the graph of lineage."""

import pytest

from accounts.roles import Role
from lineage import asked_causes, collect, comparison, facts, impact, node_ids, node_search, roots
from lineage.graph import Direction
from lineage.reach import Reach
from tests.jobs import make_repository
from tests.lineage_rows import RAW, make_data
from tests.people import make_user
from tests.stage_events import day
from tests.versions import make_run, make_version

pytestmark = pytest.mark.django_db
SCANS = "data::@1f0c94a3~digit_scans"


@pytest.fixture
def viewer():
    return make_user(Role.VIEWER)


def used(name="digit scans", digest="1f0c94a3"):
    return {
        "name": name,
        "digest": digest,
        "source_type": "s3",
        "source": "s3://lake/scans",
        "context": "training",
    }


def plain_run(*inputs, **changes):
    return make_run(
        **{"tags": {}, "inputs": list(inputs), "started_at": day(2), "ended_at": day(2), **changes}
    )


def around(node, viewer, **options):
    root = roots.find(node_ids.parse(node), user=viewer)
    graph = collect.around(root, user=viewer, **options)
    return {one.id: one for one in facts.of(graph.nodes.values(), Reach.of(viewer)).values()}


def test_a_version_is_walked_back_to_them(viewer):
    make_version(run_id=plain_run(used()).run_id)
    told = around("version:receipt-ocr@1.0.0", viewer, direction=Direction.UPSTREAM)[SCANS]
    assert (told.title, told.note, told.gone) == ("digit scans", "logged to MLflow", False)
    assert told.known == {
        "hash": "1f0c94a3",
        "name": "digit scans",
        "source_type": "s3",
        "source": "s3://lake/scans",
    }


def test_they_lead_to_every_run_and_version_that_used_them_and_to_no_other(viewer):
    first, second = plain_run(used()), plain_run(used("labels", "22"), used())
    make_version("1.0.0", run_id=first.run_id)
    make_version("1.1.0", run_id=second.run_id)
    # MLflow's digest is short: the same one of other data is not the same data.
    make_version("1.2.0", run_id=plain_run(used("other scans")).run_id)
    found = around(SCANS, viewer, direction=Direction.DOWNSTREAM)
    assert found.keys() == {
        *(SCANS, f"run:{first.run_id}", f"run:{second.run_id}"),
        *("version:receipt-ocr@1.0.0", "version:receipt-ocr@1.1.0"),
    }
    cause = asked_causes.of({"node": SCANS}, user=viewer)
    assert [one.version for one in impact.of(cause.keys, user=viewer).versions] == ["1.1.0", "1.0.0"]


def test_data_that_dvc_tracks_are_the_same_by_their_hash(viewer):
    make_data(make_repository("receipts"), "data/raw", RAW)
    run = plain_run(used("whatever", RAW))
    assert f"data:receipts:data/raw@{RAW}" in around(f"run:{run.run_id}", viewer)


def test_as_of_before_a_run_they_did_not_reach_it(viewer):
    plain_run(used())
    assert list(around(SCANS, viewer, at=day(1))) == [SCANS]


@pytest.mark.parametrize("text", ["digit scans", "1f0c94a3", "1f0c", SCANS])
def test_they_are_found_by_name_digest_and_id(viewer, text):
    plain_run(used())
    plain_run(used())
    assert [told.id for told in node_search.find(text, user=viewer)] == [SCANS]


def test_versions_are_compared_by_them(viewer):
    checks = used("checks", "7")
    first, second = plain_run(used(), checks), plain_run(used(digest="2a"), checks)
    one, other = make_version("1.0.0", run_id=first.run_id), make_version("1.1.0", run_id=second.run_id)
    rows = {row.name: row for row in comparison.of(one, other).data}
    changed = rows["digit scans"]
    assert [changed.first.hash, changed.second.hash] == ["1f0c94a3~digit_scans", "2a~digit_scans"]
    assert {name: row.differs for name, row in rows.items()} == {"digit scans": True, "checks": False}
