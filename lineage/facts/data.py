"""Data: where it lies, how large it is, who put it there."""

from collections import defaultdict
from collections.abc import Collection

from django.db.models import Exists, Min, OuterRef
from django.utils.translation import gettext as _

from experiments.file_sizes import file_size
from experiments.mirror_values import keyed
from experiments.models import RunInput, RunTag
from lineage import graph_words, import_sources
from lineage.facts.told import Fact, Told, facts
from lineage.import_sources import Source
from lineage.models import DataVersion
from lineage.node_ids import Kind, NodeId
from lineage.page_addresses import address
from lineage.reach import DATA_TAG, JOB_TAG, Reach

_PLACES = 10
_NAMES = 200
_IMPORT = DataVersion.Kind.IMPORT


def of(values: Collection[str], _limits: Reach) -> dict[str, Told]:
    """Return what is told of data by hash. Five queries at most."""
    rows = DataVersion.objects.filter(hash__in=values).select_related("repository")
    places: dict[str, list[DataVersion]] = defaultdict(list)
    for row in rows.order_by("first_at", "pk"):
        places[row.hash].append(row)
    imported = [row.hash for found in places.values() for row in found[:1] if row.kind == _IMPORT]
    sources = import_sources.of(imported)
    told = {value: _known(rows, sources.get(value)) for value, rows in places.items()}
    used = _used([value for value in values if value not in told])
    told |= {value: _logged(value, said) for value, said in used.items()}
    names = _names([value for value in values if value not in told])
    return told | {
        value: _unknown(value, *names.get(value, ("", False))) for value in values if value not in told
    }


def _used(keys: Collection[str]) -> dict[str, dict[str, str]]:
    """Return what the first run that used data said of them, as `Run.inputs` has it. One query."""
    if not keys:
        return {}
    first = RunInput.objects.filter(key__in=keys).order_by().values("key").annotate(first=Min("pk"))
    rows = RunInput.objects.filter(pk__in=first.values("first")).order_by()
    found: dict[str, dict[str, str]] = {}
    for key, name, inputs in rows.values_list("key", "value", "run__inputs"):
        found[key] = dict(next((one for other, one in keyed(inputs) if other == key), {"name": name}))
    return found


def _names(hashes: Collection[str]) -> dict[str, tuple[str, bool]]:
    """Return what runs call data that no repository has, and whether pipelines of ours do. One query."""
    if not hashes:
        return {}
    rows = RunTag.objects.filter(key="dataset_name", run__filter_tags__key=DATA_TAG)
    rows = rows.filter(run__filter_tags__value__in=hashes).order_by()
    ours = Exists(RunTag.objects.filter(run=OuterRef("run"), key=JOB_TAG))
    told = rows.values_list("run__filter_tags__value", "value", ours)[:_NAMES]
    return {value: (name, is_ours) for value, name, is_ours in told}


def _known(rows: list[DataVersion], source: Source | None) -> Told:
    row = rows[0]
    others = [f"{one.repository.name}: {one.path}" for one in rows[1 : _PLACES + 1]]
    size = file_size(row.size) if row.size is not None else ""
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
            Fact("files", row.nfiles, "number"),
            Fact("kind", row.kind, "data_kind"),
            Fact("imported_from", str(source) if source else ""),
            Fact("first_commit", row.first_sha, "digest"),
            Fact("first_at", row.first_at, "time"),
            Fact("author", row.author),
            Fact("message", row.message),
            Fact("also_at", others, "list"),
        ),
    )


def _logged(value: str, said: dict[str, str]) -> Told:
    """Return data that runs used without DVC: what MLflow knows is a name, a digest and a source."""
    return Told(
        Kind.DATA,
        str(NodeId(Kind.DATA, value)),
        said["name"] or value[:12],
        _("logged to MLflow"),
        facts=facts(
            Fact("hash", said.get("digest", value), "digest"),
            Fact("name", said["name"]),
            Fact("source_type", said.get("source_type", "")),
            Fact("source", said.get("source", "")),
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
