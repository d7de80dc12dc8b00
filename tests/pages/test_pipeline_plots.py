"""Plots on the page of a commit's pipeline: drawn, beside those of the base, and never as markup."""

import base64
import json
import re
import struct
from hashlib import sha256
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from experiments.models import Job, Repository
from lineage.models import HistoryCommit, PlotFile
from lineage.plot_records import FileState, PlotRecord, PlottedFile, SeriesRecord
from tests.history import make_plots
from tests.jobs import make_repository
from tests.pages.test_repository_lineage import NASTY, repository, someone  # noqa: F401 - fixtures
from tests.people import make_user
from tests.run_file_contents import png

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
    assert cached == "big.csv DVC keeps it, not Git, and it has not been read yet."


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


WAITING = PlottedFile(FileState.CACHED, source="a" * 32)
FAILED = PlottedFile(FileState.FAILED, source="b" * 32, reason="The remote cannot be reached (Timeout).")


@pytest.fixture
def unread(commits: tuple[HistoryCommit, HistoryCommit]) -> tuple[HistoryCommit, HistoryCommit]:
    """The two commits, with a file that DVC keeps and nobody read."""
    make_plots(commits[0], [CACHED], {"big.csv": FAILED})
    make_plots(commits[1], [CACHED, CURVE], {"big.csv": WAITING, FILE: NOW})
    return commits


def test_what_dvc_keeps_can_be_had_read(client: Client, unread: tuple[HistoryCommit, HistoryCommit]) -> None:
    first, second = unread
    html = page(client)
    assert "DVC keeps 2 files of these plots, and they are not here yet." in html
    (address,) = re.findall(r'<form method="post" action="([^"]+plots/[^"]+)"', html)
    answer = client.post(address.replace("&amp;", "&"), follow=True)
    assert answer.redirect_chain[-1][0] == f"{PAGE}?ref={second.sha}&base={first.sha}#plots"
    job = Job.objects.get()
    assert (job.kind, job.payload["commits"]) == ("read_plots", [second.sha, first.sha])
    assert f"Job #{job.pk} reads them now." in answer.content.decode()
    # The same again is the same job.
    client.post(address.replace("&amp;", "&"))
    assert Job.objects.count() == 1


def test_the_page_asks_until_the_plots_are_read_and_shows_them_then(
    client: Client, unread: tuple[HistoryCommit, HistoryCommit]
) -> None:
    address = f"{PAGE}plots/?ref={unread[1].sha}&base={unread[0].sha}"
    htmx = {"HX-Request": "true"}
    asked = client.post(address, headers=htmx).content.decode()
    waiting = client.get(address, headers=htmx)
    assert asked.startswith('<div class="note plots-reading"')
    assert "data-poll" in waiting.content.decode()
    assert "HX-Retarget" not in waiting.headers
    Job.objects.update(state="succeeded")
    make_plots(unread[1], [CURVE], {FILE: NOW})
    make_plots(unread[0], [CURVE], {FILE: BEFORE})
    read = client.get(address, headers=htmx)
    assert read.headers["HX-Retarget"] == "#plots"
    assert len(panels(read.content.decode())) == 1
    assert "plots-reading" not in read.content.decode()


def test_who_may_not_have_plots_read_is_told_so(
    client: Client, unread: tuple[HistoryCommit, HistoryCommit]
) -> None:
    client.force_login(make_user(Role.VIEWER))
    html = page(client)
    assert re.search(r"<button[^>]* disabled>.*?Read plots</button> <span class=\"btn-reason\">", html)
    address = f"{PAGE}plots/?ref={unread[1].sha}"
    assert client.post(address).status_code == 403
    assert Client().post(address).status_code == 302
    assert client.get(f"{PAGE}plots/?ref=nowhere").status_code == 404
    assert not Job.objects.exists()


def test_why_a_file_was_not_read_is_said_of_the_commit_and_of_its_base(
    client: Client, unread: tuple[HistoryCommit, HistoryCommit]
) -> None:
    html = page(client, f"{PAGE}?ref={unread[0].sha}")
    assert panels(html) == ["big.csv The remote cannot be reached (Timeout)."]
    assert "1 file that DVC keeps could not be read." in html
    assert 'id="read-plots"' in html
    make_plots(unread[1], [CACHED], {"big.csv": NOW})
    (words,) = panels(page(client))
    assert words.endswith("big.csv Before: The remote cannot be reached (Timeout).")


def test_a_folder_is_drawn_file_by_file_beside_that_of_the_base(
    client: Client, commits: tuple[HistoryCommit, HistoryCommit]
) -> None:
    record = PlotRecord("live", series=(SeriesRecord("live", "epoch"),))
    inside = f"live/{NASTY}.csv"
    for commit, text in zip(commits, (BEFORE, NOW), strict=True):
        whole = PlottedFile(FileState.FOLDER, reason="1 of its 2 files", members=(inside,))
        make_plots(commit, [record], {"live": whole, inside: text})
    html = page(client)
    assert NASTY not in html
    assert len(panels(html)) == 2
    assert [one["name"] for one in chart(client, html)["data"]] == ["cer before", "cer"]
    # Of a folder that was not read the base has none of its files.
    make_plots(commits[0], [record], {"live": FAILED})
    words = panels(page(client))[0]
    assert words.endswith("Before: The remote cannot be reached (Timeout).")


def test_reading_is_asked_for_and_counted_over_rest(
    client: Client, unread: tuple[HistoryCommit, HistoryCommit]
) -> None:
    base = "/api/v1/repositories/foreign/pipeline/"
    found = client.get(base).json()
    assert found["unread_plot_files"] == 2
    assert [note["message"] for note in found["plots"][0]["notes"]] == [
        "DVC keeps it, not Git, and it has not been read yet."
    ]
    answer = client.post(f"{base}plots/")
    job = Job.objects.get()
    assert (answer.status_code, answer.json()) == (202, {"job": job.pk, "state": "queued"})
    assert answer.headers["Location"].endswith(f"/jobs/{job.pk}/")
    assert job.payload["commits"] == [unread[1].sha, unread[0].sha]
    assert client.post(f"{base}plots/?ref=nowhere").status_code == 404


def test_unread_plots_take_no_more_queries_than_a_few(
    client: Client, unread: tuple[HistoryCommit, HistoryCommit]
) -> None:
    def queries(count: int) -> int:
        names = [f"{number}.csv" for number in range(count)]
        records = [PlotRecord(name, series=(SeriesRecord(name),)) for name in names]
        kept = PlottedFile(FileState.KEPT, "c" * 32, source="c" * 32)
        for commit in unread:
            make_plots(commit, records, {**dict.fromkeys(names, WAITING), names[-1]: kept})
        with CaptureQueriesContext(connection) as captured:
            page(client)
        return len(captured)

    queries(8)
    assert queries(8) == queries(2) <= 19


PICTURE = PlotRecord("live/picture.png", series=(SeriesRecord("live/picture.png"),))


def picture(commit: HistoryCommit, content: bytes) -> str:
    """Give a commit a plot that is an image; return the object that holds it."""
    oid = sha256(content).hexdigest()
    PlotFile.objects.create(
        repository=commit.repository, oid=oid, packed=content, size=len(content), media="png"
    )
    make_plots(commit, [PICTURE], {"live/picture.png": PlottedFile(FileState.KEPT, oid)})
    return oid


def test_an_image_is_shown_beside_that_of_the_base_and_does_nothing_else(
    client: Client, commits: tuple[HistoryCommit, HistoryCommit]
) -> None:
    before, now = (picture(commit, png(number + 3)) for number, commit in enumerate(commits))
    html = page(client)
    addresses = [f"{PAGE}images/{oid}/" for oid in (now, before)]
    assert re.findall(r'<img src="([^"]+)"', html) == addresses
    assert panels(html) == ["live/picture.png In this commit Before live/picture.png"]
    for address in (addresses[0], f"/api/v1{addresses[0]}"):
        answer = client.get(address)
        assert (answer.content, answer.headers["Content-Type"]) == (png(4), "image/png")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    (found,) = client.get("/api/v1/repositories/foreign/pipeline/").json()["plots"]
    assert found["images"] == [{"path": "live/picture.png", "object": now, "before": before}]


def test_nothing_but_an_image_of_this_repository_has_the_address_of_one(
    client: Client, commits: tuple[HistoryCommit, HistoryCommit]
) -> None:
    oid = picture(commits[1], png())
    text = sha256(BEFORE.encode()).hexdigest()
    make_repository("other")
    for address in (
        f"{PAGE}images/{text}/",
        f"{PAGE}images/none/",
        f"/repositories/other/pipeline/images/{oid}/",
        f"/api/v1/repositories/other/pipeline/images/{oid}/",
    ):
        assert client.get(address).status_code == 404
    assert Client().get(f"{PAGE}images/{oid}/").status_code == 302
    assert Client().get(f"/api/v1{PAGE}images/{oid}/").status_code == 401
