"""Scores of read amounts, and the alignment behind the confusion table."""

from collections.abc import Sequence

GAP = "gap"
"""Stands in the confusion table for a digit that was lost or invented."""


def _distances(actual: Sequence[str], read: Sequence[str]) -> list[list[int]]:
    """Levenshtein's table: row i, column j is the distance of actual[:i] and read[:j].

    Source: R. A. Wagner, M. J. Fischer, The String-to-String Correction Problem, J. ACM 21(1), 1974.
    """
    table = [list(range(len(read) + 1))]
    for row, wanted in enumerate(actual, start=1):
        above, current = table[-1], [row]
        for column, got in enumerate(read, start=1):
            current.append(min(above[column] + 1, current[-1] + 1, above[column - 1] + (wanted != got)))
        table.append(current)
    return table


def edit_distance(actual: Sequence[str], read: Sequence[str]) -> int:
    """The smallest number of substitutions, deletions and insertions that turns one into the other."""
    return _distances(actual, read)[-1][-1]


def character_error_rate(actual: Sequence[str], read: Sequence[str]) -> float:
    """CER = (S + D + I) / N over all amounts together, N being the number of written digits.

    It exceeds 1 when more digits are invented than written. Raises ValueError without any digit.
    """
    return _error_rate(actual, read)


def word_error_rate(actual: Sequence[str], read: Sequence[str]) -> float:
    """WER = (S + D + I) / N over words. A word is a whole amount field; an empty reading has no word.

    Raises ValueError without any amount.
    """
    return _error_rate([a.split() for a in actual], [r.split() for r in read])


def _error_rate(actual: Sequence[Sequence[str]], read: Sequence[Sequence[str]]) -> float:
    total = sum(map(len, actual))
    if not total:
        raise ValueError("an error rate needs something that was written")
    return sum(edit_distance(a, r) for a, r in zip(actual, read, strict=True)) / total


def exact_share(actual: Sequence[str], read: Sequence[str]) -> float:
    """The share of amounts that were read without any error. Raises ValueError without any amount."""
    if not actual:
        raise ValueError("a share needs at least one amount")
    return sum(a == r for a, r in zip(actual, read, strict=True)) / len(actual)


def digit_pairs(actual: str, read: str) -> list[tuple[str, str]]:
    """Pairs (actual, read) of digits on one shortest edit path, left to right, with GAP where one lacks.

    A match or substitution is preferred to a deletion, a deletion to an insertion.
    """
    table = _distances(actual, read)
    row, column = len(actual), len(read)
    pairs = []
    while row or column:
        here = table[row][column]
        differs = actual[row - 1 : row] != read[column - 1 : column]
        if row and column and here == table[row - 1][column - 1] + differs:
            row, column = row - 1, column - 1
            pairs.append((actual[row], read[column]))
        elif row and here == table[row - 1][column] + 1:
            row -= 1
            pairs.append((actual[row], GAP))
        else:
            column -= 1
            pairs.append((GAP, read[column]))
    return pairs[::-1]
