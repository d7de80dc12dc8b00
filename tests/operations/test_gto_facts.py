"""What GTO's registry says of commits, in the graph and elsewhere."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from experiments.models import Repository
from lineage import facts, gto_tags
from lineage.graph import Key, Node
from lineage.models import GtoEvent
from lineage.node_ids import Kind
from lineage.reach import Reach
from lineage.selectors import gto
from tests.jobs import make_repository
from tests.lineage_rows import SHA, make_history_commit
from tests.stage_events import day

pytestmark = pytest.mark.django_db

OTHER = "2" * 40


@pytest.fixture
def repository() -> Repository:
    return make_repository("receipts")


def make_tag(repository: Repository, tag: str, number: int, *, sha: str = SHA, version: str = "") -> None:
    parsed = gto_tags.parse(tag)
    assert parsed is not None
    GtoEvent.objects.create(
        repository=repository,
        tag=tag,
        artifact=parsed.artifact,
        action=parsed.action,
        stage=parsed.stage,
        version=parsed.version or version,
        sha=sha,
        author="Tester",
        at=day(number),
    )


def test_a_commit_of_the_graph_says_what_it_is_called_now_and_then(repository: Repository) -> None:
    make_history_commit(repository, SHA)
    make_tag(repository, "model@v1.2.0", 2)
    make_tag(repository, "model#prod#1", 4, version="v1.2.0")

    def told(at: int | None) -> object:
        node = Node(Key(Kind.COMMIT, SHA))
        return facts.of([node], Reach(day(at) if at else None))[node.key].known.get("gto")

    assert told(None) == ["model@v1.2.0 (prod)"]
    assert told(3) == ["model@v1.2.0"]
    assert told(1) is None


def test_what_another_commit_took_over_or_took_back_is_not_said(repository: Repository) -> None:
    make_tag(repository, "model@v1.0.0", 1)
    make_tag(repository, "model#prod#1", 2, version="v1.0.0")
    make_tag(repository, "model@v2.0.0", 3, sha=OTHER)
    make_tag(repository, "model#prod#2", 4, sha=OTHER, version="v2.0.0")
    make_tag(repository, "scans@v0.1.0", 5)
    make_tag(repository, "scans@v0.1.0!#2", 6)
    make_tag(repository, "plain#dev#1", 7)  # a stage without a version
    assert gto.of_commits([SHA]) == {SHA: ["model@v1.0.0", "plain (dev)"]}
    assert gto.of_commits([OTHER]) == {OTHER: ["model@v2.0.0 (prod)"]}


def test_many_commits_in_many_repositories_are_one_query(repository: Repository) -> None:
    other = make_repository("fork")
    for number in range(1, 6):
        for row in (repository, other):
            make_tag(row, f"model@v{number}.0.0", number, sha=str(number) * 40)
    shas = [str(number) * 40 for number in range(1, 6)]
    with CaptureQueriesContext(connection) as captured:
        found = gto.of_commits(shas)
    assert len(captured) == 1
    assert found == {sha: [f"model@v{number}.0.0"] for number, sha in enumerate(shas, start=1)}
    assert gto.of_commits(shas, repository=make_repository("third")) == {}
