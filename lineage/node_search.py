"""Finding a node: a version, the beginning of a data hash or a commit, a run."""

from collections.abc import Iterable

from accounts.access import Person
from experiments.models import Run, RunTag
from lineage import facts, reach
from lineage.facts import Told
from lineage.graph import Key, Node
from lineage.models import DataVersion, HistoryCommit
from lineage.node_ids import Kind
from lineage.reach import Reach
from registry.access import visible_q
from registry.models import ModelVersion
from registry.stages import Stage

LONGEST = 500
#: Nodes of one kind at most.
SHOWN = 10
_SHORTEST = 4
_STARTS = 12
_HEXADECIMAL = set("0123456789abcdef")


def find(text: str, *, user: Person) -> list[Told]:
    """Return the nodes that `text` may mean. Ten queries at most.

    :param text: id of a node; ``model@version`` or the beginning of a model's name; the first four characters
        or more of a hash, a SHA or a run's id; a path of data
    """
    nodes = [*_versions(text, user), *_data(text), *_commits(text), *_runs(text)]
    told = facts.of(nodes, Reach.of(user))
    return [told[node.key] for node in nodes if node.key in told]


def starts(*, user: Person) -> list[Told]:
    """Return the versions that are in Production, where most questions begin."""
    rows = ModelVersion.objects.filter(visible_q(user, "model"), stage=Stage.PRODUCTION)
    nodes = [
        _node(Kind.VERSION, pk) for pk in rows.order_by("model__name").values_list("pk", flat=True)[:_STARTS]
    ]
    return list(facts.of(nodes, Reach.of(user)).values())


def _versions(text: str, user: Person) -> Iterable[Node]:
    model, at, number = text.rpartition("@")
    rows = ModelVersion.objects.filter(visible_q(user, "model"))
    rows = (
        rows.filter(model__name=model, version__startswith=number)
        if at
        else rows.filter(model__name__istartswith=text)
    )
    return [_node(Kind.VERSION, pk) for pk in rows.values_list("pk", flat=True)[:SHOWN]]


def _data(text: str) -> Iterable[Node]:
    if _is_prefix(text.removesuffix(".dir")):
        known = DataVersion.objects.filter(hash__gte=text, hash__lt=_after(text)).order_by("hash")
        found = list(known.values_list("hash", flat=True).distinct()[:SHOWN])
        if not found:
            tags = RunTag.objects.filter(key=reach.DATA_TAG, value__gte=text, value__lt=_after(text))
            found = list(tags.order_by("value").values_list("value", flat=True).distinct()[:SHOWN])
    else:
        rows = DataVersion.objects.filter(path=text).order_by("-first_at")
        found = list(rows.values_list("hash", flat=True)[:SHOWN])
    nodes = (reach.data(value) for value in dict.fromkeys(found))
    return [node for node in nodes if node]


def _commits(text: str) -> Iterable[Node]:
    if not _is_prefix(text):
        return []
    rows = HistoryCommit.objects.filter(sha__gte=text, sha__lt=_after(text)).order_by("sha")
    found = list(rows.values_list("sha", flat=True).distinct()[:SHOWN])
    if not found:
        tags = RunTag.objects.filter(key__in=reach.GIT_TAGS, value__gte=text, value__lt=_after(text))
        found = list(tags.order_by("value").values_list("value", flat=True).distinct()[:SHOWN])
    nodes = (reach.commit(value) for value in found)
    return [node for node in nodes if node]


def _runs(text: str) -> Iterable[Node]:
    rows = Run.objects.filter(name=text).order_by("-started_at")
    if _is_prefix(text):
        rows = Run.objects.filter(run_id__gte=text, run_id__lt=_after(text)).order_by("run_id")
    return [_node(Kind.RUN, run_id) for run_id in rows.values_list("run_id", flat=True)[:SHOWN]]


def _node(kind: Kind, value: object) -> Node:
    return Node(Key(kind, str(value)))


def _is_prefix(text: str) -> bool:
    return len(text) >= _SHORTEST and not set(text) - _HEXADECIMAL


def _after(prefix: str) -> str:
    """Return what comes after everything that begins with `prefix`, among hexadecimal digits.

    A letter, because collations of databases agree about those.
    """
    return f"{prefix}g"
