"""People at a running stack: made on the command line, then at work in pages or over REST."""

import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from django.conf import settings

from accounts.roles import Role
from tests.stack import Stack

TERMINAL = {"succeeded", "failed", "cancelled"}
_SECONDS = 30  # that one answer may take on a busy machine


@dataclass(frozen=True)
class Person:
    """Somebody with an account on a stack."""

    stack: Stack
    name: str
    password: str

    def visit(self) -> "Visit":
        """Sign in by the form and return the session."""
        visit = Visit(self.stack.url)
        answer = visit.post("/sign-in/", {"username": self.name, "password": self.password})
        assert answer.status_code == 302, answer.status_code
        return visit

    def rest(self) -> "Rest":
        """Make a token on the settings page and return a client that uses it."""
        page = self.visit().post("/settings/tokens/", {"name": "tests", "days": "30"})
        found = re.search(r"<code>(stg_[\w-]+)</code>", page.text)
        assert found, page.status_code
        return Rest(self.stack.url, found[1])


def make_person(stack: Stack, name: str, role: Role) -> Person:
    """Create somebody with a made-up password through `manage.py create_user`."""
    command = [sys.executable, "manage.py", "create_user", name, "--role", role, "--random-password"]
    done = subprocess.run(
        command, cwd=settings.BASE_DIR, env=stack.env, check=True, capture_output=True, text=True
    )
    return Person(stack, name, done.stdout.strip().rpartition("Password: ")[2])


@dataclass
class Visit:
    """A session in the pages without a browser."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str) -> requests.Response:
        """Return the page at `path`."""
        return self.session.get(self.url + path, timeout=_SECONDS)

    def post(self, path: str, data: dict[str, str]) -> requests.Response:
        """Send a form, protected as the product's own pages do it; follow no redirect."""
        if "csrftoken" not in self.session.cookies:
            self.get("/sign-in/")
        return self.session.post(
            self.url + path,
            data,
            headers={"X-CSRFToken": self.session.cookies["csrftoken"]},
            allow_redirects=False,
            timeout=_SECONDS,
        )


class Rest:
    """The REST interface with a token, as a script uses it."""

    def __init__(self, url: str, token: str) -> None:
        self.url = f"{url}/api/v1"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Token {token}"

    def ask(self, path: str) -> requests.Response:
        """Return the answer to GET `path`, whatever it is."""
        return self.session.get(self.url + path, timeout=_SECONDS)

    def get(self, path: str) -> Any:
        """Return what is at `path`."""
        answer = self.ask(path)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send `body` and return the answer to it."""
        answer = self.session.post(self.url + path, json=body, timeout=_SECONDS)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def launch(self, repository: str, params: dict[str, Any], note: str = "", **more: Any) -> int:
        """Run a pipeline with `params`; return the number of the job."""
        body = {"kind": "pipeline", "repository": repository, "params": params, "note": note, **more}
        return int(self.post("/jobs/", body)["id"])

    def job(self, number: int) -> dict[str, Any]:
        """Return a job as it is now."""
        found: dict[str, Any] = self.get(f"/jobs/{number}/")
        return found

    def ended(self, number: int, state: str = "succeeded", seconds: float = 180) -> dict[str, Any]:
        """Wait until a job has ended, which must be in `state`; return it."""
        deadline = time.monotonic() + seconds
        while (job := self.job(number))["state"] not in TERMINAL:
            assert time.monotonic() < deadline, f"job #{number} is still {job['state']}: {job['error']}"
            time.sleep(0.3)
        assert job["state"] == state, f"job #{number}: {job['error']}"
        return job

    def follow_up(self, number: int, kind: str, state: str = "succeeded") -> dict[str, Any]:
        """Wait for the end of the job of `kind` that job `number` asked for; return it."""
        rows = [self.job(one) for one in self.job(number)["follow_ups"]]
        [found] = [row for row in rows if row["kind"] == kind]
        return self.ended(found["id"], state)


def connect_repository(administrator: Person, rest: Rest, name: str, source: Path) -> None:
    """Connect a repository by the form and wait until it was fetched."""
    sent = administrator.visit().post("/repositories/connect/", {"name": name, "url": str(source)})
    assert sent.status_code == 302, sent.status_code
    deadline = time.monotonic() + 60
    while not any(row["name"] == name and row["fetched_at"] for row in rest.get("/repositories/")["results"]):
        assert time.monotonic() < deadline, f"{name} was not fetched"
        time.sleep(0.2)
