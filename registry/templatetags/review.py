"""Filters of the review page."""

from django import template
from django.utils.safestring import SafeString

from experiments import markdown
from registry import labels
from registry.review_gates import element_of

register = template.Library()


@register.filter(name="markdown")
def rendered(text: str) -> SafeString:
    """Return Markdown that a person wrote as harmless HTML."""
    return markdown.render(text)


@register.filter
def element_id(anchor: str) -> str:
    """Return the id of the element that the anchor of a comment means."""
    return element_of(anchor)


@register.filter
def evidence_words(names: object) -> str:
    """Return the words for parts of the evidence, one after the other."""
    return ", ".join(labels.evidence(str(name)) for name in names) if isinstance(names, list | tuple) else ""


@register.filter
def verdict_word(name: str) -> str:
    """Return what a reviewer did."""
    return labels.verdict(name)
