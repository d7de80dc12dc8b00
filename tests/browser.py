"""Chromium against the product's pages, with the checks that every browser test makes.

A page that violates the content security policy, throws an error, or asks another host fails its test.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.test.testcases import LiveServerThread, _StaticFilesHandler
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from accounts.models import User
from tests import chromium

# Playwright's synchronous interface keeps an event loop in this thread, which Django takes for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

_AXE = Path(settings.BASE_DIR) / "node_modules" / "axe-core" / "axe.min.js"
# How long a page may take to become what a test expects: ends a wait for what never comes, measures nothing.
expect.set_options(timeout=20_000)
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_RULES_ABOUT_COLOURS = ["color-contrast", "link-in-text-block"]


@dataclass
class Guard:
    """Collects what must not happen on any page."""

    host: str
    faults: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Listen to everything `page` complains about."""
        page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        page.on("console", self._console)
        page.on("request", lambda request: self._request(request.url))

    def _console(self, message: Any) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.faults.append(f"CSP: {message.text}")

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.netloc != self.host:
            self.faults.append(f"request to another host: {url}")


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    """One browser for all tests of this process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def site(transactional_db: None) -> Iterator[str]:
    """The product served from a thread of this process, static files as in production; yields its URL."""
    server = LiveServerThread("127.0.0.1", _StaticFilesHandler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(chrome: Browser, site: str) -> Iterator[OpenPage]:
    """Return `open_page(path, user=None, theme="light", width=1280, language="en")`.

    Signs `user` in by a session cookie and opens `path`. At the end of the test every guard must be empty.
    """
    guard = Guard(urlsplit(site).netloc)
    contexts: list[BrowserContext] = []

    def visit(
        path: str, user: User | None = None, *, theme: str = "light", width: int = 1280, language: str = "en"
    ) -> Page:
        context = chrome.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,  # type: ignore[arg-type]
            locale=language,
            reduced_motion="reduce",
        )
        contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user)
            cookie = client.cookies[settings.SESSION_COOKIE_NAME]
            context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": site}])
        page = context.new_page()
        guard.watch(page)
        page.goto(site + path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not guard.faults


def accessibility_faults(page: Page) -> list[str]:
    """Return the violations of WCAG 2.2 A and AA that axe finds on the page as it is shown, in both themes.

    The second theme changes colours and nothing else, so only the rules about colours are asked again.
    """
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    is_dark = bool(page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches"))
    faults = _faults(page, {"type": "tag", "values": _RULES})
    page.emulate_media(color_scheme="light" if is_dark else "dark")
    faults += _faults(page, {"type": "rule", "values": _RULES_ABOUT_COLOURS})
    page.emulate_media(color_scheme="dark" if is_dark else "light")
    return faults


def _faults(page: Page, rules: dict[str, Any]) -> list[str]:
    result = page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", rules)
    return [
        f"{fault['id']}: {node['target']} {node['failureSummary']}"
        for fault in result["violations"]
        for node in fault["nodes"]
    ]
