"""How long Chromium needs for the first row of the table of runs, and what comes over the wire."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bench.servers import Ours
from tests import chromium

_VISITS = 5
_MOST_MILLISECONDS = 180_000
_SETTLING_MILLISECONDS = 3_000


@dataclass(frozen=True)
class Visit:
    """Median of some visits with a cold cache: seconds until the first row is there, bytes received."""

    seconds: float
    bytes: float


def visits(mlflow_url: str, experiment: str, ours: Ours) -> tuple[Visit, Visit]:
    """Visit MLflow's table and ours; return theirs, then ours."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.ARGUMENTS)
        try:
            theirs = _visits(
                browser, f"{mlflow_url}/#/experiments/{experiment}/runs", "text=/^run-[0-9]{6}$/", None
            )
            page = f"{ours.url}/runs/?experiment={experiment}"
            return theirs, _visits(browser, page, "tbody tr a[href^='/runs/']", ours)
        finally:
            browser.close()


def _visits(browser: Browser, address: str, first_row: str, ours: Ours | None) -> Visit:
    seen = [_visit(browser, address, first_row, ours) for _ in range(_VISITS)]
    return Visit(statistics.median(one.seconds for one in seen), statistics.median(one.bytes for one in seen))


def _visit(browser: Browser, address: str, first_row: str, ours: Ours | None) -> Visit:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        if ours:
            context.add_cookies([{"name": "sessionid", "value": ours.cookie, "url": ours.url}])
        page = context.new_page()
        network = context.new_cdp_session(page)
        network.send("Network.enable")
        received: list[float] = []

        def count(event: dict[str, Any]) -> None:
            received.append(float(event["encodedDataLength"]))

        network.on("Network.loadingFinished", count)
        began = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.locator(first_row).first.wait_for(timeout=_MOST_MILLISECONDS)
        seconds = time.perf_counter() - began
        # What is still on its way belongs to the page; MLflow's own page never falls silent.
        page.wait_for_timeout(_SETTLING_MILLISECONDS)
        return Visit(seconds, sum(received))
    finally:
        context.close()
