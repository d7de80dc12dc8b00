"""Finding a node by its id, a version, the beginning of a hash, a commit, a run; else by a part of a name."""

import contextlib
from collections.abc import Iterable

from django.http import Http404

from accounts.access import Person
from experiments.models import Run, RunInput, RunTag
from lineage import facts, node_ids, reach, roots
from lineage.facts import Told
from lineage.graph import Key, Node
from lineage.models import DataVersion, HistoryCommit
from lineage.node_ids import Kind, NodeIdError
from lineage.reach import Reach
from registry.access import visible_q
from registry.models import ModelVersion
from registry.stages import Stage

LONGEST = 500
#: Nodes of one kind at most.
SHOWN = 10
_SHORTEST = 4
_SHORTEST_PART = 3
_LOOKED_AT = 500
_STARTS = 12
_HEXADECIMAL = set("0123456789abcdef")


def find(text: str, *, user: Person) -> list[Told]:
    """Return the nodes that `text` may mean. Eighteen queries at most.

    :param text: id of a node or ``#`` and the number of a promotion; ``model@version`` or the beginning of a
        model's name; the first four characters or more of a hash, a SHA or a run's id; a path of data. If it
        is none of these, a part of the name of a model or a run or of a path, three characters or more
    """
    nodes = _named(text, user) or [*_versions(text, user), *_data(text), *_commits(text), *_runs(text)]
    nodes = nodes or _containing(text, user)
    told = facts.of(nodes, Reach.of(user))
    return [told[node.key] for node in nodes if node.key in told]


def starts(*, user: Person) -> list[Told]:
    """Return the versions that are in Production, where most questions begin."""
    rows = ModelVersion.objects.filter(visible_q(user, "model"), stage=Stage.PRODUCTION)
    nodes = [
        _node(Kind.VERSION, pk) for pk in rows.order_by("model__name").values_list("pk", flat=True)[:_STARTS]
    ]
    return list(facts.of(nodes, Reach.of(user)).values())


def _named(text: str, user: Person) -> list[Node]:
    """Return the node whose id `text` is."""
    if text.startswith("#"):
        text = f"{Kind.PROMOTION}:{text[1:]}"
    with contextlib.suppress(NodeIdError, Http404):
        return [roots.find(node_ids.parse(text), user=user)]
    return []


def _containing(text: str, user: Person) -> list[Node]:
    """Return the nodes with `text` somewhere in the name, the newest of each path or model first."""
    if len(text) < _SHORTEST_PART:
        return []
    versions = ModelVersion.objects.filter(visible_q(user, "model"), model__name__icontains=text)
    data = DataVersion.objects.filter(path__icontains=text).order_by("-first_at")
    newest: dict[str, str] = {}
    for path, value in data.values_list("path", "hash")[:_LOOKED_AT]:
        newest.setdefault(path, value)
    runs = Run.objects.filter(name__icontains=text).order_by("-started_at").values_list("run_id", flat=True)
    joined = (reach.data(value) for value in dict.fromkeys(newest.values()))
    return [
        *(_node(Kind.VERSION, pk) for pk in versions.values_list("pk", flat=True)[:SHOWN]),
        *[node for node in joined if node][:SHOWN],
        *(_node(Kind.RUN, run_id) for run_id in runs[:SHOWN]),
    ]


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
    if _is_prefix(text.lower().removesuffix(".dir")):
        text = text.lower()
        known = DataVersion.objects.filter(hash__gte=text, hash__lt=_after(text)).order_by("hash")
        found = list(known.values_list("hash", flat=True).distinct()[:SHOWN])
        if not found:
            tags = RunTag.objects.filter(key=reach.DATA_TAG, value__gte=text, value__lt=_after(text))
            found = list(tags.order_by("value").values_list("value", flat=True).distinct()[:SHOWN])
        # What follows a digest is no hexadecimal digit, and collations do not agree where it stands.
        used = RunInput.objects.filter(key__startswith=text)
    else:
        rows = DataVersion.objects.filter(path=text.rstrip("/")).order_by("-first_at")
        found = list(rows.values_list("hash", flat=True)[:SHOWN])
        used = RunInput.objects.filter(value=text)
    found += used.order_by("key").values_list("key", flat=True).distinct()[:SHOWN]
    nodes = (reach.data(value) for value in dict.fromkeys(found))
    return [node for node in nodes if node]


def _commits(text: str) -> Iterable[Node]:
    text = text.lower()
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
    if _is_prefix(text.lower()):
        text = text.lower()
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
