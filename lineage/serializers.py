"""JSON shapes of graphs, impacts and comparisons."""

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from lineage import facts
from lineage.code_inputs import CodeFile
from lineage.graph import Graph, Key, find_cycle
from lineage.input_changes import DataInput
from lineage.reach import Reach
from registry.deployment_api import DeploymentSerializer


class NodeSerializer(serializers.Serializer[Any]):
    """One node."""

    id = serializers.CharField(
        help_text="as in `node=`; `hidden:<n>` for a version that you may not see, a name within this answer"
    )
    kind = serializers.CharField()
    title = serializers.CharField()
    depth = serializers.IntegerField(help_text="hops from the root")
    at = serializers.DateTimeField(allow_null=True, help_text="since when it exists")
    stage = serializers.CharField(allow_null=True, help_text="of a version, as of then")
    state = serializers.CharField(allow_null=True, help_text="of a run, promotion or deployment, as of then")
    gone = serializers.BooleanField(help_text="deleted, or only known by name")
    hidden = serializers.BooleanField()
    goes_on = serializers.BooleanField(help_text="whether there is more beyond it")
    url = serializers.CharField(allow_null=True)
    facts = serializers.DictField()


class EdgeSerializer(serializers.Serializer[Any]):
    """`target` came from `source`."""

    source = serializers.CharField()  # type: ignore[assignment]
    target = serializers.CharField()


class GraphSerializer(serializers.Serializer[Any]):
    """A graph around a root, nodes by distance."""

    root = serializers.CharField()  # type: ignore[assignment]
    direction = serializers.CharField()
    depth = serializers.IntegerField()
    at = serializers.DateTimeField(allow_null=True, help_text="null: now")
    complete = serializers.BooleanField(help_text="false: there is more within this depth than is here")
    cycle = serializers.ListField(
        child=serializers.CharField(), help_text="nodes that came from each other; normally none"
    )
    nodes = NodeSerializer(many=True)
    edges = EdgeSerializer(many=True)


def graph(found: Graph, limits: Reach, *, direction: str, depth: int) -> dict[str, Any]:
    """Return a graph as JSON. Three queries at most for each kind of node."""
    told = facts.of(found.nodes.values(), limits)
    order = sorted(told, key=lambda key: (found.depths[key], key))
    hidden = [key for key in order if told[key].hidden]
    names = {key: told[key].id or f"hidden:{hidden.index(key) + 1}" for key in order}
    answer = {
        "root": names[found.root],
        "direction": direction,
        "depth": depth,
        "at": limits.at,
        "complete": found.complete,
        "cycle": [names[key] for key in find_cycle(found.edges)],
        "nodes": [_node(found, key, names[key], told[key]) for key in order],
        "edges": [
            {"source": names[edge.source], "target": names[edge.target]}
            for edge in sorted(found.edges)
            if edge.source in names and edge.target in names
        ],
    }
    return dict(GraphSerializer(answer).data)


def _node(found: Graph, key: Key, name: str, told: facts.Told) -> dict[str, Any]:
    return {
        "id": name,
        "kind": told.kind,
        "title": told.title,
        "depth": found.depths[key],
        "at": told.at,
        "stage": told.stage or None,
        "state": told.state or None,
        "gone": told.gone,
        "hidden": told.hidden,
        "goes_on": key in found.open_ends,
        "url": told.url or None,
        "facts": told.known,
    }


class ImpactPromotionSerializer(serializers.Serializer[Any]):
    """A promotion of a version that was reached."""

    id = serializers.IntegerField(source="promotion.pk")
    to_stage = serializers.CharField(source="promotion.to_stage")
    state = serializers.CharField(help_text="as of then")


class ImpactSerializer(serializers.Serializer[Any]):
    """A version that a cause reached."""

    model = serializers.CharField(source="version.model.name")
    version = serializers.CharField(source="version.version")
    stage = serializers.CharField(help_text="now")
    stage_then = serializers.CharField(help_text="at `at`")
    registered_at = serializers.DateTimeField(source="version.created_at")
    promotions = ImpactPromotionSerializer(many=True)
    deployments = DeploymentSerializer(many=True)


class InputChangeSerializer(serializers.Serializer[Any]):
    """One input of two versions; null where one has none of that name."""

    name = serializers.CharField()
    differs = serializers.BooleanField()
    first = serializers.SerializerMethodField()
    second = serializers.SerializerMethodField()

    def get_first(self, change: Any) -> Any:
        """Return that of the first version."""
        return _plain(change.first)

    def get_second(self, change: Any) -> Any:
        """Return that of the second version."""
        return _plain(change.second)


class ComparedCommitSerializer(serializers.Serializer[Any]):
    """A commit that one version has and the other has not."""

    sha = serializers.CharField()
    author = serializers.CharField()
    committed_at = serializers.DateTimeField()
    message = serializers.CharField(source="subject")


class ComparisonSerializer(serializers.Serializer[Any]):
    """Two versions by what they were made from."""

    first = serializers.CharField(source="first.version")
    second = serializers.CharField(source="second.version")
    changed = serializers.ListField(child=serializers.CharField())
    first_commit = serializers.CharField(source="first.sha")
    second_commit = serializers.CharField(source="second.sha")
    commits = ComparedCommitSerializer(many=True, help_text="in the second, not in the first")
    commits_back = ComparedCommitSerializer(many=True, help_text="in the first, not in the second")
    code = InputChangeSerializer(many=True, help_text="files that Git tracks and stages read")
    data = InputChangeSerializer(many=True)  # type: ignore[assignment]
    parameters = InputChangeSerializer(many=True)
    commands = InputChangeSerializer(many=True)
    environment = InputChangeSerializer(many=True)


def _plain(value: Any) -> Any:
    return asdict(value) if isinstance(value, DataInput | CodeFile) else value
