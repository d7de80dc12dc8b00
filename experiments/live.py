"""Pages that renew themselves: named parts, rendered once for the page and again for each poll.

The page holds its parts and one hidden element that polls. An answer to a poll brings only the parts that
changed since (told by digests in its address), put in their places out of band, and the next poll; if nothing
changed it is empty, so a reader's focus, selection and scroll position stay where they are.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

_DIGEST = 12
_SEEN = "seen"


@dataclass(frozen=True)
class Part:
    """A piece of a page.

    :ivar name: id of its element
    :ivar template: what is in it; nothing random (such as a CSRF token) may be
    :ivar tag: the element around it: within a table it has to be ``tbody``
    :ivar look: its classes
    """

    name: str
    template: str
    tag: str = "div"
    look: str = ""

    @property
    def key(self) -> str:
        """The name as templates can write it."""
        return self.name.replace("-", "_")


class Live:
    """The parts of one page for one request.

    :param context: what their templates need
    :param every: seconds between two polls; 0 when there is nothing to wait for any more
    :param address: where the page is, if that is not where the request went
    """

    def __init__(
        self,
        request: HttpRequest,
        parts: Sequence[Part],
        context: Mapping[str, Any],
        *,
        every: int,
        address: str = "",
    ) -> None:
        self.context = dict(context)
        self._request = request
        self._parts = parts
        self._every = every
        self._address = address or _address(request)

    @staticmethod
    def polls(request: HttpRequest) -> bool:
        """Say whether `request` is the poll of a page that is shown already."""
        return "HX-Request" in request.headers and _SEEN in request.GET

    @property
    def is_poll(self) -> bool:
        """Whether this request is a poll."""
        return self.polls(self._request)

    @cached_property
    def parts(self) -> dict[str, SafeString]:
        """The elements of the page, by `Part.key`."""
        return {part.key: self._element(part, SafeString("")) for part in self._parts}

    @property
    def poll(self) -> SafeString:
        """The element that polls; belongs anywhere in the page."""
        if not self._every:
            return SafeString("")
        glue = "&" if "?" in self._address else "?"
        return format_html(
            '<div class="live-poll" hidden data-poll hx-get="{}" hx-trigger="{}" hx-swap="outerHTML"'
            ' hx-select=".live-poll"></div>',
            f"{self._address}{glue}{urlencode({_SEEN: '.'.join(self._digests.values())})}",
            f"load delay:{self._every}s, poll delay:{self._every}s",
        )

    def answer(self) -> HttpResponse:
        """Return the answer to a poll."""
        seen = self._request.GET.get(_SEEN, "").split(".")
        now = self._digests
        changed = [part for part in self._parts if now[part.name] not in seen]
        if not changed and self._every:
            # 204 swaps nothing; the event makes the element that asked poll again.
            response = HttpResponse(status=204, headers={"HX-Trigger": "poll"})
        else:
            oob = SafeString(' hx-swap-oob="true"')
            # A <tbody> may stand only in a table or a template.
            pieces = [(self._element(part, oob),) for part in changed]
            response = HttpResponse(self.poll + format_html_join("", "<template>{}</template>", pieces))
        add_never_cache_headers(response)
        return response

    def _element(self, part: Part, attribute: SafeString) -> SafeString:
        return format_html(
            '<{tag} id="{id}"{look}{attribute}>{body}</{tag}>',
            tag=part.tag,
            id=part.name,
            look=format_html(' class="{}"', part.look) if part.look else "",
            attribute=attribute,
            body=self._bodies[part.name],
        )

    @cached_property
    def _bodies(self) -> dict[str, SafeString]:
        return {
            part.name: render_to_string(part.template, self.context, self._request) for part in self._parts
        }

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {
            name: hashlib.sha256(f"{name}:{body}".encode()).hexdigest()[:_DIGEST]
            for name, body in self._bodies.items()
        }


def _address(request: HttpRequest) -> str:
    query = request.GET.copy()
    query.pop(_SEEN, None)
    return f"{request.path}?{query.urlencode()}" if query else request.path
