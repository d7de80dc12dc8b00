"""The files of a run on its page: folders, previews that execute nothing, and what is not there yet."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from experiments import file_reading
from experiments.models import Run, RunFile, RunListing
from tests.people import make_user
from tests.run_file_contents import png, store
from tests.runs import NASTY
from tests.versions import make_run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def someone(client: Client) -> User:
    user = make_user(Role.VIEWER, username="someone")
    client.force_login(user)
    return user


@pytest.fixture
def run() -> Run:
    return make_run()


def show(client: Client, run: Run, path: str = "", **more: object) -> str:
    answer = client.get(f"/runs/{run.run_id}/files/", {"path": path, **more})
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_opening_the_tab_asks_and_the_page_says_so(client: Client, run: Run) -> None:
    html = show(client, run)
    assert "being read" in html
    assert "live-poll" in html
    assert RunListing.objects.get(run=run).asked_at


def test_folders_and_files_are_shown_one_level_at_a_time(client: Client, run: Run) -> None:
    store(run, {"a/b/c.txt": b"c", "a/d.txt": b"dd", "top.txt": b"t"})
    top, inside = show(client, run), show(client, run, "a")
    assert "a/</a>" in top
    assert "2 files" in top
    assert "top.txt" in top
    assert "d.txt" not in top
    assert "b/</a>" in inside
    assert "d.txt" in inside
    assert "top.txt" not in inside


def test_ten_thousand_files_are_paged(client: Client, run: Run) -> None:
    RunListing.objects.create(run=run, read_at=timezone.now(), final=True, count=10_000, complete=False)
    rows = [RunFile(run=run, path=f"{number:05}.txt", kind="text", size=1) for number in range(10_000)]
    RunFile.objects.bulk_create(rows)
    html = show(client, run, page="3")
    assert "00400.txt" in html
    assert "00600.txt" not in html
    assert "more files than are listed" in html


def test_a_content_that_is_not_there_is_asked_for(client: Client, run: Run) -> None:
    store(run, {"a.txt": None})
    assert "fetches this file" in show(client, run, "a.txt")
    assert RunFile.objects.get().state == "asked"


def test_text_has_numbered_lines_and_is_shown_in_windows(client: Client, run: Run) -> None:
    store(run, {"log.txt": b"".join(b"line %d\n" % number for number in range(1, 2501))})
    html = show(client, run, "log.txt")
    assert '<li id="L1000"><a href="#L1000">1000</a><span>line 1000</span></li>' in html
    assert "L1001" not in html
    assert "1 to 1000 of 2500" in html
    assert 'id="L2500"' in show(client, run, "log.txt", **{"from": "2001"})
    assert "ends before" in show(client, run, "log.txt", **{"from": "9999"})


def test_a_table_shows_its_rows(client: Client, run: Run) -> None:
    rows = b"".join(b'%d,"a, b",%d\n' % (number, number * 2) for number in range(150))
    store(run, {"t.csv": b"id,text,double\n" + rows})
    html = show(client, run, "t.csv")
    assert '<th scope="col" class="num">double</th>' in html
    assert "a, b" in html
    assert "1 to 100 of 150" in html
    assert "a, b" in show(client, run, "t.csv", look="text")


def test_a_confusion_matrix_is_a_table_with_heat(client: Client, run: Run) -> None:
    store(run, {"plots/confusion.csv": b"actual,predicted\n1,1\n1,1\n1,2\n2,2\n"})
    html = show(client, run, "plots/confusion.csv")
    assert 'data-heat="6" data-right' in html
    assert "75.0 % of 4" in html


def test_json_can_be_folded_and_keeps_its_numbers(client: Client, run: Run) -> None:
    store(run, {"m.json": b'{"a": 1.00, "b": {"c": [1e400, true, null]}, "d": []}'})
    html = show(client, run, "m.json")
    assert "1.00" in html
    assert "1e400" in html
    assert "<details" in html


def test_an_image_is_shown_by_what_it_is(client: Client, run: Run) -> None:
    store(run, {"a.png": png(), "b.png": b"<script>alert(1)</script>", "c.txt": png(), "huge.png": png()})
    RunFile.objects.filter(path="huge.png").update(facts={"width": 100_000, "height": 100_000})
    assert "<img" in show(client, run, "a.png")
    assert "<img" in show(client, run, "c.txt")
    assert "<img" not in show(client, run, "b.png")
    html = show(client, run, "huge.png")
    assert "<img" not in html
    assert "too large to be shown" in html


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
        ("x.html", b"<script>alert(1)</script><img src=x onerror=alert(1)>"),
        ("x.md", b"<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)>"),
        ("x.json", json.dumps({NASTY: NASTY}).encode()),
        ("x.csv", f"{NASTY},b\n{NASTY},1\n".encode()),
        ("confusion.csv", f"actual,predicted\n{NASTY},{NASTY}\n".encode()),
    ],
)
def test_nothing_in_a_file_is_rendered(client: Client, run: Run, name: str, data: bytes) -> None:
    store(run, {name: data})
    html = show(client, run, name)
    for hostile in ("<script>alert", "<img src=x", "<svg xmlns", 'javascript:alert(1)"'):
        assert hostile not in html


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("deep.json", b"[" * 5000 + b"]" * 5000, "too deeply"),
        ("wide.json", json.dumps(list(range(5000))).encode(), "too many values"),
        ("no.json", b"{", "Expecting"),
        ("long.json", b"1" * 10_000, "1111"),
        ("open.csv", b'a,b\n"' + b"x" * 200_000, "field larger"),
        ("empty.csv", b"\n", "no rows"),
        ("confusion.csv", b"a,b,c\n1,2\n", "not a square"),
        (
            "confusion_big.csv",
            b"actual,predicted\n" + b"".join(b"%d,0\n" % n for n in range(99)),
            "60 classes",
        ),
        ("broken.png", png()[:12], "is broken"),
        ("bomb.zip", b"PK\x03\x04" + b"\0" * 100, "no text and no image"),
        ("x.pkl", b"\x80\x04K\x01.", "no text and no image"),
        ("empty.txt", b"", "is empty"),
        ("control.txt", b"\x1b[31mred\x07", "red"),
        ("utf16.txt", "안녕".encode("utf-16"), "안녕"),
        ("latin.txt", b"caf\xe9", "no text and no image"),
    ],
)
def test_what_cannot_be_laid_out_says_why(
    client: Client, run: Run, name: str, data: bytes, said: str
) -> None:
    store(run, {name: data})
    assert said in show(client, run, name)


def test_what_is_kept_is_saved_and_never_run(client: Client, run: Run) -> None:
    files = {"a.png": png(), "x.html": b"<script>", "손실 곡선.txt": b"text", 'q".bin': b"\0\1"}
    store(run, files)
    kinds = {"a.png": "image/png", "x.html": "text/plain", "손실 곡선.txt": "text/plain"}
    for path, data in files.items():
        answer = client.get(f"/runs/{run.run_id}/files/raw/", {"path": path})
        assert answer.content == data
        assert answer["Content-Type"].startswith(kinds.get(path, "application/octet-stream"))
        assert answer["Content-Disposition"].startswith("attachment;")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"


@pytest.mark.parametrize(
    "path", ["../a.txt", "/etc/passwd", "a.txt/..", "%2e%2e/a.txt", NASTY, "x" * 5000, "C:\\a", "🙂"]
)
def test_paths_that_lead_elsewhere_are_not_there(client: Client, run: Run, path: str) -> None:
    store(run, {"a.txt": b"a"})
    assert client.get(f"/runs/{run.run_id}/files/", {"path": path}).status_code in (200, 404)
    assert client.get(f"/runs/{run.run_id}/files/raw/", {"path": path}).status_code == 404
    answer = client.get(f"/api/v1/runs/{run.run_id}/files/content/", {"path": path})
    assert answer.status_code == 404


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30, "\u0663"])
def test_a_place_that_is_none_is_the_first(client: Client, run: Run, number: str) -> None:
    store(run, {"a.txt": b"one"})
    assert "L1" in show(client, run, "a.txt", **{"from": number})


def test_a_failure_is_told_beside_what_is_known(client: Client, run: Run) -> None:
    store(run, {"a.txt": b"known"})
    said = {"problem": "MLflow at x cannot be reached.", "failed_at": timezone.now()}
    RunListing.objects.filter(run=run).update(**said)
    assert "cannot be reached" in show(client, run)
    html = show(client, run, "a.txt")
    assert "known" in html
    assert "cannot be reached" in html


def test_reading_again_is_asked_for_by_a_link(client: Client, run: Run) -> None:
    store(run, {"a.txt": b"a"})
    answer = client.get(f"/runs/{run.run_id}/files/?path=a.txt&again=1")
    assert answer["Location"] == f"/runs/{run.run_id}/files/?path=a.txt"
    listing = RunListing.objects.get()
    assert listing.asked_at
    assert listing.renew


def test_over_rest_files_are_listed_and_read(client: Client, run: Run) -> None:
    address = f"/api/v1/runs/{run.run_id}/files/"
    assert client.get(address).status_code == 202
    RunListing.objects.all().delete()
    store(run, {"a/b.txt": b"hello", "a.png": png(), "later.txt": None})
    body = client.get(address).json()
    assert [one["path"] for one in body["files"]] == ["a.png", "a/b.txt", "later.txt"]
    assert [one["path"] for one in client.get(address, {"under": "a"}).json()["files"]] == ["a/b.txt"]
    assert client.get(f"{address}content/", {"path": "a/b.txt"}).json()["text"] == "hello"
    assert client.get(f"{address}content/", {"path": "a.png"}).json()["base64"].startswith("iVBOR")
    waiting = client.get(f"{address}content/", {"path": "later.txt"})
    assert (waiting.status_code, waiting["Retry-After"]) == (202, "1")
    assert client.get(f"{address}content/").status_code == 422


def test_what_trips_the_reader_is_not_read_for_ever(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    store(run, {"a.txt": None})
    RunFile.objects.update(state="asked", asked_at=timezone.now())
    monkeypatch.setattr(file_reading, "head", lambda *_: 1 / 0)
    file_reading.read_asked()
    assert RunFile.objects.get().problem == "It could not be read (ZeroDivisionError)."
