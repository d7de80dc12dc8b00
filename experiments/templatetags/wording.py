"""Filters that show what is stored in English in the reader's language."""

from django import template

from experiments import labels, sentences

register = template.Library()


@register.filter
def translated(text: object) -> str:
    """Return a stored text, such as the error of a job, with the sentences that are known translated."""
    return sentences.translated(str(text))


@register.filter
def step_label(name: str, job_kind: str) -> str:
    """Return the words for a step of a job of this kind."""
    return labels.step(job_kind, name)
