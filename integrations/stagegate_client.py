"""A small client of this product's own REST interface, for scripts that ask for promotions."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from integrations.errors import IntegrationError

if TYPE_CHECKING:
    import requests

TIMEOUT = 10.0
PAUSE_SECONDS = 2.0
_NOT_FOUND, _CREATED = 404, 201


@dataclass(frozen=True)
class PromotionRequest:
    """A promotion as the product holds it: a request, until people have approved it.

    :ivar state: `open` while it waits for review
    :ivar url: its page
    """

    number: int
    model: str
    version: str
    to_stage: str
    state: str
    url: str

    def __str__(self) -> str:
        return f"{self.model} {self.version} to {self.to_stage}: {self.state}, see {self.url}"


class StagegateClient:
    """Asks a running product.

    :param url: address of its start page; `http` or `https`
    :param token: made on its settings page; never appears in an error
    :raises IntegrationError: permanent: the address is none
    """

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise IntegrationError(
                "The address of the product must be http(s), without credentials.", permanent=True
            )
        self.url = url.rstrip("/")
        self._token = token

    def open_promotion(
        self, model: str, version: int | str, to_stage: str, *, comment: str = "", patience: float = 0.0
    ) -> PromotionRequest:
        """Ask for a version to be moved to a stage.

        :param version: semantic version, or MLflow's number
        :param patience: seconds to wait for a version that the product does not know yet: it adopts what was
            registered in MLflow within half a minute
        :raises IntegrationError: permanent: refused, with the product's reason; temporary: out of reach
        """
        body = {"model": model, "version": str(version), "to": to_stage, "comment": comment}
        deadline = time.monotonic() + patience
        answer = self._post("/api/v1/promotions/", body)
        while answer.status_code == _NOT_FOUND and time.monotonic() + PAUSE_SECONDS < deadline:
            time.sleep(PAUSE_SECONDS)
            answer = self._post("/api/v1/promotions/", body)
        said = _json(answer)
        if answer.status_code != _CREATED:
            raise IntegrationError(
                f"The product refused the promotion ({answer.status_code}): {_reason(said)}",
                permanent=answer.status_code < 500,
            )
        try:
            return PromotionRequest(
                number=int(said["id"]),
                model=str(said["model"]),
                version=str(said["version"]),
                to_stage=str(said["to"]),
                state=str(said["state"]),
                url=f"{self.url}/promotions/{int(said['id'])}/",
            )
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrationError(
                f"{self.url} does not answer like this product ({type(error).__name__}).", permanent=True
            ) from None

    def _post(self, path: str, body: dict[str, Any]) -> requests.Response:
        import requests

        try:
            return requests.post(
                self.url + path,
                json=body,
                auth=_Token(self._token),
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise IntegrationError(
                f"The product at {self.url} cannot be reached ({type(error).__name__}).", permanent=False
            ) from None


class _Token:
    """As an `auth` object, because `requests` lets a `.netrc` entry override a plain header."""

    def __init__(self, token: str) -> None:
        self._value = f"Token {token}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _reason(said: dict[str, Any]) -> str:
    """Return what a problem document says: its sentence, and the messages about single fields."""
    fields = said.get("errors")
    told = [
        f"{name}: {' '.join(map(str, texts)) if isinstance(texts, list) else texts}"
        for name, texts in (fields.items() if isinstance(fields, dict) else ())
    ]
    return " ".join([str(said.get("detail") or "no reason given"), *told])[:1000]
