"""Addresses of Git repositories as URIs."""

import pytest

from integrations.git_urls import as_uri


@pytest.mark.parametrize(
    ("address", "uri"),
    [
        ("https://host.example/team/ocr.git", "https://host.example/team/ocr.git"),
        ("https://host.example/a b/100%/ocr.git", "https://host.example/a%20b/100%25/ocr.git"),
        ("ssh://git@host.example:2222/ocr.git", "ssh://git@host.example:2222/ocr.git"),
        ("git@host.example:team/ocr.git", "ssh://git@host.example/team/ocr.git"),
        ("host.example:/srv/ocr.git", "ssh://host.example/srv/ocr.git"),
        ("/srv/git/ocr models.git", "file:///srv/git/ocr%20models.git"),
        ("relative/path", ""),
        ("ext::sh -c id", ""),
        ("", ""),
    ],
)
def test_an_address_of_any_form_becomes_a_uri(address: str, uri: str) -> None:
    assert as_uri(address) == uri
