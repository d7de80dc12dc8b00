"""Addresses of pages that an installation may not have."""

from django.urls import NoReverseMatch, reverse


def address(view: str, *arguments: object) -> str:
    """Return the address of a page; empty where there is none for these arguments."""
    try:
        return reverse(view, args=arguments)
    except NoReverseMatch:
        return ""
