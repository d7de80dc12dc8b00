"""People in Chromium at a running stack, who sign in as everybody does: by name and password."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

from tests.browser import Guard
from tests.site import Person

OpenWindow = Callable[[Person, str], Page]


@contextmanager
def windows(chrome: Browser) -> Iterator[OpenWindow]:
    """Yield `open(person, path)`, which signs in on the way to `path`; in the end nothing was amiss.

    Amiss are what `Guard` listens to and every answer of the server that admits a fault of its own.
    """
    guards: list[Guard] = []
    contexts = []

    def visit(person: Person, path: str) -> Page:
        context = chrome.new_context(
            viewport={"width": 1280, "height": 900}, locale="en", reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        guard = Guard(urlsplit(person.stack.url).netloc)
        guards.append(guard)
        guard.watch(page)
        page.on(
            "response",
            lambda answer: guard.faults.append(f"{answer.status} {answer.url}") if answer.status > 499 else 0,
        )
        page.goto(person.stack.url + path)
        page.get_by_label("User name").fill(person.name)
        page.get_by_label("Password").fill(person.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"**{path}")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [guard.faults for guard in guards] == [[]] * len(guards)
