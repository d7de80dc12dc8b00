"""Reads what comes next from MLflow while what was read is written: most of the time of an import is waiting.

Everything comes in order. How many requests are under way at once is up to the caller: MLflow has others to
serve, but a first import should not leave its second processor idle.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from integrations.mlflow_reading import later_token
from integrations.mlflow_records import RunPage
from integrations.mlflow_server import MLflowServer

A = TypeVar("A")
R = TypeVar("R")


@dataclass(frozen=True)
class Answer:
    """One page of MLflow's runs and the seconds that it took."""

    page: RunPage
    seconds: float


@dataclass(frozen=True)
class _Asked:
    token: str | None
    size: int
    answer: Future[Answer]


class PagesAhead:
    """Reads the pages of one search one after the other, and the next ones while a page is written.

    A request needs the token of the page before it. So that several can be under way, the token of a later
    page is worked out, as far as MLflow's tokens are understood; if MLflow then gives another one, what was
    read too early is thrown away.

    :param width: how many pages are read at once
    """

    def __init__(self, server: MLflowServer, width: int) -> None:
        self._server = server
        self._width = width
        self._asked: deque[_Asked] = deque()
        self._pool = ThreadPoolExecutor(width, "pages ahead")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    @property
    def is_waiting(self) -> bool:
        """Whether pages were asked for that were not taken yet."""
        return bool(self._asked)

    def take(self, group: Sequence[str], token: str | None, size: int) -> Answer:
        """Return the page at `token`, of `size` runs unless it was asked for before.

        :raises IntegrationError: MLflow cannot be reached, or refuses
        """
        self._begin_at(group, token, size)
        return self._asked.popleft().answer.result()

    def go_on(self, group: Sequence[str], token: str, size: int) -> None:
        """Read on from `token` until `width` pages are under way."""
        self._begin_at(group, token, size)
        while len(self._asked) < self._width:
            last = self._asked[-1]
            following = later_token(last.token, last.size) if last.token else None
            if following is None:
                return
            self._ask(group, following, size)

    def _begin_at(self, group: Sequence[str], token: str | None, size: int) -> None:
        if self._asked and self._asked[0].token != token:
            for one in self._asked:
                one.answer.cancel()
            self._asked.clear()
        if not self._asked:
            self._ask(group, token, size)

    def _ask(self, group: Sequence[str], token: str | None, size: int) -> None:
        answer = self._pool.submit(_read, self._server, group, token, size)
        self._asked.append(_Asked(token, size, answer))


def in_order(act: Callable[[A], R], arguments: Iterable[A], width: int) -> Iterator[R]:
    """Yield the results of `act` in the order of `arguments`, with at most `width` at work and one done."""
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(width, "ahead") as pool:
        try:
            for argument in arguments:
                waiting.append(pool.submit(act, argument))
                if len(waiting) > width:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


def _read(server: MLflowServer, group: Sequence[str], token: str | None, size: int) -> Answer:
    began = time.monotonic()
    page = server.search_runs(group, max_results=size, page_token=token)
    return Answer(page, time.monotonic() - began)
