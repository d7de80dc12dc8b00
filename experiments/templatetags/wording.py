"""Filters that show what is stored in English in the reader's language."""

from django import template
from django.utils.safestring import SafeString

from experiments import labels, sentences
from experiments import markdown as markdown_rules

register = template.Library()


@register.filter
def translated(text: object) -> str:
    """Return a stored text, such as the error of a job, with the sentences that are known translated."""
    return sentences.translated(str(text))


@register.filter
def step_label(name: str, job_kind: str) -> str:
    """Return the words for a step of a job of this kind."""
    return labels.step(job_kind, name)


@register.filter
def markdown(text: str) -> SafeString:
    """Return Markdown that a person or a program wrote as harmless HTML."""
    return markdown_rules.render(text)
