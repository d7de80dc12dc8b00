"""Reading ahead: everything in order, as much at once as was asked for, nothing that MLflow did not mean."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from experiments.mirror_ahead import PagesAhead, in_order
from integrations.errors import IntegrationError
from integrations.mlflow_reading import later_token
from integrations.mlflow_records import RunPage

START = later_token("eyJvZmZzZXQiOiAxfQ==", -1)
GROUP = ["1"]


class Counter:
    """Notes how many calls are at work at once."""

    def __init__(self) -> None:
        self.most = self._now = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._now -= 1


class Search:
    """A search with so many rows, whose tokens go on as ours do or are of its own kind.

    It answers as the reader of MLflow does, whose own tests ask a real server.
    """

    def __init__(self, rows: int, *, own_tokens: bool = False, broken_at: int = -1) -> None:
        self.rows, self.own_tokens, self.broken_at = rows, own_tokens, broken_at
        self.asked: list[tuple[str | None, int]] = []
        self.counter = Counter()

    def search_runs(
        self, experiment_ids: Sequence[str], *, max_results: int, page_token: str | None
    ) -> RunPage:
        """Answer after a moment with the numbers of the rows."""
        self.asked.append((page_token, max_results))
        with self.counter:
            time.sleep(0.02)
        start = self._offset(page_token)
        if start == self.broken_at:
            raise IntegrationError("MLflow cannot be reached.", permanent=False)
        end = start + max_results
        rows: Any = tuple(range(start, min(end, self.rows)))
        return RunPage(rows, self._token(end) if end < self.rows else None)

    def _token(self, offset: int) -> str:
        return f"row {offset}" if self.own_tokens else str(later_token(str(START), offset))

    def _offset(self, token: str | None) -> int:
        return next(at for at in range(10**4) if token in (None, self._token(at))) if token else 0


def walk(search: Search, width: int, sizes: Sequence[int]) -> list[int]:
    """Read everything, with pages of these sizes one after the other (the last for the rest)."""
    found: list[Any] = []
    token, number = None, 0
    with PagesAhead(search, width) as pages:  # type: ignore[arg-type]
        while True:
            answer = pages.take(GROUP, token, sizes[min(number, len(sizes) - 1)])
            found += answer.page.runs
            token, number = answer.page.next_page_token, number + 1
            if token is None:
                return found
            pages.go_on(GROUP, token, sizes[min(number, len(sizes) - 1)])


@pytest.mark.parametrize("sizes", [[10], [5, 10, 20], [40, 10, 5]])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_every_row_comes_once_and_in_order_whatever_the_pages_are(width: int, sizes: list[int]) -> None:
    search = Search(103)
    assert walk(search, width, sizes) == list(range(103))
    assert search.counter.most == width


def test_tokens_of_another_kind_are_not_worked_out() -> None:
    search = Search(103, own_tokens=True)
    assert walk(search, 3, [10]) == list(range(103))
    assert search.counter.most == 1
    assert len(search.asked) == 11


def test_what_was_read_too_early_is_thrown_away() -> None:
    search = Search(100)
    with PagesAhead(search, 2) as pages:  # type: ignore[arg-type]
        first = pages.take(GROUP, None, 10)
        assert first.page.next_page_token
        pages.go_on(GROUP, first.page.next_page_token, 10)
        elsewhere = later_token(str(START), 50)
        assert list(pages.take(GROUP, elsewhere, 10).page.runs) == list(range(50, 60))
        assert not pages.is_waiting


def test_an_error_comes_where_its_page_would_have_come() -> None:
    search = Search(100, broken_at=20)
    with PagesAhead(search, 3) as pages:  # type: ignore[arg-type]
        token = pages.take(GROUP, None, 10).page.next_page_token
        assert token
        pages.go_on(GROUP, token, 10)
        second = pages.take(GROUP, token, 10)
        assert list(second.page.runs) == list(range(10, 20))
        with pytest.raises(IntegrationError):
            pages.take(GROUP, second.page.next_page_token, 10)


@pytest.mark.parametrize("token", ["", "?", "e30=", "W10=", "eyJvZmZzZXQiOiAiMSJ9", "row 7", "é"])
def test_a_token_that_is_not_understood_leads_nowhere(token: str) -> None:
    assert later_token(token, 10) is None


def test_results_come_in_order_and_never_more_than_some_at_once() -> None:
    counter = Counter()

    def act(number: int) -> int:
        with counter:
            time.sleep(0.001 * (5 - number % 5))
            return number

    assert list(in_order(act, range(40), 3)) == list(range(40))
    assert counter.most == 3


def test_what_fails_is_raised_in_its_place_and_ends_the_rest() -> None:
    done: list[int] = []

    def act(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        done.append(number)
        return number

    found = in_order(act, range(1000), 2)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(found)
    assert max(done) < 10
