"""Template tags of the lineage graph."""

from django import template
from django.urls import reverse
from django.utils.http import urlencode

from lineage import graph_words
from lineage.code_inputs import CodeFile
from lineage.input_changes import Change, DataInput
from lineage.node_ids import Kind, NodeId
from registry import labels as registry_labels
from registry.asked_instants import Asked
from registry.models import ModelVersion

register = template.Library()


@register.filter
def svg(number: float) -> str:
    """Return a number as SVG writes it, whatever the language of the page."""
    return f"{number:g}"


@register.filter
def kind_icon(kind: str) -> str:
    """Return the name of the heroicon of a kind of node."""
    return graph_words.ICONS[Kind(kind)]


@register.filter
def kind_word(kind: str) -> str:
    """Return the word for a kind of node."""
    return str(graph_words.KINDS[Kind(kind)])


@register.simple_tag
def stage_word(stage: str) -> str:
    """Return a stage in the reader's language."""
    return registry_labels.stage(stage)


@register.simple_tag
def lineage_of(version: ModelVersion, asked: Asked | None = None) -> str:
    """Return the address of the lineage of a version, as of the instant that was asked about."""
    query = {"node": str(NodeId(Kind.VERSION, version.version, path=version.model.name))}
    if asked and asked.then:
        query["at"] = asked.link
    return f"{reverse('lineage:lineage')}?{urlencode(query)}"


@register.filter
def unlike(rows: list[Change]) -> list[Change]:
    """Return the inputs that differ."""
    return [row for row in rows if row.differs]


@register.filter
def alike(rows: list[Change]) -> list[Change]:
    """Return the inputs that are the same."""
    return [row for row in rows if not row.differs]


@register.filter
def input_word(name: str) -> str:
    """Return the word for a kind of input."""
    return graph_words.input_kind(name)


@register.filter
def is_data(value: object) -> bool:
    """Return whether an input is data, which is shown by its hash, number of files and size."""
    return isinstance(value, DataInput)


@register.filter
def is_code(value: object) -> bool:
    """Return whether an input is a file that Git tracks."""
    return isinstance(value, CodeFile)


@register.filter
def file_count(count: int) -> str:
    """Return how many files a folder has, in words."""
    return graph_words.file_count(count)


@register.filter
def file_difference(count: int) -> str:
    """Return how many files more or fewer a folder has, in words."""
    return graph_words.file_difference(count)
