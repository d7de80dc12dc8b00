"""Data: where it lies, how large it is, who put it there."""

from collections import defaultdict
from collections.abc import Collection

from django.db.models import Exists, OuterRef
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from experiments.models import RunTag
from lineage import graph_words
from lineage.facts.told import Fact, Told, facts
from lineage.models import DataVersion
from lineage.node_ids import Kind, NodeId
from lineage.page_addresses import address
from lineage.reach import DATA_TAG, JOB_TAG, Reach

_PLACES = 10
_NAMES = 200


def of(values: Collection[str], _limits: Reach) -> dict[str, Told]:
    """Return what is told of data by hash. One query."""
    rows = DataVersion.objects.filter(hash__in=values).select_related("repository")
    places: dict[str, list[DataVersion]] = defaultdict(list)
    for row in rows.order_by("first_at", "pk"):
        places[row.hash].append(row)
    names = _names([value for value in values if value not in places])
    return {
        value: _known(places[value]) if value in places else _unknown(value, *names.get(value, ("", False)))
        for value in values
    }


def _names(hashes: Collection[str]) -> dict[str, tuple[str, bool]]:
    """Return what runs call data that no repository has, and whether pipelines of ours do. One query."""
    if not hashes:
        return {}
    rows = RunTag.objects.filter(key="dataset_name", run__filter_tags__key=DATA_TAG)
    rows = rows.filter(run__filter_tags__value__in=hashes).order_by()
    ours = Exists(RunTag.objects.filter(run=OuterRef("run"), key=JOB_TAG))
    told = rows.values_list("run__filter_tags__value", "value", ours)[:_NAMES]
    return {value: (name, is_ours) for value, name, is_ours in told}


def _known(rows: list[DataVersion]) -> Told:
    row = rows[0]
    others = [f"{one.repository.name}: {one.path}" for one in rows[1 : _PLACES + 1]]
    size = filesizeformat(row.size) if row.size is not None else ""
    files = graph_words.file_count(row.nfiles) if row.nfiles is not None else ""
    return Told(
        Kind.DATA,
        str(NodeId(Kind.DATA, row.hash, row.repository.name, row.path)),
        row.path,
        " · ".join(filter(None, (files, size))),
        address("lineage:data-version", row.repository.name, row.pk),
        facts=facts(
            Fact("hash", row.hash, "digest"),
            Fact("repository", row.repository.name),
            Fact("path", row.path),
            Fact("size", row.size, "size"),
            Fact("files", row.nfiles),
            Fact("kind", row.kind),
            Fact("first_commit", row.first_sha, "digest"),
            Fact("first_at", row.first_at, "time"),
            Fact("author", row.author),
            Fact("message", row.message),
            Fact("also_at", others, "list"),
        ),
    )


def _unknown(value: str, name: str, is_ours: bool) -> Told:
    """Return data that only tags of runs name.

    :param is_ours: whether a pipeline of ours does. Of several inputs it makes one hash, which no file has;
        each of them is in the graph, too, before its stage.
    """
    is_joint = is_ours and not value.endswith(".dir")
    return Told(
        Kind.DATA,
        str(NodeId(Kind.DATA, value)),
        name or value[:12],
        _("all inputs together") if is_joint else _("named by runs only"),
        gone=not is_joint,
        facts=facts(Fact("hash", value, "digest"), Fact("name", name)),
    )
