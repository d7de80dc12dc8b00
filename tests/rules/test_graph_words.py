"""The words of the lineage graph."""

import pytest
from django.utils import translation

from lineage import graph_words


@pytest.mark.parametrize(
    ("count", "english", "korean"),
    [
        (1, "+1 file", "파일 +1개"),
        (-1, "\N{MINUS SIGN}1 file", "파일 \N{MINUS SIGN}1개"),
        (1897, "+1,897 files", "파일 +1,897개"),
        (-2, "\N{MINUS SIGN}2 files", "파일 \N{MINUS SIGN}2개"),
    ],
)
def test_a_difference_of_files_has_its_sign_and_the_right_plural(
    count: int, english: str, korean: str
) -> None:
    assert graph_words.file_difference(count) == english
    with translation.override("ko"):
        assert graph_words.file_difference(count) == korean
