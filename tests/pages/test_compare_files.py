"""Files, parameters and environments of compared runs side by side."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import Role
from experiments.models import Run, RunFile, RunListing
from tests.people import make_user
from tests.run_file_contents import png, store
from tests.runs import NASTY, make_measured_run

pytestmark = pytest.mark.django_db

LOCK = "outs:\n- path: models\n  md5: {}\n"


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.VIEWER)
    client.force_login(user)
    return user


@pytest.fixture
def runs() -> list[Run]:
    made = [make_measured_run({}, name=name, params={"lr": lr}) for name, lr in (("one", "1"), ("two", "2"))]
    for number, run in enumerate(made):
        store(
            run,
            {
                "pipeline/dvc.lock": LOCK.format(str(number) * 32).encode(),
                "plots/confusion.csv": f"actual,predicted\na,a\na,b\nb,{'ab'[number]}\n".encode(),
                "plots/roc.png": png(),
                "plots/fake.png": f"<script>{NASTY}</script>".encode(),
                "model/requirements.txt": f"torch==2.{number}\nnumpy==2.4\n".encode(),
                "metadata/environment.json": json.dumps({"python": "3.11.7", "packages": {}}).encode(),
            },
        )
    store(other := make_measured_run({}, name="bare", params={"lr": "1"}), {})
    return [*made, other]


def address(runs: list[Run], rest: str = "", page: str = "/compare/files/") -> str:
    return f"{page}?runs={','.join(run.run_id for run in runs)}{rest}"


def test_parameters_are_compared_by_line(client: Client, someone: User, runs: list[Run]) -> None:
    page = client.get(address(runs))
    assert page.context["texts"].states == ("baseline", "differs", "same")
    html = page.content.decode()
    assert "<del>1</del>" in html
    assert "<ins>2</ins>" in html
    other = client.get(address(runs, f"&other={runs[2].run_id}"))
    assert other.context["texts"].diff.is_same


def test_a_file_is_compared_with_that_of_the_baseline(client: Client, someone: User, runs: list[Run]) -> None:
    page = client.get(address(runs, "&path=pipeline/dvc.lock"))
    assert page.context["texts"].states == ("baseline", "differs", "missing")
    assert (page.context["texts"].diff.added, page.context["texts"].diff.removed) == (1, 1)
    fragment = client.get(address(runs, "&path=pipeline/dvc.lock"), headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode()
    rest = client.get(address(runs, "&path=pipeline/dvc.lock", "/api/v1/compare/files/")).json()
    assert rest["states"] == ["baseline", "differs", "missing"]
    assert [line["kind"] for line in rest["lines"]] == ["same", "same", "removed", "added"]
    assert rest["environments"][1]["torch"] == "2.1"
    assert not rest["waiting"]


def test_matrices_and_images_stand_side_by_side(client: Client, someone: User, runs: list[Run]) -> None:
    matrices = client.get(address(runs, "&path=plots/confusion.csv")).context["matrices"]
    assert [matrix and matrix.total for _one, matrix in matrices] == [3, 3, None]
    html = client.get(address(runs, "&path=plots/roc.png")).content.decode()
    assert html.count("<img") == 2
    fake = client.get(address(runs, "&path=plots/fake.png")).content.decode()
    assert "<img" not in fake.partition("side-by-side")[2]
    assert NASTY not in fake
    # Beside each other, too, no browser is given an image that would fill its memory.
    RunFile.objects.filter(path="plots/roc.png").update(facts={"width": 10**5, "height": 10**5})
    assert "<img" not in client.get(address(runs, "&path=plots/roc.png")).content.decode()


def test_environments_differ_in_some_packages(client: Client, someone: User, runs: list[Run]) -> None:
    page = client.get(address(runs, "&what=environment"))
    rows = {line.row.key: line.row.values for line in page.context["lines"]}
    assert rows["torch"] == ("2.0", "2.1", None)
    both = client.get(address(runs[:2], "&what=environment"))
    assert [line.row.key for line in both.context["lines"]] == ["torch"]


def test_what_is_not_here_is_asked_for_and_awaited(client: Client, someone: User) -> None:
    new = [make_measured_run({}), make_measured_run({})]
    page = client.get(address(new, "&path=a.txt"))
    assert page.context["waits"]
    assert "data-poll" in page.content.decode()
    assert RunListing.objects.filter(asked_at__isnull=False).count() == 2
    store(new[0], {"a.txt": None})
    RunListing.objects.update(asked_at=None)
    assert client.get(address(new, "&path=a.txt")).context["waits"]
    assert RunFile.objects.get().state == "asked"


def test_nonsense_is_answered_calmly(client: Client, someone: User, runs: list[Run]) -> None:
    for rest in (
        f"&path={NASTY}",
        "&path=" + "x" * 3000,
        "&other=x",
        "&what=x",
        "&path=../../etc",
    ):
        page = client.get(address(runs, rest))
        assert page.status_code == 200
        assert NASTY not in page.content.decode()
    assert client.get("/compare/files/").status_code == 200
    assert client.get("/compare/files/?runs=x").status_code == 200
    assert client.get("/api/v1/compare/files/?runs=x").status_code == 422
    client.force_login(make_user())
    assert client.get(address(runs)).status_code == 403


def test_the_number_of_queries_does_not_grow(client: Client, someone: User, runs: list[Run]) -> None:
    def queries(some: list[Run], rest: str) -> int:
        client.get(address(some, rest))
        with CaptureQueriesContext(connection) as captured:
            client.get(address(some, rest))
        return len(captured)

    more = [make_measured_run({}) for _number in range(6)]
    for run in more:
        store(run, {"pipeline/dvc.lock": b"x", "model/requirements.txt": b"torch==1"})
    for rest in ("", "&path=pipeline/dvc.lock", "&what=environment"):
        assert queries(runs + more, rest) <= queries(runs, rest) <= 32
