"""Plots on the page of a commit's pipeline: drawn, beside those of the base, and never as markup."""

import base64
import json
import re
import struct
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from experiments.models import Repository
from lineage.models import HistoryCommit
from lineage.plot_records import FileState, PlotRecord, SeriesRecord
from tests.history import make_plots
from tests.pages.test_repository_lineage import NASTY, repository, someone  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db

PAGE = "/repositories/foreign/pipeline/"
FILE = "plots/history.csv"
CURVE = PlotRecord(FILE, "Training", series=(SeriesRecord(FILE, "epoch", "cer"),))
MATRIX = PlotRecord("digits.csv", template="confusion", series=(SeriesRecord("digits.csv"),))
CACHED = PlotRecord("big.csv", series=(SeriesRecord("big.csv"),))
NOW = "epoch,cer\n1,0.5\n2,0.25\n"
BEFORE = "epoch,cer\n1,0.75\n2,0.625\n"
SAMPLES = "actual,predicted\n7,7\n7,1\n"


@pytest.fixture
def commits(repository: Repository) -> tuple[HistoryCommit, HistoryCommit]:  # noqa: F811
    """The two commits of the repository, with plots that differ."""
    first, second = repository.history.order_by("committed_at")
    records = [CURVE, MATRIX, CACHED]
    make_plots(first, records, {FILE: BEFORE, "digits.csv": SAMPLES, "big.csv": FileState.CACHED})
    make_plots(second, records, {FILE: NOW, "digits.csv": SAMPLES, "big.csv": FileState.CACHED})
    return first, second


def page(client: Client, address: str = PAGE) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def panels(html: str) -> list[str]:
    """Return the words of each plot's panel."""
    found = re.findall(r'<section class="panel curve[^"]*" id="plot-.*?</section>', html, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in found]


def chart(client: Client, html: str) -> Any:
    """Return the figure of the only chart of a page."""
    (address,) = re.findall(r'data-chart-url="([^"]+)"', html)
    response = client.get(address.replace("&amp;", "&"))
    assert response.headers["Content-Type"] == "application/json"
    return response.json()


def numbers(packed: dict[str, str]) -> list[float]:
    data = base64.b64decode(packed["bdata"])
    return list(struct.unpack(f"<{len(data) // 8}d", data))


def test_lines_of_the_commit_and_of_its_base_are_drawn(
    client: Client, commits: tuple[HistoryCommit, HistoryCommit]
) -> None:
    html = page(client)
    assert "in this commit and dashed in the one it is compared with; the table follows" in html
    figure = chart(client, html)
    lines = [
        (one["name"], one["line"]["dash"], numbers(one["x"]), numbers(one["y"])) for one in figure["data"]
    ]
    assert lines == [
        ("cer before", "dash", [1, 2], [0.75, 0.625]),
        ("cer", "solid", [1, 2], [0.5, 0.25]),
    ]


def test_a_commit_without_a_base_has_its_own_lines_alone(
    client: Client, commits: tuple[HistoryCommit, HistoryCommit]
) -> None:
    html = page(client, f"{PAGE}?ref={commits[0].sha}")
    assert [numbers(one["y"]) for one in chart(client, html)["data"]] == [[0.75, 0.625]]
    assert "dashed" not in html


def test_any_other_commit_can_be_the_base(
    client: Client, commits: tuple[HistoryCommit, HistoryCommit]
) -> None:
    html = page(client, f"{PAGE}?ref={commits[0].sha}&base={commits[1].sha}")
    assert [numbers(one["y"]) for one in chart(client, html)["data"]] == [[0.5, 0.25], [0.75, 0.625]]


def test_a_matrix_is_a_table_and_what_is_not_here_says_why(
    client: Client, commits: tuple[HistoryCommit, HistoryCommit]
) -> None:
    curve, matrix, cached = panels(page(client))
    assert curve.startswith("Training Table Open the table plots/history.csv")
    assert matrix.startswith("digits.csv unchanged true / predicted 1 7 Sum 1 0 0 0 7 1 1 2")
    assert cached == "big.csv DVC keeps it, not Git, so it is not read here."


def test_a_matrix_that_changed_is_beside_the_one_before(
    client: Client, commits: tuple[HistoryCommit, HistoryCommit]
) -> None:
    make_plots(commits[1], [MATRIX], {"digits.csv": "actual,predicted\n7,7\n"})
    html = page(client)
    (words,) = panels(html)
    assert words.startswith("digits.csv In this commit true / predicted 7 Sum 7 1 1")
    assert "Before true / predicted 1 7 Sum 1 0 0 0 7 1 1 2" in words
    places = re.findall(r' id="([^"]+)"', html)
    assert len(places) == len(set(places))


def test_the_table_has_both_lines_without_a_script_and_as_a_file(
    client: Client, commits: tuple[HistoryCommit, HistoryCommit]
) -> None:
    (address,) = re.findall(r'<a href="([^"]+/points/[^"]+)">', page(client))
    address = address.replace("&amp;", "&")
    words = " ".join(re.sub(r"<[^>]+>", " ", page(client, address).partition("<main")[2]).split())
    assert "epoch cer cer before 1 0.5000 0.7500 2 0.2500 0.6250" in words
    fragment = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert fragment.startswith('<div class="curve-points">')
    file = client.get(f"{address}&format=csv")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert b"".join(file).decode().splitlines()[:2] == ["epoch,cer,cer before", "1,0.5,0.75"]


def test_a_long_table_is_shown_in_pages(client: Client, commits: tuple[HistoryCommit, HistoryCommit]) -> None:
    long = "epoch,cer\n" + "".join(f"{n},0.5\n" for n in range(250))
    make_plots(commits[1], [CURVE], {FILE: long})
    address = f"{PAGE}plots/1/points/?ref={commits[1].sha}"
    assert page(client, address).count("<tr>") == 101
    assert "249" in page(client, f"{address}&page=3")


@pytest.mark.parametrize(
    "query",
    ["plots/0/", "plots/2/", "plots/4/", "plots/1/?ref=nowhere", "plots/9/points/", "plots/2/points/"],
)
def test_what_is_not_drawn_as_lines_has_no_figure(
    client: Client, commits: tuple[HistoryCommit, HistoryCommit], query: str
) -> None:
    assert client.get(f"{PAGE}plots/1/").status_code == 200
    assert client.get(f"{PAGE}{query}").status_code == 404
    make_plots(commits[1], [CURVE], {FILE: NOW})
    assert client.get(f"{PAGE}plots/0/").status_code == 404


def test_nobody_sees_plots_without_signing_in(commits: tuple[HistoryCommit, HistoryCommit]) -> None:
    for path in ("plots/1/", "plots/1/points/"):
        assert Client().get(f"{PAGE}{path}").status_code == 302


def test_text_of_plots_is_only_text(client: Client, commits: tuple[HistoryCommit, HistoryCommit]) -> None:
    samples = f"actual,predicted\n{NASTY},{NASTY}\n"
    records = [
        PlotRecord(NASTY, NASTY, NASTY, NASTY, series=(SeriesRecord(NASTY, NASTY, "y"),)),
        PlotRecord("m.csv", template="confusion", series=(SeriesRecord("m.csv"),)),
        PlotRecord("t.csv", template=NASTY, series=(SeriesRecord("t.csv", "a", NASTY),)),
        PlotRecord("n.csv", series=(SeriesRecord("n.csv", "a", NASTY),)),
    ]
    files = {NASTY: f"y,{NASTY}\n1,2\n", "m.csv": samples, "t.csv": NOW, "n.csv": NOW}
    make_plots(commits[1], records, files)
    html = page(client)
    assert len(panels(html)) == 4
    assert "There is no column &lt;img" in html
    table = page(client, f"{PAGE}plots/1/points/")
    assert NASTY not in html + table
    assert "<" not in json.dumps(chart(client, html))


def test_a_page_takes_no_more_queries_for_more_plots(
    client: Client, commits: tuple[HistoryCommit, HistoryCommit]
) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            page(client, address)
        return len(captured)

    def with_plots(count: int) -> int:
        names = [f"{number}.csv" for number in range(count)]
        records = [PlotRecord(name, series=(SeriesRecord(name),)) for name in names]
        for number, commit in enumerate(commits):
            make_plots(commit, records, {name: f"a,b\n{name[0]},{number}\n" for name in names})
        return queries(PAGE)

    queries(PAGE)
    assert with_plots(8) == with_plots(1) <= 16
    assert queries(f"{PAGE}plots/1/?base={commits[0].sha}") <= 12


def test_a_commit_whose_plots_were_not_read_says_so(
    client: Client, commits: tuple[HistoryCommit, HistoryCommit]
) -> None:
    sentence = "The plots of this commit have not been read."
    assert sentence not in page(client)
    HistoryCommit.objects.update(plots=None)
    assert sentence in page(client)


def test_plots_are_in_the_answer_of_rest(
    client: Client, commits: tuple[HistoryCommit, HistoryCommit]
) -> None:
    found = client.get("/api/v1/repositories/foreign/pipeline/").json()["plots"]
    assert [one["look"] for one in found] == ["lines", "matrix", "nothing"]
    assert found[0]["lines"] == [
        {
            "name": "cer",
            "path": "plots/history.csv",
            "x": "epoch",
            "points": [[1.0, 0.5], [2.0, 0.25]],
            "before": [[1.0, 0.75], [2.0, 0.625]],
        }
    ]
    assert found[1]["matrix"] == {"labels": ["1", "7"], "counts": [[0, 0], [1, 1]]}
    assert (found[1]["unchanged"], found[1]["matrix_before"]) == (True, None)
    assert [note["path"] for note in found[2]["notes"]] == ["big.csv"]
