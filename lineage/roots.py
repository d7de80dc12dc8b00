"""What an id names: the node that a walk begins at."""

from collections.abc import Callable, Collection
from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from accounts.access import Person
from experiments.models import Commit, Repository, Run, RunInput, RunTag
from lineage import reach
from lineage.graph import Key, Node
from lineage.models import DataVersion, HistoryCommit, PipelineStage
from lineage.node_ids import Kind, NodeId
from registry import access
from registry.models import Deployment, ModelVersion


def find(node: NodeId, *, user: Person) -> Node:
    """Return the node that `node` names. Three queries at most, and those that ask who may see it.

    :raises Http404: there is none, or none that `user` may see
    """
    found = _FINDERS[node.kind](node, user)
    if found is None:
        raise Http404(_("There is no node %(node)s.") % {"node": str(node)})
    return found


def _data(node: NodeId, _user: Person) -> Node | None:
    tagged = RunTag.objects.filter(key=reach.DATA_TAG, value=node.name)
    used = RunInput.objects.filter(key=node.name)
    known = DataVersion.objects.filter(hash=node.name).exists() or tagged.exists() or used.exists()
    return Node(Key(Kind.DATA, node.name)) if known else None


def _commit(node: NodeId, _user: Person) -> Node | None:
    at = HistoryCommit.objects.filter(sha=node.name).values_list("committed_at", flat=True).first()
    if at is None:
        at = indexed([node.name]).values_list("committed_at", flat=True).first()
    if at is None and not RunTag.objects.filter(key__in=reach.GIT_TAGS, value=node.name).exists():
        return None
    return Node(Key(Kind.COMMIT, node.name), at)


def indexed(shas: Collection[str]) -> QuerySet[Commit]:
    """Return the commits that launches know, which are there before the history is read."""
    # By repository as well, since that is what the index begins with.
    return Commit.objects.filter(repository__in=Repository.objects.values("pk"), sha__in=shas).order_by()


def _stage(node: NodeId, _user: Person) -> Node | None:
    here = Q(first_sha=node.name) | Q(snapshots__commits__sha=node.name)
    stages = PipelineStage.objects.filter(here, repository__name=node.repository, address=node.path)
    found = stages.order_by("pk").values_list("pk", "first_at").first()
    return Node(Key(Kind.STAGE, str(found[0])), found[1]) if found else None


def _run(node: NodeId, user: Person) -> Node | None:
    told = Run.objects.filter(run_id=node.name).values_list("started_at", flat=True)
    row = list(told[:1])
    if not row:
        kept = ModelVersion.objects.filter(access.visible_q(user, "model"), run_id=node.name)
        if not kept.exists():
            return None
    return Node(Key(Kind.RUN, node.name), row[0] if row else None)


def _version(node: NodeId, user: Person) -> Node:
    found = access.get_version(node.path, node.name, user=user)
    return Node(Key(Kind.VERSION, str(found.pk)), found.created_at)


def _promotion(node: NodeId, user: Person) -> Node:
    found = access.get_promotion(int(node.name), user=user)
    return Node(Key(Kind.PROMOTION, str(found.pk)), found.opened_at)


def _deployment(node: NodeId, user: Person) -> Node | None:
    seen = Deployment.objects.filter(access.visible_q(user, "version__model"), pk=int(node.name))
    at: datetime | None = seen.values_list("at", flat=True).first()
    return Node(Key(Kind.DEPLOYMENT, node.name), at) if at else None


_FINDERS: dict[Kind, Callable[[NodeId, Person], Node | None]] = {
    Kind.DATA: _data,
    Kind.COMMIT: _commit,
    Kind.STAGE: _stage,
    Kind.RUN: _run,
    Kind.VERSION: _version,
    Kind.PROMOTION: _promotion,
    Kind.DEPLOYMENT: _deployment,
}
